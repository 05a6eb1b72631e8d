/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel, what this process may, and the folders that the daemon uses. */
#include "probe.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "instance_lock.h"
#include "kprobe.h"
#include "pins.h"

/* The kernel's types: its own, or those of --btf. */
static struct btf *load_types(const char *path)
{
	struct btf *btf = path[0] ? btf__parse(path, NULL) : btf__load_vmlinux_btf();

	return libbpf_get_error(btf) ? NULL : btf;
}

/* Each tracepoint has a type for its programs. */
static bool has_tracepoints(const struct btf *btf)
{
	static const char *const names[] = {
		"btf_trace_neigh_update_done", "btf_trace_neigh_timer_handler",
		"btf_trace_neigh_cleanup_and_release",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (btf__find_by_name_kind(btf, names[i], BTF_KIND_TYPEDEF) < 0)
			return false;
	return true;
}

static void check_types(struct probe *probe)
{
	const char *path = probe->options->btf;
	struct btf *own = load_types(""), *given = path[0] ? load_types(path) : NULL;

	if (own)
		probe_add(probe, "btf", PROBE_GOOD, NULL, "of the kernel");
	else
		probe_add(probe, "btf", PROBE_LESS, path[0] ? NULL :
			  "a kernel with CONFIG_DEBUG_INFO_BTF, or --btf FILE, made by "
			  "scripts/minimal-btf", "none");
	if (path[0])
		probe_add(probe, "btf file", given ? PROBE_GOOD : PROBE_LESS, given ? NULL :
			  "a file made by scripts/minimal-btf", "%s%s", path,
			  given ? "" : ": it has no types");
	if (own)
		probe_add(probe, "tracepoints", has_tracepoints(own) ? PROBE_GOOD : PROBE_LESS,
			  has_tracepoints(own) ? NULL : "a kernel with the neigh tracepoints: 5.1 "
			  "or later, with CONFIG_TRACEPOINTS", has_tracepoints(own) ?
			  "neigh_update_done, neigh_timer_handler, neigh_cleanup_and_release" :
			  "those of neighbours are missing");
	else
		probe_add(probe, "tracepoints", PROBE_UNKNOWN, "to load a program tells: see below",
			  "the kernel's types would tell");
	btf__free(given);
	btf__free(own);
}

/* To ask takes CAP_BPF: without it all answers are no. */
static void check_bpf(struct probe *probe, const char *name, bool is_there, const char *version)
{
	if (is_there)
		probe_add(probe, name, PROBE_GOOD, NULL, "can be used");
	else if (!probe->machine.may_use_bpf)
		probe_add(probe, name, PROBE_UNKNOWN, "CAP_BPF, with which it can be asked",
			  "the kernel does not say");
	else
		probe_add(probe, name, PROBE_LESS, version, "not there");
}

static void check_kprobes(struct probe *probe)
{
	const struct machine *machine = &probe->machine;

	if (!machine->has_kprobes)
		probe_add(probe, "kprobes", PROBE_LESS, "CONFIG_KPROBES, CONFIG_KPROBE_EVENTS and "
			  "CONFIG_PERF_EVENTS; of use where tracepoints are not", "none");
	else if (!machine->has_notify_function)
		probe_add(probe, "kprobes", PROBE_LESS, "a kernel that has not inlined it",
			  "no function " KPROBE_FUNCTION);
	else
		probe_add(probe, "kprobes", PROBE_GOOD, NULL, "on " KPROBE_FUNCTION);
}

static void check_unprivileged(struct probe *probe)
{
	int value = machine_switch("unprivileged_bpf_disabled");

	if (value < 0)
		probe_add(probe, "unprivileged_bpf_disabled", PROBE_UNKNOWN, NULL, "not readable");
	else
		probe_add(probe, "unprivileged_bpf_disabled", PROBE_GOOD, NULL, "%d", value);
}

void probe_kernel(struct probe *probe)
{
	const struct machine *machine = &probe->machine;
	bool is_confidential = !strcmp(machine->lockdown, "confidentiality");
	struct utsname name;

	if (!uname(&name))
		probe_add(probe, "kernel", PROBE_GOOD, NULL, "%s %s", name.release, name.machine);
	if (!machine->has_bpf)
		probe_add(probe, "bpf", PROBE_LESS, "a kernel with CONFIG_BPF_SYSCALL",
			  "no such system call");
	check_types(probe);
	check_bpf(probe, "ring buffer", machine->has_ring_buffer, "a kernel of 5.8 or later");
	check_bpf(probe, "atomics", machine->has_atomics, "a kernel of 5.12 or later");
	check_kprobes(probe);
	if (machine->lockdown[0])
		probe_add(probe, "lockdown", is_confidential ? PROBE_LESS : PROBE_GOOD,
			  is_confidential ? "lockdown=integrity, for sources other than tp_btf" :
			  NULL, "%s", machine->lockdown);
	else
		probe_add(probe, "lockdown", PROBE_UNKNOWN, NULL, "the kernel does not say");
	check_unprivileged(probe);
}

void probe_privileges(struct probe *probe)
{
	static const struct {
		const char *name;
		unsigned int capability;
		const char *worth;
	} wanted[] = {
		{ "CAP_BPF", CAP_BPF, "to load: without it, netlink is listened to" },
		{ "CAP_PERFMON", CAP_PERFMON, "to attach: without it, netlink is listened to" },
		{ "CAP_NET_ADMIN", CAP_NET_ADMIN, "for receive buffers beyond net.core.rmem_max" },
		{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN, "for --netns, and to mount bpffs" },
		{ "CAP_SETUID", CAP_SETUID, "for --user" },
	};
	struct rlimit limit;

	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		bool is_held = capng_have_capability(CAPNG_EFFECTIVE, wanted[i].capability);
		bool is_implied = !is_held && i < 2 &&
				  capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);

		probe_add(probe, wanted[i].name, is_held || is_implied ? PROBE_GOOD : PROBE_LESS,
			  is_held || is_implied ? NULL : wanted[i].worth, "%s",
			  is_held ? "held" : is_implied ? "by CAP_SYS_ADMIN" : "missing");
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	/* atomics are 5.12's: then BPF's memory is the cgroup's */
	if (limit.rlim_cur == RLIM_INFINITY)
		probe_add(probe, "memlock", PROBE_GOOD, NULL, "unlimited");
	else
		probe_add(probe, "memlock", PROBE_GOOD, NULL, "%" PRIu64 " KiB, which kernels "
			  "since 5.11 do not charge BPF to", (uint64_t)limit.rlim_cur / 1024);
}

static bool is_writable(const char *path)
{
	return !faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS);
}

/* That folder, or the one where it would be made. */
static void check_folder(struct probe *probe, const char *name, const char *path,
			 const char *parent, const char *hint)
{
	bool is_there = !access(path, F_OK) || errno == EACCES;
	bool is_good = is_writable(is_there ? path : parent);

	probe_add(probe, name, is_good ? PROBE_GOOD : PROBE_LESS, is_good ? NULL : hint, "%s%s",
		  path, is_good ? is_there ? " can be written" : " can be made" :
		  " cannot be written");
}

void probe_folders(struct probe *probe)
{
	struct statfs status;

	if (statfs(PINS_BPFFS, &status) || (unsigned long)status.f_type != BPF_FS_MAGIC)
		probe_add(probe, "bpffs", PROBE_LESS, "mount -t bpf bpf " PINS_BPFFS ", so that "
			  "programs are pinned for the next start (CAP_SYS_ADMIN does it)",
			  "not mounted");
	else
		check_folder(probe, "bpffs", PINS_ROOT, PINS_BPFFS,
			     "a bpffs that this user may write, for the next start to be quick");
	check_folder(probe, "locks", INSTANCE_LOCK_FOLDER, "/run",
		     "make it, for this user: nothing else keeps two daemons from one instance");
}

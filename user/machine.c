/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features of the kernel are tried out, as versions say little of kernels to which
 * others have brought them back. */
#include "machine.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kprobe.h"

/* Of "none [integrity] confidentiality" the word in brackets. */
static void read_lockdown(char *word, size_t bytes)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";
	const char *open_bracket;

	word[0] = '\0';
	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && (open_bracket = strchr(line, '[')))
		snprintf(word, bytes, "%.*s", (int)strcspn(open_bracket + 1, "]"),
			 open_bracket + 1);
	fclose(file);
}

int machine_switch(const char *name)
{
	char path[128];
	FILE *file;
	int value;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (fscanf(file, "%d", &value) != 1 || value < 0)
		value = -EINVAL;
	fclose(file);
	return value;
}

/* By name: addresses are hidden from those without privileges, names are not. */
static bool has_function(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	size_t length = strlen(name);
	bool is_there = false;
	char line[512];

	/* "address type name", a hundred thousand of them */
	while (file && !is_there && fgets(line, sizeof(line), file)) {
		const char *space = strrchr(line, ' ');

		is_there = space && !strncmp(space + 1, name, length) &&
			   strchr("\t\n", space[1 + length]);
	}
	if (file)
		fclose(file);
	return is_there;
}

static bool has_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool is_there = !libbpf_get_error(btf);

	if (is_there)
		btf__free(btf);
	return is_there;
}

/* A program that does a compare-and-swap on its stack: r0 = 0; *(u64 *)(r10 - 8) = 0;
 * r1 = 0; lock cmpxchg of r10 - 8 with r1; r0 = 0; exit. */
static bool has_atomics(void)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_1, .off = -8, .imm = BPF_CMPXCHG },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", program,
			       sizeof(program) / sizeof(*program), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_bpf(void)
{
	/* of a descriptor that cannot be: EBADF, or EPERM, wherever there is the call */
	return bpf_map_get_fd_by_id(0) >= 0 || errno != ENOSYS;
}

static bool may(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) ||
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

void machine_look(struct machine *machine)
{
	*machine = (struct machine){
		.has_bpf = has_bpf(),
		.has_btf = has_btf(),
		.has_ring_buffer = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) > 0,
		.has_atomics = has_atomics(),
		.has_kprobes = kprobe_is_there(),
		.has_notify_function = has_function(KPROBE_FUNCTION),
	};
	read_lockdown(machine->lockdown, sizeof(machine->lockdown));
	capng_get_caps_process();
	machine->may_use_bpf = may(CAP_BPF);
	machine->may_trace = may(CAP_PERFMON);
}

static const char *missing_capability(const struct machine *machine)
{
	if (machine->may_use_bpf && machine->may_trace)
		return NULL;
	if (machine->may_use_bpf)
		return "CAP_PERFMON";
	return machine->may_trace ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON";
}

const char *machine_bpf_obstacle(const struct machine *machine)
{
	const char *capability = missing_capability(machine);

	if (!machine->has_bpf)
		return "a kernel with CONFIG_BPF_SYSCALL";
	if (capability)
		return capability;
	if (!machine->has_ring_buffer)
		return "a kernel with BPF ring buffers: 5.8 or later";
	if (!machine->has_atomics)
		return "a kernel with atomic operations in BPF: 5.12 or later";
	return NULL;
}

const char *machine_obstacle(const struct machine *machine, enum option_source kind,
			     const char *btf)
{
	bool has_types = machine->has_btf || btf[0];
	const char *obstacle = machine_bpf_obstacle(machine);

	if (kind == OPTION_SOURCE_NETLINK)
		return NULL;
	if (obstacle)
		return obstacle;
	if (kind == OPTION_SOURCE_TP_BTF)
		return machine->has_btf ? NULL : "a kernel with BTF: CONFIG_DEBUG_INFO_BTF";
	if (!strcmp(machine->lockdown, "confidentiality"))
		return "a kernel that is not locked down for confidentiality";
	if (!has_types)
		return "the types of this kernel, which has no BTF of its own: --btf FILE, "
		       "made by scripts/minimal-btf";
	if (kind == OPTION_SOURCE_RAW_TP)
		return NULL;
	if (!machine->has_kprobes)
		return "a kernel with CONFIG_KPROBES, CONFIG_KPROBE_EVENTS and CONFIG_PERF_EVENTS";
	return machine->has_notify_function ? NULL :
	       "a kernel in which the function " KPROBE_FUNCTION " was not inlined";
}

void machine_explain(const struct machine *machine, enum option_source kind, const char *btf,
		     int error, char why[MACHINE_WHY_BYTES])
{
	const char *needed = machine_obstacle(machine, kind, btf);

	if (error == -ENOMEM)
		snprintf(why, MACHINE_WHY_BYTES,
			 "a smaller --ring-size or --map-size needs less memory");
	else if (needed)
		snprintf(why, MACHINE_WHY_BYTES, "needs %s", needed);
	else if (error == -EPERM || error == -EACCES)
		snprintf(why, MACHINE_WHY_BYTES,
			 "it is refused by seccomp, a security module or the container");
	else
		snprintf(why, MACHINE_WHY_BYTES,
			 "no hint is known; --log-level info shows what libbpf says");
}

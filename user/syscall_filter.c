/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that is not in the tables fails with ENOSYS, for which C libraries have a way
 * round when a new version of theirs tries a new call, and the kernel's log tells of it
 * (type=1326). Calls that nothing but somebody else's code would make end the process.
 *
 * glibc starts its resolver's threads by clone3(), whose flags lie in memory where no
 * filter sees them, unless that fails with ENOSYS. That is no news, so it is refused by a
 * filter of its own whose refusals are not logged.
 */
#include "syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "log.h"

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* Not every name is a call on every architecture. */
static const char *const loop_calls[] = {
	/* waiting, and the time */
	"epoll_wait", "epoll_pwait", "epoll_ctl", "poll", "ppoll", "nanosleep", "clock_nanosleep",
	"clock_gettime", "clock_getres", "gettimeofday", "time", "restart_syscall",
	/* descriptors */
	"read", "readv", "pread64", "write", "writev", "close", "lseek", "fcntl", "dup",
	"fstat", "newfstatat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2",
	"readlink", "readlinkat", "getdents64", "sendfile",
	/* connections, and what the resolver asks */
	"connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown",
	"accept", "accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"uname", "getuid", "geteuid", "getgid", "getegid", "getpid", "getppid", "gettid",
	"getrandom", "sysinfo", "getrusage",
	/* memory and threads */
	"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "futex_time64",
	"set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "prlimit64", "getrlimit",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "clone3",
	/* the end: what is pinned, sockets' files, and abort() */
	"unlink", "unlinkat", "rmdir", "tgkill", "exit", "exit_group",
};

static const char *const start_calls[] = {
	"openat", "open", "ioctl", "bpf", "setns", "perf_event_open", "mkdir", "mkdirat", "flock",
	"statfs", "fstatfs", "inotify_init1", "inotify_add_watch", "pidfd_open", "epoll_create1",
	"fchmod", "ftruncate", "memfd_create",
};

#ifdef NEIGHTRACK_INSTRUMENTED
/* What sanitizers look for leaks and print stacks with, and what coverage is written by. */
static const char *const instrument_calls[] = {
	"openat", "open", "clone", "ptrace", "prctl", "wait4", "kill", "tkill", "pipe2", "dup2",
	"dup3", "execve", "process_vm_readv", "mkdir", "flock", "umask", "getcwd", "ioctl",
	"ftruncate", "rt_sigtimedwait", "getpgrp", "getdents", "sched_setaffinity",
};
#endif

/* Commands of bpf(2) on maps that are open. */
static const unsigned int map_commands[] = {
	BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_BATCH, BPF_OBJ_GET_INFO_BY_FD,
};

static const int socket_domains[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

#ifndef NEIGHTRACK_INSTRUMENTED
static const char *const hostile_calls[] = {
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "init_module",
	"finit_module", "kexec_load", "kexec_file_load", "userfaultfd", "keyctl", "add_key",
};
#endif

/* Names that an architecture, or this libseccomp, does not have are left out. */
static int add_list(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number != __NR_SCMP_ERROR)
			error = seccomp_rule_add(filter, action, number, 0);
	}
	return error;
}

static int add_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition);
}

static int add_conditions(scmp_filter_ctx filter)
{
	/* nothing is ever opened to be written */
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
	int error = add_if(filter, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

	if (!error)
		error = add_if(filter, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	/* threads, not processes, and no namespaces */
	if (!error)
		error = add_if(filter, "clone",
			       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NEWUSER,
				       CLONE_THREAD));
	/* by which the resolver learns how long an answer is */
	if (!error)
		error = add_if(filter, "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	for (size_t i = 0; !error && i < COUNT(socket_domains); i++)
		error = add_if(filter, "socket",
			       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)socket_domains[i], 0));
	for (size_t i = 0; !error && i < COUNT(map_commands); i++)
		error = add_if(filter, "bpf", SCMP_A0(SCMP_CMP_EQ, map_commands[i], 0));
	return error;
}

static int add_calls(scmp_filter_ctx filter, bool starts_again)
{
	int error = add_list(filter, SCMP_ACT_ALLOW, loop_calls, COUNT(loop_calls));

	if (!error && starts_again)
		error = add_list(filter, SCMP_ACT_ALLOW, start_calls, COUNT(start_calls));
#ifdef NEIGHTRACK_INSTRUMENTED
	if (!error)
		error = add_list(filter, SCMP_ACT_ALLOW, instrument_calls,
				 COUNT(instrument_calls));
#else
	if (!error)
		error = add_list(filter, SCMP_ACT_KILL_PROCESS, hostile_calls,
				 COUNT(hostile_calls));
#endif
	return error ? error : add_conditions(filter);
}

static int set_attributes(scmp_filter_ctx filter, bool logs)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, logs);

	/* the one thread that there is, and any that there should not be */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* no foreign code runs here that speculation could serve */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	/* no long list of comparisons on kernels that do not remember what is allowed */
	return error ? error : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static int refuse_clone3(void)
{
	const char *const names[] = { "clone3" };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter ? set_attributes(filter, false) : -ENOMEM;

	if (!error)
		error = add_list(filter, SCMP_ACT_ERRNO(ENOSYS), names, COUNT(names));
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

static int allow_calls(bool starts_again)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error = filter ? set_attributes(filter, true) : -ENOMEM;

	if (!error)
		error = add_calls(filter, starts_again);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

int syscall_filter_load(bool starts_again)
{
	int error = refuse_clone3();

	if (!error)
		error = allow_calls(starts_again);
	if (error)
		log_warning("cannot restrict system calls: %s (needs CONFIG_SECCOMP_FILTER; "
			    "--seccomp off does without a word)", strerror(-error));
	else
		log_info("seccomp: system calls that the daemon has no use for are refused");
	return error;
}

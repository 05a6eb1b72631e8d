/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process has used of the machine. */
#ifndef NEIGHTRACK_BENCH_USAGE_H
#define NEIGHTRACK_BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct bench_usage {
	uint64_t cpu_ns;		/* of the threads that live */
	uint64_t wakeups;		/* the main thread slept and was woken */
	uint64_t preemptions;		/* it would have gone on, and another ran */
	uint64_t resident_bytes;
};

/* Exact for a process that sleeps meanwhile. 0 or -errno. */
int bench_usage_read(pid_t pid, struct bench_usage *usage);

/* The same, as soon as the process has come to rest (or after a fifth of a second). */
int bench_usage_at_rest(pid_t pid, struct bench_usage *usage);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that a benchmark starts, watches and ends. */
#ifndef NEIGHTRACK_BENCH_PROCESS_H
#define NEIGHTRACK_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_process {
	pid_t pid;		/* 0: none runs */
	int log_fd;		/* its stderr */
	size_t used;
	char log[16384];	/* the last of what it said */
};

/* arguments: as for execvp(). Returns 0 or -errno. */
int bench_process_start(struct bench_process *process, char *const *arguments);

/* Waits until it has said these words, and forgets what it said up to their end.
 * Returns 0; -ETIMEDOUT; -EINTR; or -ECHILD if it ended. */
int bench_process_await(struct bench_process *process, const char *words, uint32_t timeout_ms);

/* SIGTERM, and SIGKILL if that does not help. Returns its exit code, or -1. */
int bench_process_stop(struct bench_process *process);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often the daemon and its libraries allocate, by user/preload/allocation_counter.c. */
#ifndef NEIGHTRACK_BENCH_ALLOCATIONS_H
#define NEIGHTRACK_BENCH_ALLOCATIONS_H

#include <limits.h>
#include <stdint.h>

#define BENCH_ALLOCATIONS_VARIABLE "NEIGHTRACK_ALLOCATION_COUNTS"

struct bench_allocation_counts {
	uint64_t allocations;
	uint64_t releases;
};

/* Zero-initialise. */
struct bench_allocations {
	struct bench_allocation_counts *counts;		/* NULL: they are not counted */
	char file[96];
	/* for the environment of what is counted */
	char preload[PATH_MAX + sizeof("LD_PRELOAD=")];
	char variable[sizeof(BENCH_ALLOCATIONS_VARIABLE) + 96];
};

/* From the next start of the daemon on, with a file in the folder. Returns 0 also when
 * the counting library does not lie beside this program, or -errno. */
int bench_allocations_begin(struct bench_allocations *allocations, const char *folder);
void bench_allocations_free(struct bench_allocations *allocations);

#endif

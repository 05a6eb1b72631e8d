/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bar that a terminal shows while benchmarks run: which run of how many, and how far it
 * is. On anything else than a terminal it is silent. */
#ifndef NEIGHTRACK_BENCH_PROGRESS_H
#define NEIGHTRACK_BENCH_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct bench_progress {
	const char *scenario, *variant;
	size_t run, runs;		/* runs that are over, and all of them */
	uint64_t shown_ns;
};

/* share: of the run that is under way, 0 to 1. Draws ten times a second at most, so that
 * it may be called for each change that is made. */
void bench_progress_show(struct bench_progress *progress, double share);
void bench_progress_hide(void);

#endif

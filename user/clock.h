/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one clock: CLOCK_MONOTONIC, which the BPF programs stamp records with too. */
#ifndef NEIGHTRACK_CLOCK_H
#define NEIGHTRACK_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The same to 4 ms or so, for a fraction of its cost. */
static inline uint64_t clock_coarse_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long things took: counts by powers of two of a microsecond, each divided in
 * eight, so that a percentile is known to an eighth of its value. Memory and cost of
 * an addition are fixed.
 */
#ifndef NEIGHTRACK_HISTOGRAM_H
#define NEIGHTRACK_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 8u		/* in a power of two */
#define HISTOGRAM_OCTAVES 28u		/* up to 2^28 us, four minutes */

struct histogram {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t most_ns;
	uint64_t counts[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *histogram, uint64_t value_ns);

/* The least ns that a share (0 to 1) of the values does not exceed, rounded up to the
 * end of its step; 0 if there is none. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double share);

/* How many of the values are less than this, which must be a power of two above 8. */
uint64_t histogram_count_below_us(const struct histogram *histogram, uint64_t limit_us);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "histogram.h"

#include "clock.h"

#define BUCKETS (HISTOGRAM_OCTAVES * HISTOGRAM_STEPS)
#define STEP_BITS 3

_Static_assert(HISTOGRAM_STEPS == 1u << STEP_BITS, "a step is the bits behind the first");

/* Up to sixteen each microsecond has a bucket; from there on each power of two has eight. */
static unsigned int bucket_of(uint64_t value_us)
{
	unsigned int octave, bucket;

	if (value_us < 2 * HISTOGRAM_STEPS)
		return (unsigned int)value_us;
	octave = 63u - (unsigned int)__builtin_clzll(value_us);
	bucket = (octave - STEP_BITS) * HISTOGRAM_STEPS +
		 (unsigned int)(value_us >> (octave - STEP_BITS));
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The first value, in us, that is past the bucket. */
static uint64_t end_of(unsigned int bucket)
{
	unsigned int octave = bucket / HISTOGRAM_STEPS;
	uint64_t step = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS;

	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket + 1;
	return (step + 1) << (octave - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
	histogram->count++;
	histogram->sum_ns += value_ns;
	if (value_ns > histogram->most_ns)
		histogram->most_ns = value_ns;
	histogram->counts[bucket_of(value_ns / NS_PER_US)]++;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)histogram->count);
	uint64_t seen = 0;

	if (!histogram->count)
		return 0;
	if (wanted >= histogram->count)
		return histogram->most_ns;
	for (unsigned int i = 0; i < BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen > wanted && end_of(i) * NS_PER_US < histogram->most_ns)
			return end_of(i) * NS_PER_US;
		if (seen > wanted)
			break;
	}
	return histogram->most_ns;
}

uint64_t histogram_count_below_us(const struct histogram *histogram, uint64_t limit_us)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < bucket_of(limit_us); i++)
		count += histogram->counts[i];
	return count;
}

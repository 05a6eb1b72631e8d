/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long one change takes: from before it is given to the kernel until a
 * subscriber of Redis has been told; and beside it a bare SET's round trip. */
#ifndef NEIGHTRACK_BENCH_LATENCY_H
#define NEIGHTRACK_BENCH_LATENCY_H

#include "bench_result.h"
#include "bench_world.h"

/* `samples` changes of one neighbour each, `rate` a second, round and round the first
 * `neighbours`, which must be in Redis. Fills in percentiles in microseconds. 0 or -errno. */
int bench_latency(struct bench_world *world, uint32_t neighbours, uint32_t rate,
		  uint32_t samples, struct bench_result *result);

#endif

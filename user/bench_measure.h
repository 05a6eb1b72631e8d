/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scenarios have in common: waiting until Redis is right, and the figures. */
#ifndef NEIGHTRACK_BENCH_MEASURE_H
#define NEIGHTRACK_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_programs.h"
#include "bench_redis.h"
#include "bench_result.h"
#include "bench_usage.h"
#include "bench_world.h"

/* What the daemon has counted since its start. */
struct bench_counts {
	int64_t submitted, suppressed, lost, missed, dumps;
	int64_t sets, deletes, redis_commands, redis_bytes;
};

/* What daemon and Redis had done at a moment when the daemon was at rest. */
struct bench_watch {
	struct bench_usage daemon, redis;
	uint64_t redis_writes;		/* by its own account */
	struct bench_programs programs;		/* if the world counts them */
	bool has_programs;
	uint64_t allocations;
	struct bench_counts counts;
	uint64_t time_ns;
};

/* Where no daemon runs yet: all that the next one does from its start on. */
int bench_watch_begin(struct bench_world *world, struct bench_watch *begin);
/* Figures of what was done since, for `events` changes. 0 or -errno. */
int bench_watch_end(struct bench_world *world, const struct bench_watch *begin, uint64_t events,
		    struct bench_result *result);

/* Until Redis has that many keys. *done_ns: when. 0, -ETIMEDOUT, -EINTR or -errno. */
int bench_await_count(struct bench_world *world, int64_t count, uint64_t *done_ns);

/* Neighbours 0 to count - 1: those below `turn` have `generation`, the others the one before. */
struct bench_expected {
	uint32_t count;
	uint32_t turn;
	uint8_t generation;
};

int bench_compare(struct bench_world *world, const struct bench_expected *expected,
		  struct bench_difference *difference);
/* Until there is no difference; what is left of one after two minutes is in *difference. */
int bench_await_equal(struct bench_world *world, const struct bench_expected *expected,
		      struct bench_difference *difference, uint64_t *done_ns);

void bench_report_difference(struct bench_result *result,
			     const struct bench_difference *difference);
/* The floor is the larger of the two, each 0 if it has no meaning. */
void bench_report_time(struct bench_result *result, double seconds, double kernel_seconds,
		       double writer_seconds);

/* Applies the change to the first `count` neighbours. *seconds, unless NULL: how long
 * the kernel takes. 0 or -errno. */
int bench_change_all(struct bench_world *world, enum bench_change change, uint32_t count,
		     uint8_t generation, double *seconds);

#endif

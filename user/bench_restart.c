/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A start of the daemon when all is in Redis already: nothing must be written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench_measure.h"
#include "bench_pace.h"
#include "bench_scenario.h"
#include "clock.h"
#include "listing.h"

/* The least that a start can take: one dump, and one reading of Redis. */
static int measure_floor(struct bench_world *world, double *kernel_seconds,
			 double *redis_seconds)
{
	struct listing listing = { 0 };
	struct options options;
	uint64_t start_ns;
	int error = options_init(&options);

	if (error)
		return error;
	free(options.netns);
	free(options.redis);
	options.schema = (enum option_schema)world->schema.kind;
	options.netns = strdup(world->name);
	options.redis = strdup(world->options.redis);
	if (!options.netns || !options.redis) {
		options_free(&options);
		return -ENOMEM;
	}
	start_ns = clock_now_ns();
	error = listing_from_kernel(&listing, &options);
	*kernel_seconds = bench_since(start_ns);
	start_ns = clock_now_ns();
	if (!error)
		error = listing_from_redis(&listing, &options);
	*redis_seconds = bench_since(start_ns);
	listing_free(&listing);
	options_free(&options);
	return error;
}

int bench_run_warm_restart(struct bench_world *world, const struct bench_options *options,
			   struct bench_result *result)
{
	const struct bench_expected expected = { .count = options->neighbours,
						 .turn = options->neighbours };
	double kernel_seconds, redis_seconds, seconds;
	struct bench_difference difference;
	struct bench_watch begin;
	int error = bench_change_all(world, BENCH_SET, options->neighbours, 0, NULL);

	if (!error)
		error = bench_world_start_daemon(world, options->neighbours, NULL);
	if (!error)
		error = bench_world_stop_daemon(world);
	if (!error && world->schema.kind == SCHEMA_SONIC)
		error = bench_redis_consume(world->connection, &world->schema);
	if (!error)
		error = measure_floor(world, &kernel_seconds, &redis_seconds);
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = bench_world_start_daemon(world, options->neighbours, &seconds);
	if (!error)
		error = bench_watch_end(world, &begin, options->neighbours, result);
	if (!error)
		error = bench_compare(world, &expected, &difference);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, seconds, kernel_seconds, redis_seconds);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes as fast as the kernel takes them: new neighbours, deleted and changed ones. */
#include <errno.h>

#include "bench_measure.h"
#include "bench_pace.h"
#include "bench_scenario.h"
#include "clock.h"

static int measure_writer(struct bench_world *world, bool is_delete, uint32_t count,
			  double *seconds)
{
	return bench_redis_floor(world->connection, &world->schema, &world->population, is_delete,
				 count, seconds);
}

/* The same changes with nothing attached, and the same commands by a bare writer. */
static int measure_floors(struct bench_world *world, uint32_t count, double *kernel_seconds,
			  double *writer_seconds)
{
	int error = bench_change_all(world, BENCH_SET, count, 0, kernel_seconds);

	if (!error)
		error = bench_world_reset(world);
	if (!error)
		error = measure_writer(world, false, count, writer_seconds);
	return error ? error : bench_world_reset(world);
}

int bench_measure_burst(struct bench_world *world, uint32_t events, struct bench_watch *begin,
			struct bench_result *result)
{
	const struct bench_expected expected = { .count = events, .turn = events };
	struct bench_difference difference = { 0 };
	double kernel_seconds, writer_seconds;
	uint64_t done_ns = 0;
	int error = measure_floors(world, events, &kernel_seconds, &writer_seconds);

	if (!error)
		error = bench_world_start_daemon(world, events, NULL);
	if (!error)
		error = bench_watch_begin(world, begin);
	if (!error)
		error = bench_change_all(world, BENCH_SET, events, 0, NULL);
	if (!error)
		error = bench_await_count(world, events, &done_ns);
	if (!error || error == -ETIMEDOUT)
		error = bench_compare(world, &expected, &difference);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, (double)(done_ns - begin->time_ns) / 1e9, kernel_seconds,
			  writer_seconds);
	bench_result_set(result, "events_per_second",
			 events / bench_result_get(result, "seconds"));
	return 0;
}

int bench_run_burst(struct bench_world *world, const struct bench_options *options,
		    struct bench_result *result)
{
	struct bench_watch begin;
	int error = bench_measure_burst(world, options->events, &begin, result);

	return error ? error : bench_watch_end(world, &begin, options->events, result);
}

static int measure_delete_floors(struct bench_world *world, uint32_t count,
				 double *kernel_seconds, double *writer_seconds)
{
	double seconds;
	int error = bench_change_all(world, BENCH_SET, count, 0, NULL);

	if (!error)
		error = bench_change_all(world, BENCH_DELETE, count, 0, kernel_seconds);
	if (!error)
		error = measure_writer(world, false, count, &seconds);
	return error ? error : measure_writer(world, true, count, writer_seconds);
}

int bench_run_delete(struct bench_world *world, const struct bench_options *options,
		     struct bench_result *result)
{
	const struct bench_expected expected = { 0 };	/* whatever is left is a ghost */
	struct bench_difference difference = { 0 };
	double kernel_seconds, writer_seconds;
	struct bench_watch begin;
	uint64_t done_ns = 0;
	int error = measure_delete_floors(world, options->neighbours, &kernel_seconds,
					  &writer_seconds);

	if (!error)
		error = bench_change_all(world, BENCH_SET, options->neighbours, 0, NULL);
	if (!error)
		error = bench_world_start_daemon(world, options->neighbours, NULL);
	if (!error)
		error = bench_await_count(world, options->neighbours, &done_ns);
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = bench_change_all(world, BENCH_DELETE, options->neighbours, 0, NULL);
	if (error)
		return error;
	error = bench_await_count(world, 0, &done_ns);
	if (!error || error == -ETIMEDOUT)
		error = bench_compare(world, &expected, &difference);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, (double)(done_ns - begin.time_ns) / 1e9, kernel_seconds,
			  writer_seconds);
	return bench_watch_end(world, &begin, options->neighbours, result);
}

/* All neighbours in turn, `changes` times. */
static int move_all(struct bench_world *world, const struct bench_options *options,
		    double *seconds)
{
	uint64_t start_ns = clock_now_ns();
	int error = 0;

	for (uint32_t i = 1; !error && i <= options->changes; i++)
		error = bench_change_all(world, BENCH_SET, options->neighbours, (uint8_t)i, NULL);
	*seconds = bench_since(start_ns);
	return error;
}

int bench_run_moves(struct bench_world *world, const struct bench_options *options,
		    struct bench_result *result)
{
	const struct bench_expected expected = { options->neighbours, options->neighbours,
						 (uint8_t)options->changes };
	double kernel_seconds, writer_seconds, seconds;
	struct bench_difference difference;
	struct bench_watch begin;
	uint64_t done_ns = 0;
	int error = bench_change_all(world, BENCH_SET, options->neighbours, 0, NULL);

	if (!error)
		error = move_all(world, options, &kernel_seconds);
	if (!error)
		error = bench_change_all(world, BENCH_SET, options->neighbours, 0, NULL);
	if (!error)
		error = measure_writer(world, false, options->neighbours, &writer_seconds);
	if (!error)
		error = bench_world_start_daemon(world, options->neighbours, NULL);
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = move_all(world, options, &seconds);
	if (!error)
		error = bench_await_equal(world, &expected, &difference, &done_ns);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, (double)(done_ns - begin.time_ns) / 1e9, kernel_seconds,
			  writer_seconds);
	return bench_watch_end(world, &begin, (uint64_t)options->neighbours * options->changes,
			       result);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_latency.h"
#include "clock.h"
#include "listing.h"
#include "log.h"

#define LIMIT_NS (120 * NS_PER_S)
#define LOOK_US 500
#define TICKS_A_SECOND 100u

static double since(uint64_t start_ns)
{
	return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* Until Redis has that many keys. 0 or -errno. */
static int await_count(struct bench_world *world, int64_t count)
{
	uint64_t deadline_ns = clock_now_ns() + LIMIT_NS;
	int64_t there;

	while ((there = bench_redis_count(world->connection)) != count) {
		if (there < 0)
			return (int)there;
		if (clock_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		usleep(LOOK_US);
	}
	return 0;
}

/* Until all neighbours have that generation's MACs, or the time is over. */
static int await_equal(struct bench_world *world, uint32_t count, uint8_t generation,
		       struct bench_difference *difference)
{
	uint64_t deadline_ns = clock_now_ns() + LIMIT_NS;
	int error;

	do {
		error = bench_redis_compare(world->connection, &world->schema, BENCH_INTERFACE,
					    count, generation, difference);
	} while (!error && (difference->missing || difference->wrong) &&
		 clock_now_ns() < deadline_ns);
	return error;
}

static void report_difference(struct bench_result *result,
			      const struct bench_difference *difference)
{
	bench_result_set(result, "missing", (double)difference->missing);
	bench_result_set(result, "wrong", (double)difference->wrong);
}

static void report_time(struct bench_result *result, double seconds, double kernel_seconds,
			double writer_seconds)
{
	double floor_seconds = kernel_seconds > writer_seconds ? kernel_seconds : writer_seconds;

	bench_result_set(result, "seconds", seconds);
	bench_result_set(result, "kernel_floor_seconds", kernel_seconds);
	bench_result_set(result, "writer_floor_seconds", writer_seconds);
	bench_result_set(result, "floor_seconds", floor_seconds);
	bench_result_set(result, "floor_ratio", seconds / floor_seconds);
}

/* What daemon and Redis have done since `begin`. */
struct watch {
	struct bench_usage daemon, redis;
	struct bench_commands commands;
	int64_t submitted, lost, suppressed;
	uint64_t start_ns;
};

static int look(struct bench_world *world, struct watch *watch)
{
	int error = bench_process_usage(&world->daemon, &watch->daemon);

	if (!error)
		error = bench_process_usage(&world->redis, &watch->redis);
	if (!error)
		error = bench_redis_commands(world->connection, &watch->commands);
	watch->submitted = bench_world_statistic(world, "submitted");
	watch->suppressed = bench_world_statistic(world, "suppressed");
	watch->lost = bench_world_statistic(world, "lost");
	watch->start_ns = clock_now_ns();
	return error;
}

static int report_usage(struct bench_world *world, const struct watch *begin,
			struct bench_result *result)
{
	double seconds = since(begin->start_ns);
	struct watch end = { 0 };
	int error = look(world, &end);

	bench_result_set(result, "daemon_cpu_seconds",
			 end.daemon.cpu_seconds - begin->daemon.cpu_seconds);
	bench_result_set(result, "daemon_cpu_share",
			 (end.daemon.cpu_seconds - begin->daemon.cpu_seconds) / seconds);
	bench_result_set(result, "redis_cpu_seconds",
			 end.redis.cpu_seconds - begin->redis.cpu_seconds);
	bench_result_set(result, "daemon_wakeups",
			 (double)(end.daemon.wakeups - begin->daemon.wakeups));
	bench_result_set(result, "daemon_resident_bytes", (double)end.daemon.resident_bytes);
	bench_result_set(result, "redis_writes",
			 (double)(end.commands.writes - begin->commands.writes));
	bench_result_set(result, "redis_bytes",
			 (double)(end.commands.bytes - begin->commands.bytes));
	bench_result_set(result, "records", (double)(end.submitted - begin->submitted));
	bench_result_set(result, "suppressed", (double)(end.suppressed - begin->suppressed));
	bench_result_set(result, "lost", (double)(end.lost - begin->lost));
	return error;
}

/* The same changes with nothing attached, and the same commands by a bare writer. */
static int measure_floors(struct bench_world *world, uint32_t count, double *kernel_seconds,
			  double *writer_seconds)
{
	uint64_t start_ns = clock_now_ns();
	int error = bench_generate(world->generator, BENCH_SET, 0, count, 0);

	*kernel_seconds = since(start_ns);
	if (!error)
		error = bench_world_reset(world);
	if (!error)
		error = bench_redis_floor(world->socket, &world->schema, BENCH_INTERFACE, count,
					  writer_seconds);
	return error ? error : bench_world_reset(world);
}

static int run_burst(struct bench_world *world, const struct bench_options *options,
		     struct bench_result *result)
{
	double kernel_seconds, writer_seconds, start_seconds, seconds;
	struct bench_difference difference;
	struct watch begin = { 0 };
	int error;

	error = measure_floors(world, options->events, &kernel_seconds, &writer_seconds);
	if (!error)
		error = bench_world_start_daemon(world, options->daemon_words, &start_seconds);
	if (!error)
		error = look(world, &begin);
	if (!error)
		error = bench_generate(world->generator, BENCH_SET, 0, options->events, 0);
	if (!error)
		error = await_count(world, options->events);
	seconds = since(begin.start_ns);
	if (!error || error == -ETIMEDOUT)
		error = bench_redis_compare(world->connection, &world->schema, BENCH_INTERFACE,
					    options->events, 0, &difference);
	if (error)
		return error;
	report_difference(result, &difference);
	report_time(result, seconds, kernel_seconds, writer_seconds);
	bench_result_set(result, "events_per_second", options->events / seconds);
	return report_usage(world, &begin, result);
}

/* The least that a start can take: one dump, and one reading of Redis. */
static int measure_start_floor(struct bench_world *world, double *kernel_seconds,
			       double *redis_seconds)
{
	struct listing listing = { 0 };
	struct options options;
	uint64_t start_ns;
	int error;

	if (options_init(&options))
		return -ENOMEM;
	free(options.netns);
	free(options.redis);
	options.netns = strdup(world->name);
	options.redis = NULL;
	if (!options.netns || asprintf(&options.redis, "unix://%s", world->socket) < 0) {
		options_free(&options);
		return -ENOMEM;
	}
	start_ns = clock_now_ns();
	error = listing_from_kernel(&listing, &options);
	*kernel_seconds = since(start_ns);
	start_ns = clock_now_ns();
	if (!error)
		error = listing_from_redis(&listing, &options);
	*redis_seconds = since(start_ns);
	listing_free(&listing);
	options_free(&options);
	return error;
}

static int run_warm_restart(struct bench_world *world, const struct bench_options *options,
			    struct bench_result *result)
{
	struct bench_commands before, after;
	struct bench_difference difference;
	double kernel_seconds, redis_seconds, seconds;
	int error = bench_generate(world->generator, BENCH_SET, 0, options->neighbours, 0);

	if (!error)
		error = bench_world_start_daemon(world, options->daemon_words, &seconds);
	if (!error)
		error = bench_world_stop_daemon(world);
	if (!error)
		error = measure_start_floor(world, &kernel_seconds, &redis_seconds);
	if (!error)
		error = bench_redis_commands(world->connection, &before);
	if (!error)
		error = bench_world_start_daemon(world, options->daemon_words, &seconds);
	if (!error)
		error = bench_redis_commands(world->connection, &after);
	if (!error)
		error = bench_redis_compare(world->connection, &world->schema, BENCH_INTERFACE,
					    options->neighbours, 0, &difference);
	if (error)
		return error;
	report_difference(result, &difference);
	report_time(result, seconds, kernel_seconds, redis_seconds);
	bench_result_set(result, "redis_writes", (double)(after.writes - before.writes));
	return 0;
}

/* `rate` changes a second in a hundred portions, round and round the neighbours.
 * Returns the changes made, or -errno; *generation: the last whole round's. */
static int64_t drive(struct bench_world *world, const struct bench_options *options,
		     enum bench_change change, uint8_t *generation)
{
	uint64_t start_ns = clock_now_ns(), tick = 0, ticks;
	uint32_t number = 0, portion = options->rate / TICKS_A_SECOND;
	uint8_t round = 1;
	int64_t made = 0;

	portion = portion ? portion : 1;
	/* at the end of a round all neighbours have one generation */
	for (ticks = options->duration_s * TICKS_A_SECOND; tick < ticks || number; tick++) {
		uint64_t due_ns = start_ns + tick * (NS_PER_S / TICKS_A_SECOND);
		uint64_t now_ns = clock_now_ns();
		uint32_t left = options->neighbours - number;
		uint32_t count = portion < left ? portion : left;
		int error;

		if (now_ns < due_ns)
			usleep((useconds_t)((due_ns - now_ns) / 1000));
		error = bench_generate(world->generator, change, number, count, round);
		if (error)
			return error;
		made += count;
		number += count;
		if (number == options->neighbours) {
			*generation = round++;
			number = 0;
		}
	}
	return made;
}

static int run_rate(struct bench_world *world, const struct bench_options *options,
		    enum bench_change change, struct bench_result *result)
{
	double start_seconds, driven_seconds, kernel_seconds;
	struct bench_difference difference;
	struct watch begin = { 0 };
	uint8_t generation = 0;
	uint64_t start_ns;
	int64_t made;
	int error = bench_generate(world->generator, BENCH_SET, 0, options->neighbours, 0);

	start_ns = clock_now_ns();
	if (!error)
		error = bench_generate(world->generator, change, 0, options->neighbours, 1);
	kernel_seconds = since(start_ns) / options->neighbours;
	if (!error)
		error = bench_generate(world->generator, BENCH_SET, 0, options->neighbours, 0);
	if (!error)
		error = bench_world_start_daemon(world, options->daemon_words, &start_seconds);
	if (!error)
		error = look(world, &begin);
	if (error)
		return error;
	made = drive(world, options, change, &generation);
	if (made < 0)
		return (int)made;
	driven_seconds = since(begin.start_ns);
	error = await_equal(world, options->neighbours, change == BENCH_SET ? generation : 0,
			    &difference);
	if (error)
		return error;
	report_difference(result, &difference);
	report_time(result, since(begin.start_ns), driven_seconds, 0);
	bench_result_set(result, "events", (double)made);
	bench_result_set(result, "events_per_second", (double)made / driven_seconds);
	bench_result_set(result, "kernel_floor_us_per_event", kernel_seconds * 1e6);
	return report_usage(world, &begin, result);
}

static int run_sustained(struct bench_world *world, const struct bench_options *options,
			 struct bench_result *result)
{
	return run_rate(world, options, BENCH_SET, result);
}

static int run_churn(struct bench_world *world, const struct bench_options *options,
		     struct bench_result *result)
{
	return run_rate(world, options, BENCH_CONFIRM, result);
}

static int run_latency(struct bench_world *world, const struct bench_options *options,
		       struct bench_result *result)
{
	/* whole rounds, so that all neighbours have the same generation in the end */
	uint32_t rounds = options->rate * options->duration_s / options->neighbours;
	struct bench_difference difference;
	struct watch begin = { 0 };
	double start_seconds;
	int error = bench_generate(world->generator, BENCH_SET, 0, options->neighbours, 0);

	rounds = rounds ? rounds : 1;
	if (!error)
		error = bench_world_start_daemon(world, options->daemon_words, &start_seconds);
	if (!error)
		error = look(world, &begin);
	if (!error)
		error = bench_latency(world, options->neighbours, options->rate,
				      rounds * options->neighbours, result);
	if (!error)
		error = bench_redis_compare(world->connection, &world->schema, BENCH_INTERFACE,
					    options->neighbours, (uint8_t)rounds, &difference);
	if (error)
		return error;
	report_difference(result, &difference);
	report_time(result, since(begin.start_ns),
		    (double)(rounds * options->neighbours) / options->rate, 0);
	return report_usage(world, &begin, result);
}

static const struct bench_scenario scenarios[] = {
	{ "burst", "new neighbours, as fast as the kernel takes them", { .events = 5000 },
	  run_burst },
	{ "warm-restart", "a start with all neighbours in Redis already",
	  { .neighbours = 10000 }, run_warm_restart },
	{ "sustained", "changes of MACs at a rate",
	  { .neighbours = 1000, .rate = 1000, .duration_s = 60 }, run_sustained },
	{ "latency", "from before a change until a subscriber of Redis is told of it",
	  { .neighbours = 100, .rate = 1000, .duration_s = 10 }, run_latency },
	{ "churn", "changes of NUD states, MACs unchanged, at a rate",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 10 }, run_churn },
};

const struct bench_scenario *bench_scenario(unsigned int i)
{
	return i < sizeof(scenarios) / sizeof(*scenarios) ? &scenarios[i] : NULL;
}

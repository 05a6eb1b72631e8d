/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long one change takes: from before it is given to the kernel until a subscriber
 * of Redis has been told; and beside it a bare SET's round trip.
 *
 * A SET by itself, in a tight loop, finds all CPUs awake and all caches warm, which no
 * neighbour that changes now and then does. So the SETs that the changes are compared
 * with are made halfway between two changes, after a pause of the same length.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "bench_chain.h"
#include "bench_measure.h"
#include "bench_pace.h"
#include "bench_scenario.h"
#include "clock.h"
#include "log.h"

#define MOST_SAMPLES 100000000u

struct samples {
	uint32_t count;
	uint64_t *change_ns;
	uint64_t *set_ns;
	uint64_t *hot_set_ns;
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* values: sorted. */
static double percentile_us(const uint64_t *values, uint32_t count, double share)
{
	uint32_t i = (uint32_t)(share * (double)count);

	return (double)values[i < count ? i : count - 1] / 1e3;
}

static void report(struct bench_result *result, struct samples *samples)
{
	uint32_t count = samples->count;
	double set_p50_us;

	qsort(samples->change_ns, count, sizeof(uint64_t), compare);
	qsort(samples->set_ns, count, sizeof(uint64_t), compare);
	qsort(samples->hot_set_ns, count, sizeof(uint64_t), compare);
	set_p50_us = percentile_us(samples->set_ns, count, 0.5);
	bench_result_set(result, "p50_us", percentile_us(samples->change_ns, count, 0.5));
	bench_result_set(result, "p90_us", percentile_us(samples->change_ns, count, 0.9));
	bench_result_set(result, "p99_us", percentile_us(samples->change_ns, count, 0.99));
	bench_result_set(result, "p999_us", percentile_us(samples->change_ns, count, 0.999));
	bench_result_set(result, "max_us", percentile_us(samples->change_ns, count, 1));
	bench_result_set(result, "set_p50_us", set_p50_us);
	bench_result_set(result, "set_p99_us", percentile_us(samples->set_ns, count, 0.99));
	bench_result_set(result, "set_hot_p50_us",
			 percentile_us(samples->hot_set_ns, count, 0.5));
	bench_result_set(result, "p50_ratio", bench_result_get(result, "p50_us") / set_p50_us);
	bench_result_set(result, "p99_ratio", bench_result_get(result, "p99_us") / set_p50_us);
}

static int measure_set(redisContext *redis, uint64_t *ns)
{
	uint64_t start_ns = clock_now_ns();
	int error = bench_redis_run(redis, "SET NEIGH_TABLE-bench x");

	*ns = clock_now_ns() - start_ns;
	return error;
}

/* One change, and its message. */
static int measure_change(struct bench_world *world, redisContext *listener, uint32_t number,
			  uint8_t generation, uint64_t *ns)
{
	uint64_t start_ns = clock_now_ns();
	redisReply *message = NULL;
	int error = bench_generate(world->generator, BENCH_SET, number, 1, generation);

	if (!error && (redisGetReply(listener, (void **)&message) || !message))
		error = -ETIMEDOUT;
	*ns = clock_now_ns() - start_ns;
	if (message)
		freeReplyObject(message);
	return error;
}

/* Round and round the neighbours. A SET is no change of a hash, of which the listener
 * is told. */
static int measure_all(struct bench_world *world, const struct bench_options *options,
		       redisContext *listener, struct samples *samples)
{
	uint64_t half_ns = NS_PER_S / options->rate / 2, start_ns;
	int error = 0;

	for (uint32_t i = 0; !error && i < samples->count; i++)
		error = measure_set(world->connection, &samples->hot_set_ns[i]);
	start_ns = clock_now_ns() + half_ns;
	for (uint32_t i = 0; !error && i < samples->count; i++) {
		bench_sleep_until(start_ns + 2 * i * half_ns);
		error = measure_change(world, listener, i % options->neighbours,
				       (uint8_t)(1 + i / options->neighbours),
				       &samples->change_ns[i]);
		bench_sleep_until(start_ns + (2 * i + 1) * half_ns);
		if (!error)
			error = measure_set(world->connection, &samples->set_ns[i]);
		if (!error && bench_is_interrupted())
			error = -EINTR;
		bench_progress_show(world->setup.progress, (double)i / samples->count);
	}
	return error ? error : bench_redis_run(world->connection, "UNLINK NEIGH_TABLE-bench");
}

/* Subscribed to all changes of hashes, or to what a consumer is notified by; NULL on
 * failure. */
static redisContext *subscribe(struct bench_world *world)
{
	const char *command = world->schema.kind == SCHEMA_SONIC ?
		"PSUBSCRIBE NEIGH_TABLE_CHANNEL@*" : "PSUBSCRIBE __keyspace@*__:*NEIGH_TABLE:*";
	const struct timeval limit = { .tv_sec = 10 };
	redisContext *listener = bench_world_connect(world);

	if (listener && (redisSetTimeout(listener, limit) ||
			 bench_redis_run(listener, command))) {
		redisFree(listener);
		listener = NULL;
	}
	return listener;
}

/* With what the server publishes set, and set back, as it may be somebody else's. */
static int measure_subscribed(struct bench_world *world, const struct bench_options *options,
			      struct samples *samples)
{
	redisReply *before = redisCommand(world->connection, "CONFIG GET notify-keyspace-events");
	redisReply *reply;
	redisContext *listener = NULL;
	int error = -EIO;

	if (!before || before->type != REDIS_REPLY_ARRAY || before->elements != 2)
		goto out;
	if (bench_redis_run(world->connection, "CONFIG SET notify-keyspace-events Kh"))
		goto out;
	listener = subscribe(world);
	error = listener ? measure_all(world, options, listener, samples) : -EIO;
	reply = redisCommand(world->connection, "CONFIG SET notify-keyspace-events %s",
			     before->element[1]->str);
	if (reply)
		freeReplyObject(reply);
out:
	if (listener)
		redisFree(listener);
	if (before)
		freeReplyObject(before);
	return error;
}

/* What the daemon says of the time until Redis has acknowledged, which is before the
 * subscriber is told or after. */
static void report_acknowledgements(const struct bench_world *world,
				    struct bench_result *result)
{
	static const struct {
		const char *figure, *count;
	} taken[] = {
		{ "acknowledged_p50_us", "latency_p50_us" },
		{ "acknowledged_p90_us", "latency_p90_us" },
		{ "acknowledged_p99_us", "latency_p99_us" },
		{ "acknowledged_p999_us", "latency_p999_us" },
		{ "acknowledged_max_us", "latency_max_us" },
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		int64_t count = bench_world_count(world, taken[i].count);

		if (count >= 0)
			bench_result_set(result, taken[i].figure, (double)count);
	}
}

static int measure(struct bench_world *world, const struct bench_options *options,
		   uint32_t count, struct bench_result *result)
{
	uint64_t *memory = calloc(count, 3 * sizeof(*memory));
	struct samples samples = { count, memory, memory + count, memory + 2 * (size_t)count };
	int error = memory ? measure_subscribed(world, options, &samples) : -ENOMEM;

	if (!error)
		report(result, &samples);
	free(memory);
	return error;
}

/* What the same hops take if nobody does anything on the way. */
static int report_chain(const struct bench_options *options, struct bench_result *result)
{
	struct bench_chain chain, deaf;
	int error = bench_chain_measure(options->rate, options->rate, false, &chain);

	if (!error)
		error = bench_chain_measure(options->rate, options->rate, true, &deaf);
	if (error)
		return error;
	bench_result_set(result, "chain_p50_us", chain.p50_us);
	bench_result_set(result, "chain_p99_us", chain.p99_us);
	bench_result_set(result, "chain_cpu_share", chain.cpu_seconds_an_event * options->rate);
	bench_result_set(result, "chain_deaf_cpu_share", deaf.cpu_seconds_an_event * options->rate);
	return 0;
}

int bench_run_latency(struct bench_world *world, const struct bench_options *options,
		      struct bench_result *result)
{
	uint32_t count = options->rate * options->duration_s;
	struct bench_expected expected = {
		.count = options->neighbours,
		.turn = count % options->neighbours,
		.generation = (uint8_t)(1 + count / options->neighbours),
	};
	struct bench_difference difference;
	struct bench_watch begin;
	int error;

	if ((uint64_t)options->rate * options->duration_s > MOST_SAMPLES) {
		log_error("bench latency: at most %u changes are measured", MOST_SAMPLES);
		return -EINVAL;
	}
	error = report_chain(options, result);
	if (!error)
		error = bench_change_all(world, BENCH_SET, options->neighbours, 0, NULL);
	if (!error)
		error = bench_world_start_daemon(world, options->neighbours, NULL);
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = measure(world, options, count, result);
	if (!error)
		error = bench_compare(world, &expected, &difference);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, bench_since(begin.time_ns), (double)count / options->rate, 0);
	error = bench_watch_end(world, &begin, count, result);
	if (!error)
		report_acknowledgements(world, result);
	return error;
}

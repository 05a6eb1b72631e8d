/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_latency.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"

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

static void report(struct bench_result *result, uint64_t *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	bench_result_set(result, "p50_us", percentile_us(values, count, 0.5));
	bench_result_set(result, "p90_us", percentile_us(values, count, 0.9));
	bench_result_set(result, "p99_us", percentile_us(values, count, 0.99));
	bench_result_set(result, "p999_us", percentile_us(values, count, 0.999));
	bench_result_set(result, "max_us", percentile_us(values, count, 1));
}

static int run(redisContext *redis, const char *command)
{
	redisReply *reply = redisCommand(redis, command);
	int error = reply && reply->type != REDIS_REPLY_ERROR ? 0 : -EIO;

	if (reply)
		freeReplyObject(reply);
	return error;
}

static int measure_round_trips(redisContext *redis, uint64_t *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start_ns = clock_now_ns();

		if (run(redis, "SET neightrack-bench x"))
			return -EIO;
		values[i] = clock_now_ns() - start_ns;
	}
	return run(redis, "UNLINK neightrack-bench");
}

/* Subscribed to all changes of the table's keys; NULL on failure. */
static redisContext *subscribe(struct bench_world *world)
{
	const struct timeval limit = { .tv_sec = 10 };
	redisContext *listener = redisConnectUnixWithTimeout(world->socket, limit);

	if (!listener || listener->err || redisSetTimeout(listener, limit) ||
	    run(world->connection, "CONFIG SET notify-keyspace-events Kh") ||
	    run(listener, "PSUBSCRIBE __keyspace@0__:*")) {
		if (listener)
			redisFree(listener);
		return NULL;
	}
	return listener;
}

/* One change, and its message. */
static int measure_one(struct bench_world *world, redisContext *listener, uint32_t number,
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

int bench_latency(struct bench_world *world, uint32_t neighbours, uint32_t rate,
		  uint32_t samples, struct bench_result *result)
{
	uint64_t *values = calloc(samples, sizeof(*values));
	redisContext *listener = subscribe(world);
	uint64_t start_ns;
	int error = values && listener ? measure_round_trips(world->connection, values, samples) :
					 -EIO;

	if (!error) {
		qsort(values, samples, sizeof(*values), compare);
		bench_result_set(result, "set_p50_us", percentile_us(values, samples, 0.5));
	}
	start_ns = clock_now_ns();
	for (uint32_t i = 0; !error && i < samples; i++) {
		uint64_t due_ns = start_ns + i * (NS_PER_S / rate), now_ns = clock_now_ns();

		if (now_ns < due_ns)
			usleep((useconds_t)((due_ns - now_ns) / 1000));
		error = measure_one(world, listener, i % neighbours,
				    (uint8_t)(1 + i / neighbours), &values[i]);
	}
	if (!error) {
		report(result, values, samples);
		bench_result_set(result, "p50_ratio", bench_result_get(result, "p50_us") /
				 bench_result_get(result, "set_p50_us"));
		bench_result_set(result, "p99_ratio", bench_result_get(result, "p99_us") /
				 bench_result_get(result, "set_p50_us"));
	}
	if (listener)
		redisFree(listener);
	free(values);
	return error;
}

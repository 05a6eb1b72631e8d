/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_measure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_pace.h"
#include "clock.h"

#define LIMIT_NS (120 * NS_PER_S)
#define FIRST_PAUSE_NS NS_PER_MS
#define LEAST_PAUSE_NS (100 * 1000ull)
#define QUICKEST_NS 200ull		/* no machine has written a neighbour in less */
#define MOST_PAUSE_NS (50 * NS_PER_MS)

static void read_counts(struct bench_world *world, struct bench_counts *counts)
{
	*counts = (struct bench_counts){
		.submitted = bench_world_count(world, "submitted"),
		.suppressed = bench_world_count(world, "suppressed"),
		.lost = bench_world_count(world, "lost"),
		.missed = bench_world_count(world, "missed"),
		.dumps = bench_world_count(world, "dumps"),
		.sets = bench_world_count(world, "sets"),
		.deletes = bench_world_count(world, "deletes"),
		.redis_commands = bench_world_count(world, "redis_commands"),
		.redis_bytes = bench_world_count(world, "redis_bytes_sent"),
	};
}

/* A Redis on another machine has no usage that could be read here. */
static int read_usage(struct bench_world *world, struct bench_watch *watch)
{
	int error = 0;

	if (world->daemon.pid)
		error = bench_usage_at_rest(world->daemon.pid, &watch->daemon);
	if (!error && world->redis_pid)
		error = bench_usage_at_rest(world->redis_pid, &watch->redis);
	if (world->allocations.counts)
		watch->allocations = __atomic_load_n(&world->allocations.counts->allocations,
						     __ATOMIC_RELAXED);
	if (!error && world->setup.program_statistics)
		watch->has_programs = !bench_programs_read(world->name, &watch->programs);
	return error;
}

/* The questions cost those who are asked: they come before the first reading of what
 * was used, and after the last. */
int bench_watch_begin(struct bench_world *world, struct bench_watch *begin)
{
	int error = world->daemon.pid ? bench_world_ask(world) : 0;

	*begin = (struct bench_watch){ 0 };
	if (!error)
		error = bench_redis_writes(world->connection, &begin->redis_writes);
	if (world->daemon.pid)
		read_counts(world, &begin->counts);
	if (!error)
		error = read_usage(world, begin);
	begin->time_ns = clock_now_ns();
	return error;
}

static void report_usage(struct bench_world *world, const struct bench_watch *begin,
			 const struct bench_watch *end, struct bench_result *result)
{
	double seconds = (double)(end->time_ns - begin->time_ns) / 1e9;
	double cpu_seconds = (double)(end->daemon.cpu_ns - begin->daemon.cpu_ns) / 1e9;

	bench_result_set(result, "daemon_cpu_seconds", cpu_seconds);
	bench_result_set(result, "daemon_cpu_share", cpu_seconds / seconds);
	bench_result_set(result, "daemon_wakeups",
			 (double)(end->daemon.wakeups - begin->daemon.wakeups));
	bench_result_set(result, "daemon_preemptions",
			 (double)(end->daemon.preemptions - begin->daemon.preemptions));
	bench_result_set(result, "daemon_resident_bytes", (double)end->daemon.resident_bytes);
	if (world->allocations.counts)
		bench_result_set(result, "allocations",
				 (double)(end->allocations - begin->allocations));
	if (!world->redis_pid)
		return;
	bench_result_set(result, "redis_cpu_seconds",
			 (double)(end->redis.cpu_ns - begin->redis.cpu_ns) / 1e9);
	bench_result_set(result, "redis_wakeups",
			 (double)(end->redis.wakeups - begin->redis.wakeups));
	bench_result_set(result, "redis_preemptions",
			 (double)(end->redis.preemptions - begin->redis.preemptions));
}

static void report_program(const struct bench_program *begin, const struct bench_program *end,
			   struct bench_result *result)
{
	uint64_t runs = end->runs - begin->runs;
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "bpf_programs.%s.runs", end->name);
	bench_result_set(result, name, (double)runs);
	snprintf(name, sizeof(name), "bpf_programs.%s.ns_per_run", end->name);
	bench_result_set(result, name, runs ? (double)(end->run_ns - begin->run_ns) /
					      (double)runs : 0);
}

static void report_programs(const struct bench_watch *begin, const struct bench_watch *end,
			    uint64_t events, struct bench_result *result)
{
	if (!begin->has_programs || !end->has_programs)
		return;
	bench_result_set(result, "bpf_runs", (double)(end->programs.runs - begin->programs.runs));
	bench_result_set(result, "bpf_cpu_seconds",
			 (double)(end->programs.run_ns - begin->programs.run_ns) / 1e9);
	if (events)
		bench_result_set(result, "bpf_run_ns_per_event",
				 (double)(end->programs.run_ns - begin->programs.run_ns) /
				 (double)events);
	/* both in the order of their ids, as no program comes or goes meanwhile */
	for (size_t i = 0; i < end->programs.count && i < begin->programs.count; i++)
		report_program(&begin->programs.each[i], &end->programs.each[i], result);
}

/*
 * A change that was overtaken by a later one of its neighbour before it was written makes
 * a record and no write: it is coalesced. Commands are those that the daemon has sent, as the
 * server's own account has our questions in it too; queries are what they are beside the
 * neighbours written (with the schema sonic, a transaction's frame and sets as well).
 */
static void report_counts(const struct bench_counts *begin, const struct bench_counts *end,
			  struct bench_result *result)
{
	int64_t records = end->submitted - begin->submitted;
	int64_t written = end->sets - begin->sets + end->deletes - begin->deletes;
	int64_t commands = end->redis_commands - begin->redis_commands;

	bench_result_set(result, "redis_commands", (double)commands);
	bench_result_set(result, "redis_queries",
			 commands > written ? (double)(commands - written) : 0);
	bench_result_set(result, "redis_bytes", (double)(end->redis_bytes - begin->redis_bytes));
	bench_result_set(result, "records", (double)records);
	bench_result_set(result, "suppressed", (double)(end->suppressed - begin->suppressed));
	bench_result_set(result, "coalesced",
			 records > written ? (double)(records - written) : 0);
	bench_result_set(result, "lost", (double)(end->lost - begin->lost));
	bench_result_set(result, "missed", (double)(end->missed - begin->missed));
	bench_result_set(result, "resynced", (double)(end->dumps - begin->dumps));
}

int bench_watch_end(struct bench_world *world, const struct bench_watch *begin, uint64_t events,
		    struct bench_result *result)
{
	struct bench_watch end = { .time_ns = clock_now_ns() };
	int error = read_usage(world, &end);

	if (!error)
		error = bench_redis_writes(world->connection, &end.redis_writes);
	if (!error)
		error = bench_world_ask(world);
	if (error)
		return error;
	read_counts(world, &end.counts);
	bench_result_set(result, "events", (double)events);
	report_programs(begin, &end, events, result);
	report_usage(world, begin, &end, result);
	bench_result_set(result, "redis_writes",
			 (double)(end.redis_writes - begin->redis_writes));
	report_counts(&begin->counts, &end.counts, result);
	return 0;
}

/*
 * Each look takes time from those who work, so there are few: the next comes after half
 * of what is left, by the speed so far, and only near the end they follow closely. That
 * leaves an error of LEAST_PAUSE_NS, or 1/200 if that is more.
 */
static uint64_t pause_ns(uint64_t spent_ns, uint64_t done, uint64_t left)
{
	uint64_t least_ns = spent_ns / 200, pause = left * QUICKEST_NS;

	if (least_ns < LEAST_PAUSE_NS)
		least_ns = LEAST_PAUSE_NS;
	if (done)
		pause = (uint64_t)((double)spent_ns / (double)done * (double)left / 2);
	else if (pause > FIRST_PAUSE_NS)
		pause = FIRST_PAUSE_NS;
	if (pause > MOST_PAUSE_NS)
		pause = MOST_PAUSE_NS;
	return pause < least_ns ? least_ns : pause;
}

int bench_await_count(struct bench_world *world, int64_t count, uint64_t *done_ns)
{
	uint64_t start_ns = clock_now_ns(), now_ns;
	int64_t first_left = -1;

	for (;;) {
		int64_t there = bench_redis_count(world->connection, &world->schema), left;

		now_ns = clock_now_ns();
		*done_ns = now_ns;
		if (there < 0)
			return (int)there;
		left = llabs(there - count);
		if (!left)
			return 0;
		if (bench_is_interrupted())
			return -EINTR;
		if (now_ns - start_ns > LIMIT_NS)
			return -ETIMEDOUT;
		if (first_left < left)
			first_left = left;
		bench_sleep_until(now_ns + pause_ns(now_ns - start_ns,
						    (uint64_t)(first_left - left), (uint64_t)left));
	}
}

int bench_compare(struct bench_world *world, const struct bench_expected *expected,
		  struct bench_difference *difference)
{
	int64_t there = bench_redis_count(world->connection, &world->schema);
	int error = there < 0 ? (int)there : 0;

	*difference = (struct bench_difference){ 0 };
	if (!error)
		error = bench_redis_compare(world->connection, &world->schema, &world->population, 0,
					    expected->turn, expected->generation, difference);
	if (!error)
		error = bench_redis_compare(world->connection, &world->schema, &world->population,
					    expected->turn, expected->count - expected->turn,
					    (uint8_t)(expected->generation - 1), difference);
	if (there > (int64_t)expected->count)
		difference->wrong += (uint64_t)there - expected->count;
	return error;
}

static bool differs(const struct bench_difference *difference)
{
	return difference->missing || difference->wrong;
}

/* Whether to look again. */
static bool rest(uint64_t start_ns, int *error)
{
	uint64_t now_ns = clock_now_ns();

	if (!*error && bench_is_interrupted())
		*error = -EINTR;
	if (*error || now_ns - start_ns > LIMIT_NS)
		return false;
	bench_sleep_until(now_ns + pause_ns(now_ns - start_ns, 0, UINT32_MAX));
	return true;
}

/* All are looked at only when the last is right, which it becomes last of all unless
 * something was lost on the way: looks would hold up what they wait for. */
int bench_await_equal(struct bench_world *world, const struct bench_expected *expected,
		      struct bench_difference *difference, uint64_t *done_ns)
{
	uint32_t last = (expected->turn ? expected->turn : expected->count) - 1;
	uint8_t generation = (uint8_t)(expected->generation - !expected->turn);
	uint64_t start_ns = clock_now_ns();
	int error;

	do {
		*difference = (struct bench_difference){ 0 };
		error = bench_redis_compare(world->connection, &world->schema, &world->population,
					    last, 1, generation, difference);
		*done_ns = clock_now_ns();
	} while (!error && differs(difference) && rest(start_ns, &error));
	if (!error)
		error = bench_compare(world, expected, difference);
	while (!error && differs(difference) && rest(start_ns, &error)) {
		error = bench_compare(world, expected, difference);
		*done_ns = clock_now_ns();
	}
	return error;
}

void bench_report_difference(struct bench_result *result,
			     const struct bench_difference *difference)
{
	bench_result_set(result, "missing", (double)difference->missing);
	bench_result_set(result, "wrong", (double)difference->wrong);
}

void bench_report_time(struct bench_result *result, double seconds, double kernel_seconds,
		       double writer_seconds)
{
	double floor_seconds = kernel_seconds > writer_seconds ? kernel_seconds : writer_seconds;

	bench_result_set(result, "seconds", seconds);
	bench_result_set(result, "kernel_floor_seconds", kernel_seconds);
	bench_result_set(result, "writer_floor_seconds", writer_seconds);
	bench_result_set(result, "floor_seconds", floor_seconds);
	bench_result_set(result, "floor_ratio", seconds / floor_seconds);
}

int bench_change_all(struct bench_world *world, enum bench_change change, uint32_t count,
		     uint8_t generation, double *seconds)
{
	uint64_t start_ns = clock_now_ns();
	int error = bench_generate(world->generator, change, 0, count, generation);

	if (seconds)
		*seconds = bench_since(start_ns);
	return error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes at a rate, and none at all. */
#include <errno.h>

#include "bench_kernel_cost.h"
#include "bench_measure.h"
#include "bench_pace.h"
#include "bench_scenario.h"
#include "clock.h"

/* Whoever comes in portions of 10 ms lets the daemon sleep in between, which nobody
 * promised it; a portion a millisecond is as even as a sleep can be. */
#define TICKS_A_SECOND 1000u
#define SETTLE_NS (2 * NS_PER_S)

/* `count` changes, round and round the neighbours. The next is expected->turn. */
static int make_changes(struct bench_world *world, enum bench_change change, uint32_t count,
			struct bench_expected *expected)
{
	while (count) {
		uint32_t left = expected->count - expected->turn;
		uint32_t portion = count < left ? count : left;
		int error = bench_generate(world->generator, change, expected->turn, portion,
					   expected->generation);

		if (error)
			return error;
		count -= portion;
		expected->turn += portion;
		if (expected->turn == expected->count) {
			expected->turn = 0;
			expected->generation++;
		}
	}
	return 0;
}

/* Evenly: the i-th tick brings what is due by then. Below a thousand a second each tick
 * is one change. Returns how many were made, or -errno. */
static int64_t drive(struct bench_world *world, const struct bench_options *options,
		     enum bench_change change, struct bench_expected *expected)
{
	uint32_t frequency = options->rate < TICKS_A_SECOND ? options->rate : TICKS_A_SECOND;
	uint64_t start_ns = clock_now_ns(), ticks = (uint64_t)frequency * options->duration_s;
	uint64_t made = 0;
	int error = 0;

	for (uint64_t tick = 0; !error && tick < ticks; tick++) {
		uint64_t due = (tick + 1) * options->rate / frequency;

		bench_sleep_until(start_ns + tick * NS_PER_S / frequency);
		error = bench_is_interrupted() ? -EINTR :
			make_changes(world, change, (uint32_t)(due - made), expected);
		made = due;
		bench_progress_show(world->setup.progress, (double)tick / (double)ticks);
	}
	return error ? error : (int64_t)made;
}

/* Starts a daemon with all neighbours there, and goes round them once. */
static int warm_up(struct bench_world *world, enum bench_change change,
		   struct bench_expected *expected)
{
	struct bench_difference difference;
	uint64_t done_ns;
	int error = bench_change_all(world, BENCH_SET, expected->count, 0, NULL);

	if (!error)
		error = bench_world_start_daemon(world, expected->count, NULL);
	expected->generation = 1;
	if (!error)
		error = make_changes(world, change, expected->count, expected);
	/* what is only confirmed is still in its first generation */
	if (!error && change == BENCH_SET)
		error = bench_await_equal(world, expected, &difference, &done_ns);
	return error;
}

/* The daemon may look back for a while at what has happened, before it is at rest: where
 * not a single wakeup is expected, none may be left over. */
static int settle(void)
{
	uint64_t due_ns = clock_now_ns() + SETTLE_NS;

	while (!bench_is_interrupted() && clock_now_ns() < due_ns)
		bench_sleep_until(clock_now_ns() + NS_PER_S / 10);
	return bench_is_interrupted() ? -EINTR : 0;
}

static int run_rate(struct bench_world *world, const struct bench_options *options,
		    enum bench_change change, struct bench_result *result)
{
	struct bench_expected expected = { .count = options->neighbours };
	const struct bench_expected unchanged = { options->neighbours, options->neighbours, 0 };
	struct bench_difference difference;
	struct bench_watch begin;
	double driven_seconds;
	uint64_t done_ns;
	int64_t made;
	int error = warm_up(world, change, &expected);

	if (!error && change == BENCH_CONFIRM)
		error = settle();
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (error)
		return error;
	made = drive(world, options, change, &expected);
	if (made < 0)
		return (int)made;
	driven_seconds = bench_since(begin.time_ns);
	error = bench_await_equal(world, change == BENCH_SET ? &expected : &unchanged,
				  &difference, &done_ns);
	if (error)
		return error;
	bench_report_difference(result, &difference);
	bench_report_time(result, (double)(done_ns - begin.time_ns) / 1e9, driven_seconds, 0);
	bench_result_set(result, "events_per_second", (double)made / driven_seconds);
	return bench_watch_end(world, &begin, (uint64_t)made, result);
}

int bench_run_sustained(struct bench_world *world, const struct bench_options *options,
			struct bench_result *result)
{
	int error = bench_allocations_begin(&world->allocations, world->folder);

	return error ? error : run_rate(world, options, BENCH_SET, result);
}

int bench_run_churn(struct bench_world *world, const struct bench_options *options,
		    struct bench_result *result)
{
	int error = run_rate(world, options, BENCH_CONFIRM, result);

	if (!error)
		error = bench_world_stop_daemon(world);
	return error ? error : bench_kernel_cost(world, options->neighbours, result);
}

/* Whoever filters late must still look at each of them. */
static int drive_peer(struct bench_world *world, const struct bench_options *options)
{
	struct bench_expected unwatched = { .count = options->neighbours };
	struct bench_generator *watched = world->generator;
	int64_t made = bench_generator_new(&world->generator, world->netns_fd,
					   world->peer_ifindex, 0, world->setup.ipv6);

	if (!made) {
		made = drive(world, options, BENCH_SET, &unwatched);
		bench_generator_free(world->generator);
	}
	world->generator = watched;
	return made < 0 ? (int)made : 0;
}

int bench_run_unwatched(struct bench_world *world, const struct bench_options *options,
			struct bench_result *result)
{
	struct bench_expected expected = { .count = options->neighbours };
	struct bench_difference difference;
	struct bench_watch begin;
	double driven_seconds;
	int error = warm_up(world, BENCH_SET, &expected);

	if (!error)
		error = settle();
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = drive_peer(world, options);
	if (error)
		return error;
	driven_seconds = bench_since(begin.time_ns);
	bench_report_time(result, driven_seconds, options->duration_s, 0);
	error = bench_watch_end(world, &begin, (uint64_t)options->rate * options->duration_s,
				result);
	/* a key too many is wrong */
	if (!error)
		error = bench_compare(world, &expected, &difference);
	if (!error)
		bench_report_difference(result, &difference);
	return error;
}

static int wait_for(struct bench_world *world, double seconds)
{
	uint64_t start_ns = clock_now_ns();

	while (bench_since(start_ns) < seconds) {
		if (bench_is_interrupted())
			return -EINTR;
		bench_progress_show(world->setup.progress, bench_since(start_ns) / seconds);
		bench_sleep_until(clock_now_ns() + NS_PER_S / 10);
	}
	return 0;
}

int bench_run_idle(struct bench_world *world, const struct bench_options *options,
		   struct bench_result *result)
{
	struct bench_expected expected = { .count = options->neighbours };
	struct bench_difference difference;
	struct bench_watch begin;
	int error = warm_up(world, BENCH_SET, &expected);

	if (!error)
		error = settle();
	if (!error)
		error = bench_watch_begin(world, &begin);
	if (!error)
		error = wait_for(world, options->duration_s);
	if (error)
		return error;
	bench_report_time(result, bench_since(begin.time_ns), options->duration_s, 0);
	error = bench_watch_end(world, &begin, 0, result);
	if (!error)
		error = bench_compare(world, &expected, &difference);
	if (!error)
		bench_report_difference(result, &difference);
	return error;
}

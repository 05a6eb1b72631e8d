/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a neighbour cost the same however many there are? */
#include <errno.h>
#include <stdio.h>

#include "bench_measure.h"
#include "bench_programs.h"
#include "bench_scenario.h"
#include "log.h"

#define STEP 10u

struct range {
	double least, most;
};

static void widen(struct range *range, double value)
{
	if (range->most == 0 || value < range->least)
		range->least = value;
	if (value > range->most)
		range->most = value;
}

static void set(struct bench_result *result, uint32_t size, const char *name, double value)
{
	char path[BENCH_NAME_BYTES];

	snprintf(path, sizeof(path), "sizes.%u.%s", size, name);
	bench_result_set(result, path, value);
}

/* The figures of one size, and those that are sums over all of them. */
static int report_size(struct bench_world *world, uint32_t size, const struct bench_watch *begin,
		       struct bench_result *one, struct bench_result *result)
{
	static const char *const summed[] = { "missing", "wrong", "seconds", "floor_seconds",
					      "kernel_floor_seconds", "writer_floor_seconds" };
	static const char *const counted[] = { "records", "coalesced", "suppressed", "lost",
					       "missed", "resynced" };
	uint64_t map_bytes;
	double resident;
	int error = bench_watch_end(world, begin, size, one);

	if (error)
		return error;
	for (size_t i = 0; i < sizeof(summed) / sizeof(*summed); i++) {
		double value = bench_result_get(one, summed[i]);

		set(result, size, summed[i], value);
		bench_result_set(result, summed[i], bench_result_get(result, summed[i]) + value);
	}
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++)
		bench_result_set(result, counted[i], bench_result_get(result, counted[i]) +
				 bench_result_get(one, counted[i]));
	resident = bench_result_get(one, "daemon_resident_bytes");
	set(result, size, "floor_ratio", bench_result_get(one, "floor_ratio"));
	set(result, size, "seconds_per_neighbour", bench_result_get(one, "seconds") / size);
	set(result, size, "daemon_cpu_seconds", bench_result_get(one, "daemon_cpu_seconds"));
	set(result, size, "daemon_resident_bytes", resident);
	set(result, size, "daemon_bytes_per_neighbour",
	    (resident - (double)begin->daemon.resident_bytes) / size);
	if (!bench_programs_map_bytes(world->name, &map_bytes))
		set(result, size, "bpf_map_bytes", (double)map_bytes);
	return 0;
}

static int run_size(struct bench_world *world, uint32_t size, struct bench_result *one,
		    struct bench_result *result)
{
	struct bench_watch begin;
	int error = bench_measure_burst(world, size, &begin, one);

	if (!error)
		error = report_size(world, size, &begin, one, result);
	if (!error)
		error = bench_world_stop_daemon(world);
	return error ? error : bench_world_reset(world);
}

int bench_run_scale(struct bench_world *world, const struct bench_options *options,
		    struct bench_result *result)
{
	struct range seconds = { 0 }, ratio = { 0 };
	struct bench_result one = { 0 };
	int error = 0;

	if (options->from > options->to) {
		log_error("bench scale: --from must not be above --to");
		return -EINVAL;
	}
	for (uint32_t size = options->from; !error && size <= options->to; size *= STEP) {
		one = (struct bench_result){ 0 };
		bench_progress_show(world->setup.progress, (double)size / options->to);
		error = run_size(world, size, &one, result);
		widen(&seconds, bench_result_get(&one, "seconds") / size);
		widen(&ratio, bench_result_get(&one, "floor_ratio"));
	}
	if (error)
		return error;
	bench_result_set(result, "floor_ratio", bench_result_get(result, "seconds") /
			 bench_result_get(result, "floor_seconds"));
	bench_result_set(result, "growth", seconds.most / seconds.least);
	bench_result_set(result, "floor_ratio_growth", ratio.most / ratio.least);
	/* the last, and so the largest */
	bench_result_set(result, "daemon_resident_bytes",
			 bench_result_get(&one, "daemon_resident_bytes"));
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs of scenarios: repeated, in variants by turns, and what is printed of them. */
#ifndef NEIGHTRACK_BENCH_SUITE_H
#define NEIGHTRACK_BENCH_SUITE_H

#include <stdbool.h>

#include "bench_scenario.h"

#define BENCH_MOST_VARIANT_WORDS 10

/* One way to start the daemon. */
struct bench_variant {
	const char *name;
	const char *words[BENCH_MOST_VARIANT_WORDS];	/* up to a NULL */
};

struct bench_request {
	struct bench_options options;
	const char *redis;
	const char *source;
	const char *schema;
	unsigned int repeat;
	bool json;
	bool quick;
	bool real_packets;
	bool ipv6;
	bool side_by_side;
	char *const *extra;		/* for the daemon's command line */
	int extra_count;
};

struct bench_machine {
	char redis_version[32];
};

/*
 * Each variant as often as is asked for, by turns, so that what else the machine does
 * meets all of them. results: repeat of the first variant, then of the second... Says
 * on stderr what failed. 0 or -errno.
 */
int bench_run_variants(const struct bench_request *request, const struct bench_scenario *scenario,
		       const struct bench_options *options, const struct bench_variant *variants,
		       size_t count, struct bench_result *results, struct bench_machine *machine);

/* Whether everything was in Redis, each time. */
bool bench_is_complete(const struct bench_result *results, size_t runs);

/* {cpus, processor, kernel, redis, neightrack}; NULL: no memory. */
struct json_object *bench_machine_json(const struct bench_machine *machine);

/* Options that were not given have the scenario's values. */
struct bench_options bench_fill_in(const struct bench_request *request,
				   const struct bench_options *defaults);

/* Runs and prints one scenario, or the ablation. Returns an exit code of command.h. */
int bench_suite_run(const struct bench_request *request, const struct bench_scenario *scenario);
int bench_ablation(const struct bench_request *request);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios: each drives the kernel, waits until Redis is right, and reports. */
#ifndef NEIGHTRACK_BENCH_SCENARIO_H
#define NEIGHTRACK_BENCH_SCENARIO_H

#include <stdint.h>

#include "bench_result.h"
#include "bench_world.h"
#include "bench_redis.h"

struct bench_options {
	uint32_t neighbours;
	uint32_t events;
	uint32_t rate;			/* a second */
	uint32_t duration_s;
	char *const *daemon_words;	/* for the daemon's command line, up to a NULL */
};

struct bench_scenario {
	const char *name;
	const char *help;
	struct bench_options defaults;	/* 0: the option has no meaning here */
	/* The world has no daemon and no neighbours. 0 or -errno. */
	int (*run)(struct bench_world *world, const struct bench_options *options,
		   struct bench_result *result);
};

/* The i-th, NULL past the last. */
const struct bench_scenario *bench_scenario(unsigned int i);

#endif

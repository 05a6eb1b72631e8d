/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios: each drives the kernel, waits until Redis is right, and reports. */
#ifndef NEIGHTRACK_BENCH_SCENARIO_H
#define NEIGHTRACK_BENCH_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_result.h"
#include "bench_world.h"

/* 0: not given, or without meaning for the scenario. */
struct bench_options {
	uint32_t neighbours;
	uint32_t events;
	uint32_t changes;		/* of each neighbour */
	uint32_t rate;			/* a second */
	uint32_t duration_s;
	uint32_t from, to;		/* neighbours */
	uint32_t interfaces;		/* further ones, on which nothing happens */
	bool program_statistics;	/* count the programs' runs and time: it slows them */
};

struct bench_scenario {
	const char *name;
	const char *help;
	struct bench_options defaults;
	struct bench_options quick;
	bool takes_packets;
	/* The world has no daemon and no neighbours. 0 or -errno. */
	int (*run)(struct bench_world *world, const struct bench_options *options,
		   struct bench_result *result);
};

/* The i-th, NULL past the last. */
const struct bench_scenario *bench_scenario(unsigned int i);
const struct bench_scenario *bench_scenario_find(const char *name);

typedef int bench_run(struct bench_world *world, const struct bench_options *options,
		      struct bench_result *result);

bench_run bench_run_burst, bench_run_delete, bench_run_moves;	/* bench_burst.c */
bench_run bench_run_scale;					/* bench_scale.c */
bench_run bench_run_sustained, bench_run_churn;	/* bench_rate.c */
bench_run bench_run_unwatched, bench_run_idle;
bench_run bench_run_latency;					/* bench_latency.c */
bench_run bench_run_warm_restart;				/* bench_restart.c */

/* New neighbours in a burst, and the floors before it; without the figures of what was
 * used. Leaves the daemon running. 0 or -errno. */
struct bench_watch;
int bench_measure_burst(struct bench_world *world, uint32_t events, struct bench_watch *begin,
			struct bench_result *result);

#endif

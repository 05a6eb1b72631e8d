/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_scenario.h"

#include <string.h>

static const struct bench_scenario scenarios[] = {
	{ "burst", "new neighbours, as fast as the kernel takes them",
	  { .events = 5000 }, { .events = 2000 }, true, bench_run_burst },
	{ "delete", "neighbours deleted, as fast as the kernel does it",
	  { .neighbours = 10000 }, { .neighbours = 2000 }, false, bench_run_delete },
	{ "moves", "many changes of each neighbour's MAC, as fast as the kernel takes them",
	  { .neighbours = 10000, .changes = 50 }, { .neighbours = 1000, .changes = 10 }, false,
	  bench_run_moves },
	{ "warm-restart", "a start with all neighbours in Redis already",
	  { .neighbours = 10000 }, { .neighbours = 2000 }, false, bench_run_warm_restart },
	{ "sustained", "changes of MACs at a rate",
	  { .neighbours = 1000, .rate = 1000, .duration_s = 60, .program_statistics = true },
	  { .neighbours = 200, .rate = 1000, .duration_s = 1, .program_statistics = true }, true,
	  bench_run_sustained },
	{ "latency", "from before a change until a subscriber of Redis is told of it",
	  { .neighbours = 100, .rate = 1000, .duration_s = 10, .program_statistics = true },
	  { .neighbours = 100, .rate = 500, .duration_s = 1, .program_statistics = true }, false,
	  bench_run_latency },
	{ "churn", "changes of NUD states, MACs unchanged, at a rate",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 10 },
	  { .neighbours = 1000, .rate = 5000, .duration_s = 1 }, false, bench_run_churn },
	{ "unwatched", "changes of MACs on an interface that is not watched, at a rate",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 10, .program_statistics = true },
	  { .neighbours = 1000, .rate = 5000, .duration_s = 1, .program_statistics = true }, false,
	  bench_run_unwatched },
	{ "idle", "nothing happens: what does the daemon do?",
	  { .neighbours = 10000, .duration_s = 30 }, { .neighbours = 1000, .duration_s = 1 },
	  false, bench_run_idle },
	{ "scale", "bursts of ten times more neighbours each",
	  { .from = 1000, .to = 1000000 }, { .from = 100, .to = 10000 }, false,
	  bench_run_scale },
};

const struct bench_scenario *bench_scenario(unsigned int i)
{
	return i < sizeof(scenarios) / sizeof(*scenarios) ? &scenarios[i] : NULL;
}

const struct bench_scenario *bench_scenario_find(const char *name)
{
	const struct bench_scenario *scenario;

	for (unsigned int i = 0; (scenario = bench_scenario(i)); i++)
		if (!strcmp(name, scenario->name))
			return scenario;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each optimisation is worth: a scenario with it and without it, by turns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_pace.h"
#include "bench_suite.h"
#include "command.h"
#include "log.h"

enum { WITH, WITHOUT, WAYS };

static const struct ablation {
	const char *name;
	const char *expected;		/* what is commonly said of it */
	const char *scenario;
	struct bench_options options, quick;
	struct bench_variant ways[WAYS];
	const char *figure;		/* less is better */
} ablations[] = {
	{ "event_loop", "10-20 % less CPU under load", "sustained",
	  { .neighbours = 1000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 200, .rate = 5000, .duration_s = 1 },
	  { { "with", { "--source", "netlink" } },
	    { "without", { "--source", "netlink", "--without", "event_loop" } } },
	  "daemon_cpu_seconds" },
	{ "pipelining", "5-10 times faster in bulk", "burst",
	  { .events = 10000 }, { .events = 1000 },
	  { { "with", { NULL } }, { "without", { "--batch-size", "1" } } }, "seconds" },
	{ "in_place", "15-25 % fewer allocations", "sustained",
	  { .neighbours = 1000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 200, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--without", "in_place" } } },
	  "allocations" },
	{ "interface_hash", "2-3 times faster look-ups", "moves",
	  { .neighbours = 10000, .changes = 50, .interfaces = 500 },
	  { .neighbours = 1000, .changes = 10, .interfaces = 50 },
	  { { "with", { NULL } }, { "without", { "--without", "interface_hash" } } },
	  "daemon_cpu_seconds" },
	{ "preallocation", "about 5 % in tight loops", "burst",
	  { .events = 100000 }, { .events = 2000 },
	  { { "with", { NULL } }, { "without", { "--without", "preallocation" } } },
	  "daemon_cpu_seconds" },
	{ "receive_buffer", "no loss in bursts above 10,000 neighbours", "burst",
	  { .events = 20000 }, { .events = 5000 },
	  { { "with", { "--source", "netlink" } },
	    { "without", { "--source", "netlink", "--netlink-buffer", "106496" } } }, "lost" },
	{ "configuration_cache", "90 % fewer queries of the configuration", "sustained",
	  { .neighbours = 1000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 200, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--without", "configuration_cache" } } },
	  "redis_queries" },
	{ "batching", "3-5 times faster at volume", "burst",
	  { .events = 100000 }, { .events = 2000 },
	  { { "with", { NULL } }, { "without", { "--without", "batching" } } }, "seconds" },
	{ "batch_timeout", "3-5 times faster at volume, with batching", "sustained",
	  { .neighbours = 1000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 200, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--batch-timeout", "0" } } },
	  "redis_cpu_seconds" },
	{ "filter", "less CPU, as nobody is woken for what does not count", "unwatched",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 500, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--without", "filter" } } },
	  "daemon_cpu_seconds" },
	{ "suppression", "no CPU for changes that change nothing", "churn",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 500, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--without", "suppression" } } },
	  "daemon_cpu_seconds" },
	{ "moderation", "fewer wakeups under load", "sustained",
	  { .neighbours = 1000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 200, .rate = 5000, .duration_s = 1 },
	  { { "with", { NULL } }, { "without", { "--moderation", "0" } } },
	  "daemon_wakeups" },
	{ "bpf_source", "less CPU than netlink's notifications", "churn",
	  { .neighbours = 10000, .rate = 20000, .duration_s = 5 },
	  { .neighbours = 500, .rate = 5000, .duration_s = 1 },
	  { { "with", { "--source", "tp_btf" } }, { "without", { "--source", "netlink" } } },
	  "daemon_cpu_seconds" },
	/* but the loop: a wait for one message would hold up the reply to each command */
	{ "all", "that of all of them together", "burst",
	  { .events = 10000 }, { .events = 1000 },
	  { { "with", { NULL } },
	    { "without", { "--source", "netlink", "--batch-size", "1", "--moderation", "0",
			   "--without", "in_place,interface_hash,preallocation,batching,"
			   "configuration_cache" } } }, "seconds" },
};

#define COUNT (sizeof(ablations) / sizeof(*ablations))

struct outcome {
	bool is_known;		/* else this daemon cannot do without it */
	bool is_complete;
	struct bench_spread ways[WAYS];
	struct bench_result sums;	/* of the medians of what every scenario has */
};

static const char *const summed[] = { "missing", "wrong", "seconds", "floor_seconds" };

#define SUMMED (sizeof(summed) / sizeof(*summed))

static void add_up(struct bench_result *sums, const struct bench_result *results, size_t runs)
{
	for (size_t i = 0; i < SUMMED; i++)
		bench_result_set(sums, summed[i], bench_result_get(sums, summed[i]) +
				 bench_result_spread(results, runs, summed[i]).median);
}

static int measure(const struct bench_request *request, const struct ablation *ablation,
		   struct outcome *outcome, struct bench_machine *machine)
{
	size_t runs = (size_t)WAYS * request->repeat;
	struct bench_result *results = calloc(runs, sizeof(*results));
	struct bench_options options = bench_fill_in(request, request->quick ? &ablation->quick :
									       &ablation->options);
	int error = results ? 0 : -ENOMEM;

	*outcome = (struct outcome){ 0 };
	if (!error && !bench_daemon_takes(ablation->ways[WITHOUT].words)) {
		free(results);
		return bench_is_interrupted() ? -EINTR : 0;
	}
	if (!error)
		error = bench_run_variants(request, bench_scenario_find(ablation->scenario),
					   &options, ablation->ways, WAYS, results, machine);
	outcome->is_known = !error;
	outcome->is_complete = !error && bench_is_complete(results, runs);
	for (int way = 0; !error && way < WAYS; way++) {
		const struct bench_result *runs_of_way = results + way * (int)request->repeat;

		outcome->ways[way] = bench_result_spread(runs_of_way, request->repeat,
							 ablation->figure);
		add_up(&outcome->sums, runs_of_way, request->repeat);
	}
	free(results);
	return error;
}

/* By the spreads of what was measured with it and without it: they may overlap. */
static const char *verdict(const struct bench_spread *ways)
{
	if (ways[WITH].most < ways[WITHOUT].least)
		return "less with it";
	if (ways[WITH].least > ways[WITHOUT].most)
		return "more with it";
	return "no difference";
}

static struct json_object *spread_json(const struct bench_spread *spread)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "median", bench_json_number(spread->median));
	json_object_object_add(object, "least", bench_json_number(spread->least));
	json_object_object_add(object, "most", bench_json_number(spread->most));
	return object;
}

static struct json_object *row_json(const struct ablation *ablation,
				    const struct outcome *outcome)
{
	const struct bench_spread *ways = outcome->ways;
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "optimisation", json_object_new_string(ablation->name));
	json_object_object_add(row, "expected", json_object_new_string(ablation->expected));
	json_object_object_add(row, "scenario", json_object_new_string(ablation->scenario));
	json_object_object_add(row, "figure", json_object_new_string(ablation->figure));
	json_object_object_add(row, "measured", json_object_new_boolean(outcome->is_known));
	if (!outcome->is_known)
		return row;
	json_object_object_add(row, "complete", json_object_new_boolean(outcome->is_complete));
	json_object_object_add(row, "with", spread_json(&ways[WITH]));
	json_object_object_add(row, "without", spread_json(&ways[WITHOUT]));
	json_object_object_add(row, "factor",
			       bench_json_number(ways[WITHOUT].median / ways[WITH].median));
	json_object_object_add(row, "saved",
			       bench_json_number(1 - ways[WITH].median / ways[WITHOUT].median));
	json_object_object_add(row, "verdict", json_object_new_string(verdict(ways)));
	return row;
}

static void print_json(const struct bench_request *request, const struct outcome *outcomes,
		       const struct bench_machine *machine)
{
	struct json_object *object = json_object_new_object(), *rows = json_object_new_array();
	struct bench_result sums = { 0 };

	json_object_object_add(object, "scenario", json_object_new_string("ablation"));
	json_object_object_add(object, "repeat", json_object_new_int((int)request->repeat));
	json_object_object_add(object, "machine", bench_machine_json(machine));
	for (size_t i = 0; i < COUNT; i++) {
		json_object_array_add(rows, row_json(&ablations[i], &outcomes[i]));
		if (outcomes[i].is_known)
			add_up(&sums, &outcomes[i].sums, 1);
	}
	for (size_t i = 0; i < SUMMED; i++)
		json_object_object_add(object, summed[i],
				       bench_json_number(bench_result_get(&sums, summed[i])));
	json_object_object_add(object, "floor_ratio",
			       bench_json_number(bench_result_get(&sums, "seconds") /
						 bench_result_get(&sums, "floor_seconds")));
	json_object_object_add(object, "optimisations", rows);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

static void print_table(const struct outcome *outcomes)
{
	printf("%-20s %-10s %-18s %11s %11s %8s  %-14s %s\n", "optimisation", "scenario",
	       "figure", "with", "without", "factor", "measured", "commonly expected");
	for (size_t i = 0; i < COUNT; i++) {
		const struct ablation *ablation = &ablations[i];
		const struct bench_spread *ways = outcomes[i].ways;

		printf("%-20s %-10s %-18s ", ablation->name, ablation->scenario, ablation->figure);
		if (outcomes[i].is_known)
			printf("%11.5g %11.5g ", ways[WITH].median, ways[WITHOUT].median);
		else
			printf("%11s %11s ", "-", "-");
		if (ways[WITH].median > 0)
			printf("%8.3g", ways[WITHOUT].median / ways[WITH].median);
		else
			printf("%8s", "-");
		printf("  %-14s %s\n", outcomes[i].is_known ? verdict(ways) : "-",
		       ablation->expected);
	}
}

int bench_ablation(const struct bench_request *request)
{
	struct bench_machine machine = { 0 };
	struct outcome outcomes[COUNT];
	bool is_complete = true;
	int error = 0;

	if (request->real_packets || request->side_by_side || request->source) {
		log_error("bench ablation: it chooses its sources itself");
		return COMMAND_FAILED;
	}
	for (size_t i = 0; !error && i < COUNT; i++) {
		error = measure(request, &ablations[i], &outcomes[i], &machine);
		is_complete &= !outcomes[i].is_known || outcomes[i].is_complete;
	}
	if (error)
		return COMMAND_FAILED;
	if (request->json)
		print_json(request, outcomes, &machine);
	else
		print_table(outcomes);
	return is_complete ? COMMAND_OK : COMMAND_DIFFERENT;
}

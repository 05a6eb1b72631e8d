/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrack stats: what the programs have counted, from the pinned maps, by hook and
 * reason; and what the daemon has, from its metrics. Either may be missing.
 */
#include "command.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "instance_lock.h"
#include "log.h"
#include "metrics_client.h"
#include "neigh_reason.h"
#include "output.h"
#include "pinned_maps.h"

struct view {
	const struct options *options;
	const struct command_arguments *arguments;
	struct pinned_maps maps;
	struct pinned_counts counts;
	struct metrics_answer metrics;
	bool has_counts;
	int daemon;			/* its process; 0: none is known */
};

static const struct {
	const char *name;
	size_t offset;
	bool is_loss;
} outcomes[] = {
#define OUTCOME(member, is_loss) { #member, offsetof(struct neigh_counters, member), is_loss }
	OUTCOME(seen, false), OUTCOME(rechecked, false), OUTCOME(other_netns, false),
	OUTCOME(suppressed, false), OUTCOME(superseded, false), OUTCOME(discarded, false),
	OUTCOME(submitted, false), OUTCOME(ring_full, true), OUTCOME(map_full, true),
#undef OUTCOME
};

/* Of the daemon: how it is called here, and in its metrics. */
static const struct {
	const char *name;
	const char *metric;
} daemon_values[] = {
	{ "ready", "neightrack_ready" },
	{ "neighbours", "neightrack_neighbours" },
	{ "dirty_neighbours", "neightrack_dirty_neighbours" },
	{ "lag_seconds", "neightrack_lag_seconds" },
	{ "redis_connected", "neightrack_redis_connected" },
	{ "redis_commands_in_flight", "neightrack_redis_commands_in_flight" },
	{ "redis_commands", "neightrack_redis_commands_total" },
	{ "redis_connection_failures", "neightrack_redis_connection_failures_total" },
	{ "redis_errors", "neightrack_redis_errors_total" },
	{ "writes", "neightrack_writes_total" },
	{ "writes_refused", "neightrack_writes_refused_total" },
	{ "lost", "neightrack_lost_total" },
	{ "resyncs", "neightrack_resyncs_total" },
	{ "audit_repairs", "neightrack_audit_repairs_total" },
	{ "mac_changes", "neightrack_mac_changes_total" },
	{ "anomalies", "neightrack_anomalies_total" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t outcome(const struct neigh_counters *counters, size_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)counters + outcomes[i].offset, sizeof(value));
	return value;
}

/* --- text ------------------------------------------------------------------------ */

static void print_row(const struct view *view, const char *name, const uint64_t *values,
		      uint64_t total, bool is_loss)
{
	char text[24];

	printf("%-26s", name);
	for (int hook = 0; hook < NEIGH_HOOKS; hook++)
		if (view->counts.names[hook][0])
			printf(" %14llu", (unsigned long long)values[hook]);
	snprintf(text, sizeof(text), " %14llu", (unsigned long long)total);
	output_text(view->arguments, is_loss && total ? PAINT_BAD : PAINT_NONE, 0, text);
	putchar('\n');
}

static void print_counts(const struct view *view)
{
	const struct pinned_counts *counts = &view->counts;
	struct neigh_counters total;
	uint64_t values[NEIGH_HOOKS];
	char name[32];

	pinned_counts_total(counts, &total);
	printf("%-26s", "HOOK");
	for (int hook = 0; hook < NEIGH_HOOKS; hook++)
		if (counts->names[hook][0])
			printf(" %14s", counts->names[hook]);
	printf(" %14s\n", "total");
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		for (int hook = 0; hook < NEIGH_HOOKS; hook++)
			values[hook] = outcome(&counts->hooks[hook], i);
		print_row(view, outcomes[i].name, values, outcome(&total, i),
			  outcomes[i].is_loss);
	}
	for (int reason = NEIGH_PUBLISH + 1; reason < NEIGH_REASONS; reason++) {
		for (int hook = 0; hook < NEIGH_HOOKS; hook++)
			values[hook] = counts->hooks[hook].filtered[reason];
		snprintf(name, sizeof(name), "filtered %s",
			 neigh_reason_name((enum neigh_reason)reason));
		print_row(view, name, values, total.filtered[reason], false);
	}
	print_row(view, "missed since the load", counts->missed, pinned_counts_missed(counts),
		  true);
	printf("\nlost %llu, published without a claim %llu, deletions seen %llu\n",
	       (unsigned long long)counts->control.lost,
	       (unsigned long long)counts->control.claims_incomplete,
	       (unsigned long long)counts->deletions);
}

static void print_text(const struct view *view)
{
	double value;

	printf("instance %s: ", view->options->instance);
	if (view->daemon)
		printf("neightrackd runs as process %d\n", view->daemon);
	else
		puts("no neightrackd is known to run");
	if (view->has_counts) {
		printf("network namespace %u, ring of %u bytes, map for %u neighbours\n\n",
		       view->counts.control.netns_inum, view->counts.identity.ring_size_bytes,
		       view->counts.identity.map_size);
		print_counts(view);
	} else {
		printf("hooks: unknown: %s\n", view->maps.why);
	}
	if (!view->metrics.text) {
		printf("\ndaemon: unknown: %s\n", view->metrics.why);
		return;
	}
	puts("\nDAEMON");
	for (size_t i = 0; i < COUNT_OF(daemon_values); i++)
		if (metrics_value(view->metrics.text, daemon_values[i].metric, "", &value))
			printf("%-26s %14.15g\n", daemon_values[i].name, value);
}

/* --- JSON ------------------------------------------------------------------------ */

static json_object *counters_to_json(const struct neigh_counters *counters)
{
	json_object *object = json_object_new_object();
	json_object *filtered = json_object_new_object();

	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		output_add_number(object, outcomes[i].name, outcome(counters, i));
	for (int reason = NEIGH_PUBLISH + 1; reason < NEIGH_REASONS; reason++)
		output_add_number(filtered, neigh_reason_name((enum neigh_reason)reason),
				  counters->filtered[reason]);
	json_object_object_add(object, "filtered", filtered);
	return object;
}

static json_object *counts_to_json(const struct pinned_counts *counts)
{
	json_object *object = json_object_new_object();
	json_object *hooks = json_object_new_object();
	struct neigh_counters total;

	for (int hook = 0; hook < NEIGH_HOOKS; hook++) {
		json_object *one;

		if (!counts->names[hook][0])
			continue;
		one = counters_to_json(&counts->hooks[hook]);
		output_add_number(one, "missed_since_load", counts->missed[hook]);
		json_object_object_add(hooks, counts->names[hook], one);
	}
	pinned_counts_total(counts, &total);
	json_object_object_add(object, "hooks", hooks);
	json_object_object_add(object, "total", counters_to_json(&total));
	output_add_number(object, "missed_since_load", pinned_counts_missed(counts));
	output_add_number(object, "lost", counts->control.lost);
	output_add_number(object, "claims_incomplete", counts->control.claims_incomplete);
	output_add_number(object, "deletions", counts->deletions);
	output_add_number(object, "netns_inum", counts->control.netns_inum);
	output_add_number(object, "ring_size_bytes", counts->identity.ring_size_bytes);
	output_add_number(object, "map_size", counts->identity.map_size);
	return object;
}

static void add_daemon(json_object *object, const struct view *view)
{
	json_object *daemon;

	if (!view->metrics.text) {
		json_object_object_add(object, "daemon", NULL);
		output_add_text(object, "daemon_unknown", view->metrics.why);
		return;
	}
	daemon = json_object_new_object();
	for (size_t i = 0; i < COUNT_OF(daemon_values); i++) {
		double value;

		if (metrics_value(view->metrics.text, daemon_values[i].metric, "", &value))
			json_object_object_add(daemon, daemon_values[i].name,
					       json_object_new_double(value));
	}
	json_object_object_add(object, "daemon", daemon);
}

static void print_json(const struct view *view)
{
	json_object *object = json_object_new_object();

	output_add_text(object, "instance", view->options->instance);
	json_object_object_add(object, "pid", view->daemon ?
			       json_object_new_int(view->daemon) : NULL);
	json_object_object_add(object, "kernel",
			       view->has_counts ? counts_to_json(&view->counts) : NULL);
	if (!view->has_counts)
		output_add_text(object, "kernel_unknown", view->maps.why);
	add_daemon(object, view);
	output_json(view->arguments, object);
}

int command_stats(const struct options *options, const struct command_arguments *arguments)
{
	struct view view = { .options = options, .arguments = arguments };
	int status;

	if (arguments->count) {
		fprintf(stderr, "neightrack stats: '%s': no argument is allowed\n",
			arguments->words[0]);
		return COMMAND_FAILED;
	}
	view.has_counts = !pinned_maps_open(&view.maps, options) &&
			  !pinned_maps_counts(&view.maps, &view.counts);
	view.daemon = instance_holder(options->instance);
	metrics_fetch(&view.metrics, options);
	if (arguments->json)
		print_json(&view);
	else
		print_text(&view);
	status = view.has_counts || view.metrics.text ? COMMAND_OK : COMMAND_FAILED;
	metrics_answer_free(&view.metrics);
	pinned_maps_close(&view.maps);
	return status;
}

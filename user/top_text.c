/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "neigh_text.h"
#include "output.h"
#include "show_stats.h"

#define SAY(line, ...) snprintf((line)->text, sizeof((line)->text), __VA_ARGS__)

/* All that the line with the losses tells of. */
struct losses {
	uint64_t ring_full, lost, missed, map_full;
};

struct rates {
	double seen, submitted, suppressed, filtered, other_netns, commands;
};

static uint64_t all_filtered(const struct neigh_counters *counters)
{
	uint64_t total = 0;

	for (int i = 0; i < NEIGH_REASONS; i++)
		total += counters->filtered[i];
	return total;
}

static struct rates rates_of(const struct top_view *view)
{
	const struct top_sample *before = view->before, *now = view->now;
	double seconds = (double)(now->time_ns - before->time_ns) / 1e9;
	struct neigh_counters old, new;
	struct rates rates = { 0 };

	if (before->has_maps && now->has_maps && seconds > 0) {
		pinned_counts_total(&before->counts, &old);
		pinned_counts_total(&now->counts, &new);
#define RATE(value) ((double)(value) / seconds)
		rates.seen = RATE(top_difference(old.seen, new.seen));
		rates.submitted = RATE(top_difference(old.submitted, new.submitted));
		rates.suppressed = RATE(top_difference(old.suppressed, new.suppressed));
		rates.filtered = RATE(top_difference(all_filtered(&old), all_filtered(&new)));
		rates.other_netns = RATE(top_difference(old.other_netns, new.other_netns));
	}
	if (before->has_metrics && now->has_metrics && seconds > 0)
		rates.commands = RATE(now->commands - before->commands);
#undef RATE
	return rates;
}

static struct losses losses_of(const struct top_sample *sample)
{
	struct neigh_counters total;

	pinned_counts_total(&sample->counts, &total);
	return (struct losses){ .ring_full = total.ring_full, .map_full = total.map_full,
				.lost = sample->counts.control.lost,
				.missed = pinned_counts_missed(&sample->counts) };
}

static void count_families(const struct top_sample *sample, size_t counts[3])
{
	memset(counts, 0, 3 * sizeof(counts[0]));
	for (size_t i = 0; i < sample->neighbours.count; i++) {
		const struct pinned_neighbour *neighbour = &sample->neighbours.list[i];

		counts[!neighbour->is_published ? 2 :
		       neighbour->key.family == NEIGHTRACK_FAMILY_IPV6]++;
	}
}

static void say_title(const struct top_view *view, struct top_line *line)
{
	char clock[16], daemon[40] = "no neightrackd is known to run";
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%T", &local);
	if (view->now->daemon)
		snprintf(daemon, sizeof(daemon), "neightrackd %d", view->now->daemon);
	line->is_bad = !view->now->daemon;
	SAY(line, "neightrack top %s, instance %s, %s, every %us, by %s", clock,
	    view->options->instance, daemon, view->interval_s, top_order_name(view->order));
}

static void say_redis(const struct top_view *view, const struct rates *rates,
		      struct top_line *line)
{
	const struct top_sample *now = view->now;

	if (!now->has_metrics) {
		SAY(line, "redis: unknown: %s", now->why_no_metrics);
		return;
	}
	SAY(line, "redis: %s, lag %.3fs, %.0f neighbours wait, %.0f commands in flight, "
	    "%.0f/s sent, %.0f errors", now->connected != 0 ? "connected" : "NOT CONNECTED", now->lag_s,
	    now->dirty, now->in_flight, rates->commands, now->errors);
	line->is_bad = now->connected == 0;
}

void top_head(const struct top_view *view, struct top_line lines[TOP_HEAD_LINES])
{
	struct losses losses = losses_of(view->now);
	struct rates rates = rates_of(view);
	size_t counts[3];

	memset(lines, 0, TOP_HEAD_LINES * sizeof(lines[0]));
	say_title(view, &lines[0]);
	count_families(view->now, counts);
	if (view->now->has_maps) {
		SAY(&lines[1], "neighbours: %zu IPv4, %zu IPv6 published; %zu were, and are no more",
		    counts[0], counts[1], counts[2]);
		SAY(&lines[2], "a second: %.1f seen, %.1f submitted, %.1f suppressed, "
		    "%.1f filtered, %.1f of other namespaces", rates.seen, rates.submitted,
		    rates.suppressed, rates.filtered, rates.other_netns);
		SAY(&lines[3], "losses: %llu lost, %llu with a full ring, %llu runs missed; "
		    "%llu without suppression", (unsigned long long)losses.lost,
		    (unsigned long long)losses.ring_full, (unsigned long long)losses.missed,
		    (unsigned long long)losses.map_full);
	} else {
		SAY(&lines[1], "neighbours: unknown: %s", view->now->why_no_maps);
		SAY(&lines[2], "a second: unknown");
		SAY(&lines[3], "losses: unknown");
	}
	lines[3].is_bad = losses.lost || losses.ring_full || losses.missed;
	say_redis(view, &rates, &lines[4]);
}

static void widen(int *width, size_t bytes)
{
	if ((int)bytes > *width)
		*width = (int)bytes;
}

void top_measure(struct top_view *view)
{
	char ip[IP_TEXT_BYTES];

	view->address_width = (int)strlen("255.255.255.255");
	view->interface_width = (int)strlen("INTERFACE");
	for (size_t i = 0; i < view->count; i++) {
		const struct pinned_neighbour *neighbour = view->rows[i].neighbour;

		widen(&view->interface_width, strlen(neighbour->interface));
		if (neighbour->key.family == NEIGHTRACK_FAMILY_IPV6)
			widen(&view->address_width, ip_to_text(neighbour->key.family,
							       neighbour->key.addr, ip));
	}
}

void top_titles(const struct top_view *view, struct top_line *line)
{
	line->is_bad = false;
	SAY(line, "%-*s %-17s %-*s %7s %6s %8s %6s %8s %s", view->address_width, "ADDRESS", "MAC",
	    view->interface_width, "INTERFACE", "+CHANGE", "+MOVES", "CHANGES", "MOVES", "LAST",
	    "STATE");
}

void top_row_line(const struct top_view *view, const struct top_row *row, struct top_line *line)
{
	const struct pinned_neighbour *neighbour = row->neighbour;
	const struct neigh_value *value = &neighbour->value;
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES] = "-", states[NUD_TEXT_BYTES] = "-";
	char last[24] = "-";

	ip_to_text(neighbour->key.family, neighbour->key.addr, ip);
	if (neighbour->is_published)
		mac_to_text(value->published.mac, mac);
	if (pinned_neighbour_has_changed(neighbour)) {
		nud_state_to_text(value->nud_state, states);
		snprintf(last, sizeof(last), "%llus", (unsigned long long)
			 (top_difference(value->last_change_ns, view->now->time_ns) / NS_PER_S));
	}
	SAY(line, "%-*s %-17s %-*s %7u %6u %8u %6u %8s %s", view->address_width, ip, mac,
	    view->interface_width, neighbour->interface, row->changes, row->mac_moves,
	    value->changes, value->mac_moves, last, states);
	line->is_bad = row->mac_moves;
}

/* --- JSON ------------------------------------------------------------------------- */

static json_object *row_to_json(const struct top_view *view, const struct top_row *row)
{
	const struct neigh_value *value = &row->neighbour->value;
	json_object *object = json_object_new_object();
	char ip[IP_TEXT_BYTES];

	ip_to_text(row->neighbour->key.family, row->neighbour->key.addr, ip);
	output_add_text(object, "dst", ip);
	output_add_text(object, "dev", row->neighbour->interface);
	output_add_mac(object, "lladdr", row->neighbour->is_published ? value->published.mac :
									NULL);
	output_add_number(object, "new_changes", row->changes);
	output_add_number(object, "new_mac_moves", row->mac_moves);
	show_stats_add(object, row->neighbour, view->now->time_ns);
	return object;
}

static json_object *rates_to_json(const struct rates *rates)
{
	json_object *object = json_object_new_object();

	output_add_seconds(object, "seen", rates->seen);
	output_add_seconds(object, "submitted", rates->submitted);
	output_add_seconds(object, "suppressed", rates->suppressed);
	output_add_seconds(object, "filtered", rates->filtered);
	output_add_seconds(object, "other_netns", rates->other_netns);
	return object;
}

static json_object *losses_to_json(const struct losses *losses)
{
	json_object *object = json_object_new_object();

	output_add_number(object, "lost", losses->lost);
	output_add_number(object, "ring_full", losses->ring_full);
	output_add_number(object, "missed", losses->missed);
	output_add_number(object, "map_full", losses->map_full);
	return object;
}

static json_object *redis_to_json(const struct top_sample *now, const struct rates *rates)
{
	json_object *object;

	if (!now->has_metrics)
		return NULL;
	object = json_object_new_object();
	output_add_bool(object, "is_connected", now->connected != 0);
	output_add_seconds(object, "lag_seconds", now->lag_s);
	output_add_seconds(object, "dirty_neighbours", now->dirty);
	output_add_seconds(object, "commands_in_flight", now->in_flight);
	output_add_seconds(object, "commands_a_second", rates->commands);
	output_add_seconds(object, "errors", now->errors);
	return object;
}

json_object *top_to_json(const struct top_view *view)
{
	json_object *object = json_object_new_object(), *rows = json_object_new_array();
	struct losses losses = losses_of(view->now);
	struct rates rates = rates_of(view);

	output_add_number(object, "time", (uint64_t)time(NULL));
	output_add_text(object, "instance", view->options->instance);
	json_object_object_add(object, "pid", view->now->daemon ?
			       json_object_new_int(view->now->daemon) : NULL);
	json_object_object_add(object, "a_second",
			       view->now->has_maps ? rates_to_json(&rates) : NULL);
	json_object_object_add(object, "losses",
			       view->now->has_maps ? losses_to_json(&losses) : NULL);
	json_object_object_add(object, "redis", redis_to_json(view->now, &rates));
	if (!view->now->has_maps)
		output_add_text(object, "kernel_unknown", view->now->why_no_maps);
	if (!view->now->has_metrics)
		output_add_text(object, "redis_unknown", view->now->why_no_metrics);
	for (size_t i = 0; i < view->count; i++)
		json_object_array_add(rows, row_to_json(view, &view->rows[i]));
	json_object_object_add(object, "neighbours", rows);
	return object;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top_sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "instance_lock.h"

static void keep_selected(struct pinned_neighbours *neighbours, const struct selection *selection)
{
	size_t kept = 0;

	for (size_t i = 0; i < neighbours->count; i++) {
		const struct pinned_neighbour *neighbour = &neighbours->list[i];

		if (selection_has(selection, neighbour->interface, neighbour->key.family,
				  neighbour->key.addr))
			neighbours->list[kept++] = *neighbour;
	}
	neighbours->count = kept;
}

static void take_metrics(struct top_sample *sample, const struct options *options)
{
	struct metrics_answer answer;
	const struct {
		const char *name;
		double *value;
	} wanted[] = {
		{ "neightrack_redis_connected", &sample->connected },
		{ "neightrack_lag_seconds", &sample->lag_s },
		{ "neightrack_dirty_neighbours", &sample->dirty },
		{ "neightrack_redis_commands_in_flight", &sample->in_flight },
		{ "neightrack_redis_commands_total", &sample->commands },
		{ "neightrack_redis_errors_total", &sample->errors },
	};

	sample->has_metrics = !metrics_fetch(&answer, options);
	snprintf(sample->why_no_metrics, sizeof(sample->why_no_metrics), "%s", answer.why);
	for (size_t i = 0; sample->has_metrics && i < sizeof(wanted) / sizeof(*wanted); i++)
		metrics_value(answer.text, wanted[i].name, "", wanted[i].value);
	metrics_answer_free(&answer);
}

void top_sample_take(struct top_sample *sample, const struct options *options,
		     const struct selection *selection)
{
	struct pinned_maps maps;

	sample->time_ns = clock_now_ns();
	sample->daemon = instance_holder(options->instance);
	/* anew each time: another daemon may have made others */
	sample->has_maps = !pinned_maps_open(&maps, options) &&
			   !pinned_maps_neighbours(&maps, &sample->neighbours) &&
			   !pinned_maps_counts(&maps, &sample->counts);
	if (!sample->has_maps) {
		sample->neighbours.count = 0;
		sample->counts = (struct pinned_counts){ 0 };
	}
	snprintf(sample->why_no_maps, sizeof(sample->why_no_maps), "%s", maps.why);
	pinned_maps_close(&maps);
	keep_selected(&sample->neighbours, selection);
	take_metrics(sample, options);
}

void top_sample_free(struct top_sample *sample)
{
	pinned_neighbours_free(&sample->neighbours);
}

const char *top_order_name(enum top_order order)
{
	static const char *const names[TOP_ORDERS] = { "changes", "MAC moves", "last change",
						       "address" };

	return names[order];
}

static int descending(uint64_t left, uint64_t right)
{
	return left > right ? -1 : left < right;
}

static int by_address(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;

	return pinned_neighbour_compare(left->neighbour, right->neighbour);
}

static int by_changes(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;
	int order = descending(left->changes, right->changes);

	if (!order)
		order = descending(left->neighbour->value.changes,
				   right->neighbour->value.changes);
	return order ? order : by_address(a, b);
}

static int by_moves(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;
	int order = descending(left->mac_moves, right->mac_moves);

	if (!order)
		order = descending(left->neighbour->value.mac_moves,
				   right->neighbour->value.mac_moves);
	return order ? order : by_changes(a, b);
}

static int by_last(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;
	int order = descending(left->neighbour->value.last_change_ns,
			       right->neighbour->value.last_change_ns);

	return order ? order : by_address(a, b);
}

int top_rows(struct top_row **result, const struct top_sample *before,
	     const struct top_sample *now, enum top_order order)
{
	static int (*const compare[TOP_ORDERS])(const void *a, const void *b) = {
		by_changes, by_moves, by_last, by_address,
	};
	const struct pinned_neighbours *old = &before->neighbours, *new = &now->neighbours;
	struct top_row *rows = calloc(new->count + 1, sizeof(*rows));
	size_t j = 0;

	if (!rows)
		return -ENOMEM;
	/* both are sorted by key */
	for (size_t i = 0; i < new->count; i++) {
		const struct neigh_value *value = &new->list[i].value;
		const struct neigh_value *last = NULL;

		while (j < old->count &&
		       pinned_neighbour_compare(&old->list[j], &new->list[i]) < 0)
			j++;
		if (j < old->count && !pinned_neighbour_compare(&old->list[j], &new->list[i]))
			last = &old->list[j].value;
		rows[i].neighbour = &new->list[i];
		if (!before->has_maps)
			continue;
		/* what was not there then has had all of its changes since */
		rows[i].changes = (uint32_t)top_difference(last ? last->changes : 0,
							   value->changes);
		rows[i].mac_moves = (uint32_t)top_difference(last ? last->mac_moves : 0,
							     value->mac_moves);
	}
	qsort(rows, new->count, sizeof(*rows), compare[order]);
	*result = rows;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show_stats.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "neigh_text.h"
#include "output.h"
#include "pinned_maps.h"

static double seconds_ago(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns < now_ns ? (double)(now_ns - then_ns) / 1e9 : 0;
}

static void print_text(const struct command_arguments *arguments,
		       const struct pinned_neighbour *neighbour, uint64_t now_ns)
{
	const struct neigh_value *value = &neighbour->value;
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES] = "-", states[NUD_TEXT_BYTES] = "-";
	char first[24], last[24] = "-";

	ip_to_text(neighbour->key.family, neighbour->key.addr, ip);
	if (neighbour->is_published)
		mac_to_text(value->published.mac, mac);
	snprintf(first, sizeof(first), "%.0fs", seconds_ago(now_ns, value->first_seen_ns));
	if (pinned_neighbour_has_changed(neighbour)) {
		nud_state_to_text(value->nud_state, states);
		snprintf(last, sizeof(last), "%.0fs", seconds_ago(now_ns, value->last_change_ns));
	}
	output_text(arguments, PAINT_ADDRESS, 40, ip);
	output_text(arguments, PAINT_MAC, 18, mac);
	output_text(arguments, PAINT_INTERFACE, 16, neighbour->interface);
	printf("%7u ", value->changes);
	snprintf(mac, sizeof(mac), "%6u", value->mac_moves);
	output_text(arguments, value->mac_moves ? PAINT_BAD : PAINT_NONE, 7, mac);
	printf("%9s %9s ", first, last);
	output_text(arguments, output_state_paint(value->nud_state), 0, states);
	putchar('\n');
}

void show_stats_add(json_object *object, const struct pinned_neighbour *neighbour,
		    uint64_t now_ns)
{
	const struct neigh_value *value = &neighbour->value;

	output_add_number(object, "changes", value->changes);
	output_add_number(object, "mac_moves", value->mac_moves);
	output_add_seconds(object, "first_seen_seconds_ago",
			   seconds_ago(now_ns, value->first_seen_ns));
	if (!pinned_neighbour_has_changed(neighbour))
		return;
	output_add_seconds(object, "last_change_seconds_ago",
			   seconds_ago(now_ns, value->last_change_ns));
	output_add_states(object, "state", value->nud_state);
}

static json_object *to_json(const struct pinned_neighbour *neighbour, uint64_t now_ns)
{
	json_object *object = json_object_new_object();
	char ip[IP_TEXT_BYTES];

	ip_to_text(neighbour->key.family, neighbour->key.addr, ip);
	output_add_text(object, "dst", ip);
	output_add_text(object, "dev", neighbour->interface);
	output_add_number(object, "ifindex", neighbour->key.ifindex);
	output_add_mac(object, "lladdr", neighbour->is_published ?
					 neighbour->value.published.mac : NULL);
	show_stats_add(object, neighbour, now_ns);
	return object;
}

static void print_all(const struct command_arguments *arguments,
		      const struct pinned_neighbours *neighbours,
		      const struct selection *selection)
{
	json_object *array = arguments->json ? json_object_new_array() : NULL;
	uint64_t now_ns = clock_now_ns();

	if (!array)
		printf("%-39s %-17s %-15s %7s %6s %9s %9s %s\n", "ADDRESS", "MAC", "INTERFACE",
		       "CHANGES", "MOVES", "FIRST", "LAST", "STATE");
	for (size_t i = 0; i < neighbours->count; i++) {
		const struct pinned_neighbour *neighbour = &neighbours->list[i];

		if (!selection_has(selection, neighbour->interface, neighbour->key.family,
				   neighbour->key.addr))
			continue;
		if (array)
			json_object_array_add(array, to_json(neighbour, now_ns));
		else
			print_text(arguments, neighbour, now_ns);
	}
	if (array)
		output_json(arguments, array);
}

int show_stats(const struct options *options, const struct command_arguments *arguments,
	       const struct selection *selection)
{
	struct pinned_neighbours neighbours = { 0 };
	struct pinned_maps maps;
	int status = COMMAND_FAILED;

	if (pinned_maps_open(&maps, options) ||
	    pinned_maps_neighbours(&maps, &neighbours)) {
		log_error("%s", maps.why);
		goto out;
	}
	print_all(arguments, &neighbours, selection);
	status = COMMAND_OK;
out:
	pinned_neighbours_free(&neighbours);
	pinned_maps_close(&maps);
	return status;
}

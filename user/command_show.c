/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack show: the table as it is in Redis, with what the kernel knows of
 * the state and age of each neighbour. */
#include "command.h"

#include <stdio.h>

#include <linux/types.h>
#include "listing.h"
#include "neigh_text.h"
#include "neightrack/record.h"
#include "output.h"
#include "selection.h"
#include "show_stats.h"

static void print_text(const struct command_arguments *arguments, const struct listing_row *row,
		       const struct listing_row *kernel)
{
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES] = "?", age[16] = "-";
	char states[NUD_TEXT_BYTES] = "-";

	ip_to_text(row->family, row->addr, ip);
	if (row->value == LISTING_MAC)
		mac_to_text(row->mac, mac);
	if (kernel && kernel->has_times)
		snprintf(age, sizeof(age), "%us", kernel->updated_s);
	if (kernel)
		nud_state_to_text(kernel->nud_state, states);
	output_text(arguments, PAINT_ADDRESS, 40, ip);
	output_text(arguments, PAINT_MAC, 18, mac);
	output_text(arguments, PAINT_INTERFACE, 16, row->interface);
	printf("%7s ", age);
	output_text(arguments, kernel ? output_state_paint(kernel->nud_state) : PAINT_NONE, 0,
		    states);
	putchar('\n');
}

static json_object *to_json(const struct listing_row *row, const struct listing_row *kernel)
{
	json_object *object = json_object_new_object();
	char ip[IP_TEXT_BYTES];

	ip_to_text(row->family, row->addr, ip);
	output_add_text(object, "dst", ip);
	output_add_text(object, "dev", row->interface);
	output_add_mac(object, "lladdr", row->value == LISTING_MAC ? row->mac : NULL);
	if (kernel)
		output_add_states(object, "state", kernel->nud_state);
	else
		json_object_object_add(object, "state", json_object_new_array());
	if (kernel && kernel->has_times)
		output_add_number(object, "age", kernel->updated_s);
	return object;
}

static void print_rows(const struct listing *redis, const struct listing *kernel,
		       const struct selection *selection,
		       const struct command_arguments *arguments)
{
	json_object *array = arguments->json ? json_object_new_array() : NULL;

	if (!array)
		printf("%-39s %-17s %-15s %7s %s\n", "ADDRESS", "MAC", "INTERFACE", "AGE", "STATE");
	for (size_t i = 0; i < redis->count; i++) {
		const struct listing_row *row = &redis->rows[i];
		const struct listing_row *known = listing_find(kernel, row);

		if (!selection_has(selection, row->interface, row->family, row->addr))
			continue;
		if (array)
			json_object_array_add(array, to_json(row, known));
		else
			print_text(arguments, row, known);
	}
	if (array)
		output_json(arguments, array);
}

int command_show(const struct options *options, const struct command_arguments *arguments)
{
	struct listing kernel = { 0 }, redis = { 0 };
	struct selection selection;
	int status = COMMAND_FAILED;
	bool wants_stats = false;

	if (selection_read(&selection, arguments, "show", "stats", &wants_stats))
		return COMMAND_FAILED;
	if (wants_stats)
		return show_stats(options, arguments, &selection);
	if (listing_from_redis(&redis, options) || listing_from_kernel(&kernel, options))
		goto out;
	print_rows(&redis, &kernel, &selection, arguments);
	status = COMMAND_OK;
out:
	listing_free(&redis);
	listing_free(&kernel);
	return status;
}

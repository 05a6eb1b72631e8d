/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack show: the table as it is in Redis, with what the kernel knows of
 * the state and age of each neighbour. */
#include "command.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include "listing.h"
#include "log.h"
#include "neigh_text.h"
#include "neightrack/record.h"

struct selection {
	const char *device;	/* NULL: all */
	bool ipv4;
	bool ipv6;
};

static int select_rows(const struct command_arguments *arguments, struct selection *selection)
{
	*selection = (struct selection){ .ipv4 = !arguments->ipv6_only,
					 .ipv6 = !arguments->ipv4_only };
	for (int i = 0; i < arguments->count; i++) {
		if (!strcmp(arguments->words[i], "dev") && i + 1 < arguments->count) {
			selection->device = arguments->words[++i];
			continue;
		}
		fprintf(stderr, "neightrack show: '%s': allowed is: dev NAME\n",
			arguments->words[i]);
		return -1;
	}
	return 0;
}

static bool is_selected(const struct selection *selection, const struct listing_row *row)
{
	if (selection->device && strcmp(selection->device, row->interface))
		return false;
	return row->family == NEIGHTRACK_FAMILY_IPV6 ? selection->ipv6 : selection->ipv4;
}

static void print_text(const struct listing_row *row, const struct listing_row *kernel)
{
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES] = "?", age[16] = "-";
	const char *name;

	ip_to_text(row->family, row->addr, ip);
	if (row->value == LISTING_MAC)
		mac_to_text(row->mac, mac);
	if (kernel && kernel->has_times)
		snprintf(age, sizeof(age), "%us", kernel->updated_s);
	printf("%-39s %-17s %-15s %7s ", ip, mac, row->interface, age);
	if (!kernel)
		fputs("-", stdout);
	for (unsigned int i = 0; kernel && (name = nud_state_name(kernel->nud_state, i)); i++)
		printf("%s%s", i ? "," : "", name);
	putchar('\n');
}

static json_object *to_json(const struct listing_row *row, const struct listing_row *kernel)
{
	json_object *object = json_object_new_object();
	json_object *states = json_object_new_array();
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES];
	const char *name;

	ip_to_text(row->family, row->addr, ip);
	json_object_object_add(object, "dst", json_object_new_string(ip));
	json_object_object_add(object, "dev", json_object_new_string(row->interface));
	if (row->value == LISTING_MAC) {
		mac_to_text(row->mac, mac);
		json_object_object_add(object, "lladdr", json_object_new_string(mac));
	}
	for (unsigned int i = 0; kernel && (name = nud_state_name(kernel->nud_state, i)); i++)
		json_object_array_add(states, json_object_new_string(name));
	json_object_object_add(object, "state", states);
	if (kernel && kernel->has_times)
		json_object_object_add(object, "age", json_object_new_int64(kernel->updated_s));
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
		const struct listing_row *known = bsearch(row, kernel->rows, kernel->count,
							  sizeof(*row), listing_compare);

		if (!is_selected(selection, row))
			continue;
		if (array)
			json_object_array_add(array, to_json(row, known));
		else
			print_text(row, known);
	}
	if (!array)
		return;
	puts(json_object_to_json_string_ext(array, arguments->pretty ?
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE :
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
}

int command_show(const struct options *options, const struct command_arguments *arguments)
{
	struct listing kernel = { 0 }, redis = { 0 };
	struct selection selection;
	int status = COMMAND_FAILED;

	if (select_rows(arguments, &selection))
		return COMMAND_FAILED;
	if (listing_from_redis(&redis, options) || listing_from_kernel(&kernel, options))
		goto out;
	print_rows(&redis, &kernel, &selection, arguments);
	status = COMMAND_OK;
out:
	listing_free(&redis);
	listing_free(&kernel);
	return status;
}

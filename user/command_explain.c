/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrack explain: what the kernel has of an address, what the policy says of it and
 * why, what Redis has, when it last changed, and a sentence that sums it up. Whatever
 * cannot be asked is left out, and that is said.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "explanation.h"
#include "instance_lock.h"
#include "listing_switch.h"
#include "log.h"
#include "metrics_client.h"
#include "neigh_reason.h"
#include "neigh_text.h"
#include "netns.h"
#include "output.h"
#include "schema.h"
#include "selection.h"
#include "show_stats.h"

struct inquiry {
	const struct options *options;
	const struct command_arguments *arguments;
	struct selection selection;
	char ip[IP_TEXT_BYTES];
	struct schema schema;
	struct switch_config switch_config;
	struct listing kernel, redis;
	struct pinned_maps maps;
	struct pinned_neighbours pinned;
	bool knows_kernel, knows_redis, knows_pinned, knows_policy;
	bool is_other_netns;		/* the instance mirrors another network namespace */
	struct metrics_answer metrics;
	int daemon;			/* its process; 0: none is known */
	struct explanation *explanations;
	size_t count;
};

/* --- what there is ---------------------------------------------------------------- */

static void look_into_maps(struct inquiry *inquiry)
{
	int netns_fd = netns_open(inquiry->options->netns);
	struct pinned_counts counts;
	uint32_t inum;

	inquiry->knows_pinned = !pinned_maps_open(&inquiry->maps, inquiry->options) &&
				!pinned_maps_neighbours(&inquiry->maps, &inquiry->pinned) &&
				!pinned_maps_counts(&inquiry->maps, &counts);
	if (inquiry->knows_pinned && netns_fd >= 0 && !netns_inum(netns_fd, &inum))
		/* 0 when its daemon has ended */
		inquiry->is_other_netns = counts.control.netns_inum &&
					  inum != counts.control.netns_inum;
	if (netns_fd >= 0)
		close(netns_fd);
}

static void look(struct inquiry *inquiry)
{
	const struct options *options = inquiry->options;

	inquiry->knows_policy = !listing_switch_config(&inquiry->switch_config, options);
	inquiry->knows_kernel = !listing_all_from_kernel(&inquiry->kernel, options,
							 &inquiry->switch_config);
	inquiry->knows_redis = !listing_address_from_redis(&inquiry->redis, options,
							   inquiry->selection.family,
							   inquiry->selection.addr);
	look_into_maps(inquiry);
	inquiry->daemon = instance_holder(options->instance);
	metrics_fetch(&inquiry->metrics, options);
}

static struct explanation *explanation_of(struct inquiry *inquiry, const char *interface)
{
	struct explanation *list;

	for (size_t i = 0; i < inquiry->count; i++)
		if (!strcmp(inquiry->explanations[i].interface, interface))
			return &inquiry->explanations[i];
	list = realloc(inquiry->explanations, (inquiry->count + 1) * sizeof(*list));
	if (!list)
		return NULL;
	inquiry->explanations = list;
	list += inquiry->count++;
	*list = (struct explanation){ .knows_kernel = inquiry->knows_kernel,
				      .knows_redis = inquiry->knows_redis };
	snprintf(list->interface, sizeof(list->interface), "%s", interface);
	return list;
}

static bool is_meant(const struct inquiry *inquiry, const char *interface, uint8_t family,
		     const uint8_t *addr)
{
	return selection_has(&inquiry->selection, interface, family, addr);
}

/* One explanation for each interface on which any side has the address. */
static int collect(struct inquiry *inquiry)
{
	struct explanation *one;

	for (size_t i = 0; i < inquiry->kernel.count; i++) {
		const struct listing_row *row = &inquiry->kernel.rows[i];

		if (!is_meant(inquiry, row->interface, row->family, row->addr))
			continue;
		one = explanation_of(inquiry, row->interface);
		if (!one)
			return -1;
		one->kernel = row;
	}
	for (size_t i = 0; i < inquiry->redis.count; i++) {
		const struct listing_row *row = &inquiry->redis.rows[i];

		if (!is_meant(inquiry, row->interface, row->family, row->addr))
			continue;
		one = explanation_of(inquiry, row->interface);
		if (!one)
			return -1;
		one->redis = row;
	}
	for (size_t i = 0; i < inquiry->pinned.count; i++) {
		const struct pinned_neighbour *row = &inquiry->pinned.list[i];

		if (!is_meant(inquiry, row->interface, row->key.family, row->key.addr))
			continue;
		one = explanation_of(inquiry, row->interface);
		if (!one)
			return -1;
		one->pinned = row;
	}
	if (inquiry->count)
		return 0;
	return explanation_of(inquiry, inquiry->selection.device ? inquiry->selection.device :
						"") ? 0 : -1;
}

/* --- the verdict in words ---------------------------------------------------------- */

#define SENTENCE_BYTES 700

static void option_of(const struct inquiry *inquiry, const struct explanation *one, char *text)
{
	neigh_reason_option(one->kernel->reason, inquiry->options,
			    inquiry->switch_config.dual_tor, one->interface, one->kernel->family,
			    text);
}

static void say_why_left_out(const struct inquiry *inquiry, const struct explanation *one,
			     char *text, size_t bytes)
{
	char option[NEIGH_REASON_BYTES];

	option_of(inquiry, one, option);
	snprintf(text, bytes, "it %s%s%s%s", neigh_reason_words(one->kernel->reason),
		 option[0] ? " (" : "", option, option[0] ? ")" : "");
}

/* Why Redis is not as it should be. */
static const char *probable_cause(const struct inquiry *inquiry)
{
	double connected;

	if (inquiry->is_other_netns)
		return "the instance mirrors another network namespace: is --netns right?";
	if (!inquiry->daemon)
		return "no neightrackd is known to run for this instance";
	if (inquiry->metrics.text &&
	    metrics_value(inquiry->metrics.text, "neightrack_redis_connected", "", &connected) &&
	    connected == 0)
		return "neightrackd has no connection to Redis";
	return "it may be on its way (ask again), or --redis or --key-prefix is not the daemon's; "
	       "SIGUSR2 has neightrackd compare all";
}

static void say_unknown(const struct inquiry *inquiry, const struct explanation *one,
			char *text)
{
	if (!one->knows_kernel)
		snprintf(text, SENTENCE_BYTES, "cannot tell: the kernel's neighbours could not be "
			 "read");
	else if (!one->kernel)
		snprintf(text, SENTENCE_BYTES, "the kernel has no such neighbour, so it is not to "
			 "be in Redis, which could not be asked");
	else if (one->kernel->reason == NEIGH_PUBLISH)
		snprintf(text, SENTENCE_BYTES, "it is to be in Redis, which could not be asked");
	else {
		char why[SENTENCE_BYTES / 2];

		say_why_left_out(inquiry, one, why, sizeof(why));
		snprintf(text, SENTENCE_BYTES, "it is not to be in Redis, which could not be asked: "
			 "%s", why);
	}
}

static void say_verdict(const struct inquiry *inquiry, const struct explanation *one, char *text)
{
	char why[SENTENCE_BYTES / 2] = "the kernel has no such neighbour";

	if (one->kernel)
		say_why_left_out(inquiry, one, why, sizeof(why));
	switch (explanation_verdict(one)) {
	case VERDICT_PRESENT:
		snprintf(text, SENTENCE_BYTES, "it is in Redis, as the kernel has it");
		break;
	case VERDICT_NOWHERE:
		snprintf(text, SENTENCE_BYTES, "the kernel has no such neighbour, and Redis "
			 "neither, as it should be");
		break;
	case VERDICT_LEFT_OUT:
		snprintf(text, SENTENCE_BYTES, "it is left out of Redis, as it should be: %s", why);
		break;
	case VERDICT_PENDING:
		snprintf(text, SENTENCE_BYTES, "it will be right once the consumer of the table "
			 "has taken what waits for it");
		break;
	case VERDICT_MISSING:
		snprintf(text, SENTENCE_BYTES, "it should be in Redis, and is not: %s",
			 probable_cause(inquiry));
		break;
	case VERDICT_OTHER:
		snprintf(text, SENTENCE_BYTES, "Redis has something else than the kernel: %s",
			 probable_cause(inquiry));
		break;
	case VERDICT_STALE:
		snprintf(text, SENTENCE_BYTES, "it should not be in Redis, as %s: %s", why,
			 probable_cause(inquiry));
		break;
	case VERDICT_UNKNOWN:
		say_unknown(inquiry, one, text);
		break;
	}
}

/* --- text ------------------------------------------------------------------------- */

static void print_kernel(const struct inquiry *inquiry, const struct explanation *one)
{
	char mac[MAC_TEXT_BYTES] = "no MAC", states[NUD_TEXT_BYTES], why[SENTENCE_BYTES];
	const struct listing_row *row = one->kernel;

	fputs("  kernel   ", stdout);
	if (!row) {
		puts(one->knows_kernel ? "none" : "unknown: it could not be read");
		return;
	}
	if (row->value == LISTING_MAC)
		mac_to_text(row->mac, mac);
	output_text(inquiry->arguments, PAINT_MAC, 0, mac);
	nud_state_to_text(row->nud_state, states);
	putchar(' ');
	output_text(inquiry->arguments, output_state_paint(row->nud_state), 0, states);
	if (row->has_times)
		printf(", updated %us ago, confirmed %us ago", row->updated_s, row->confirmed_s);
	say_why_left_out(inquiry, one, why, sizeof(why));
	printf("\n  policy   %s%s\n", row->reason == NEIGH_PUBLISH ? "it is to be in Redis" : why,
	       inquiry->knows_policy ? "" : " (CONFIG_DB could not be read: as if it were empty)");
}

static void key_of(const struct inquiry *inquiry, const struct explanation *one, char *key)
{
	key[schema_key(&inquiry->schema, one->interface, inquiry->selection.family,
		       inquiry->selection.addr, key)] = '\0';
}

static const char *value_text(enum listing_value value, const uint8_t *mac,
			      char text[MAC_TEXT_BYTES])
{
	if (value == LISTING_ABSENT)
		return "none";
	if (value == LISTING_UNREADABLE)
		return "unreadable";
	mac_to_text(mac, text);
	return text;
}

static void print_redis(const struct inquiry *inquiry, const struct explanation *one)
{
	const struct listing_row *row = one->redis;
	char mac[MAC_TEXT_BYTES], key[SCHEMA_KEY_BYTES];

	fputs("  redis    ", stdout);
	if (!row) {
		puts(one->knows_redis ? "none" : "unknown: it could not be asked");
		return;
	}
	key_of(inquiry, one, key);
	output_text(inquiry->arguments, PAINT_MAC, 0,
		    row->is_pending ? value_text(row->table_value, row->table_mac, mac) :
				      value_text(row->value, row->mac, mac));
	printf(" at %s\n", key);
	if (row->is_pending)
		printf("  pending  %s, which the consumer has not taken yet\n",
		       value_text(row->value, row->mac, mac));
}

static void print_changes(const struct inquiry *inquiry, const struct explanation *one)
{
	uint64_t now_ns = clock_now_ns();
	const struct neigh_value *value;
	char mac[MAC_TEXT_BYTES];

	fputs("  changed  ", stdout);
	if (!one->pinned) {
		if (inquiry->knows_pinned)
			puts("nothing of it was published");
		else
			printf("unknown: %s\n", inquiry->maps.why);
		return;
	}
	value = &one->pinned->value;
	if (pinned_neighbour_has_changed(one->pinned))
		printf("%.1fs ago, ", (double)(now_ns - value->last_change_ns) / 1e9);
	printf("%u changes and %u MAC moves since %.1fs ago; published: %s\n", value->changes,
	       value->mac_moves, (double)(now_ns - value->first_seen_ns) / 1e9,
	       value_text(one->pinned->is_published ? LISTING_MAC : LISTING_ABSENT,
			  value->published.mac, mac));
}

static void print_daemon(const struct inquiry *inquiry)
{
	double dirty = 0, in_flight = 0, lag_s = 0;

	if (!inquiry->daemon)
		puts("  daemon   none is known to run");
	else
		printf("  daemon   process %d\n", inquiry->daemon);
	if (!inquiry->metrics.text) {
		printf("  queue    unknown: %s\n", inquiry->metrics.why);
		return;
	}
	metrics_value(inquiry->metrics.text, "neightrack_dirty_neighbours", "", &dirty);
	metrics_value(inquiry->metrics.text, "neightrack_redis_commands_in_flight", "",
		      &in_flight);
	metrics_value(inquiry->metrics.text, "neightrack_lag_seconds", "", &lag_s);
	printf("  queue    %.0f neighbours wait for Redis, %.0f commands are in flight, lag "
	       "%.3fs\n", dirty, in_flight, lag_s);
}

static void print_text(const struct inquiry *inquiry, const struct explanation *one)
{
	enum verdict verdict = explanation_verdict(one);
	char sentence[SENTENCE_BYTES];

	output_text(inquiry->arguments, PAINT_ADDRESS, 0, inquiry->ip);
	if (one->interface[0]) {
		fputs(" dev ", stdout);
		output_text(inquiry->arguments, PAINT_INTERFACE, 0, one->interface);
	}
	putchar('\n');
	print_kernel(inquiry, one);
	print_redis(inquiry, one);
	print_changes(inquiry, one);
	print_daemon(inquiry);
	say_verdict(inquiry, one, sentence);
	fputs("  verdict  ", stdout);
	output_text(inquiry->arguments, verdict_is_right(verdict) ? PAINT_GOOD : PAINT_BAD, 0,
		    sentence);
	putchar('\n');
}

/* --- JSON ------------------------------------------------------------------------- */

static json_object *kernel_to_json(const struct inquiry *inquiry, const struct explanation *one)
{
	const struct listing_row *row = one->kernel;
	char option[NEIGH_REASON_BYTES];
	json_object *object;

	if (!row)
		return NULL;
	object = json_object_new_object();
	output_add_mac(object, "lladdr", row->value == LISTING_MAC ? row->mac : NULL);
	output_add_states(object, "state", row->nud_state);
	if (row->has_times) {
		output_add_number(object, "updated", row->updated_s);
		output_add_number(object, "confirmed", row->confirmed_s);
	}
	output_add_bool(object, "is_published", row->reason == NEIGH_PUBLISH ||
						row->reason == NEIGH_PUBLISH_UNRESOLVED);
	option_of(inquiry, one, option);
	output_add_text(object, "reason", neigh_reason_name(row->reason));
	output_add_text(object, "reason_words", neigh_reason_words(row->reason));
	output_add_text(object, "option", option);
	return object;
}

static json_object *redis_to_json(const struct inquiry *inquiry, const struct explanation *one)
{
	const struct listing_row *row = one->redis;
	char key[SCHEMA_KEY_BYTES], mac[MAC_TEXT_BYTES];
	json_object *object;

	if (!row)
		return NULL;
	object = json_object_new_object();
	key_of(inquiry, one, key);
	output_add_text(object, "key", key);
	output_add_text(object, "value", value_text(row->value, row->mac, mac));
	output_add_bool(object, "is_pending", row->is_pending);
	if (row->is_pending)
		output_add_text(object, "table_value",
				value_text(row->table_value, row->table_mac, mac));
	return object;
}

static json_object *changes_to_json(const struct explanation *one)
{
	json_object *object;

	if (!one->pinned)
		return NULL;
	object = json_object_new_object();
	output_add_mac(object, "published", one->pinned->is_published ?
		       one->pinned->value.published.mac : NULL);
	show_stats_add(object, one->pinned, clock_now_ns());
	return object;
}

static json_object *daemon_to_json(const struct inquiry *inquiry)
{
	static const char *const metrics[][2] = {
		{ "dirty_neighbours", "neightrack_dirty_neighbours" },
		{ "redis_commands_in_flight", "neightrack_redis_commands_in_flight" },
		{ "lag_seconds", "neightrack_lag_seconds" },
	};
	json_object *object;

	if (!inquiry->daemon && !inquiry->metrics.text)
		return NULL;
	object = json_object_new_object();
	if (inquiry->daemon)
		output_add_number(object, "pid", (uint64_t)inquiry->daemon);
	for (size_t i = 0; inquiry->metrics.text && i < sizeof(metrics) / sizeof(*metrics); i++) {
		double value;

		if (metrics_value(inquiry->metrics.text, metrics[i][1], "", &value))
			output_add_seconds(object, metrics[i][0], value);
	}
	return object;
}

static void add_unknown(json_object *array, bool is_known, const char *what)
{
	if (!is_known)
		json_object_array_add(array, json_object_new_string(what));
}

static json_object *to_json(const struct inquiry *inquiry, const struct explanation *one)
{
	json_object *object = json_object_new_object(), *unknown = json_object_new_array();
	char sentence[SENTENCE_BYTES];

	output_add_text(object, "dst", inquiry->ip);
	output_add_text(object, "dev", one->interface);
	json_object_object_add(object, "kernel", kernel_to_json(inquiry, one));
	json_object_object_add(object, "redis", redis_to_json(inquiry, one));
	json_object_object_add(object, "changes", changes_to_json(one));
	json_object_object_add(object, "daemon", daemon_to_json(inquiry));
	add_unknown(unknown, inquiry->knows_kernel, "kernel");
	add_unknown(unknown, inquiry->knows_policy, "config_db");
	add_unknown(unknown, inquiry->knows_redis, "redis");
	add_unknown(unknown, inquiry->knows_pinned, "changes");
	add_unknown(unknown, inquiry->metrics.text, "metrics");
	json_object_object_add(object, "unknown", unknown);
	output_add_text(object, "verdict", verdict_name(explanation_verdict(one)));
	say_verdict(inquiry, one, sentence);
	output_add_text(object, "sentence", sentence);
	return object;
}

/* --- all together ------------------------------------------------------------------ */

/* Returns the exit code. */
static int print_all(const struct inquiry *inquiry)
{
	json_object *array = inquiry->arguments->json ? json_object_new_array() : NULL;
	int status = COMMAND_OK;

	for (size_t i = 0; i < inquiry->count; i++) {
		const struct explanation *one = &inquiry->explanations[i];
		enum verdict verdict = explanation_verdict(one);

		if (array)
			json_object_array_add(array, to_json(inquiry, one));
		else
			print_text(inquiry, one);
		if (verdict == VERDICT_UNKNOWN)
			status = COMMAND_FAILED;
		else if (!verdict_is_right(verdict) && status == COMMAND_OK)
			status = COMMAND_DIFFERENT;
	}
	if (array)
		output_json(inquiry->arguments, array);
	return status;
}

static void forget(struct inquiry *inquiry)
{
	free(inquiry->explanations);
	metrics_answer_free(&inquiry->metrics);
	pinned_neighbours_free(&inquiry->pinned);
	pinned_maps_close(&inquiry->maps);
	listing_free(&inquiry->redis);
	listing_free(&inquiry->kernel);
	switch_config_free(&inquiry->switch_config);
}

int command_explain(const struct options *options, const struct command_arguments *arguments)
{
	struct inquiry inquiry = { .options = options, .arguments = arguments };
	struct selection *selection = &inquiry.selection;
	int status = COMMAND_FAILED;

	if (selection_read(selection, arguments, "explain", NULL, NULL))
		return COMMAND_FAILED;
	if (!selection_is_address(selection)) {
		fputs("neightrack explain: an address is needed: neightrack explain ADDRESS "
		      "[dev NAME]\n", stderr);
		return COMMAND_FAILED;
	}
	/* which it is, is said already */
	selection->ipv4 = true;
	selection->ipv6 = true;
	ip_to_text(selection->family, selection->addr, inquiry.ip);
	if (schema_init(&inquiry.schema, (enum schema_kind)options->schema, options->key_prefix,
			0))
		return COMMAND_FAILED;
	look(&inquiry);
	if (collect(&inquiry))
		log_error("no memory");
	else
		status = print_all(&inquiry);
	forget(&inquiry);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "neigh_text.h"

struct changes {
	struct neigh_table *table;
	struct anomalies *anomalies;
	struct stream *stream;		/* NULL: none is wanted */
	bool begun;
};

static void set_mac(bool *has, uint8_t *to, const uint8_t *mac)
{
	*has = mac;
	if (mac)
		memcpy(to, mac, 6);
}

static void add_event(struct changes *changes, enum stream_op op, const struct anomaly *what)
{
	struct stream_event event = { .op = (uint8_t)op, .family = what->family,
				      .count = what->count };

	if (!changes->stream)
		return;
	memcpy(event.interface, what->interface, strnlen(what->interface, IFNAMSIZ - 1));
	if (what->family)
		memcpy(event.addr, what->addr, sizeof(event.addr));
	set_mac(&event.has_mac, event.mac, what->mac);
	set_mac(&event.has_old_mac, event.old_mac, what->old_mac);
	stream_add(changes->stream, &event);
}

static void log_anomaly(const struct anomaly *anomaly)
{
	static struct log_limit limit = { .burst = 10, .interval_ms = 60000 };
	char ip[IP_TEXT_BYTES] = "", mac[MAC_TEXT_BYTES], old_mac[MAC_TEXT_BYTES] = "";

	mac_to_text(anomaly->mac, mac);
	if (anomaly->family)
		ip_to_text(anomaly->family, anomaly->addr, ip);
	if (anomaly->old_mac)
		mac_to_text(anomaly->old_mac, old_mac);
	switch (anomaly->kind) {
	case ANOMALY_MAC_MOVES:
		log_message_limited(&limit, MESSAGE_MAC_MOVES, "%s: the MAC of %s moved %u times "
				    "of late, now from %s to %s", anomaly->interface, ip,
				    anomaly->count, old_mac, mac);
		break;
	case ANOMALY_DUPLICATE:
		log_message_limited(&limit, MESSAGE_DUPLICATE_ADDRESS, "%s: %s and %s claim %s in "
				    "turn: a duplicate address?", anomaly->interface, old_mac, mac,
				    ip);
		break;
	default:
		log_message_limited(&limit, MESSAGE_MANY_ADDRESSES, "%s: %s has %u addresses",
				    anomaly->interface, mac, anomaly->count);
		break;
	}
}

static void on_anomaly(void *context, const struct anomaly *anomaly)
{
	static const enum stream_op ops[ANOMALY_KINDS] = {
		[ANOMALY_MAC_MOVES] = STREAM_MAC_MOVES,
		[ANOMALY_DUPLICATE] = STREAM_DUPLICATE,
		[ANOMALY_MANY_ADDRESSES] = STREAM_MANY_ADDRESSES,
	};

	log_anomaly(anomaly);
	add_event(context, ops[anomaly->kind], anomaly);
}

/* With policy = sonic a neighbour that was not resolved is wanted with a MAC of zeros, which
 * says nothing of who has the address. */
static const uint8_t *resolved(const uint8_t *mac)
{
	static const uint8_t zeros[6];

	return mac && memcmp(mac, zeros, sizeof(zeros)) ? mac : NULL;
}

static void on_change(void *context, const struct neigh_entry *entry, const uint8_t *old_mac)
{
	struct changes *changes = context;
	const uint8_t *mac = entry->wanted ? entry->wanted_mac : NULL;
	const struct anomaly what = { .interface = entry->interface->name, .family = entry->family,
				      .addr = entry->addr, .mac = mac, .old_mac = old_mac };

	/* until its name is known; then its neighbours come under that */
	if (!entry->interface->name[0])
		return;
	if (changes->begun)
		add_event(changes, !old_mac ? STREAM_ADD : !mac ? STREAM_DELETE : STREAM_CHANGE,
			  &what);
	anomalies_change(changes->anomalies, entry->interface, entry->family, entry->addr,
			 resolved(old_mac), resolved(mac), clock_coarse_ns());
}

int changes_new(struct changes **result, struct loop *loop, const struct options *options,
		struct neigh_table *table)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	int error = 0;

	if (!changes)
		return -ENOMEM;
	changes->table = table;
	changes->anomalies = anomalies_new(options, on_anomaly, changes);
	if (!changes->anomalies)
		error = -ENOMEM;
	else if (options->stream[0])
		error = stream_new(&changes->stream, loop, options);
	if (error) {
		changes_free(changes);
		return error;
	}
	neigh_table_observe(table, on_change, changes);
	*result = changes;
	return 0;
}

void changes_free(struct changes *changes)
{
	if (!changes)
		return;
	neigh_table_observe(changes->table, NULL, NULL);
	stream_free(changes->stream);
	anomalies_free(changes->anomalies);
	free(changes);
}

void changes_begin(struct changes *changes)
{
	const struct anomaly none = { .interface = "",
				      .count = (uint32_t)neigh_table_wanted_count(changes->table) };

	changes->begun = true;
	add_event(changes, STREAM_START, &none);
}

void changes_run(struct changes *changes)
{
	if (changes->stream)
		stream_run(changes->stream);
}

bool changes_are_sent(const struct changes *changes)
{
	return !changes->stream || stream_is_idle(changes->stream);
}

void changes_statistics(const struct changes *changes, struct changes_statistics *statistics)
{
	*statistics = (struct changes_statistics){ .anomalies = anomalies_stats(changes->anomalies) };
	if (changes->stream)
		stream_statistics(changes->stream, &statistics->stream);
}

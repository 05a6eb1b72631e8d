/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of its own to the new node, made when it is needed. While it connects,
 * entries wait in the same list as those whose reply is expected. */
#include "detour.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_route.h"

struct detour {
	struct redis_client_config config;
	const struct schema *schema;
	struct neigh_table *table;
	void (*refused)(void *context, const char *answer);
	void *context;
	struct redis_address address;
	char text[280];			/* the address, for messages */
	struct redis_client *client;
	struct neigh_entry **entries;	/* in the order of the replies */
	size_t size;
	size_t first;			/* whose reply comes next */
	size_t count;			/* from first on */
	size_t sent;			/* ... of which commands were sent */
};

static void on_connected(void *context);
static void on_disconnected(void *context);

static const struct redis_client_events client_events = {
	.connected = on_connected,
	.disconnected = on_disconnected,
};

struct detour *detour_new(const struct redis_client_config *client, const struct schema *schema,
			  struct neigh_table *table,
			  void (*refused)(void *context, const char *answer), void *context)
{
	struct detour *detour = calloc(1, sizeof(*detour));

	if (!detour)
		return NULL;
	*detour = (struct detour){ .config = *client, .schema = schema, .table = table,
				   .refused = refused, .context = context };
	detour->config.address = &detour->address;
	detour->config.text = detour->text;
	detour->config.probe_key = NULL;	/* it is not this node's yet */
	detour->config.events = &client_events;
	detour->config.context = detour;
	return detour;
}

void detour_free(struct detour *detour)
{
	if (!detour)
		return;
	redis_client_free(detour->client);
	free(detour->entries);
	free(detour);
}

size_t detour_count(const struct detour *detour)
{
	return detour->count;
}

void detour_stop(struct detour *detour)
{
	redis_client_free(detour->client);
	detour->client = NULL;
	detour->first = 0;
	detour->count = 0;
	detour->sent = 0;
}

/* Their outcome is not known: the old node will say where they belong now. */
static void on_disconnected(void *context)
{
	struct detour *detour = context;

	while (detour->count) {
		struct neigh_entry *entry = detour->entries[detour->first++];

		detour->count--;
		neigh_table_refuse(detour->table, entry, PUBLISHED_OTHER);
	}
	detour->first = 0;
	detour->sent = 0;
}

static void ignore(void *context, const struct reply *reply)
{
	(void)context;
	(void)reply;	/* the answer to the command behind it says the same */
}

static void on_written(void *context, const struct reply *reply)
{
	struct detour *detour = context;
	struct neigh_entry *entry = detour->entries[detour->first++];

	detour->count--;
	detour->sent--;
	if (!detour->count)
		detour->first = 0;
	if (reply->type == REPLY_INTEGER) {
		neigh_table_acknowledge(detour->table, entry);
	} else if (reply->type == REPLY_ERROR && !strncmp(reply->text, "WRONGTYPE", 9)) {
		neigh_table_refuse(detour->table, entry, PUBLISHED_OTHER);
	} else {
		detour->refused(detour->context, reply->type == REPLY_ERROR ? reply->text :
				"something else than a number");
		neigh_table_refuse(detour->table, entry, (enum neigh_published)entry->published);
	}
}

static void ask(struct detour *detour)
{
	resp_command(redis_client_output(detour->client), (const char *const[]){ "ASKING", NULL });
	redis_client_expect(detour->client, ignore, detour);
}

static void send_command(struct detour *detour, const struct neigh_entry *entry)
{
	struct resp_buffer *output = redis_client_output(detour->client);

	ask(detour);
	if (!entry->in_flight_wanted || entry->published == PUBLISHED_OTHER)
		schema_write_delete(detour->schema, output, entry->interface->name, entry->family,
				    entry->addr);
	if (entry->in_flight_wanted && entry->published == PUBLISHED_OTHER) {
		redis_client_expect(detour->client, ignore, detour);
		ask(detour);
	}
	if (entry->in_flight_wanted)
		schema_write_set(detour->schema, output, entry->interface->name, entry->family,
				 entry->addr, entry->in_flight_mac);
	redis_client_expect(detour->client, on_written, detour);
}

static void send_waiting(struct detour *detour)
{
	if (!detour->client || !redis_client_is_connected(detour->client))
		return;
	while (detour->sent < detour->count)
		send_command(detour, detour->entries[detour->first + detour->sent++]);
	redis_client_flush(detour->client);
}

static void on_connected(void *context)
{
	struct detour *detour = context;

	redis_client_settled(detour->client, 0);
	send_waiting(detour);
}

/* To the node that the answer names, unless that is where the client is. */
static int go_to(struct detour *detour, const char *answer)
{
	struct redis_host host = { 0 };
	char port[8];
	int error = redis_route_parse_redirection(answer, host.name, port);

	if (error || !host.name[0])
		return -EINVAL;
	host.port = (uint16_t)strtoul(port, NULL, 10);
	if (detour->client && !strcmp(host.name, detour->address.hosts[0].name) &&
	    host.port == detour->address.hosts[0].port)
		return 0;
	if (detour->count)
		return -EBUSY;
	redis_client_free(detour->client);
	detour->address = (struct redis_address){ .kind = REDIS_TCP, .hosts = { host },
						  .host_count = 1 };
	snprintf(detour->text, sizeof(detour->text), "%s port %s", host.name, port);
	detour->client = redis_client_new(&detour->config);
	return detour->client ? 0 : -ENOMEM;
}

int detour_write(struct detour *detour, const char *answer, struct neigh_entry *entry)
{
	int error = go_to(detour, answer);

	if (error)
		return error;
	if (detour->first + detour->count == detour->size) {
		size_t size = detour->size ? detour->size * 2 : 256;
		struct neigh_entry **grown = realloc(detour->entries, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		detour->entries = grown;
		detour->size = size;
	}
	detour->entries[detour->first + detour->count++] = entry;
	send_waiting(detour);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variadic commands: a flush of n neighbours is n + 3 commands at most beside the
 * deletions' two, and not the four of each neighbour that a script a neighbour takes.
 */
#include "producer.h"

#include <stdio.h>
#include <string.h>

static void write_member(const struct schema *schema, struct resp_buffer *buffer,
			 const struct producer_change *change)
{
	char key[SCHEMA_KEY_BYTES];
	size_t bytes = schema_key(schema, change->interface, change->family, change->addr, key);

	/* sets hold keys without the table's name */
	resp_word(buffer, key + schema->table_bytes, bytes - schema->table_bytes);
}

/* What the consumer is to remove before it takes the fields, if there are any. */
static bool is_removal(const struct producer_change *change)
{
	return !change->mac || change->replaces;
}

static void write_removals(const struct schema *schema, struct resp_buffer *buffer,
			   const struct producer_change *changes, uint32_t count,
			   uint32_t removals)
{
	char key[SCHEMA_KEY_BYTES];

	resp_begin(buffer, 2 + removals);
	resp_text(buffer, "SADD");
	resp_text(buffer, schema->del_set);
	for (uint32_t i = 0; i < count; i++)
		if (is_removal(&changes[i]))
			write_member(schema, buffer, &changes[i]);
	resp_begin(buffer, 1 + removals);
	resp_text(buffer, "DEL");
	for (uint32_t i = 0; i < count; i++)
		if (is_removal(&changes[i]))
			resp_word(buffer, key,
				  schema_pending_key(schema, changes[i].interface,
						     changes[i].family, changes[i].addr, key));
}

static void write_fields(const struct schema *schema, struct resp_buffer *buffer,
			 const struct producer_change *change)
{
	char key[SCHEMA_KEY_BYTES];
	size_t bytes = schema_pending_key(schema, change->interface, change->family,
					  change->addr, key);

	schema_write_fields(buffer, key, bytes, change->family, change->mac);
}

static bool has_route(const struct producer_change *change)
{
	return change->mac && change->vrf[0];
}

/* prefix before "<vrf>:<address>" of each whose host route goes. */
static void write_routes(struct resp_buffer *buffer, const char *prefix,
			 const struct producer_change *changes, uint32_t count)
{
	char text[SCHEMA_TABLE_BYTES + 2 + IFNAMSIZ + 1 + IP_TEXT_BYTES];

	for (uint32_t i = 0; i < count; i++) {
		int bytes;

		if (!has_route(&changes[i]))
			continue;
		bytes = snprintf(text, sizeof(text), "%s%s:", prefix, changes[i].vrf);
		bytes += (int)ip_to_text(changes[i].family, changes[i].addr, text + bytes);
		resp_word(buffer, text, (size_t)bytes);
	}
}

/* Returns the number of commands. */
static uint32_t delete_routes(const struct schema *schema, struct resp_buffer *buffer,
			      const struct producer_change *changes, uint32_t count,
			      uint32_t routes)
{
	resp_begin(buffer, 2 + routes);
	resp_text(buffer, "SADD");
	resp_text(buffer, schema->route_key_set);
	write_routes(buffer, "", changes, count);
	resp_begin(buffer, 2 + routes);
	resp_text(buffer, "SADD");
	resp_text(buffer, schema->route_del_set);
	write_routes(buffer, "", changes, count);
	resp_begin(buffer, 1 + routes);
	resp_text(buffer, "DEL");
	write_routes(buffer, schema->route_pending, changes, count);
	resp_command(buffer, (const char *const[]){ "PUBLISH", schema->route_channel, "G", NULL });
	return 4;
}

uint32_t producer_write(const struct schema *schema, struct resp_buffer *buffer,
			const struct producer_change *changes, uint32_t count)
{
	uint32_t removals = 0, routes = 0, commands = 2;	/* SADD of the keys, PUBLISH */

	resp_command(buffer, (const char *const[]){ "MULTI", NULL });
	for (uint32_t i = 0; i < count; i++)
		routes += has_route(&changes[i]);
	if (routes)
		commands += delete_routes(schema, buffer, changes, count, routes);
	resp_begin(buffer, 2 + count);
	resp_text(buffer, "SADD");
	resp_text(buffer, schema->key_set);
	for (uint32_t i = 0; i < count; i++) {
		write_member(schema, buffer, &changes[i]);
		removals += is_removal(&changes[i]);
	}
	if (removals) {
		write_removals(schema, buffer, changes, count, removals);
		commands += 2;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!changes[i].mac)
			continue;
		write_fields(schema, buffer, &changes[i]);
		commands++;
	}
	/* the message is the one that consumers know; which keys there are the sets tell */
	resp_command(buffer, (const char *const[]){ "PUBLISH", schema->channel, "G", NULL });
	resp_command(buffer, (const char *const[]){ "EXEC", NULL });
	return commands;
}

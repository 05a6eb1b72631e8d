/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and values that both schemas share, and the commands of `plain`. */
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/types.h>
#include "neightrack/record.h"

/* Of a command that writes a neighbour, beside its key. */
#define WRITE_BYTES (RESP_WORD_BYTES + 128u)

static const char *family_name(uint8_t family)
{
	return family == NEIGHTRACK_FAMILY_IPV6 ? "IPv6" : "IPv4";
}

/* Named for the tables without their separator. */
static void name_sets(struct schema *schema, const char *prefix, uint32_t database)
{
	snprintf(schema->key_set, sizeof(schema->key_set), "%sNEIGH_TABLE_KEY_SET", prefix);
	snprintf(schema->del_set, sizeof(schema->del_set), "%sNEIGH_TABLE_DEL_SET", prefix);
	snprintf(schema->channel, sizeof(schema->channel), "%sNEIGH_TABLE_CHANNEL@%u", prefix,
		 database);
	snprintf(schema->route_pending, sizeof(schema->route_pending), "_%sROUTE_TABLE:", prefix);
	snprintf(schema->route_key_set, sizeof(schema->route_key_set), "%sROUTE_TABLE_KEY_SET",
		 prefix);
	snprintf(schema->route_del_set, sizeof(schema->route_del_set), "%sROUTE_TABLE_DEL_SET",
		 prefix);
	snprintf(schema->route_channel, sizeof(schema->route_channel),
		 "%sROUTE_TABLE_CHANNEL@%u", prefix, database);
}

int schema_init(struct schema *schema, enum schema_kind kind, const char *key_prefix,
		uint32_t database)
{
	static const char table[] = "NEIGH_TABLE:";
	size_t bytes = strlen(key_prefix);

	if (bytes > SCHEMA_PREFIX_BYTES)
		return -ENAMETOOLONG;
	memcpy(schema->table, key_prefix, bytes);
	memcpy(schema->table + bytes, table, sizeof(table));
	schema->table_bytes = bytes + sizeof(table) - 1;
	schema->kind = kind;
	name_sets(schema, key_prefix, database);
	return 0;
}

/* keyHashSlot() of Redis: between the first { and the first } behind it, unless
 * nothing stands there. */
bool schema_has_hash_tag(const struct schema *schema)
{
	const char *open = strchr(schema->table, '{');
	const char *close = open ? strchr(open, '}') : NULL;

	return close && close > open + 1;
}

size_t schema_key(const struct schema *schema, const char *interface, uint8_t family,
		  const uint8_t *addr, char *key)
{
	size_t interface_bytes = strnlen(interface, IFNAMSIZ - 1);
	char *at = key;

	memcpy(at, schema->table, schema->table_bytes);
	at += schema->table_bytes;
	memcpy(at, interface, interface_bytes);
	at += interface_bytes;
	*at++ = ':';
	at += ip_to_text(family, addr, at);
	return (size_t)(at - key);
}

size_t schema_pending_key(const struct schema *schema, const char *interface, uint8_t family,
			  const uint8_t *addr, char *key)
{
	key[0] = '_';
	return 1 + schema_key(schema, interface, family, addr, key + 1);
}

bool schema_is_pending_key(const struct schema *schema, const char *key)
{
	return key[0] == '_' && !strncmp(key + 1, schema->table, schema->table_bytes);
}

int schema_parse_key(const struct schema *schema, const char *key, char *interface,
		     uint8_t *family, uint8_t *addr)
{
	const char *name, *colon;
	size_t bytes;

	interface[0] = '\0';
	if (strncmp(key, schema->table, schema->table_bytes))
		return -EINVAL;
	name = key + schema->table_bytes;
	colon = strchr(name, ':');
	bytes = colon ? (size_t)(colon - name) : 0;
	/* no interface of the kernel has a longer name, or a colon in it */
	if (!bytes || bytes >= IFNAMSIZ)
		return -EINVAL;
	memcpy(interface, name, bytes);
	interface[bytes] = '\0';
	return ip_from_canonical_text(colon + 1, family, addr);
}

void schema_scan_pattern(const struct schema *schema, char *pattern)
{
	for (const char *c = schema->table; *c; c++) {
		if (strchr("*?[]^-\\", *c))
			*pattern++ = '\\';
		*pattern++ = *c;
	}
	*pattern++ = '*';
	*pattern = '\0';
}

void schema_scan_pattern_of_all(const struct schema *schema, char *pattern)
{
	*pattern = '*';
	schema_scan_pattern(schema, pattern + 1);
}

void schema_write_fields(struct resp_buffer *buffer, const char *key, size_t key_bytes,
			 uint8_t family, const uint8_t *mac)
{
	char *at = resp_room(buffer, WRITE_BYTES + key_bytes);

	if (!at)
		return;
	at = RESP_PUT(at, "*6\r\n$4\r\nHSET\r\n");
	at = resp_put_word(at, key, key_bytes);
	at = RESP_PUT(at, "$5\r\nneigh\r\n$17\r\n");
	at += mac_to_text(mac, at);
	at = RESP_PUT(at, "\r\n$6\r\nfamily\r\n$4\r\n");
	at = resp_put(at, family_name(family), 4);
	resp_end(buffer, RESP_PUT(at, "\r\n"));
}

void schema_write_set(const struct schema *schema, struct resp_buffer *buffer,
		      const char *interface, uint8_t family, const uint8_t *addr,
		      const uint8_t *mac)
{
	char key[SCHEMA_KEY_BYTES];
	size_t key_bytes = schema_key(schema, interface, family, addr, key);

	schema_write_fields(buffer, key, key_bytes, family, mac);
}

void schema_write_delete(const struct schema *schema, struct resp_buffer *buffer,
			 const char *interface, uint8_t family, const uint8_t *addr)
{
	char key[SCHEMA_KEY_BYTES];
	size_t key_bytes = schema_key(schema, interface, family, addr, key);
	char *at = resp_room(buffer, WRITE_BYTES + key_bytes);

	if (!at)
		return;
	at = RESP_PUT(at, "*2\r\n$3\r\nDEL\r\n");
	resp_end(buffer, resp_put_word(at, key, key_bytes));
}

void schema_write_read(struct resp_buffer *buffer, const char *key, size_t key_bytes)
{
	resp_begin(buffer, 4);
	resp_word(buffer, "HMGET", 5);
	resp_word(buffer, key, key_bytes);
	resp_word(buffer, "neigh", 5);
	resp_word(buffer, "family", 6);
}

int schema_parse_values(uint8_t family, const char *neigh_value, const char *family_value,
			uint8_t *mac)
{
	char canonical[MAC_TEXT_BYTES];

	if (!neigh_value || !family_value || strcmp(family_value, family_name(family)) ||
	    mac_from_text(neigh_value, mac))
		return -EINVAL;
	mac_to_text(mac, canonical);
	return strcmp(canonical, neigh_value) ? -EINVAL : 0;
}

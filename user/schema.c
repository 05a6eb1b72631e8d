/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema `plain`. */
#include "schema.h"

#include <errno.h>
#include <string.h>

#include <linux/types.h>
#include "neightrack/record.h"

static const char *family_name(uint8_t family)
{
	return family == NEIGHTRACK_FAMILY_IPV6 ? "IPv6" : "IPv4";
}

int schema_init(struct schema *schema, const char *key_prefix)
{
	static const char table[] = "NEIGH_TABLE:";
	size_t bytes = strlen(key_prefix);

	if (bytes > SCHEMA_PREFIX_BYTES)
		return -ENAMETOOLONG;
	memcpy(schema->table, key_prefix, bytes);
	memcpy(schema->table + bytes, table, sizeof(table));
	schema->table_bytes = bytes + sizeof(table) - 1;
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

void schema_write_set(const struct schema *schema, struct resp_buffer *buffer,
		      const char *interface, uint8_t family, const uint8_t *addr,
		      const uint8_t *mac)
{
	char key[SCHEMA_KEY_BYTES], text[MAC_TEXT_BYTES];
	size_t key_bytes = schema_key(schema, interface, family, addr, key);
	size_t mac_bytes = mac_to_text(mac, text);

	resp_begin(buffer, 6);
	resp_word(buffer, "HSET", 4);
	resp_word(buffer, key, key_bytes);
	resp_word(buffer, "neigh", 5);
	resp_word(buffer, text, mac_bytes);
	resp_word(buffer, "family", 6);
	resp_word(buffer, family_name(family), 4);
}

void schema_write_delete(const struct schema *schema, struct resp_buffer *buffer,
			 const char *interface, uint8_t family, const uint8_t *addr)
{
	char key[SCHEMA_KEY_BYTES];
	size_t key_bytes = schema_key(schema, interface, family, addr, key);

	resp_begin(buffer, 2);
	resp_word(buffer, "DEL", 3);
	resp_word(buffer, key, key_bytes);
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

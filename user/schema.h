/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a neighbour looks in Redis: in either schema as a hash
 *
 *   <key_prefix>NEIGH_TABLE:<interface>:<address>  neigh <MAC>  family IPv4|IPv6
 *
 * plain writes that. With sonic a consumer does, from what producer.h leaves for it.
 */
#ifndef NEIGHTRACK_SCHEMA_H
#define NEIGHTRACK_SCHEMA_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neigh_text.h"
#include "resp.h"

#define SCHEMA_PREFIX_BYTES 128		/* longest key_prefix */
#define SCHEMA_FIELDS 2			/* of a neighbour's hash */
#define SCHEMA_TABLE_BYTES (SCHEMA_PREFIX_BYTES + sizeof("NEIGH_TABLE:"))
#define SCHEMA_PATTERN_BYTES (2 * SCHEMA_TABLE_BYTES + 3)
#define SCHEMA_KEY_BYTES (SCHEMA_TABLE_BYTES + sizeof("_:") + IFNAMSIZ + IP_TEXT_BYTES)

enum schema_kind {
	SCHEMA_PLAIN,
	SCHEMA_SONIC,
};

struct schema {
	enum schema_kind kind;
	char table[SCHEMA_TABLE_BYTES];		/* what all keys begin with */
	size_t table_bytes;
	/* SCHEMA_SONIC alone: the names of what lies between producer and consumer */
	char key_set[SCHEMA_TABLE_BYTES + sizeof("_KEY_SET")];
	char del_set[SCHEMA_TABLE_BYTES + sizeof("_DEL_SET")];
	char channel[SCHEMA_TABLE_BYTES + sizeof("_CHANNEL@4294967295")];
	/* the same of the table of routes, from which host routes are deleted */
	char route_pending[SCHEMA_TABLE_BYTES + 2];	/* what its waiting hashes begin with */
	char route_key_set[SCHEMA_TABLE_BYTES + sizeof("_KEY_SET")];
	char route_del_set[SCHEMA_TABLE_BYTES + sizeof("_DEL_SET")];
	char route_channel[SCHEMA_TABLE_BYTES + sizeof("_CHANNEL@4294967295")];
};

/* key_prefix: at most SCHEMA_PREFIX_BYTES bytes, else -ENAMETOOLONG. database: its
 * number, which is in the name of the channel. */
int schema_init(struct schema *schema, enum schema_kind kind, const char *key_prefix,
		uint32_t database);

/* Whether the prefix has a {hash tag}, by which a Redis Cluster keeps all keys
 * in one slot, that is, on one node. */
bool schema_has_hash_tag(const struct schema *schema);

/* key: SCHEMA_KEY_BYTES. Returns its length. */
size_t schema_key(const struct schema *schema, const char *interface, uint8_t family,
		  const uint8_t *addr, char *key);
/* The hash of a neighbour that the consumer has not taken yet. */
size_t schema_pending_key(const struct schema *schema, const char *interface, uint8_t family,
			  const uint8_t *addr, char *key);

/*
 * Takes a key of the table apart. interface: IFNAMSIZ bytes; addr: 16 bytes.
 * Returns 0; -EINVAL if it is none that this program writes, with *interface
 * then holding what stands where the interface does, "" if nothing does.
 */
int schema_parse_key(const struct schema *schema, const char *key, char *interface,
		     uint8_t *family, uint8_t *addr);

/* The glob that SCAN matches the table by; what is special in the prefix is
 * escaped. pattern: SCHEMA_PATTERN_BYTES. */
void schema_scan_pattern(const struct schema *schema, char *pattern);
/* The same for the table and for what is pending, which may match further keys. */
void schema_scan_pattern_of_all(const struct schema *schema, char *pattern);
/* Whether this is a hash of what the consumer has not taken yet. */
bool schema_is_pending_key(const struct schema *schema, const char *key);

/* Appends one command each. */
void schema_write_set(const struct schema *schema, struct resp_buffer *buffer,
		      const char *interface, uint8_t family, const uint8_t *addr,
		      const uint8_t *mac);
void schema_write_delete(const struct schema *schema, struct resp_buffer *buffer,
			 const char *interface, uint8_t family, const uint8_t *addr);
void schema_write_read(struct resp_buffer *buffer, const char *key, size_t key_bytes);
/* HSET of both fields at any key. */
void schema_write_fields(struct resp_buffer *buffer, const char *key, size_t key_bytes,
			 uint8_t family, const uint8_t *mac);

/* What schema_write_read() got: the values of neigh and family, NULL if absent.
 * Returns 0 and mac, or -EINVAL if it is not what this program writes. */
int schema_parse_values(uint8_t family, const char *neigh_value, const char *family_value,
			uint8_t *mac);

#endif

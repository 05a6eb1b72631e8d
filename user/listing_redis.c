/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redis' table, read by hiredis' blocking calls with a time limit. With the schema
 * sonic it is what the consumer will have once it has taken all that is pending; why
 * it is read in this order: readback.c.
 */
#include "listing.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "listing_grow.h"
#include "log.h"
#include "picture.h"
#include "redis_blocking.h"
#include "schema.h"

struct reading {
	redisContext *redis;
	const struct options *options;
	struct schema schema;
	struct listing *listing;
	const char *address;		/* NULL: all, of interfaces that are watched */
};

static int say_failure(const struct reading *reading, const char *what, const redisReply *reply)
{
	const char *why = "no memory";

	if (reply && reply->type == REDIS_REPLY_ERROR)
		why = reply->str;
	else if (reading->redis && reading->redis->err)
		why = reading->redis->errstr;
	else if (reply)
		why = "an answer of another kind was expected";
	log_error("Redis at %s: %s: %s", reading->options->redis, what, why);
	return -EIO;
}

static const char *text_of(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == (size_t)reply->len ?
	       reply->str : NULL;
}

static int ask_for_values(struct reading *reading, const char *key)
{
	const struct schema *schema = &reading->schema;
	int error = 0;

	if (schema->kind == SCHEMA_SONIC)
		error = redisAppendCommand(reading->redis, "HMGET _%s neigh family", key) ||
			redisAppendCommand(reading->redis, "SISMEMBER %s %s", schema->key_set,
					   key + schema->table_bytes);
	if (!error)
		error = redisAppendCommand(reading->redis, "HMGET %s neigh family", key);
	return error ? -ENOMEM : 0;
}

/* error: of taking its key apart. */
static bool is_asked_for(const struct reading *reading, const struct listing_row *row, int error)
{
	char address[IP_TEXT_BYTES];

	if (!reading->address)
		return !row->interface[0] || !picture_ignores(reading->options, row->interface);
	if (error)
		return false;
	ip_to_text(row->family, row->addr, address);
	return !strcmp(address, reading->address);
}

/* Takes the keys of a page apart and asks for the values of those that are ours.
 * prefix: what is to be put before them. */
static int ask_for_page(struct reading *reading, const redisReply *keys, const char *prefix)
{
	for (size_t i = 0; i < keys->elements; i++) {
		char key[SCHEMA_KEY_BYTES];
		struct listing_row row = { 0 };
		struct listing_row *added;
		int error;

		snprintf(key, sizeof(key), "%s%s", prefix, keys->element[i]->str);
		error = schema_parse_key(&reading->schema, key, row.interface, &row.family,
					 row.addr);
		if (!is_asked_for(reading, &row, error))
			continue;
		if (error) {
			error = listing_add_foreign(reading->listing, key);
			if (error)
				return error;
			continue;
		}
		added = listing_add(reading->listing);
		if (!added || ask_for_values(reading, key))
			return -ENOMEM;
		*added = row;
	}
	return 0;
}

/* The fields of one hash into the row. */
static int read_hash(struct reading *reading, struct listing_row *row)
{
	redisReply *reply = NULL;

	if (redisGetReply(reading->redis, (void **)&reply) || !reply)
		return say_failure(reading, "HMGET", reply);
	row->value = LISTING_UNREADABLE;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
		if (reply->element[0]->type == REDIS_REPLY_NIL &&
		    reply->element[1]->type == REDIS_REPLY_NIL &&
		    reading->schema.kind == SCHEMA_SONIC)
			row->value = LISTING_ABSENT;
		else if (!schema_parse_values(row->family, text_of(reply->element[0]),
					      text_of(reply->element[1]), row->mac))
			row->value = LISTING_MAC;
	}
	freeReplyObject(reply);
	return 0;
}

/* What is pending of the row, if anything is, or else the table's own. */
static int read_pending(struct reading *reading, struct listing_row *row)
{
	struct listing_row table = *row;
	redisReply *reply = NULL;
	bool is_pending;
	int error;

	error = read_hash(reading, row);
	if (error)
		return error;
	if (redisGetReply(reading->redis, (void **)&reply) || !reply)
		return say_failure(reading, "SISMEMBER", reply);
	is_pending = reply->type == REDIS_REPLY_INTEGER && reply->integer;
	freeReplyObject(reply);
	error = read_hash(reading, &table);
	if (error)
		return error;
	if (row->value == LISTING_ABSENT && !is_pending)
		*row = table;
	else
		row->is_pending = true;
	row->table_value = table.value;
	memcpy(row->table_mac, table.mac, sizeof(row->table_mac));
	return 0;
}

static int read_values(struct reading *reading, size_t first)
{
	int error = 0;

	for (size_t i = first; i < reading->listing->count && !error; i++) {
		struct listing_row *row = &reading->listing->rows[i];

		error = reading->schema.kind == SCHEMA_SONIC ? read_pending(reading, row) :
							       read_hash(reading, row);
	}
	return error;
}

/* set: whose members are keys without the table's name; NULL: the table. */
static int scan(struct reading *reading, const char *set)
{
	char table[SCHEMA_PATTERN_BYTES], pattern[SCHEMA_PATTERN_BYTES + 1 + IP_TEXT_BYTES];
	char cursor[24] = "0";
	int error = 0;

	schema_scan_pattern(&reading->schema, table);
	snprintf(pattern, sizeof(pattern), "%s%s%s", set ? "*" : table,
		 reading->address ? ":" : "", reading->address ? reading->address : "");
	do {
		size_t first = reading->listing->count;
		redisReply *reply = set ?
			redisCommand(reading->redis, "SSCAN %s %s MATCH %s COUNT 1000", set, cursor,
				     pattern) :
			redisCommand(reading->redis, "SCAN %s MATCH %s COUNT 1000", cursor,
				     pattern);

		if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		    reply->element[0]->type != REDIS_REPLY_STRING ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY) {
			error = say_failure(reading, set ? "SSCAN" : "SCAN", reply);
		} else {
			strncpy(cursor, reply->element[0]->str, sizeof(cursor) - 1);
			error = ask_for_page(reading, reply->element[1],
					     set ? reading->schema.table : "");
			if (!error)
				error = read_values(reading, first);
		}
		if (reply)
			freeReplyObject(reply);
	} while (!error && strcmp(cursor, "0"));
	return error;
}

/* SCAN may give a key twice, and so may the set and the table. */
static void drop_doubles(struct listing *listing, bool with_deletions)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (listing->rows[i].value != LISTING_ABSENT ||
		    (with_deletions && listing->rows[i].is_pending))
			listing->rows[kept++] = listing->rows[i];
	listing->count = kept;
	kept = 0;
	listing_sort(listing);
	for (size_t i = 0; i < listing->count; i++)
		if (!kept || listing_compare(&listing->rows[kept - 1], &listing->rows[i]))
			listing->rows[kept++] = listing->rows[i];
	listing->count = kept;
}

static int read_table(struct listing *listing, const struct options *options,
		      enum schema_kind kind, const char *key_prefix, const char *address)
{
	struct reading reading = { .options = options, .listing = listing, .address = address };
	int error;

	listing->count = 0;
	error = schema_init(&reading.schema, kind, key_prefix, 0);
	if (!error)
		error = redis_blocking_connect(&reading.redis, options, options->redis,
					       reading.schema.table);
	if (!error && reading.schema.kind == SCHEMA_SONIC)
		error = scan(&reading, reading.schema.key_set);
	if (!error)
		error = scan(&reading, NULL);
	if (!error)
		drop_doubles(listing, address);
	if (reading.redis)
		redisFree(reading.redis);
	return error;
}

int listing_from_redis(struct listing *listing, const struct options *options)
{
	return read_table(listing, options, (enum schema_kind)options->schema,
			  options->key_prefix, NULL);
}

int listing_address_from_redis(struct listing *listing, const struct options *options,
			       uint8_t family, const uint8_t *addr)
{
	char address[IP_TEXT_BYTES];

	ip_to_text(family, addr, address);
	return read_table(listing, options, (enum schema_kind)options->schema,
			  options->key_prefix, address);
}

int listing_from_original(struct listing *listing, const struct options *options)
{
	return read_table(listing, options, SCHEMA_SONIC,
			  options->key_prefix + sizeof(OPTIONS_SHADOW_PREFIX) - 1, NULL);
}

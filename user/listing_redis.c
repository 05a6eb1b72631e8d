/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redis' table, read by hiredis' blocking calls with a time limit. */
#include "listing.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
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

/* Takes the keys of a page apart and asks for the values of those that are ours. */
static int ask_for_page(struct reading *reading, const redisReply *keys)
{
	for (size_t i = 0; i < keys->elements; i++) {
		const char *key = keys->element[i]->str;
		struct listing_row row = { 0 };
		struct listing_row *added;
		int error = schema_parse_key(&reading->schema, key, row.interface, &row.family,
					     row.addr);

		if (row.interface[0] && picture_ignores(reading->options, row.interface))
			continue;
		if (error) {
			error = listing_add_foreign(reading->listing, key);
			if (error)
				return error;
			continue;
		}
		added = listing_add(reading->listing);
		if (!added || redisAppendCommand(reading->redis, "HMGET %s neigh family", key))
			return -ENOMEM;
		*added = row;
	}
	return 0;
}

static int read_values(struct reading *reading, size_t first)
{
	for (size_t i = first; i < reading->listing->count; i++) {
		struct listing_row *row = &reading->listing->rows[i];
		redisReply *reply = NULL;

		if (redisGetReply(reading->redis, (void **)&reply) || !reply)
			return say_failure(reading, "HMGET", reply);
		row->value = LISTING_UNREADABLE;
		if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		    !schema_parse_values(row->family, text_of(reply->element[0]),
					 text_of(reply->element[1]), row->mac))
			row->value = LISTING_MAC;
		freeReplyObject(reply);
	}
	return 0;
}

static int scan(struct reading *reading)
{
	char pattern[2 * sizeof(reading->schema.table) + 2];
	char cursor[24] = "0";
	int error = 0;

	schema_scan_pattern(&reading->schema, pattern);
	do {
		size_t first = reading->listing->count;
		redisReply *reply = redisCommand(reading->redis, "SCAN %s MATCH %s COUNT 1000",
						 cursor, pattern);

		if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		    reply->element[0]->type != REDIS_REPLY_STRING ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY) {
			error = say_failure(reading, "SCAN", reply);
		} else {
			strncpy(cursor, reply->element[0]->str, sizeof(cursor) - 1);
			error = ask_for_page(reading, reply->element[1]);
			if (!error)
				error = read_values(reading, first);
		}
		if (reply)
			freeReplyObject(reply);
	} while (!error && strcmp(cursor, "0"));
	return error;
}

/* SCAN may give a key twice. */
static void drop_doubles(struct listing *listing)
{
	size_t kept = 0;

	qsort(listing->rows, listing->count, sizeof(*listing->rows), listing_compare);
	for (size_t i = 0; i < listing->count; i++)
		if (!kept || listing_compare(&listing->rows[kept - 1], &listing->rows[i]))
			listing->rows[kept++] = listing->rows[i];
	listing->count = kept;
}

int listing_from_redis(struct listing *listing, const struct options *options)
{
	struct reading reading = { .options = options, .listing = listing };
	int error;

	listing->count = 0;
	error = schema_init(&reading.schema, options->key_prefix);
	if (!error)
		error = redis_blocking_connect(&reading.redis, options, reading.schema.table);
	if (!error)
		error = scan(&reading);
	if (!error)
		drop_doubles(listing);
	if (reading.redis)
		redisFree(reading.redis);
	return error;
}

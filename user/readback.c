/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCAN (never KEYS, which would stop Redis for everybody) may give a key twice
 * and in any order; each page's keys are remembered in order until their values
 * have come. The next page is asked for in the same pipeline.
 *
 * Schema sonic. While nothing is pending, and nothing can become so as the writer
 * waits, the table's hashes are all there is. Else what is pending is read first: the
 * KEY_SET before the table, as the consumer moves keys from the one to the other, and
 * of each key the pending hash, whether it is in the KEY_SET, and the table's hash, in
 * that order: whatever the consumer takes in between, the first of these that says
 * something is true.
 */
#include "readback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define PAGE_KEYS "1000"

struct page_key {
	char interface[IFNAMSIZ];
	uint8_t addr[16];
	uint8_t family;
	/* what the consumer has not taken yet */
	uint8_t pending;		/* enum neigh_published */
	bool is_pending;
	uint8_t mac[6];
};

/* Where the keys of a page come from. */
enum walk {
	WALK_KEY_SET,
	WALK_TABLE,
};

struct readback {
	struct readback_config config;
	struct page_key *keys;		/* of the current page */
	size_t key_size;
	size_t key_count;
	size_t next_value;		/* index of the key whose values come next */
	size_t removals;		/* DELs that are not answered yet */
	struct readback_result result;
	bool running;
	enum readback_pass pass;
	enum walk walk;
	bool reads_pending;		/* beside the table */
	char pattern[SCHEMA_PATTERN_BYTES];
};

struct readback *readback_new(const struct readback_config *config)
{
	struct readback *readback = calloc(1, sizeof(*readback));

	if (!readback)
		return NULL;
	readback->config = *config;
	return readback;
}

void readback_free(struct readback *readback)
{
	if (!readback)
		return;
	free(readback->keys);
	free(readback);
}

static const char *value_at(const struct reply *reply, size_t i)
{
	const struct reply *value = &reply->elements[i];

	/* a zero byte inside would make two values look alike */
	if (value->type != REPLY_STRING || strlen(value->text) != value->text_bytes)
		return NULL;
	return value->text;
}

static bool is_as_published(const struct neigh_entry *entry, enum neigh_published published,
			    const uint8_t *mac)
{
	return entry->published == published &&
	       (published != PUBLISHED_MAC ||
		!memcmp(entry->published_mac, mac, sizeof(entry->published_mac)));
}

/* What was asked could not be answered: not by this server, or not now. */
static void give_up(struct readback *readback, const char *what, const struct reply *reply,
		    const char *expected)
{
	const char *answer = reply->type == REPLY_ERROR ? reply->text : expected;

	/* while a slot is on its way to another node of a cluster some keys are not
	 * here; the audit that follows will see them */
	if (!strncmp(answer, "ASK ", 4) || !strncmp(answer, "TRYAGAIN", 8))
		readback->result.left_out++;
	else if (reply->type != REPLY_ERROR ||
		 !redis_client_leaves(readback->config.client, answer))
		redis_client_drop(readback->config.client, "%s: it answers: %s", what, answer);
}

static void on_removed(void *context, const struct reply *reply)
{
	struct readback *readback = context;

	readback->removals--;
	if (reply->type == REPLY_INTEGER && readback->result.is_audit)
		readback->result.wrong += (size_t)reply->integer;
	else if (reply->type == REPLY_ERROR)
		log_warning("cannot remove a key that is no neighbour: Redis answers: %s",
			    reply->text);
}

static void expect_removal(struct readback *readback)
{
	if (!redis_client_expect(readback->config.client, on_removed, readback))
		readback->removals++;
}

static void write_removal(struct resp_buffer *output, const struct reply *key)
{
	resp_begin(output, 2);
	resp_text(output, "DEL");
	resp_word(output, key->text, key->text_bytes);
}

/* A key under our table's name that this program cannot have written. */
static void remove_foreign(struct readback *readback, const struct reply *key)
{
	static struct log_limit limit = { .burst = 10, .interval_ms = 10000 };
	struct resp_buffer *output = redis_client_output(readback->config.client);

	log_limited(&limit, LOG_LEVEL_NOTICE, "removing %s from Redis: it is no neighbour's key",
		    key->text);
	write_removal(output, key);
	expect_removal(readback);
}

/* Takes in what is there in Redis. */
static void take_in(struct readback *readback, const struct page_key *key,
		    enum neigh_published published, const uint8_t *mac)
{
	const struct readback_config *config = &readback->config;
	struct interface *interface = interface_get_by_name(config->interfaces, key->interface);
	struct neigh_entry *entry = NULL;

	if (interface)
		entry = neigh_table_get(config->table, interface, key->family, key->addr);
	if (!entry) {
		if (interface)
			interface_put(config->interfaces, interface);
		readback->result.left_out++;
		return;
	}
	if (readback->result.is_audit) {
		neigh_table_verify(entry);
		if (is_as_published(entry, published, mac))
			return;
		readback->result.wrong++;
		if (!entry->wanted)
			config->unwanted(config->context, entry);
	}
	neigh_table_set_published(config->table, entry, published, mac);
}

/*
 * An audit saw the key, and then it had neither field. If no such key is known
 * to the table, ours was deleted in between; or it is a hash of somebody else's,
 * which must go. With no write of ours in flight, the DEL can only meet the latter.
 */
static bool is_vanished(struct readback *readback, const struct page_key *key)
{
	const struct readback_config *config = &readback->config;
	const struct interface *interface = interface_by_name(config->interfaces,
							      key->interface);
	const struct neigh_entry *entry = NULL;

	if (interface)
		entry = neigh_table_find(config->table, interface, key->family, key->addr);
	if (entry && entry->published != PUBLISHED_NOTHING)
		return false;
	if (entry && entry->in_flight)
		return true;
	schema_write_delete(config->schema, redis_client_output(config->client), key->interface,
			    key->family, key->addr);
	expect_removal(readback);
	return true;
}

/* 0 and what a hash holds, PUBLISHED_NOTHING if neither field; or -EPROTO. */
static int parse_values(struct readback *readback, const struct page_key *key,
			const struct reply *reply, enum neigh_published *published, uint8_t *mac)
{
	*published = PUBLISHED_OTHER;
	if (reply->type == REPLY_ARRAY && reply->element_count == 2) {
		const char *neigh_value = value_at(reply, 0), *family_value = value_at(reply, 1);

		if (reply->elements[0].type == REPLY_NIL && reply->elements[1].type == REPLY_NIL)
			*published = PUBLISHED_NOTHING;
		else if (!schema_parse_values(key->family, neigh_value, family_value, mac))
			*published = PUBLISHED_MAC;
		return 0;
	}
	if (reply->type == REPLY_ERROR && !strncmp(reply->text, "WRONGTYPE", 9))
		return 0;
	give_up(readback, "HMGET of one of our keys", reply, "no array of two");
	return -EPROTO;
}

static void on_values(void *context, const struct reply *reply)
{
	struct readback *readback = context;
	const struct page_key *key = &readback->keys[readback->next_value++];
	enum neigh_published published;
	uint8_t mac[6];

	if (parse_values(readback, key, reply, &published, mac))
		return;
	if (published == PUBLISHED_NOTHING) {
		if (readback->result.is_audit && is_vanished(readback, key))
			return;
		/* a hash with neither field is somebody else's */
		published = PUBLISHED_OTHER;
	}
	readback->result.keys++;
	take_in(readback, key, published, mac);
}

static void on_pending_values(void *context, const struct reply *reply)
{
	struct readback *readback = context;
	struct page_key *key = &readback->keys[readback->next_value];
	enum neigh_published published = PUBLISHED_NOTHING;

	parse_values(readback, key, reply, &published, key->mac);
	key->pending = (uint8_t)published;
}

static void on_is_pending(void *context, const struct reply *reply)
{
	struct readback *readback = context;

	readback->keys[readback->next_value].is_pending = reply->type == REPLY_INTEGER &&
							  reply->integer;
	if (reply->type != REPLY_INTEGER)
		give_up(readback, "SISMEMBER of its set of keys", reply, "no number");
}

static void on_table_values(void *context, const struct reply *reply)
{
	struct readback *readback = context;
	struct page_key *key = &readback->keys[readback->next_value++];
	enum neigh_published published = (enum neigh_published)key->pending;
	uint8_t mac[6];

	if (published != PUBLISHED_NOTHING)
		memcpy(mac, key->mac, sizeof(mac));
	else if (key->is_pending)
		return;			/* for its deletion */
	else if (parse_values(readback, key, reply, &published, mac))
		return;
	/* (and what nobody has seen stays unverified) */
	if (published == PUBLISHED_NOTHING)
		return;
	readback->result.keys++;
	take_in(readback, key, published, mac);
}

static int ask_for_all(struct readback *readback, const struct page_key *key)
{
	const struct schema *schema = readback->config.schema;
	struct redis_client *client = readback->config.client;
	struct resp_buffer *output = redis_client_output(client);
	char text[SCHEMA_KEY_BYTES];
	size_t bytes;

	bytes = schema_pending_key(schema, key->interface, key->family, key->addr, text);
	schema_write_read(output, text, bytes);
	resp_begin(output, 3);
	resp_text(output, "SISMEMBER");
	resp_text(output, schema->key_set);
	/* the set's members are without the table's name */
	resp_word(output, text + 1 + schema->table_bytes, bytes - 1 - schema->table_bytes);
	schema_write_read(output, text + 1, bytes - 1);
	if (redis_client_expect(client, on_pending_values, readback) ||
	    redis_client_expect(client, on_is_pending, readback))
		return -ENOMEM;
	return redis_client_expect(client, on_table_values, readback);
}

static int ask_for_one(struct readback *readback, const struct reply *key)
{
	struct redis_client *client = readback->config.client;

	schema_write_read(redis_client_output(client), key->text, key->text_bytes);
	return redis_client_expect(client, on_values, readback);
}

/* Takes a member of the KEY_SET for a key of the table. */
static int parse_member(struct readback *readback, const struct reply *member,
			struct page_key *key)
{
	const struct schema *schema = readback->config.schema;
	char text[SCHEMA_KEY_BYTES];

	if (schema->table_bytes + member->text_bytes >= sizeof(text))
		return -EINVAL;
	memcpy(text, schema->table, schema->table_bytes);
	memcpy(text + schema->table_bytes, member->text, member->text_bytes + 1);
	return schema_parse_key(schema, text, key->interface, &key->family, key->addr);
}

/* Whether the key is of the table at all; what is left pending by a predecessor goes. */
static bool belongs_to_table(struct readback *readback, const struct reply *key)
{
	const struct schema *schema = readback->config.schema;

	if (schema->kind == SCHEMA_PLAIN || readback->walk == WALK_KEY_SET)
		return true;
	if (readback->pass == READBACK_FIRST && schema_is_pending_key(schema, key->text)) {
		write_removal(redis_client_output(readback->config.client), key);
		expect_removal(readback);
	}
	return !strncmp(key->text, schema->table, schema->table_bytes);
}

static void ask_for_values(struct readback *readback, const struct reply *key)
{
	const struct readback_config *config = &readback->config;
	struct page_key *slot = &readback->keys[readback->key_count];
	int error;

	if (!belongs_to_table(readback, key))
		return;
	if (readback->walk == WALK_KEY_SET)
		error = parse_member(readback, key, slot);
	else
		error = schema_parse_key(config->schema, key->text, slot->interface,
					 &slot->family, slot->addr);
	if (slot->interface[0] && config->is_ignored(config->context, slot->interface))
		return;
	if (error || strlen(key->text) != key->text_bytes) {
		/* a table that has a consumer may have other producers */
		if (config->schema->kind == SCHEMA_PLAIN)
			remove_foreign(readback, key);
		return;
	}
	if (!(readback->reads_pending ? ask_for_all(readback, slot) : ask_for_one(readback, key)))
		readback->key_count++;
}

static void scan(struct readback *readback, const char *cursor);

static void on_page(void *context, const struct reply *reply)
{
	struct readback *readback = context;
	struct redis_client *client = readback->config.client;
	const struct reply *keys, *cursor;

	if (reply->type != REPLY_ARRAY || reply->element_count != 2 ||
	    reply->elements[0].type != REPLY_STRING || reply->elements[1].type != REPLY_ARRAY) {
		give_up(readback, "SCAN", reply, "neither a page nor an error");
		return;
	}
	cursor = &reply->elements[0];
	keys = &reply->elements[1];
	/* the values of the page before have all come by now */
	readback->key_count = 0;
	readback->next_value = 0;
	if (keys->element_count > readback->key_size) {
		free(readback->keys);
		readback->keys = calloc(keys->element_count, sizeof(*readback->keys));
		readback->key_size = readback->keys ? keys->element_count : 0;
		if (!readback->keys) {
			redis_client_drop(client, "no memory for a page of its table");
			return;
		}
	}
	for (size_t i = 0; i < keys->element_count; i++)
		if (keys->elements[i].type == REPLY_STRING)
			ask_for_values(readback, &keys->elements[i]);
	if (strcmp(cursor->text, "0")) {
		scan(readback, cursor->text);
	} else if (readback->walk == WALK_KEY_SET) {
		readback->walk = WALK_TABLE;
		scan(readback, "0");
	} else {
		scan(readback, NULL);
	}
}

static void end_audit(struct readback *readback)
{
	const struct readback_config *config = &readback->config;

	/* a key that did not turn up may have been on its way to another node */
	if (readback->result.left_out || config->is_partial(config->context))
		neigh_table_abandon_verification(config->table);
	else
		readback->result.wrong += neigh_table_end_verification(config->table);
}

static void on_end(void *context, const struct reply *reply)
{
	struct readback *readback = context;

	(void)reply;
	if (readback->removals) {
		scan(readback, NULL);
		return;
	}
	readback->running = false;
	if (readback->result.is_audit)
		end_audit(readback);
	readback->config.done(readback->config.context, &readback->result);
}

/* cursor NULL: no more pages; a PING marks the end of the values. */
static void scan(struct readback *readback, const char *cursor)
{
	struct redis_client *client = readback->config.client;
	struct resp_buffer *output = redis_client_output(client);

	if (cursor && readback->walk == WALK_KEY_SET)
		resp_command(output, (const char *const[]){ "SSCAN",
			     readback->config.schema->key_set, cursor, "COUNT", PAGE_KEYS, NULL });
	else if (cursor)
		resp_command(output, (const char *const[]){ "SCAN", cursor, "MATCH",
			     readback->pattern, "COUNT", PAGE_KEYS, NULL });
	else
		resp_command(output, (const char *const[]){ "PING", NULL });
	redis_client_expect(client, cursor ? on_page : on_end, readback);
	redis_client_flush(client);
}

static void on_cleared(void *context, const struct reply *reply)
{
	if (reply->type != REPLY_INTEGER)
		give_up(context, "DEL of what was pending", reply, "no number");
}

static void on_pending_count(void *context, const struct reply *reply)
{
	struct readback *readback = context;

	if (reply->type != REPLY_INTEGER) {
		give_up(readback, "SCARD of its set of keys", reply, "no number");
		return;
	}
	readback->reads_pending = reply->integer;
	readback->walk = reply->integer ? WALK_KEY_SET : WALK_TABLE;
	scan(readback, "0");
}

/* The schema sonic: deals with what the consumer has not taken yet. */
static void start_sonic(struct readback *readback)
{
	const struct schema *schema = readback->config.schema;
	struct redis_client *client = readback->config.client;
	struct resp_buffer *output = redis_client_output(client);

	switch (readback->pass) {
	case READBACK_FIRST:
		/* from here on the consumer finds nothing to take, so the hashes can wait */
		resp_command(output, (const char *const[]){ "DEL", schema->key_set,
							    schema->del_set, NULL });
		redis_client_expect(client, on_cleared, readback);
		schema_scan_pattern_of_all(schema, readback->pattern);
		scan(readback, "0");
		break;
	case READBACK_AGAIN:
		resp_command(output, (const char *const[]){ "SCARD", schema->key_set, NULL });
		redis_client_expect(client, on_pending_count, readback);
		redis_client_flush(client);
		break;
	case READBACK_AUDIT:
		readback->reads_pending = true;
		readback->walk = WALK_KEY_SET;
		scan(readback, "0");
		break;
	}
}

void readback_start(struct readback *readback, enum readback_pass pass)
{
	bool is_audit = pass == READBACK_AUDIT;

	readback->running = true;
	readback->removals = 0;
	readback->pass = pass;
	readback->walk = WALK_TABLE;
	readback->reads_pending = false;
	readback->result = (struct readback_result){ .is_audit = is_audit };
	schema_scan_pattern(readback->config.schema, readback->pattern);
	if (is_audit)
		neigh_table_begin_verification(readback->config.table);
	if (readback->config.schema->kind == SCHEMA_SONIC)
		start_sonic(readback);
	else
		scan(readback, "0");
}

void readback_stop(struct readback *readback)
{
	readback->running = false;
}

bool readback_is_running(const struct readback *readback)
{
	return readback->running;
}

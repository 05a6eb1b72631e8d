/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCAN (never KEYS, which would stop Redis for everybody) may give a key twice
 * and in any order; each page's keys are remembered in order until their values
 * have come. The next page is asked for in the same pipeline.
 */
#include "readback.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

#define PAGE_KEYS "1000"

struct page_key {
	char interface[IFNAMSIZ];
	uint8_t addr[16];
	uint8_t family;
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
	char pattern[2 * sizeof(((struct schema *)0)->table) + 2];
};

struct readback *readback_new(const struct readback_config *config)
{
	struct readback *readback = calloc(1, sizeof(*readback));

	if (!readback)
		return NULL;
	readback->config = *config;
	schema_scan_pattern(config->schema, readback->pattern);
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

/* A key under our table's name that this program cannot have written. */
static void remove_foreign(struct readback *readback, const struct reply *key)
{
	static struct log_limit limit = { .burst = 10, .interval_ms = 10000 };
	struct resp_buffer *output = redis_client_output(readback->config.client);

	log_limited(&limit, LOG_LEVEL_NOTICE, "removing %s from Redis: it is no neighbour's key",
		    key->text);
	resp_begin(output, 2);
	resp_text(output, "DEL");
	resp_word(output, key->text, key->text_bytes);
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

static void on_values(void *context, const struct reply *reply)
{
	struct readback *readback = context;
	const struct page_key *key = &readback->keys[readback->next_value++];
	enum neigh_published published = PUBLISHED_OTHER;
	uint8_t mac[6];

	if (reply->type == REPLY_ARRAY && reply->element_count == 2) {
		const char *neigh_value = value_at(reply, 0), *family_value = value_at(reply, 1);

		if (!neigh_value && !family_value && readback->result.is_audit &&
		    is_vanished(readback, key))
			return;
		if (!schema_parse_values(key->family, neigh_value, family_value, mac))
			published = PUBLISHED_MAC;
	} else if (reply->type != REPLY_ERROR || strncmp(reply->text, "WRONGTYPE", 9)) {
		give_up(readback, "HMGET of one of our keys", reply, "no array of two");
		return;
	}
	readback->result.keys++;
	take_in(readback, key, published, mac);
}

static void ask_for_values(struct readback *readback, const struct reply *key)
{
	const struct readback_config *config = &readback->config;
	struct page_key *slot = &readback->keys[readback->key_count];
	int error;

	error = schema_parse_key(config->schema, key->text, slot->interface, &slot->family,
				 slot->addr);
	if (slot->interface[0] && config->is_ignored(config->context, slot->interface))
		return;
	if (error || strlen(key->text) != key->text_bytes) {
		remove_foreign(readback, key);
		return;
	}
	schema_write_read(redis_client_output(config->client), key->text, key->text_bytes);
	if (!redis_client_expect(config->client, on_values, readback))
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
	scan(readback, strcmp(cursor->text, "0") ? cursor->text : NULL);
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

	if (cursor)
		resp_command(output, (const char *const[]){ "SCAN", cursor, "MATCH",
			     readback->pattern, "COUNT", PAGE_KEYS, NULL });
	else
		resp_command(output, (const char *const[]){ "PING", NULL });
	redis_client_expect(client, cursor ? on_page : on_end, readback);
	redis_client_flush(client);
}

void readback_start(struct readback *readback, bool is_audit)
{
	readback->running = true;
	readback->removals = 0;
	readback->result = (struct readback_result){ .is_audit = is_audit };
	if (is_audit)
		neigh_table_begin_verification(readback->config.table);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether Redis can be reached, and lets our user do what the schema needs. The commands
 * are sent as the daemon would, but between MULTI and DISCARD: Redis says at once which of
 * them it refuses, and carries none out. To whom MULTI is refused, ACL DRYRUN tells, if
 * that is not.
 */
#include "probe.h"

#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neightrack/record.h"
#include "redis_blocking.h"
#include "schema.h"

#define RIGHT_WORDS 8
#define RIGHTS 16

/* A command that the daemon sends. */
struct right {
	const char *words[RIGHT_WORDS];
	int count;
};

struct rights {
	struct schema schema;
	char key[SCHEMA_KEY_BYTES];		/* of a neighbour that is none */
	char pending_key[SCHEMA_KEY_BYTES];
	struct right list[RIGHTS];
	size_t count;
	bool needs_transactions;
	char refused[160];			/* their names */
	char answer[160];			/* of the first that was refused */
	bool is_unknown;
};

static void need(struct rights *rights, const char *const *words)
{
	struct right *right = &rights->list[rights->count];

	if (rights->count == RIGHTS)
		return;
	while (words[right->count]) {
		right->words[right->count] = words[right->count];
		right->count++;
	}
	rights->count++;
}

#define NEED(rights, ...) need((rights), (const char *const[]){ __VA_ARGS__, NULL })

static void list_rights(struct rights *rights, const struct options *options)
{
	const struct schema *schema = &rights->schema;
	const char *key = rights->key, *pending = rights->pending_key;

	NEED(rights, "SCAN", "0", "COUNT", "1");
	NEED(rights, "HMGET", key, "neigh", "family");
	if (options->schema == OPTION_SCHEMA_PLAIN) {
		NEED(rights, "HSET", key, "neigh", "", "family", "");
		NEED(rights, "DEL", key);
	} else {
		NEED(rights, "HMGET", pending, "neigh", "family");
		NEED(rights, "HSET", pending, "neigh", "", "family", "");
		NEED(rights, "DEL", pending);
		NEED(rights, "DEL", schema->key_set, schema->del_set);
		NEED(rights, "SADD", schema->key_set, "");
		NEED(rights, "SADD", schema->del_set, "");
		NEED(rights, "SSCAN", schema->key_set, "0");
		NEED(rights, "SCARD", schema->key_set);
		NEED(rights, "SISMEMBER", schema->del_set, "");
		NEED(rights, "PUBLISH", schema->channel, "G");
	}
	if (options->stream[0])
		NEED(rights, "XADD", options->stream, "*", "seq", "0");
	rights->needs_transactions = options->transaction ||
				     options->schema == OPTION_SCHEMA_SONIC;
}

static bool is_text(const redisReply *reply, const char *text)
{
	return reply && (reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_STRING) &&
	       !strcmp(reply->str, text);
}

static bool is_error(const redisReply *reply, const char *word)
{
	return reply && reply->type == REDIS_REPLY_ERROR && !strncmp(reply->str, word, strlen(word));
}

static void note_refusal(struct rights *rights, const struct right *right, const char *answer)
{
	size_t used = strlen(rights->refused);
	const char *name = right->words[0];

	/* one name, however many keys */
	if (used && strstr(rights->refused, name))
		return;
	snprintf(rights->refused + used, sizeof(rights->refused) - used, "%s%s", used ? ", " : "",
		 name);
	if (!rights->answer[0])
		snprintf(rights->answer, sizeof(rights->answer), "%s", answer);
}

/* Whoever lacks one right for a command lacks it for the whole transaction: each is asked
 * for by itself. Returns whether MULTI was allowed. */
static bool ask_by_transaction(redisContext *redis, struct rights *rights)
{
	redisReply *reply = redisCommand(redis, "MULTI");
	bool is_open = is_text(reply, "OK");

	if (reply)
		freeReplyObject(reply);
	if (!is_open)
		return false;
	for (size_t i = 0; i < rights->count; i++) {
		const struct right *right = &rights->list[i];

		reply = redisCommandArgv(redis, right->count,
					 (const char **)(uintptr_t)right->words, NULL);
		/* another node's keys, or a slot on its way: not a matter of rights */
		if (!is_text(reply, "QUEUED") && !is_error(reply, "MOVED") &&
		    !is_error(reply, "ASK"))
			note_refusal(rights, right, reply && reply->type == REDIS_REPLY_ERROR ?
				     reply->str : "no answer");
		if (reply)
			freeReplyObject(reply);
	}
	reply = redisCommand(redis, "DISCARD");
	if (reply)
		freeReplyObject(reply);
	return true;
}

static void ask_by_dry_run(redisContext *redis, struct rights *rights, const char *user)
{
	const char *words[RIGHT_WORDS + 3] = { "ACL", "DRYRUN", user };

	for (size_t i = 0; i < rights->count; i++) {
		const struct right *right = &rights->list[i];
		redisReply *reply;

		memcpy(words + 3, right->words, sizeof(right->words));
		reply = redisCommandArgv(redis, right->count + 3, words, NULL);
		if (!reply || reply->type == REDIS_REPLY_ERROR)
			rights->is_unknown = true;
		else if (!is_text(reply, "OK"))
			note_refusal(rights, right, reply->type == REDIS_REPLY_STRING ?
				     reply->str : "not OK");
		if (reply)
			freeReplyObject(reply);
	}
}

static void ask(redisContext *redis, struct rights *rights, const struct options *options)
{
	static const struct right transaction = { .words = { "MULTI" }, .count = 1 };

	if (ask_by_transaction(redis, rights))
		return;
	if (rights->needs_transactions)
		note_refusal(rights, &transaction, "MULTI is not allowed");
	ask_by_dry_run(redis, rights, options->redis_user[0] ? options->redis_user : "default");
}

static bool check_rights(struct probe *probe, redisContext *redis, struct rights *rights)
{
	char hint[240];

	list_rights(rights, probe->options);
	ask(redis, rights, probe->options);
	if (rights->refused[0]) {
		snprintf(hint, sizeof(hint), "it answers: %s%s", rights->answer,
			 strstr(rights->answer, "permission") ?
			 "; ACL SETUSER gives the rights" : "");
		probe_add(probe, "redis rights", PROBE_BAD, hint, "refused: %s", rights->refused);
		return false;
	}
	if (rights->is_unknown) {
		probe_add(probe, "redis rights", PROBE_UNKNOWN,
			  "the right to MULTI and DISCARD, or to ACL DRYRUN, would tell",
			  "unknown");
		return true;
	}
	probe_add(probe, "redis rights", PROBE_GOOD, NULL, "all that schema = %s needs",
		  probe->options->schema == OPTION_SCHEMA_SONIC ? "sonic" : "plain");
	return true;
}

static bool check_version(struct probe *probe, redisContext *redis)
{
	redisReply *reply = redisCommand(redis, "INFO server");
	const char *at = reply && reply->type == REDIS_REPLY_STRING ?
			 strstr(reply->str, "redis_version:") : NULL;
	bool is_good = true;
	int major;

	if (!at || sscanf(at, "redis_version:%d", &major) != 1) {
		probe_add(probe, "redis version", PROBE_UNKNOWN, "the right to INFO would tell",
			  "unknown");
	} else {
		/* HSET of several fields */
		is_good = major >= 4;
		at += strlen("redis_version:");
		probe_add(probe, "redis version", is_good ? PROBE_GOOD : PROBE_BAD, is_good ? NULL :
			  "a Redis of 4.0 or later", "%.*s", (int)strcspn(at, "\r\n"), at);
	}
	if (reply)
		freeReplyObject(reply);
	return is_good;
}

void probe_redis(struct probe *probe)
{
	static const uint8_t none[16] = { 192, 0, 2, 0 };
	const struct options *options = probe->options;
	struct rights rights = { .count = 0 };
	char why[REDIS_WHY_BYTES];
	redisContext *redis;

	if (schema_init(&rights.schema, (enum schema_kind)options->schema, options->key_prefix, 0))
		return;
	schema_key(&rights.schema, "probe", NEIGHTRACK_FAMILY_IPV4, none, rights.key);
	schema_pending_key(&rights.schema, "probe", NEIGHTRACK_FAMILY_IPV4, none,
			   rights.pending_key);
	if (redis_blocking_try(&redis, options, options->redis, rights.key, why)) {
		probe_add(probe, "redis", PROBE_BAD, "start it, or say where it is by --redis, and who "
			  "asks by --redis-user and --redis-password-file", "%s: %s",
			  options->redis, why);
		return;
	}
	probe_add(probe, "redis", PROBE_GOOD, NULL, "%s answers", options->redis);
	probe->redis_is_good = check_version(probe, redis);
	probe->redis_is_good &= check_rights(probe, redis, &rights);
	redisFree(redis);
}

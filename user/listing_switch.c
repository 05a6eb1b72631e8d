/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listing_switch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "redis_blocking.h"

struct walk {
	redisContext *redis;
	const struct options *options;
	struct switch_config *config;
	char separator;
};

static int say_failure(const struct walk *walk, const char *what, const redisReply *reply)
{
	const char *why = walk->redis->err ? walk->redis->errstr :
			  reply && reply->type == REDIS_REPLY_ERROR ? reply->str :
			  "an answer of another kind was expected";

	log_error("CONFIG_DB at %s: %s: %s", walk->options->config_db, what, why);
	return -EIO;
}

static int take_interface(struct walk *walk, const char *key, const char *interface)
{
	redisReply *reply = redisCommand(walk->redis, "HGET %s " SWITCH_LINK_LOCAL_FIELD, key);
	int error = 0;

	/* a row that is no hash has no such field */
	if (!reply || (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9)))
		error = say_failure(walk, "HGET", reply);
	else if (reply->type == REDIS_REPLY_STRING &&
		 !strcmp(reply->str, SWITCH_LINK_LOCAL_VALUE))
		error = switch_config_add_link_local(walk->config, interface);
	if (reply)
		freeReplyObject(reply);
	return error;
}

static int take_page(struct walk *walk, const redisReply *keys)
{
	char interface[IFNAMSIZ];
	int error = 0;

	for (size_t i = 0; i < keys->elements && !error; i++) {
		const char *key = keys->element[i]->str;

		switch (switch_config_parse_key(key, walk->separator, interface)) {
		case SWITCH_ROW_PEER:
			walk->config->dual_tor = true;
			break;
		case SWITCH_ROW_EVPN:
			walk->config->evpn = true;
			break;
		case SWITCH_ROW_INTERFACE:
			error = take_interface(walk, key, interface);
			break;
		case SWITCH_ROW_OTHER:
			break;
		}
	}
	return error;
}

static int walk_keys(struct walk *walk)
{
	char cursor[24] = "0", pattern[32];
	int error = 0;

	snprintf(pattern, sizeof(pattern), SWITCH_TABLES_PATTERN "%c*", walk->separator);
	do {
		redisReply *reply = redisCommand(walk->redis, "SCAN %s MATCH %s COUNT 1000",
						 cursor, pattern);

		if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		    reply->element[0]->type != REDIS_REPLY_STRING ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY) {
			error = say_failure(walk, "SCAN", reply);
		} else {
			snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
			error = take_page(walk, reply->element[1]);
		}
		if (reply)
			freeReplyObject(reply);
	} while (!error && strcmp(cursor, "0"));
	return error;
}

int listing_switch_config(struct switch_config *config, const struct options *options)
{
	struct walk walk = { .options = options, .config = config };
	int error;

	*config = (struct switch_config){ 0 };
	if (options->policy != OPTION_POLICY_SONIC)
		return 0;
	walk.separator = options->databases.databases[SONIC_CONFIG_DB].separator;
	error = redis_blocking_connect(&walk.redis, options, options->config_db, "LOGGER");
	if (error)
		return error;
	error = walk_keys(&walk);
	redisFree(walk.redis);
	switch_config_sort(config);
	return error;
}

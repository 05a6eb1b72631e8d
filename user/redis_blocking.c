/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "redis_blocking.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "log.h"
#include "redis_address.h"
#include "redis_password.h"
#include "redis_route.h"

#define MOST_HOPS 20

struct attempt {
	const struct options *options;
	const char *probe_key;
	struct redis_address address;
	struct redis_route route;
	redisContext *redis;
	char why[REDIS_WHY_BYTES];	/* the last failure */
};

enum outcome {
	CONNECTED,
	GO_ON,		/* to where the route points now */
	FAILED,		/* with `why` */
};

static enum outcome fail(struct attempt *attempt, const char *what, const redisReply *reply)
{
	const char *why = "an answer of another kind was expected";

	if (reply && reply->type == REDIS_REPLY_ERROR)
		why = reply->str;
	else if (!attempt->redis)
		why = "no memory";
	else if (attempt->redis->err)
		why = attempt->redis->errstr;
	snprintf(attempt->why, sizeof(attempt->why), "%s: %s", what, why);
	redis_route_failed(&attempt->route);
	return FAILED;
}

static enum outcome open_connection(struct attempt *attempt)
{
	const struct redis_host *host = redis_route_host(&attempt->route);
	uint32_t limit_ms = attempt->options->redis_timeout_ms;
	const struct timeval limit = { .tv_sec = limit_ms / 1000,
				       .tv_usec = limit_ms % 1000 * 1000 };

	attempt->redis = host->port ? redisConnectWithTimeout(host->name, host->port, limit) :
				      redisConnectUnixWithTimeout(host->name, limit);
	if (!attempt->redis || attempt->redis->err)
		return fail(attempt, "cannot connect", NULL);
	redisSetTimeout(attempt->redis, limit);
	return CONNECTED;
}

static enum outcome authenticate(struct attempt *attempt)
{
	const struct options *options = attempt->options;
	char password[REDIS_PASSWORD_BYTES];
	enum outcome outcome = CONNECTED;
	redisReply *reply;
	int error;

	if (!options->redis_password_file[0])
		return CONNECTED;
	error = redis_password_read(options->redis_password_file, password);
	if (error) {
		snprintf(attempt->why, sizeof(attempt->why), "redis_password_file %s: %s",
			 options->redis_password_file, strerror(-error));
		redis_route_failed(&attempt->route);
		return FAILED;
	}
	reply = options->redis_user[0] ?
		redisCommand(attempt->redis, "AUTH %s %s", options->redis_user, password) :
		redisCommand(attempt->redis, "AUTH %s", password);
	explicit_bzero(password, sizeof(password));
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		outcome = fail(attempt, "AUTH", reply);
	if (reply)
		freeReplyObject(reply);
	return outcome;
}

static enum outcome go_on(struct attempt *attempt, const char *name, const char *port)
{
	int error = redis_route_point(&attempt->route, name, port);

	if (!error)
		return GO_ON;
	snprintf(attempt->why, sizeof(attempt->why), "%s port %s: %s", name, port,
		 strerror(-error));
	return FAILED;
}

static redisReply *ask_sentinel(struct attempt *attempt)
{
	return redisCommand(attempt->redis, "SENTINEL get-master-addr-by-name %s",
			    attempt->address.service);
}

static enum outcome find_master(struct attempt *attempt)
{
	redisReply *reply = ask_sentinel(attempt);
	enum outcome outcome;

	if (reply && reply->type == REDIS_REPLY_ERROR && !strncmp(reply->str, "NOAUTH", 6) &&
	    authenticate(attempt) == CONNECTED) {
		freeReplyObject(reply);
		reply = ask_sentinel(attempt);
	}
	if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
		outcome = go_on(attempt, reply->element[0]->str, reply->element[1]->str);
	else
		outcome = fail(attempt, "a sentinel's answer for the master", reply);
	if (reply)
		freeReplyObject(reply);
	return outcome;
}

static enum outcome select_database(struct attempt *attempt)
{
	enum outcome outcome = CONNECTED;
	redisReply *reply;

	if (!attempt->address.database)
		return CONNECTED;
	reply = redisCommand(attempt->redis, "SELECT %u", attempt->address.database);
	if (!reply || reply->type != REDIS_REPLY_STATUS)
		outcome = fail(attempt, "SELECT", reply);
	if (reply)
		freeReplyObject(reply);
	return outcome;
}

static enum outcome probe(struct attempt *attempt)
{
	redisReply *reply = redisCommand(attempt->redis, "TYPE %s", attempt->probe_key);
	enum outcome outcome = CONNECTED;
	char name[256], port[8];

	if (reply && reply->type == REDIS_REPLY_ERROR && !strncmp(reply->str, "MOVED", 5) &&
	    !redis_route_parse_redirection(reply->str, name, port))
		outcome = go_on(attempt, name, port);
	else if (!reply)
		outcome = fail(attempt, "TYPE", reply);
	if (reply)
		freeReplyObject(reply);
	return outcome;
}

/* One host on the way. */
static enum outcome hop(struct attempt *attempt)
{
	enum outcome outcome = open_connection(attempt);

	if (outcome == CONNECTED && redis_route_is_sentinel(&attempt->route))
		return find_master(attempt);
	if (outcome == CONNECTED)
		outcome = authenticate(attempt);
	if (outcome == CONNECTED)
		outcome = select_database(attempt);
	if (outcome == CONNECTED)
		outcome = probe(attempt);
	return outcome;
}

int redis_blocking_try(redisContext **redis, const struct options *options, const char *address,
		       const char *probe_key, char why[REDIS_WHY_BYTES])
{
	struct attempt attempt = { .options = options, .probe_key = probe_key };
	enum outcome outcome = FAILED;
	uint32_t failures = 0;
	const char *allowed;
	int error = redis_address_parse(&attempt.address, address, &allowed);

	if (error) {
		snprintf(why, REDIS_WHY_BYTES, "%s", allowed);
		return error;
	}
	redis_route_init(&attempt.route, &attempt.address);
	for (int i = 0; i < MOST_HOPS && failures < attempt.address.host_count; i++) {
		outcome = hop(&attempt);
		if (outcome == CONNECTED)
			break;
		failures += outcome == FAILED;
		if (attempt.redis)
			redisFree(attempt.redis);
		attempt.redis = NULL;
	}
	if (outcome != CONNECTED) {
		memcpy(why, attempt.why, REDIS_WHY_BYTES);
		return -EIO;
	}
	*redis = attempt.redis;
	return 0;
}

int redis_blocking_connect(redisContext **redis, const struct options *options,
			   const char *address, const char *probe_key)
{
	char why[REDIS_WHY_BYTES];
	int error = redis_blocking_try(redis, options, address, probe_key, why);

	if (error)
		log_error("Redis at %s: %s", address, why);
	return error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection to Redis for the tool, which may wait: the daemon uses redis_client.h. */
#ifndef NEIGHTRACK_REDIS_BLOCKING_H
#define NEIGHTRACK_REDIS_BLOCKING_H

#include <hiredis/hiredis.h>
#include <stddef.h>

#include "options.h"

/*
 * Connects to the server at `address`, such as options->redis, that has our keys: by
 * way of a sentinel or the other nodes of a cluster, with its database, and the user
 * and password of the options. probe_key: a key in the slot of all of ours. Says on
 * stderr what failed. Returns 0 and *redis, which the caller frees (redisFree), or -errno.
 */
int redis_blocking_connect(redisContext **redis, const struct options *options,
			   const char *address, const char *probe_key);

#define REDIS_WHY_BYTES 300

/* The same, with what failed in why instead. */
int redis_blocking_try(redisContext **redis, const struct options *options, const char *address,
		       const char *probe_key, char why[REDIS_WHY_BYTES]);

#endif

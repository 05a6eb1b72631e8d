/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What benchmarks ask of Redis: is everything there, how busy was it, and how long
 * does a bare writer take for the same commands. Blocking calls. */
#ifndef NEIGHTRACK_BENCH_REDIS_H
#define NEIGHTRACK_BENCH_REDIS_H

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "schema.h"

struct bench_difference {
	uint64_t missing;	/* keys that are not there */
	uint64_t wrong;		/* with another MAC, or that should not be there */
};

struct bench_commands {
	uint64_t writes;	/* HSET and DEL */
	uint64_t commands;	/* of all kinds */
	uint64_t bytes;		/* received */
};

/* Keys in the database; negative: -errno. */
int64_t bench_redis_count(redisContext *redis);

/* Looks at each of the first `count` neighbours of the generation, key by key. 0 or -errno. */
int bench_redis_compare(redisContext *redis, const struct schema *schema, const char *interface,
			uint32_t count, uint8_t generation, struct bench_difference *difference);

int bench_redis_commands(redisContext *redis, struct bench_commands *commands);

/*
 * The floor: seconds that it takes to send the same HSETs, put together beforehand,
 * in one pipeline over a connection of its own, and to have all replies, in an
 * empty database. 0 or -errno.
 */
int bench_redis_floor(const char *path, const struct schema *schema, const char *interface,
		      uint32_t count, double *seconds);

#endif

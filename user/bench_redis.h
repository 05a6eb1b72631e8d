/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What benchmarks ask of Redis: is everything there, how busy was it, and how long
 * does a bare writer take for the same commands. Blocking calls. */
#ifndef NEIGHTRACK_BENCH_REDIS_H
#define NEIGHTRACK_BENCH_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema.h"

struct bench_difference {
	uint64_t missing;	/* keys that are not there */
	uint64_t wrong;		/* with another MAC, or that should not be there */
};

/* Whose neighbours: numbered as in bench_generator.h. */
struct bench_population {
	const char *interface;
	bool ipv6;
};

/* A command that answers with anything but an error. 0 or -EIO. */
int bench_redis_run(redisContext *redis, const char *command);

/* Neighbours in the database, where nothing else is; negative: -errno. What a consumer
 * has not taken counts, if it has taken none of the others. */
int64_t bench_redis_count(redisContext *redis, const struct schema *schema);

/* Takes what is pending, as a consumer of the schema sonic does. 0 or -errno. */
int bench_redis_consume(redisContext *redis, const struct schema *schema);

/* Removes the keys that a daemon writes, of all tables. 0 or -errno. */
int bench_redis_clear(redisContext *redis);

/* Looks at `count` neighbours of the generation from `first` on, key by key, and adds
 * to *difference. 0 or -errno. */
int bench_redis_compare(redisContext *redis, const struct schema *schema,
			const struct bench_population *population, uint32_t first,
			uint32_t count, uint8_t generation,
			struct bench_difference *difference);

/* Writes that it has done: HSET and DEL. 0 or -EIO. */
int bench_redis_writes(redisContext *redis, uint64_t *writes);

/* version: of the server, "" if it does not tell. */
void bench_redis_version(redisContext *redis, char *version, size_t bytes);

/*
 * The floor: seconds that it takes to send one command for each of the first `count`
 * neighbours, put together beforehand, in one pipeline, and to have all replies. The
 * connection has nothing else to do. 0 or -errno.
 */
int bench_redis_floor(redisContext *redis, const struct schema *schema,
		      const struct bench_population *population, bool is_delete,
		      uint32_t count, double *seconds);

#endif

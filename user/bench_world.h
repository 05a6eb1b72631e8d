/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a benchmark needs, of its own: a network namespace with an interface, a
 * redis-server on a unix socket (or the one that the user names), and the daemon as
 * a user would start it. All of it goes with bench_world_free(), and with the process.
 */
#ifndef NEIGHTRACK_BENCH_WORLD_H
#define NEIGHTRACK_BENCH_WORLD_H

#include <hiredis/hiredis.h>

#include "bench_allocations.h"
#include "bench_generator.h"
#include "bench_limits.h"
#include "bench_process.h"
#include "bench_progress.h"
#include "bench_redis.h"
#include "options.h"
#include "schema.h"

#define BENCH_INTERFACE "bench0"

struct bench_setup {
	const char *redis;		/* its address; NULL: a redis-server of our own */
	char *const *daemon_words;	/* for the daemon's command line, up to a NULL */
	bool real_packets;		/* neighbours change by ARP or ND */
	bool ipv6;			/* instead of IPv4 */
	enum schema_kind schema;
	uint32_t interfaces;		/* further ones, at least, on which nothing happens */
	bool program_statistics;	/* the BPF programs' runs are counted throughout */
	struct bench_progress *progress;
};

struct bench_world {
	struct bench_setup setup;
	char name[32];			/* of the network namespace and the instance */
	char folder[64];
	char limits[BENCH_LIMITS][16];	/* gc_thresh*, as they were */
	int netns_fd;
	uint32_t peer_ifindex;		/* of the other end, which the daemon is told to ignore */
	struct bench_process redis;	/* if it is our own */
	struct bench_process daemon;
	pid_t redis_pid;		/* 0: not known, it is on another machine perhaps */
	struct options options;		/* the address of Redis, for our connections */
	redisContext *connection;
	bool may_clear_redis;		/* what is in the database is ours */
	struct schema schema;
	struct bench_population population;
	struct bench_generator *generator;
	struct bench_allocations allocations;
	int statistics_fd;		/* holds the counting of BPF programs' runs; or -1 */
};

/* setup must outlive the world. Says on stderr what failed. 0 or -errno;
 * bench_world_free() is due either way. */
int bench_world_make(struct bench_world *world, const struct bench_setup *setup);
void bench_world_free(struct bench_world *world);

/* One more connection to Redis, for the caller to free; NULL after saying why not. */
redisContext *bench_world_connect(const struct bench_world *world);

/* With room for so many neighbours. *seconds: from before its start until it says
 * that it is ready; may be NULL. 0 or -errno. */
int bench_world_start_daemon(struct bench_world *world, uint32_t neighbours, double *seconds);
int bench_world_stop_daemon(struct bench_world *world);

/* Whether this daemon has the options; words up to a NULL. */
bool bench_daemon_takes(const char *const *words);

/* Removes all neighbours, by a new interface, and all keys. 0 or -errno. */
int bench_world_reset(struct bench_world *world);

/* Asks the daemon for all that it counts, for bench_world_count(). 0 or -errno. */
int bench_world_ask(struct bench_world *world);
/* Its count of that name, such as "submitted", when last asked; negative: -ENOENT. */
int64_t bench_world_count(const struct bench_world *world, const char *name);

#endif

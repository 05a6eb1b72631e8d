/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a benchmark needs, of its own: a network namespace with an interface, a
 * redis-server on a unix socket, and the daemon as a user would start it. All of it
 * goes with bench_world_free(), and with the process.
 */
#ifndef NEIGHTRACK_BENCH_WORLD_H
#define NEIGHTRACK_BENCH_WORLD_H

#include <hiredis/hiredis.h>

#include "bench_generator.h"
#include "bench_process.h"
#include "schema.h"

#define BENCH_INTERFACE "bench0"

struct bench_world {
	char name[32];			/* of the network namespace and the instance */
	char folder[64];
	char socket[96];
	char limits[3][16];		/* gc_thresh*, as they were */
	int netns_fd;
	struct bench_process redis;
	struct bench_process daemon;
	redisContext *connection;
	struct schema schema;
	struct bench_generator *generator;
};

/* Says on stderr what failed. 0 or -errno; bench_world_free() is due either way. */
int bench_world_make(struct bench_world *world);
void bench_world_free(struct bench_world *world);

/* extra: further words for the daemon's command line, up to a NULL. *seconds: from
 * before its start until it says that it is ready. 0 or -errno. */
int bench_world_start_daemon(struct bench_world *world, char *const *extra, double *seconds);
int bench_world_stop_daemon(struct bench_world *world);

/* Removes all neighbours, by a new interface, and all keys. 0 or -errno. */
int bench_world_reset(struct bench_world *world);

/* The daemon's own count of that name, such as "submitted"; negative: -errno. */
int64_t bench_world_statistic(struct bench_world *world, const char *name);

#endif

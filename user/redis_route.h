/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which host is to be connected to next, to get to the Redis that takes our
 * writes: the configured ones in turn, the master that a sentinel named, or
 * the node of a cluster that an answer pointed to.
 */
#ifndef NEIGHTRACK_REDIS_ROUTE_H
#define NEIGHTRACK_REDIS_ROUTE_H

#include <stdbool.h>

#include "redis_address.h"

struct redis_route {
	const struct redis_address *address;	/* the caller's; outlives the route */
	struct redis_host pointed_to;		/* name "" = nowhere */
	uint32_t next_host;
	uint32_t redirections;			/* without a connection that was of use */
};

void redis_route_init(struct redis_route *route, const struct redis_address *address);

/* The host to try now. */
const struct redis_host *redis_route_host(const struct redis_route *route);
/* It is a sentinel, to be asked for the master. */
bool redis_route_is_sentinel(const struct redis_route *route);

/* That host was of no use: another one is next. */
void redis_route_failed(struct redis_route *route);
/* It took our writes. */
void redis_route_succeeded(struct redis_route *route);

/* A sentinel's or a cluster's word. Returns 0; -EINVAL if it names no host and
 * port; -ELOOP after too many redirections, which counts as a failure. An empty
 * name is the present host. */
int redis_route_point(struct redis_route *route, const char *name, const char *port);

/* "MOVED slot host:port" or "ASK slot host:port": host may be empty, or an IPv6
 * address without brackets. 0 or -EINVAL. */
int redis_route_parse_redirection(const char *text, char name[256], char port[8]);

#endif

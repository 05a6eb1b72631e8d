/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a Redis is: unix:///path[?db=N], tcp://host[:port][,host[:port]...][/db],
 * or sentinel://host[:port][,...]/name[/db], whose master the sentinels know.
 */
#ifndef NEIGHTRACK_REDIS_ADDRESS_H
#define NEIGHTRACK_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define REDIS_HOSTS 8u

enum redis_address_kind {
	REDIS_UNIX,
	REDIS_TCP,
	REDIS_SENTINEL,
};

struct redis_host {
	char name[256];		/* host name or numeric address; path of a unix socket */
	uint16_t port;		/* host order; 0 for a unix socket */
};

struct redis_address {
	enum redis_address_kind kind;
	struct redis_host hosts[REDIS_HOSTS];	/* to be tried in this order */
	uint32_t host_count;
	char service[64];	/* the name by which sentinels know the master */
	uint32_t database;
};

/*
 * Fills in *address from text. An IPv6 address stands in brackets; port
 * defaults to 6379, to 26379 for sentinels, and database to 0 (at most 65535 here).
 * Returns 0, or -EINVAL with *why (a static sentence of what is allowed).
 */
int redis_address_parse(struct redis_address *address, const char *text, const char **why);

/* Whether both, as far as their texts tell, are one database of one Redis. */
bool redis_address_is_same(const struct redis_address *one, const struct redis_address *other);

#endif

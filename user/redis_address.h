/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a Redis is: unix:///path[?db=N] or tcp://host:port[/db]. */
#ifndef NEIGHTRACK_REDIS_ADDRESS_H
#define NEIGHTRACK_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct redis_address {
	bool is_unix;
	char host[256];		/* path of the socket, or a host name or numeric address */
	uint16_t port;		/* host order; 0 for a unix socket */
	uint32_t database;
};

/*
 * Fills in *address from text. An IPv6 address stands in brackets; port
 * defaults to 6379 and database to 0 (at most 65535 here).
 * Returns 0, or -EINVAL with *why (a static sentence of what is allowed).
 */
int redis_address_parse(struct redis_address *address, const char *text, const char **why);

#endif

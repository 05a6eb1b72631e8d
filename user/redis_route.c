/* SPDX-License-Identifier: GPL-2.0-or-later */
/* https://redis.io/docs/reference/sentinel-clients/ and .../cluster-spec/ */
#include "redis_route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REDIRECTIONS 5u

void redis_route_init(struct redis_route *route, const struct redis_address *address)
{
	*route = (struct redis_route){ .address = address };
}

const struct redis_host *redis_route_host(const struct redis_route *route)
{
	return route->pointed_to.name[0] ? &route->pointed_to :
	       &route->address->hosts[route->next_host];
}

bool redis_route_is_sentinel(const struct redis_route *route)
{
	return route->address->kind == REDIS_SENTINEL && !route->pointed_to.name[0];
}

void redis_route_failed(struct redis_route *route)
{
	/* A cluster's node that is gone: the host that pointed there may know
	 * better by now. A sentinel that named a dead master may be cut off. */
	if (!route->pointed_to.name[0] || route->address->kind == REDIS_SENTINEL)
		route->next_host = (route->next_host + 1) % route->address->host_count;
	route->pointed_to.name[0] = '\0';
	route->redirections = 0;
}

void redis_route_succeeded(struct redis_route *route)
{
	route->redirections = 0;
}

int redis_route_point(struct redis_route *route, const char *name, const char *port)
{
	struct redis_host host;
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	if (*end || end == port || !number || number > UINT16_MAX ||
	    strlen(name) >= sizeof(host.name))
		return -EINVAL;
	if (++route->redirections > MAX_REDIRECTIONS) {
		redis_route_failed(route);
		return -ELOOP;
	}
	host = *redis_route_host(route);
	if (name[0]) {
		memset(host.name, 0, sizeof(host.name));
		memcpy(host.name, name, strlen(name));
	}
	host.port = (uint16_t)number;
	route->pointed_to = host;
	return 0;
}

int redis_route_parse_redirection(const char *text, char name[256], char port[8])
{
	const char *slot = strchr(text, ' ');
	const char *host = slot ? strchr(slot + 1, ' ') : NULL;
	const char *colon = host ? strrchr(host, ':') : NULL;
	size_t bytes;

	if (!colon)
		return -EINVAL;
	host++;
	bytes = (size_t)(colon - host);
	if (bytes >= 256 || strlen(colon + 1) >= 8)
		return -EINVAL;
	memcpy(name, host, bytes);
	name[bytes] = '\0';
	strcpy(port, colon + 1);
	return 0;
}

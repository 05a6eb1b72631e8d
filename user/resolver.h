/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names to socket addresses, without waiting for a name server. */
#ifndef NEIGHTRACK_RESOLVER_H
#define NEIGHTRACK_RESOLVER_H

#include <netdb.h>
#include <stdint.h>

#include "loop.h"

struct resolver;

/*
 * resolved() gets the addresses (SOCK_STREAM, port filled in), which it owns from
 * then on (freeaddrinfo), or NULL and why. NULL: no memory.
 */
struct resolver *resolver_new(struct loop *loop,
			      void (*resolved)(void *context, struct addrinfo *addresses,
					       const char *why),
			      void *context);
void resolver_free(struct resolver *resolver);

/* Resolves a name or a numeric address; one question at a time, a new one
 * replaces it. resolved() is called from the loop. */
void resolver_start(struct resolver *resolver, const char *name, uint16_t port,
		    uint32_t timeout_ms);
void resolver_cancel(struct resolver *resolver);

#endif

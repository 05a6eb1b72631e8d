/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP server in the daemon's own loop, by libmicrohttpd: GET and HEAD of what
 * is made at once, one request a connection. So many connections at a time, of so
 * many seconds each, and no more: nobody who connects can hold the daemon.
 */
#ifndef NEIGHTRACK_HTTP_SERVER_H
#define NEIGHTRACK_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listen_address.h"
#include "loop.h"

#define HTTP_CONNECTIONS 16u		/* at one time; further ones are closed at once */
#define HTTP_CONNECTION_S 10u		/* that one may last */

struct http_server;

struct http_answer {
	unsigned int status;
	const char *content_type;	/* static */
	char *body;			/* from malloc(); the server frees it */
	size_t body_bytes;
};

struct http_server_stats {
	uint64_t accepted;
	uint64_t refused;		/* connections beyond HTTP_CONNECTIONS */
	uint64_t expired;		/* connections that lasted too long */
	uint64_t answered;		/* requests, of any status */
};

/* The texts are paths; "" = none. */
struct http_server_config {
	struct loop *loop;
	const struct listen_address *address;
	const char *text;		/* the address as the user wrote it, for messages */
	const char *certificate;	/* PEM; with it, TLS is spoken */
	const char *key;
	const char *client_ca;		/* clients must have a certificate that this CA signed */
	/* accept: the request's header Accept, or "". Returns 0 or -errno (-ENOENT: no
	 * such path; anything else is answered with 500). */
	int (*answer)(void *context, const char *path, const char *accept,
		      struct http_answer *answer);
	void *context;
};

/* Says on stderr what failed. 0 or -errno. */
int http_server_new(struct http_server **server, const struct http_server_config *config);
void http_server_free(struct http_server *server);

const struct http_server_stats *http_server_stats(const struct http_server *server);

#endif

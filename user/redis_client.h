/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to Redis that is never waited for: commands are appended to a
 * buffer, replies come back in order to whoever expects them, and a connection
 * that is lost is made again, with a growing, jittered delay.
 */
#ifndef NEIGHTRACK_REDIS_CLIENT_H
#define NEIGHTRACK_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "redis_address.h"
#include "redis_error.h"
#include "reply.h"
#include "resp.h"

struct redis_client;

struct redis_client_events {
	/* the connection stands, its database is selected; nothing is in flight */
	void (*connected)(void *context);
	/* everything that was in flight is lost: its outcome is not known */
	void (*disconnected)(void *context);
	/* a message of a pattern that this connection has subscribed to (PSUBSCRIBE), which
	 * is the answer to no command: its pattern, channel and text. NULL: it does not */
	void (*message)(void *context, const struct reply *reply);
};

struct redis_client_stats {
	uint64_t connects;
	uint64_t commands;
	uint64_t bytes_sent;
	uint64_t errors;		/* replies that were errors */
	uint64_t errors_of_kind[REDIS_ERRORS];
	uint64_t failures;		/* connections lost, or never made */
	uint64_t timeouts;		/* connections given up as nothing was answered */
	uint64_t moved;			/* redirections of a cluster that were followed */
};

/* All texts must outlive the client. */
struct redis_client_config {
	struct loop *loop;
	const struct redis_address *address;
	const char *text;		/* the address as the user wrote it, for messages */
	/* what is not lost while Redis is away, for the warning; NULL: no warning, as
	 * another client of the same server says it */
	const char *kept;
	const char *user;		/* "": Redis' default user */
	const char *password_file;	/* "": no password */
	const char *client_name;
	const char *probe_key;		/* shares the cluster's slot of all keys; NULL: not asked */
	bool one_slot;			/* all keys have one hash tag */
	uint32_t timeout_ms;		/* to connect, and for a reply */
	bool frees_output;		/* as soon as it is sent, instead of using it again */
	const struct redis_client_events *events;
	void *context;
};

/* NULL: no memory. Begins to connect when the loop runs. */
struct redis_client *redis_client_new(const struct redis_client_config *config);
void redis_client_free(struct redis_client *client);

bool redis_client_is_connected(const struct redis_client *client);
const struct redis_client_stats *redis_client_stats(const struct redis_client *client);

/* The buffer to append whole commands to; one redis_client_expect() for each. */
struct resp_buffer *redis_client_output(struct redis_client *client);

/* on_reply is called with the reply of the command just appended, unless the
 * connection is lost before. 0 or -ENOMEM: the next flush drops the connection. */
int redis_client_expect(struct redis_client *client,
			void (*on_reply)(void *context, const struct reply *reply), void *context);

/* Replies that are still expected. */
size_t redis_client_in_flight(const struct redis_client *client);

/* Sends what was appended, as far as the socket takes it; the rest follows. */
void redis_client_flush(struct redis_client *client);

/* The server has proved to be of use: says that it is back, if it was away, and
 * that `repaired` neighbours had to be written. */
void redis_client_settled(struct redis_client *client, uint64_t repaired);
/* The same of a client that writes no neighbours; outcome: what was done. */
void redis_client_returned(struct redis_client *client, const char *outcome);

/* Gives the connection up, for this reason, and makes a new one later. May be
 * called from on_reply. */
void redis_client_drop(struct redis_client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the answer, an error, makes this connection useless, as another server,
 * or this one after a while, has to be asked again for all it holds. Drops it then. */
bool redis_client_leaves(struct redis_client *client, const char *answer);

/* An answer MOVED of a cluster: goes to the node that it names. */
void redis_client_moved(struct redis_client *client, const char *answer);

#endif

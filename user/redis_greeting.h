/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said when a connection stands, before it is used: who we are, which
 * database, and whether this is the server for our keys at all. Of a sentinel
 * only the master is asked.
 */
#ifndef NEIGHTRACK_REDIS_GREETING_H
#define NEIGHTRACK_REDIS_GREETING_H

#include <stdbool.h>

#include "redis_address.h"

struct redis_client;

struct redis_greeting {
	struct redis_client *client;
	const struct redis_address *address;
	const char *user;		/* "" = Redis' default user */
	const char *password_file;	/* "" = no password */
	const char *client_name;
	const char *probe_key;		/* a key in the slot of all of ours, or NULL */
	bool is_sentinel;		/* of the greeting under way */
	bool sentinel_was_told;		/* the password, as it wanted one */
	void (*ready)(void *context);
	void (*master)(void *context, const char *name, const char *port);
	void *context;
};

/* Appends the greeting. ready() or master() follow from the replies, or the
 * connection is dropped. */
void redis_greeting_send(struct redis_greeting *greeting, bool to_sentinel);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel for its neighbours: all of them (a dump, which is not a
 * snapshot: it may skip entries while others are deleted), or one, exactly.
 */
#ifndef NEIGHTRACK_NEIGH_DUMP_H
#define NEIGHTRACK_NEIGH_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "neigh_message.h"

struct neigh_dump;

struct neigh_dump_events {
	/* before the messages of a datagram are handed on */
	void (*chunk)(void *context);
	void (*neighbour)(void *context, const struct neigh_observation *observation);
	/* the end: error is 0 or negative; interrupted: the kernel says that the
	 * table changed in a way that makes the dump inconsistent */
	void (*done)(void *context, bool interrupted, int error);
};

/* Returns 0 and *dump, or -errno. */
int neigh_dump_new(struct neigh_dump **dump, struct loop *loop, int netns_fd,
		   const struct neigh_dump_events *events, void *context);
void neigh_dump_free(struct neigh_dump *dump);

/* Starts a dump; what an earlier one still brings is not handed on. 0 or -errno. */
int neigh_dump_start(struct neigh_dump *dump);

struct netlink_socket;

/*
 * One neighbour, by a single RTM_GETNEIGH (kernels since 5.0), on a socket of
 * its own: the kernel answers while the request is sent, so this does not wait.
 * Returns 0; -ENOENT if there is no such neighbour (or interface); or -errno.
 */
int neigh_lookup(struct netlink_socket *socket, const struct neigh_key *key,
		 struct neigh_observation *observation);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of neighbours as they happen, for the tool: the daemon's side of the kernel
 * without its Redis. It listens to rtnetlink by a socket of its own, under the same policy,
 * and keeps a table of its own, which is where old MACs come from. So the daemon is neither
 * asked nor disturbed, and need not run; what the socket loses is seen, told, and made up
 * for by a dump, as in the daemon.
 */
#ifndef NEIGHTRACK_FEED_H
#define NEIGHTRACK_FEED_H

#include <stdint.h>

#include "loop.h"
#include "options.h"
#include "switch_config.h"

enum feed_op {
	FEED_START,	/* `count` neighbours are there */
	FEED_ADD,
	FEED_CHANGE,
	FEED_DELETE,
	FEED_LOST,	/* notifications, `count` times; differences that a dump finds follow */
	FEED_END,	/* the network namespace is gone */
};

struct feed_event {
	enum feed_op op;
	uint64_t time_ms;		/* since 1970, when it was read */
	const char *interface;
	uint8_t family;
	const uint8_t *addr;
	const uint8_t *mac;		/* NULL: none */
	const uint8_t *old_mac;
	const char *reason;		/* a NUD state, deleted, noarp, lladdr, interface, dump */
	uint64_t count;
};

struct feed;

/* options and switch_config must outlive the feed. Says on stderr what failed. 0 or -errno. */
int feed_new(struct feed **feed, struct loop *loop, const struct options *options,
	     const struct switch_config *switch_config,
	     void (*event)(void *context, const struct feed_event *event), void *context);
void feed_free(struct feed *feed);

#endif

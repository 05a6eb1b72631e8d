/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps the kernel's table and makes ours equal to it: the first picture at
 * start, a resync after any possible loss, and the regular audit.
 *
 * A dump is evidence of what is there, not of what is not: an absence is acted
 * upon when a look-up of that one neighbour has confirmed it. In an audit, which
 * expects no difference, every difference is looked up before it is repaired.
 */
#ifndef NEIGHTRACK_REPAIR_H
#define NEIGHTRACK_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "neigh_table.h"
#include "picture.h"
#include "source.h"

enum repair_cause {
	REPAIR_START,
	REPAIR_RING_FULL,
	REPAIR_MISSED,		/* program runs skipped by recursion */
	REPAIR_LINKS,		/* notifications of interfaces were lost */
	REPAIR_RENAMED,		/* an interface counts more under its new name */
	REPAIR_CONFIGURATION,
	REPAIR_MEMORY,		/* a record could not be kept */
	REPAIR_ROOM,		/* neighbours were left out, and there is room again */
	REPAIR_AUDIT,
	REPAIR_CAUSES,
};

const char *repair_cause_name(enum repair_cause cause);

#define REPAIR_NUD_STATES 9	/* none, and those of NUD_*, a bit each */

struct repair_stats {
	uint64_t dumps[REPAIR_CAUSES];
	uint64_t interrupted;		/* dumps that had to be done again */
	uint64_t looked_up;		/* neighbours asked for one by one */
	uint64_t audit_repaired;	/* neighbours that an audit found wrong */
	uint64_t failed;		/* dumps and look-ups that the kernel refused */
	size_t dumped;			/* neighbours that the last dump told of */
	uint32_t in_state[2][REPAIR_NUD_STATES];	/* those of IPv4 and IPv6 in each; 0: none */
	uint64_t dumped_ns;		/* when it ended; 0: there was none */
};

struct repair;

struct repair_config {
	struct loop *loop;
	int netns_fd;
	struct neigh_table *table;
	struct picture *picture;
	struct source *source;
	uint32_t audit_interval_s;	/* 0: never */
	/* takes in everything the source has; called before a dump is merged */
	void (*drain)(void *context);
	/* the first picture is whole */
	void (*first_picture)(void *context);
	/* a regular audit begins: Redis is to be looked at, too */
	void (*audit_begins)(void *context);
	void *context;
};

/* Returns 0 and *repair, or -errno. */
int repair_new(struct repair **repair, const struct repair_config *config);
void repair_free(struct repair *repair);

/* For ever: what waits for a look-up is let go as it is. */
void repair_stop(struct repair *repair);

/* Asks for a dump, now or as soon as the rate limit allows. */
void repair_request(struct repair *repair, enum repair_cause cause);
void repair_set_audit_interval(struct repair *repair, uint32_t audit_interval_s);

/* Compares the source's losses with those already repaired. */
void repair_check_losses(struct repair *repair);

/* An audit now. */
void repair_audit(struct repair *repair);

/* The table does not want this entry, whose key is in Redis: it is looked up
 * before the key is removed. */
void repair_confirm(struct repair *repair, struct neigh_entry *entry);

/* Redis has been read: what it holds and the table does not want is looked up
 * before it is removed. */
void repair_confirm_published(struct repair *repair);

/* Works on look-ups that are due. Returns whether some are left. To be called
 * before the loop sleeps. */
bool repair_work(struct repair *repair);

/* The first picture is whole, and nothing waits for a look-up or a resync. */
bool repair_is_settled(const struct repair *repair);
bool repair_has_picture(const struct repair *repair);
const struct repair_stats *repair_stats(const struct repair *repair);

#endif

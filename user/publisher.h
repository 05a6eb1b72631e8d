/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redis' side of the table: finds and connects to Redis, reads what it holds,
 * writes what is dirty, and looks after what others do there.
 */
#ifndef NEIGHTRACK_PUBLISHER_H
#define NEIGHTRACK_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interface.h"
#include "loop.h"
#include "neigh_table.h"
#include "options.h"
#include "redis_client.h"
#include "writer.h"

struct publisher;

/* All must outlive the publisher. */
struct publisher_config {
	struct loop *loop;
	const struct options *options;
	struct neigh_table *table;
	struct interface_set *interfaces;
	/* whether keys of this interface are not ours to touch */
	bool (*is_ignored)(void *context, const char *interface);
	/* the table does not want this entry, whose key an audit found: to be held
	 * until that is confirmed */
	void (*unwanted)(void *context, struct neigh_entry *entry);
	/* after a connect: the table knows what Redis holds; publisher_start() is due */
	void (*was_read)(void *context);
	/* the VRF from which host routes go when neighbours of the interface are set; "" */
	const char *(*vrf)(void *context, const struct interface *interface);
	void *context;
};

/* Says on stderr what failed. 0 or -errno. */
int publisher_new(struct publisher **publisher, const struct publisher_config *config);
void publisher_free(struct publisher *publisher);

/* The options that can change at run time have changed. 0 or -ENOMEM. */
int publisher_reconfigure(struct publisher *publisher);

/* What all keys begin with. */
const char *publisher_table(const struct publisher *publisher);

/* Nothing is written after a connect until Redis was read and this is called. */
bool publisher_redis_was_read(const struct publisher *publisher);
void publisher_start(struct publisher *publisher);

/* Writes what is due. To be called before the loop sleeps. */
void publisher_run(struct publisher *publisher);

/* Redis is there, and holds all that is wanted. */
bool publisher_is_idle(const struct publisher *publisher);
bool publisher_is_connected(const struct publisher *publisher);
/* Redis was read since it was connected to, and all that differed was written. */
bool publisher_is_settled(const struct publisher *publisher);

/* Compares Redis with the table now, and repairs what differs. */
void publisher_audit(struct publisher *publisher);

struct publisher_statistics {
	const struct writer_stats *writer;
	const struct redis_client_stats *redis;
	bool is_connected;
	size_t in_flight;		/* commands */
	uint64_t repaired;		/* keys that audits found changed by somebody else */
};

void publisher_statistics(const struct publisher *publisher,
			  struct publisher_statistics *statistics);

#endif

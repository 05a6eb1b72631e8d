/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads Redis' own table: SCAN in pages, and a pipelined HMGET for each key found.
 * With the schema sonic what counts is what the consumer will have once it has taken
 * all that is pending, of which the first pass of a process clears what a predecessor
 * has left (as its producer does: what is missing then is written anew).
 *
 * After each connect into our table: nothing is assumed of a Redis that was out
 * of sight; what is right there already gets no command at all. As an audit
 * while the writer goes on: replies come in the order of the commands, so what
 * a reply says can be compared with what was acknowledged before it.
 */
#ifndef NEIGHTRACK_READBACK_H
#define NEIGHTRACK_READBACK_H

#include <stdbool.h>
#include <stddef.h>

#include "interface.h"
#include "neigh_table.h"
#include "redis_client.h"
#include "schema.h"

struct readback;

enum readback_pass {
	READBACK_FIRST,			/* of this process */
	READBACK_AGAIN,			/* after a connection was lost */
	READBACK_AUDIT,
};

struct readback_result {
	bool is_audit;
	size_t keys;			/* that are ours */
	size_t wrong;			/* an audit found otherwise than they were written */
	size_t left_out;		/* for lack of room, or in a slot on its way elsewhere */
};

struct readback_config {
	struct redis_client *client;
	const struct schema *schema;
	struct neigh_table *table;
	struct interface_set *interfaces;
	/* whether keys of this interface are not ours to touch */
	bool (*is_ignored)(void *context, const char *interface);
	/* an audit found a key that nobody wants: to be held until that is confirmed */
	void (*unwanted)(void *context, struct neigh_entry *entry);
	/* whether some of our keys may lie elsewhere now */
	bool (*is_partial)(void *context);
	/* the whole table was read */
	void (*done)(void *context, const struct readback_result *result);
	void *context;
};

struct readback *readback_new(const struct readback_config *config);
void readback_free(struct readback *readback);

/* Starts from the beginning. The table's published side must be empty, unless this
 * is an audit. */
void readback_start(struct readback *readback, enum readback_pass pass);
/* The connection is lost: done() will not be called. */
void readback_stop(struct readback *readback);
bool readback_is_running(const struct readback *readback);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads Redis' own table into ours after each connect: SCAN in pages, and a
 * pipelined HMGET for each key found. Nothing is assumed of a Redis that was
 * out of sight; what is right there already gets no command at all.
 */
#ifndef NEIGHTRACK_READBACK_H
#define NEIGHTRACK_READBACK_H

#include "interface.h"
#include "neigh_table.h"
#include "redis_client.h"
#include "schema.h"

struct readback;

struct readback_config {
	struct redis_client *client;
	const struct schema *schema;
	struct neigh_table *table;
	struct interface_set *interfaces;
	/* whether keys of this interface are not ours to touch */
	bool (*is_ignored)(void *context, const char *interface);
	/* the whole table was read; `keys` of it are ours */
	void (*done)(void *context, size_t keys);
	void *context;
};

struct readback *readback_new(const struct readback_config *config);
void readback_free(struct readback *readback);

/* Starts from the beginning. The table's published side must be empty. A lost
 * connection ends it without done(). */
void readback_start(struct readback *readback);

#endif

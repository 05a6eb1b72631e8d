/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way round while a slot of a Redis Cluster is on its way from one node to
 * another: what the old node answers with ASK is written to the new one, which
 * takes each command after an ASKING. (When the slot has arrived, the old node
 * answers MOVED, and the whole connection moves: redis_client.h.)
 */
#ifndef NEIGHTRACK_DETOUR_H
#define NEIGHTRACK_DETOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neigh_table.h"
#include "redis_client.h"
#include "schema.h"

struct detour;

/* client: how to connect; its address, events and context are not used. refused()
 * is called when the new node refuses a write. NULL: no memory. */
struct detour *detour_new(const struct redis_client_config *client, const struct schema *schema,
			  struct neigh_table *table,
			  void (*refused)(void *context, const char *answer), void *context);
void detour_free(struct detour *detour);

/* entry: in flight; answer: "ASK slot host:port". The entry is acknowledged or
 * refused later. 0 or -errno, and then it is the caller's to refuse. */
int detour_write(struct detour *detour, const char *answer, struct neigh_entry *entry);

/* Forgets all entries, without a word to the table: the main connection is lost. */
void detour_stop(struct detour *detour);

/* Entries that are under way. */
size_t detour_count(const struct detour *detour);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer: takes what is dirty from the table to Redis, in pipelined flushes.
 *
 * While a flush is in flight, changes gather; its replies release the next
 * one. So a quiet daemon writes at once, and a busy one in full batches.
 */
#ifndef NEIGHTRACK_WRITER_H
#define NEIGHTRACK_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "loop.h"
#include "neigh_table.h"
#include "redis_client.h"
#include "schema.h"

struct writer;

struct writer_config {
	uint32_t batch_size;		/* neighbours a flush, 1..10000 */
	uint32_t batch_timeout_ms;	/* longest wait for a fuller flush */
	bool transaction;		/* MULTI/EXEC around each flush */
	uint32_t without;		/* enum ablation */
};

/* Flushes of 1, of up to 2, 4, 8 ... neighbours */
#define WRITER_FLUSH_SIZES 15u

struct writer_stats {
	uint64_t sets;			/* acknowledged */
	uint64_t deletes;
	uint64_t flushes;
	uint64_t flushes_of_size[WRITER_FLUSH_SIZES];	/* [i]: above 2^(i-1), up to 2^i */
	uint64_t flushed;		/* neighbours in all of them */
	uint64_t refused;		/* answered with an error, to be tried again */
	struct histogram latency;	/* from the oldest record of a flush to the reply to it */
	uint64_t asked;			/* ... with ASK by a cluster, and written to another node */
};

struct writer_parts {
	struct loop *loop;
	struct redis_client *client;
	const struct redis_client_config *client_config;	/* for detours; copied */
	const struct schema *schema;
	struct neigh_table *table;
	/* an answer shows that somebody else has written to or removed one of our keys */
	void (*surprised)(void *context);
	/* the VRF from which host routes go when neighbours of the interface are set; "" */
	const char *(*vrf)(void *context, const struct interface *interface);
	void *context;
};

/* NULL: no memory. */
struct writer *writer_new(const struct writer_parts *parts);
void writer_free(struct writer *writer);

/* May be called again at any time; takes effect with the next flush. 0 or -ENOMEM. */
int writer_configure(struct writer *writer, const struct writer_config *config);

/* Nothing is written until this is called, and again after each reconnect. */
void writer_enable(struct writer *writer);
/* The connection is lost: what was in flight is no longer. */
void writer_disable(struct writer *writer);

/* Starts the flushes that are due. To be called whenever the table may have
 * changed, at the latest before the loop sleeps. */
void writer_run(struct writer *writer);

/* Some of what was written has gone to another node of a cluster of late. */
bool writer_makes_detours(const struct writer *writer);

/* Nothing is dirty and nothing in flight, and writing is enabled. */
bool writer_is_idle(const struct writer *writer);
const struct writer_stats *writer_stats(const struct writer *writer);

#endif

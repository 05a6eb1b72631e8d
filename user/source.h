/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records of changes come from: the BPF programs on the kernel's
 * neighbour tracepoints, their maps, and what the daemon tells them.
 */
#ifndef NEIGHTRACK_SOURCE_H
#define NEIGHTRACK_SOURCE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neightrack/record.h"

struct source;

struct source_config {
	const char *instance;
	uint32_t netns_inum;
	uint32_t ring_size_bytes;
	uint32_t max_neighbours;
	uint32_t policy;		/* NEIGH_POLICY_* */
};

/*
 * Takes the instance, loads, attaches and pins. Says on stderr what failed and
 * what would help. Returns 0 and *source, or -errno (-EBUSY: the instance has a
 * daemon). From here on records gather on the ring.
 */
int source_new(struct source **source, const struct source_config *config);
void source_free(struct source *source);

/* What was attached, for people. */
const char *source_description(const struct source *source);

/* Becomes readable when the kernel side wakes the consumer: see source_may_sleep(). */
int source_fd(const struct source *source);

/* Hands up to `limit` records to apply(), in place and in order. Returns their number. */
size_t source_consume(struct source *source, size_t limit,
		      void (*apply)(void *context, const struct neigh_record *record),
		      void *context);

/* Asks for one wakeup. Returns false if records are there already: then the
 * caller must not sleep, as no wakeup will come for these. */
bool source_may_sleep(struct source *source);

/* Totals since the start. */
struct source_losses {
	uint64_t lost;			/* records that found the ring full, or were in doubt */
	uint64_t missed;		/* at most that many runs that no program saw */
};

void source_losses(const struct source *source, struct source_losses *losses);
/* Neighbours deleted, in any network namespace: a dump meanwhile may skip entries. */
uint64_t source_deletions(const struct source *source);

/* The policy of the kernel side. */
void source_set_policy(struct source *source, uint32_t policy);
/* flags: NEIGH_INTERFACE_*. 0 or -errno. */
int source_set_interface(struct source *source, uint32_t ifindex, const char *name,
			 uint32_t flags);
void source_forget_interface(struct source *source, uint32_t ifindex);

/* No claim made before this suppresses anything any more. */
void source_invalidate_claims(struct source *source);

/*
 * Around a dump that is to become the truth: begin before it starts; then, when
 * it has been merged, one source_seed() a published neighbour, so that its
 * NUD changes are suppressed from the start; then end.
 */
void source_begin_snapshot(struct source *source);
void source_seed(struct source *source, const struct neigh_key *key, const uint8_t *mac);
/* is_wanted() tells whether a neighbour is published; values of others are removed. */
void source_end_snapshot(struct source *source,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context);

#endif

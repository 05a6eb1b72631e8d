/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records of changes come from: BPF programs on the kernel's neighbour
 * tracepoints, or on a function, and their maps (kernel_hooks.h), or rtnetlink's
 * notifications.
 */
#ifndef NEIGHTRACK_SOURCE_H
#define NEIGHTRACK_SOURCE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interface.h"
#include "neightrack/record.h"

struct kernel_hooks;
struct source;

struct source_config {
	struct kernel_hooks *hooks;	/* must outlive the source; NULL: by netlink */
	uint32_t slot;			/* of these: one that no other source has */
	int netns_fd;
	uint32_t netns_inum;
	uint32_t netlink_buffer_bytes;
	bool netlink_no_enobufs;
	uint32_t policy;		/* NEIGH_POLICY_* */
	uint32_t without;		/* enum ablation */
	struct interface_set *interfaces;	/* to look into; must outlive the source */
};

/*
 * The source of one network namespace. Says on stderr what failed. Returns 0 and
 * *source, or -errno (-EEXIST: another source has the namespace). From here on no change
 * is missed without being counted.
 */
int source_new(struct source **source, const struct source_config *config);
void source_free(struct source *source);

/* One word, for people. */
const char *source_name(const struct source *source);

/* Becomes readable when the kernel side wakes the consumer: see source_may_sleep(). */
int source_fd(const struct source *source);

/* Takes a record; returns whether it changed what is wanted in Redis. */
typedef bool (*source_apply)(void *context, const struct neigh_record *record);

/*
 * Hands records to apply(), in place and in order, until none is left or about
 * `limit` were looked at. Returns how many were: fewer than `limit` means that
 * the source was empty.
 */
size_t source_consume(struct source *source, size_t limit, source_apply apply, void *context);

/* Sources that can look ahead tell expect() of records soon before they are handed out,
 * and of the same again: see ring.h. */
typedef void (*source_expectation)(void *context, const struct neigh_record *record, bool again);
void source_expect(struct source *source, source_expectation expect, void *context);

/*
 * Whether the source is read by source_wait() instead, which waits some ms for one
 * message: the way of a program without an event loop.
 */
bool source_blocks(const struct source *source);
void source_wait(struct source *source, source_apply apply, void *context);

/* Asks for one wakeup. Returns false if records are there already: then the
 * caller must not sleep, as no wakeup will come for these. */
bool source_may_sleep(struct source *source);

/* Totals since the start. */
struct source_losses {
	uint64_t lost;			/* records that found no room, or were in doubt */
	uint64_t missed;		/* at most that many runs that no program saw */
};

/* One place where changes are seen: a BPF program, or a socket. */
struct source_hook {
	const char *name;
	struct neigh_counters counters;	/* of all CPUs */
	bool is_program;		/* the rest is known of programs alone, since their load */
	uint64_t missed;		/* runs that the kernel skipped */
	uint64_t runs;			/* these two while kernel.bpf_stats_enabled is 1 */
	uint64_t run_ns;
};

struct source_totals {
	struct neigh_counters counters;	/* of all hooks */
	struct source_hook hooks[NEIGH_HOOKS];
	uint32_t hook_count;
	uint64_t consumed;		/* of those submitted */
};

void source_losses(const struct source *source, struct source_losses *losses);
void source_totals(const struct source *source, struct source_totals *totals);
/* Neighbours deleted, in any network namespace: a dump meanwhile may skip entries. */
uint64_t source_deletions(const struct source *source);

/* Records that it can hold before they are consumed. */
size_t source_capacity(const struct source *source);

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
/* Before look-ups whose outcome is to be seeded, too; ended as a snapshot is. */
void source_keep_tombstones(struct source *source);
void source_seed(struct source *source, const struct neigh_key *key, const uint8_t *mac);
/* is_wanted() tells whether a neighbour is published; values of others are removed. */
void source_end_snapshot(struct source *source,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps of an instance, and in them one of its slots, read by the tool: nothing else knows what lies in them.
 * They are there while a daemon by BPF runs, and, with pins = keep, after it has ended,
 * with what it knew then. Nothing is written to them.
 */
#ifndef NEIGHTRACK_PINNED_MAPS_H
#define NEIGHTRACK_PINNED_MAPS_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neightrack/record.h"
#include "options.h"
#include "pins.h"
#include "programs.h"

struct pinned_maps {
	char folder[sizeof(PINS_ROOT) + 64];
	uint32_t slot;		/* what is another one's is left out */
	int fds[PROGRAM_MAPS];
	char why[200];		/* what failed last, in words */
};

/* Returns 0; -ENOENT if there are none; -ESTALE if another build has made them; or
 * -errno, with `why`. pinned_maps_close() is due either way. */
int pinned_maps_open(struct pinned_maps *maps, const struct options *options);
void pinned_maps_close(struct pinned_maps *maps);

/* What was published of one neighbour. */
struct pinned_neighbour {
	struct neigh_key key;
	struct neigh_value value;
	char interface[IFNAMSIZ];	/* "#N" if it has no name there */
	bool is_published;		/* with value.published.mac; else it was, and is no more */
};

struct pinned_neighbours {
	struct pinned_neighbour *list;	/* sorted by key */
	size_t count;
	size_t size;
};

/* All of them; the memory of an earlier call is used again. 0 or -errno, with `why`. */
int pinned_maps_neighbours(struct pinned_maps *maps, struct pinned_neighbours *neighbours);
void pinned_neighbours_free(struct pinned_neighbours *neighbours);
int pinned_neighbour_compare(const void *a, const void *b);

/* Whether a hook has published it; else a dump told of it, and no state and time of a change
 * are known. */
static inline bool pinned_neighbour_has_changed(const struct pinned_neighbour *neighbour)
{
	return neighbour->value.changes;
}

/* What the programs have counted, over all CPUs, and what is common to them. */
struct pinned_counts {
	struct neigh_counters hooks[NEIGH_HOOKS];
	char names[NEIGH_HOOKS][16];	/* of the programs; "": this source has none there */
	uint64_t missed[NEIGH_HOOKS];	/* runs that the kernel skipped since their load */
	struct neigh_control control;	/* of the slot */
	uint64_t deletions;		/* in all network namespaces */
	struct neigh_identity identity;
};

/* 0 or -errno, with `why`. */
int pinned_maps_counts(struct pinned_maps *maps, struct pinned_counts *counts);

/* Runs that no program saw, at most: see ARCHITECTURE.md. */
uint64_t pinned_counts_missed(const struct pinned_counts *counts);
void pinned_counts_total(const struct pinned_counts *counts, struct neigh_counters *total);

#endif

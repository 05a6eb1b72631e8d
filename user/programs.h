/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF programs of a daemon and their maps: loaded, or taken over from the pins
 * that the daemon before this one left. Both ends are the same: nothing is attached,
 * the maps are empty, and no slot (slot.h) has a network namespace.
 *
 * Loading costs 0.1 s on a recent kernel, most of it in looking up the tracepoints'
 * types by name, so a restart does without: a program that is pinned, but attached to
 * nothing, never runs.
 */
#ifndef NEIGHTRACK_PROGRAMS_H
#define NEIGHTRACK_PROGRAMS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "neightrack/record.h"
#include "options.h"
#include "pins.h"

enum program_map {
	PROGRAM_MAP_RECORDS,
	PROGRAM_MAP_NEIGHBOURS,
	PROGRAM_MAP_INTERFACES,
	PROGRAM_MAP_COUNTERS,
	PROGRAM_MAP_CONTROL,
	PROGRAM_MAP_LOW_INTERFACES,
	PROGRAM_MAP_IDENTITY,
	PROGRAM_MAPS,
};

struct programs {
	int maps[PROGRAM_MAPS];
	int rings[NEIGH_INSTANCES];	/* of the slots, in the map of records */
	int programs[NEIGH_HOOKS];	/* -1: a source without that hook */
	int links[NEIGH_HOOKS];
	/* the values of those maps, shared with the programs */
	struct neigh_controls *controls;
	struct neigh_low_interfaces *low_interfaces;	/* of the slots */
	uint32_t instances;		/* slots */
	bool were_pinned;
};

struct programs_config {
	enum option_source kind;	/* one of those by BPF */
	const char *btf;		/* file with the kernel's types; "" = its own */
	const struct pins *pins;	/* the daemon's, open; nothing is pinned if unusable */
	uint32_t instances;		/* slots, NEIGH_INSTANCES at most */
	uint32_t ring_size_bytes;	/* of each slot's */
	uint32_t map_size;		/* neighbours, of all slots */
	uint32_t without;		/* NEIGH_WITHOUT_* */
	/* says what failed, where, and what would help */
	void (*complain)(void *context, const char *what, int error);
	void *context;
};

/* How the map is called where it is pinned. */
const char *programs_pin(enum program_map map);
/* And a hook's program of a kind; NULL: the kind has none. */
const char *programs_hook(enum option_source kind, enum neigh_hook hook);

/* What a kind attaches, and to what, for people. */
const char *programs_description(enum option_source kind);

/* Nothing is open: good for programs_close(). */
void programs_init(struct programs *programs);

/* Takes over what is pinned if it is what this daemon would load with these sizes;
 * otherwise removes it, loads, and pins. 0 or -errno. programs_close() is due either way. */
int programs_open(struct programs *programs, const struct programs_config *config);
void programs_close(struct programs *programs);

/* From here on changes of neighbours in the slots' namespaces make records. 0 or -errno. */
int programs_attach(struct programs *programs, const struct programs_config *config);

/* What the kernel knows of a hook's program, since it was loaded. */
struct programs_runs {
	uint64_t missed;		/* skipped by the kernel */
	uint64_t count;			/* these two while kernel.bpf_stats_enabled is 1 */
	uint64_t ns;
};

void programs_runs(const struct programs *programs, enum neigh_hook hook,
		   struct programs_runs *runs);

#endif

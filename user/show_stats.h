/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack show stats: what was published of each neighbour, from the pinned maps alone. */
#ifndef NEIGHTRACK_SHOW_STATS_H
#define NEIGHTRACK_SHOW_STATS_H

#include <json-c/json.h>

#include "command.h"
#include "pinned_maps.h"
#include "selection.h"

/* Adds what was published of the neighbour: changes, mac_moves, state, and how long ago it
 * was first seen and changed last, of what is known. */
void show_stats_add(json_object *object, const struct pinned_neighbour *neighbour,
		    uint64_t now_ns);

/* Returns the exit code. */
int show_stats(const struct options *options, const struct command_arguments *arguments,
	       const struct selection *selection);

#endif

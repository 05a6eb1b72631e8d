/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `neightrack top` sees at one look: the pinned maps and the daemon's metrics; and
 * what has happened between two looks. */
#ifndef NEIGHTRACK_TOP_SAMPLE_H
#define NEIGHTRACK_TOP_SAMPLE_H

#include "metrics_client.h"
#include "pinned_maps.h"
#include "selection.h"

struct top_sample {
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	int daemon;			/* its process; 0: none is known */
	bool has_maps;			/* else `why_no_maps` */
	char why_no_maps[200];
	struct pinned_neighbours neighbours;	/* the selected ones */
	struct pinned_counts counts;
	bool has_metrics;		/* else `why_no_metrics` */
	char why_no_metrics[200];
	double connected, lag_s, dirty, in_flight, commands, errors;	/* those */
};

/* The memory of an earlier sample in *sample is used again. */
void top_sample_take(struct top_sample *sample, const struct options *options,
		     const struct selection *selection);
void top_sample_free(struct top_sample *sample);

/* A neighbour, and its changes since the look before. */
struct top_row {
	const struct pinned_neighbour *neighbour;
	uint32_t changes;
	uint32_t mac_moves;
};

enum top_order {
	TOP_BY_CHANGES,		/* of late; then those since it was first seen */
	TOP_BY_MOVES,
	TOP_BY_LAST,		/* change, the latest first */
	TOP_BY_ADDRESS,
	TOP_ORDERS,
};

const char *top_order_name(enum top_order order);

/* A row for each neighbour of `now`; before: the look before that, or one without
 * neighbours. The caller frees *rows. 0 or -ENOMEM. */
int top_rows(struct top_row **rows, const struct top_sample *before,
	     const struct top_sample *now, enum top_order order);

/* Of a counter that may have begun anew in between. */
static inline uint64_t top_difference(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

#endif

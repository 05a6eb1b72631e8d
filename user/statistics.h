/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is counted, in one place and under one name each. */
#ifndef NEIGHTRACK_STATISTICS_H
#define NEIGHTRACK_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "changes.h"
#include "interface.h"
#include "publisher.h"
#include "repair.h"
#include "source.h"

/* What the parts have counted since the start. */
struct statistics {
	const char *source;
	size_t wanted;			/* neighbours now */
	size_t entries;			/* those, and what is on its way out of Redis */
	size_t dirty;
	uint64_t lag_ns;		/* of the oldest neighbour that Redis does not hold as wanted */
	struct interface_set *interfaces;	/* with the neighbours of each */
	struct source_totals totals;
	struct source_losses losses;
	const struct repair_stats *repair;
	struct publisher_statistics publisher;
	struct changes_statistics changes;
	uint64_t over_limit;		/* tidings of neighbours left out, as max_neighbours are there */
};

/* One line "name=value name=value ...". Returns what snprintf() would. */
int statistics_print(const struct statistics *statistics, char *text, size_t bytes);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of the table's changes besides the table in Redis: events for the stream,
 * and anomalies, which are told in the log and in the stream. */
#ifndef NEIGHTRACK_CHANGES_H
#define NEIGHTRACK_CHANGES_H

#include <stdbool.h>

#include "anomalies.h"
#include "loop.h"
#include "neigh_table.h"
#include "options.h"
#include "stream.h"

struct changes;

/* Observes the table until it is freed; all must outlive it. Says on stderr what failed.
 * 0 or -errno. */
int changes_new(struct changes **changes, struct loop *loop, const struct options *options,
		struct neigh_table *table);
void changes_free(struct changes *changes);

/* The table stands: what changes from now on are events. */
void changes_begin(struct changes *changes);

/* Sends what waits. To be called before the loop sleeps. */
void changes_run(struct changes *changes);

/* Nothing waits to be sent, or nothing can be. */
bool changes_are_sent(const struct changes *changes);

struct changes_statistics {
	const struct anomaly_stats *anomalies;
	struct stream_stats stream;	/* zeros without one; redis is NULL then */
};

void changes_statistics(const struct changes *changes, struct changes_statistics *statistics);

#endif

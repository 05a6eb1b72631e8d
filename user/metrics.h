/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted, as the text that Prometheus reads, in its own form or in that of
 * OpenMetrics 1.0. Of several mirrors each sample has a label that tells which. Names
 * and units follow Prometheus' rules; docs/METRICS.md has them all.
 */
#ifndef NEIGHTRACK_METRICS_H
#define NEIGHTRACK_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "http_server.h"
#include "statistics.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics_mirror {
	const char *name;		/* "" if there is one alone */
	bool is_ready;
	bool is_there;			/* else it waits for its network namespace */
	struct statistics statistics;	/* of one that is there */
};

struct metrics_view {
	struct metrics_mirror *mirrors;
	size_t count;
	const struct http_server_stats *http;
	uint32_t interfaces;		/* of a mirror that have a label of their own, at most */
};

/* 0 or -ENOMEM; other errors are the file's: ferror(). */
int metrics_print(FILE *file, const struct metrics_view *view, bool openmetrics);

#endif

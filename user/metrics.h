/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted, as the text that Prometheus reads, in its own form or in that of
 * OpenMetrics 1.0. Names and units follow Prometheus' rules; docs/METRICS.md has them all.
 */
#ifndef NEIGHTRACK_METRICS_H
#define NEIGHTRACK_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "http_server.h"
#include "statistics.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics_view {
	const struct statistics *statistics;	/* NULL: there is no mirror now */
	const struct http_server_stats *http;
	bool is_ready;
	uint32_t interfaces;		/* that have a label of their own, at most */
};

/* Errors are the file's: ferror(). */
void metrics_print(FILE *file, const struct metrics_view *view, bool openmetrics);

#endif

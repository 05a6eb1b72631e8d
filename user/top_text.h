/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `neightrack top` says of two looks, as lines for a screen or a pipe, and as JSON. */
#ifndef NEIGHTRACK_TOP_TEXT_H
#define NEIGHTRACK_TOP_TEXT_H

#include <json-c/json.h>

#include "top_sample.h"

#define TOP_LINE_BYTES 256
#define TOP_HEAD_LINES 5

struct top_line {
	char text[TOP_LINE_BYTES];
	bool is_bad;		/* it tells of a loss, or that something is amiss */
};

struct top_view {
	const struct options *options;
	const struct top_sample *before;	/* without maps and metrics at first */
	const struct top_sample *now;
	enum top_order order;
	const struct top_row *rows;
	size_t count;
	uint32_t interval_s;
	int address_width, interface_width;	/* of the columns: top_measure() */
};

/* Makes the columns as wide as their widest text, so that all fit on a narrow screen. */
void top_measure(struct top_view *view);

void top_head(const struct top_view *view, struct top_line lines[TOP_HEAD_LINES]);
/* The titles of the columns, and a row. Flapping ones, whose MAC moved of late, are bad. */
void top_titles(const struct top_view *view, struct top_line *line);
void top_row_line(const struct top_view *view, const struct top_row *row, struct top_line *line);

json_object *top_to_json(const struct top_view *view);

#endif

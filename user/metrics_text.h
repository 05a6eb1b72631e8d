/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text that Prometheus reads, in its own form or in that of OpenMetrics: a family is
 * declared, and followed by its samples. What several mirrors have to say of a family
 * must stand together, so their samples are gathered by family, and printed at the end.
 */
#ifndef NEIGHTRACK_METRICS_TEXT_H
#define NEIGHTRACK_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct metrics_family;

struct metrics_text {
	bool openmetrics;
	const char *mirror;		/* whose samples follow; "" = they are not told apart */
	FILE *file;
	FILE *out;			/* the family's, or file */
	struct metrics_family *families;	/* NULL: nothing is gathered */
	size_t next;			/* family to be declared */
	bool failed;
};

/* are_several: mirrors, which all declare the same families in the same order.
 * metrics_text_end() is due either way. */
void metrics_text_begin(struct metrics_text *text, FILE *file, bool openmetrics, bool are_several);
/* Another mirror begins with the families that the one before it began with: `first`. */
void metrics_text_mirror(struct metrics_text *text, const char *mirror, size_t first);
/* Prints what was gathered, and the end. 0 or -ENOMEM; else errors are the file's. */
int metrics_text_end(struct metrics_text *text);

/* type: counter, gauge or histogram; counters' names end in _total. */
void metrics_declare(struct metrics_text *text, const char *name, const char *type,
		     const char *help);
/* labels: name="value",...; "" = none. */
void metrics_sample(struct metrics_text *text, const char *name, const char *labels, double number);
/* One bucket of a histogram, and what stands behind all of them. */
void metrics_bucket(struct metrics_text *text, const char *name, const char *bound, uint64_t count);
void metrics_sum(struct metrics_text *text, const char *name, double sum, uint64_t count);

#endif

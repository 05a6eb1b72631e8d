/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures by name, of one run or of several. */
#ifndef NEIGHTRACK_BENCH_RESULT_H
#define NEIGHTRACK_BENCH_RESULT_H

#include <json-c/json.h>
#include <stddef.h>

#define BENCH_MOST_FIGURES 32
#define BENCH_MOST_RUNS 100

struct bench_figure {
	const char *name;	/* a literal */
	double value;
};

struct bench_result {
	size_t count;
	struct bench_figure figures[BENCH_MOST_FIGURES];
};

/* Sets, or sets again. */
void bench_result_set(struct bench_result *result, const char *name, double value);
/* 0 if there is none of that name. */
double bench_result_get(const struct bench_result *result, const char *name);

/* The median of each figure of `runs` results, which all have the same ones. */
void bench_result_median(const struct bench_result *results, size_t runs,
			 struct bench_result *median);

/* {"scenario": ..., "repeat": n, medians by name, "spread": {name: [least, most]}}; the
 * caller's to put. NULL: no memory. */
struct json_object *bench_result_json(const char *scenario, const struct bench_result *results,
				      size_t runs);

/* One line a figure: name, median, and the spread if there are several runs. */
void bench_result_print(const char *scenario, const struct bench_result *results, size_t runs);

#endif

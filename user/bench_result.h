/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures by name, of one run or of several. */
#ifndef NEIGHTRACK_BENCH_RESULT_H
#define NEIGHTRACK_BENCH_RESULT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define BENCH_MOST_FIGURES 128
#define BENCH_MOST_RUNS 100
#define BENCH_NAME_BYTES 64

/* Dots in a name make objects within objects in JSON. */
struct bench_figure {
	char name[BENCH_NAME_BYTES];
	double value;
};

struct bench_result {
	size_t count;
	struct bench_figure figures[BENCH_MOST_FIGURES];
};

/* Sets, or sets again. */
void bench_result_set(struct bench_result *result, const char *name, double value);
bool bench_result_has(const struct bench_result *result, const char *name);
/* 0 if there is none of that name. */
double bench_result_get(const struct bench_result *result, const char *name);

struct bench_spread {
	double median, least, most;
};

/* Of the figure of that name in 1 to BENCH_MOST_RUNS results. */
struct bench_spread bench_result_spread(const struct bench_result *results, size_t runs,
					const char *name);

/* Adds the medians by name, and "spread": {name: [least, most]}. 0 or -ENOMEM. */
int bench_result_json(struct json_object *object, const struct bench_result *results,
		      size_t runs);

/* null for what is no number that JSON has. NULL is that, too. */
struct json_object *bench_json_number(double value);

#endif

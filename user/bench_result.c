/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_result.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_result_set(struct bench_result *result, const char *name, double value)
{
	size_t i = 0;

	while (i < result->count && strcmp(result->figures[i].name, name) != 0)
		i++;
	if (i == BENCH_MOST_FIGURES)
		abort();	/* a scenario has outgrown the array */
	if (i == result->count)
		result->count++;
	snprintf(result->figures[i].name, sizeof(result->figures[i].name), "%s", name);
	result->figures[i].value = value;
}

static const struct bench_figure *find(const struct bench_result *result, const char *name)
{
	for (size_t i = 0; i < result->count; i++)
		if (!strcmp(result->figures[i].name, name))
			return &result->figures[i];
	return NULL;
}

bool bench_result_has(const struct bench_result *result, const char *name)
{
	return find(result, name);
}

double bench_result_get(const struct bench_result *result, const char *name)
{
	const struct bench_figure *figure = find(result, name);

	return figure ? figure->value : 0;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

struct bench_spread bench_result_spread(const struct bench_result *results, size_t runs,
					const char *name)
{
	double values[BENCH_MOST_RUNS];

	for (size_t run = 0; run < runs; run++)
		values[run] = bench_result_get(&results[run], name);
	qsort(values, runs, sizeof(*values), compare);
	return (struct bench_spread){
		.median = runs % 2 ? values[runs / 2] :
				     (values[runs / 2 - 1] + values[runs / 2]) / 2,
		.least = values[0],
		.most = values[runs - 1],
	};
}

struct json_object *bench_json_number(double value)
{
	char text[32];

	if (!isfinite(value))
		return NULL;
	snprintf(text, sizeof(text), "%.9g", value);
	return json_object_new_double_s(value, text);
}

/* The object that the path leads into, made where it is missing; *name: what is left
 * of the path. NULL: no memory. */
static struct json_object *walk(struct json_object *object, const char **name)
{
	const char *dot;

	while (object && (dot = strchr(*name, '.'))) {
		char part[BENCH_NAME_BYTES];
		struct json_object *next;

		snprintf(part, sizeof(part), "%.*s", (int)(dot - *name), *name);
		if (!json_object_object_get_ex(object, part, &next)) {
			next = json_object_new_object();
			json_object_object_add(object, part, next);
		}
		object = next;
		*name = dot + 1;
	}
	return object;
}

int bench_result_json(struct json_object *object, const struct bench_result *results,
		      size_t runs)
{
	struct json_object *spreads = json_object_new_object();

	for (size_t i = 0; i < results[0].count; i++) {
		const char *whole = results[0].figures[i].name, *name = whole;
		struct bench_spread spread = bench_result_spread(results, runs, whole);
		struct json_object *into = walk(object, &name), *ends = json_object_new_array();

		if (!spreads || !into || !ends) {
			json_object_put(ends);
			json_object_put(spreads);
			return -ENOMEM;
		}
		json_object_object_add(into, name, bench_json_number(spread.median));
		json_object_array_add(ends, bench_json_number(spread.least));
		json_object_array_add(ends, bench_json_number(spread.most));
		json_object_object_add(spreads, whole, ends);
	}
	json_object_object_add(object, "spread", spreads);
	return 0;
}

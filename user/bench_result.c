/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_result.h"

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
	result->figures[i] = (struct bench_figure){ .name = name, .value = value };
}

double bench_result_get(const struct bench_result *result, const char *name)
{
	for (size_t i = 0; i < result->count; i++)
		if (!strcmp(result->figures[i].name, name))
			return result->figures[i].value;
	return 0;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The values of the i-th figure, sorted. */
static void sort_values(const struct bench_result *results, size_t runs, size_t i, double *values)
{
	for (size_t run = 0; run < runs; run++)
		values[run] = bench_result_get(&results[run], results[0].figures[i].name);
	qsort(values, runs, sizeof(*values), compare);
}

static double middle(const double *values, size_t runs)
{
	return runs % 2 ? values[runs / 2] : (values[runs / 2 - 1] + values[runs / 2]) / 2;
}

void bench_result_median(const struct bench_result *results, size_t runs,
			 struct bench_result *median)
{
	double values[BENCH_MOST_RUNS];

	*median = (struct bench_result){ 0 };
	for (size_t i = 0; i < results[0].count; i++) {
		sort_values(results, runs, i, values);
		bench_result_set(median, results[0].figures[i].name, middle(values, runs));
	}
}

struct json_object *bench_result_json(const char *scenario, const struct bench_result *results,
				      size_t runs)
{
	struct json_object *object = json_object_new_object();
	struct json_object *spread = json_object_new_object();
	double values[BENCH_MOST_RUNS];

	if (!object || !spread) {
		json_object_put(object);
		json_object_put(spread);
		return NULL;
	}
	json_object_object_add(object, "scenario", json_object_new_string(scenario));
	json_object_object_add(object, "repeat", json_object_new_int((int)runs));
	for (size_t i = 0; i < results[0].count; i++) {
		const char *name = results[0].figures[i].name;
		struct json_object *ends = json_object_new_array();

		sort_values(results, runs, i, values);
		json_object_object_add(object, name, json_object_new_double(middle(values, runs)));
		json_object_array_add(ends, json_object_new_double(values[0]));
		json_object_array_add(ends, json_object_new_double(values[runs - 1]));
		json_object_object_add(spread, name, ends);
	}
	json_object_object_add(object, "spread", spread);
	return object;
}

void bench_result_print(const char *scenario, const struct bench_result *results, size_t runs)
{
	double values[BENCH_MOST_RUNS];

	printf("%s:\n", scenario);
	for (size_t i = 0; i < results[0].count; i++) {
		sort_values(results, runs, i, values);
		printf("  %-28s %14.6g", results[0].figures[i].name, middle(values, runs));
		if (runs > 1)
			printf("   (%.6g to %.6g)", values[0], values[runs - 1]);
		putchar('\n');
	}
}

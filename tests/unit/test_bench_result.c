/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/bench_result.c: medians, and what they look like in JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../user/bench_result.h"

static void a_figure_is_set_and_set_again(void **state)
{
	struct bench_result result = { 0 };

	(void)state;
	assert_false(bench_result_has(&result, "seconds"));
	assert_true(bench_result_get(&result, "seconds") == 0);
	bench_result_set(&result, "seconds", 1);
	bench_result_set(&result, "seconds", 2);
	assert_int_equal(result.count, 1);
	assert_true(bench_result_has(&result, "seconds"));
	assert_true(bench_result_get(&result, "seconds") == 2);
}

static struct bench_spread spread_of(const double *values, size_t runs)
{
	struct bench_result results[4] = { 0 };

	for (size_t i = 0; i < runs; i++)
		bench_result_set(&results[i], "x", values[i]);
	return bench_result_spread(results, runs, "x");
}

static void the_median_is_the_middle_or_between_the_two(void **state)
{
	struct bench_spread odd = spread_of((const double[]){ 9, 1, 2 }, 3);
	struct bench_spread even = spread_of((const double[]){ 9, 1, 2, 4 }, 4);
	struct bench_spread one = spread_of((const double[]){ 5 }, 1);

	(void)state;
	assert_true(odd.median == 2 && odd.least == 1 && odd.most == 9);
	assert_true(even.median == 3 && even.least == 1 && even.most == 9);
	assert_true(one.median == 5 && one.least == 5 && one.most == 5);
}

static void assert_json(const struct bench_result *results, size_t runs, const char *expected)
{
	struct json_object *object = json_object_new_object();

	assert_int_equal(bench_result_json(object, results, runs), 0);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			    expected);
	json_object_put(object);
}

static void dots_in_names_make_objects(void **state)
{
	struct bench_result result = { 0 };

	(void)state;
	bench_result_set(&result, "sizes.10.seconds", 0.5);
	bench_result_set(&result, "sizes.10.wrong", 0);
	bench_result_set(&result, "sizes.20.seconds", 1);
	assert_json(&result, 1,
		    "{\"sizes\":{\"10\":{\"seconds\":0.5,\"wrong\":0},\"20\":{\"seconds\":1}},"
		    "\"spread\":{\"sizes.10.seconds\":[0.5,0.5],\"sizes.10.wrong\":[0,0],"
		    "\"sizes.20.seconds\":[1,1]}}");
}

static void what_is_no_number_is_null(void **state)
{
	struct bench_result results[2] = { 0 };

	(void)state;
	bench_result_set(&results[0], "ratio", INFINITY);
	bench_result_set(&results[1], "ratio", INFINITY);
	assert_json(results, 2, "{\"ratio\":null,\"spread\":{\"ratio\":[null,null]}}");
	assert_null(bench_json_number(NAN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_figure_is_set_and_set_again),
		cmocka_unit_test(the_median_is_the_middle_or_between_the_two),
		cmocka_unit_test(dots_in_names_make_objects),
		cmocka_unit_test(what_is_no_number_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

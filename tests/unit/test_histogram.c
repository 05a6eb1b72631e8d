/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Percentiles from counts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "histogram.h"

static void without_values_there_is_no_percentile(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 0);
}

static void one_value_is_every_percentile(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	histogram_add(&histogram, 12345678);
	assert_int_equal(histogram_percentile_ns(&histogram, 0), 12345678);
	assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 12345678);
	assert_int_equal(histogram_percentile_ns(&histogram, 1), 12345678);
}

static void what_is_below_a_power_of_two_is_known_exactly(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	for (uint64_t us = 1; us < 1ull << 20; us++)
		histogram_add(&histogram, us * NS_PER_US);
	for (uint64_t limit_us = 16; limit_us <= 1ull << 20; limit_us *= 2)
		assert_int_equal(histogram_count_below_us(&histogram, limit_us), limit_us - 1);
}

/* Never below the value, and an eighth (or a microsecond) above it at most. */
static void every_value_is_known_to_an_eighth(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < 1ull << 27; us += us / 64 + 1) {
		struct histogram histogram = { 0 };
		uint64_t found_ns;

		histogram_add(&histogram, us * NS_PER_US);
		histogram_add(&histogram, 1ull << 62);
		found_ns = histogram_percentile_ns(&histogram, 0);
		assert_true(found_ns >= us * NS_PER_US);
		assert_true(found_ns <= us * NS_PER_US + us * NS_PER_US / 8 + NS_PER_US);
	}
}

static void percentiles_are_of_the_number_of_values(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 99; i++)
		histogram_add(&histogram, 10 * NS_PER_US);
	histogram_add(&histogram, NS_PER_S);
	assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 11 * NS_PER_US);
	assert_int_equal(histogram_percentile_ns(&histogram, 0.98), 11 * NS_PER_US);
	assert_int_equal(histogram_percentile_ns(&histogram, 0.99), NS_PER_S);
}

static void what_is_too_long_is_in_the_last_bucket(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram.count, 1);
	assert_int_equal(histogram_percentile_ns(&histogram, 1), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_values_there_is_no_percentile),
		cmocka_unit_test(one_value_is_every_percentile),
		cmocka_unit_test(what_is_below_a_power_of_two_is_known_exactly),
		cmocka_unit_test(every_value_is_known_to_an_eighth),
		cmocka_unit_test(percentiles_are_of_the_number_of_values),
		cmocka_unit_test(what_is_too_long_is_in_the_last_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

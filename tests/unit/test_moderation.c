/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the daemon rests between its turns, and how long. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "moderation.h"

#define START_NS (1000 * NS_PER_S)
#define REST_NS (1000 * NS_PER_US)
#define FIRST_REST_NS (REST_NS / 8)
#define PLENTY 100000u

static struct moderation moderated(uint32_t rest_us, size_t capacity)
{
	struct moderation moderation;

	moderation_configure(&moderation, rest_us, capacity);
	return moderation;
}

static void changes_one_by_one_are_never_waited_for(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(moderation_rest_ns(&moderation, 1, START_NS + i * NS_PER_MS), 0);
}

static void quick_changes_are_waited_for(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);

	(void)state;
	for (uint64_t i = 0; i < 7; i++)
		assert_int_equal(moderation_rest_ns(&moderation, 1, START_NS + i), 0);
	assert_int_equal(moderation_rest_ns(&moderation, 1, START_NS + 7), FIRST_REST_NS);
}

static void many_at_once_are_quick(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);

	(void)state;
	assert_int_equal(moderation_rest_ns(&moderation, 4096, START_NS), FIRST_REST_NS);
}

static void rests_grow_in_a_storm_up_to_the_longest(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);
	uint64_t now_ns = START_NS, before_ns = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		uint64_t rest_ns = moderation_rest_ns(&moderation, 200, now_ns);

		assert_true(rest_ns >= before_ns && rest_ns <= REST_NS);
		before_ns = rest_ns;
		now_ns += rest_ns;
	}
	assert_int_equal(before_ns, REST_NS);
	/* and are short again when another storm begins */
	assert_int_equal(moderation_rest_ns(&moderation, 200, now_ns + NS_PER_S), FIRST_REST_NS);
}

static void the_first_change_after_a_storm_is_taken_at_once(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);

	(void)state;
	assert_int_equal(moderation_rest_ns(&moderation, 4096, START_NS), FIRST_REST_NS);
	assert_int_equal(moderation_rest_ns(&moderation, 1, START_NS + FIRST_REST_NS), 0);
}

static void a_turn_without_changes_is_no_reason_to_rest(void **state)
{
	struct moderation moderation = moderated(1000, PLENTY);

	(void)state;
	assert_int_equal(moderation_rest_ns(&moderation, 4096, START_NS), FIRST_REST_NS);
	assert_int_equal(moderation_rest_ns(&moderation, 0, START_NS + FIRST_REST_NS), 0);
}

static void without_moderation_it_never_rests(void **state)
{
	struct moderation moderation = moderated(0, PLENTY);

	(void)state;
	assert_int_equal(moderation_rest_ns(&moderation, 4096, START_NS), 0);
}

static void what_the_source_can_hold_bounds_the_rest(void **state)
{
	struct moderation small = moderated(1000, 400), tiny = moderated(1000, 3);

	(void)state;
	assert_int_equal(moderation_rest_ns(&small, 4096, START_NS), 100 * NS_PER_US / 8);
	assert_int_equal(moderation_rest_ns(&tiny, 4096, START_NS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_one_by_one_are_never_waited_for),
		cmocka_unit_test(quick_changes_are_waited_for),
		cmocka_unit_test(many_at_once_are_quick),
		cmocka_unit_test(rests_grow_in_a_storm_up_to_the_longest),
		cmocka_unit_test(the_first_change_after_a_storm_is_taken_at_once),
		cmocka_unit_test(a_turn_without_changes_is_no_reason_to_rest),
		cmocka_unit_test(without_moderation_it_never_rests),
		cmocka_unit_test(what_the_source_can_hold_bounds_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

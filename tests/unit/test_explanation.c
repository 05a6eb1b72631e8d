/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict that follows from what the kernel and Redis have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "explanation.h"

static const struct listing_row published = { .mac = { 2, 1 }, .reason = NEIGH_PUBLISH };
static const struct listing_row unresolved = { .reason = NEIGH_PUBLISH_UNRESOLVED };
static const struct listing_row left_out = { .mac = { 2, 1 }, .reason = NEIGH_ABSENT_NOARP };

static const struct listing_row same = { .value = LISTING_MAC, .mac = { 2, 1 } };
static const struct listing_row zeros = { .value = LISTING_MAC };
static const struct listing_row other = { .value = LISTING_MAC, .mac = { 2, 2 } };
static const struct listing_row unreadable = { .value = LISTING_UNREADABLE, .mac = { 2, 1 } };
static const struct listing_row comes = { .value = LISTING_MAC, .mac = { 2, 1 },
					  .is_pending = true };
static const struct listing_row comes_wrong = { .value = LISTING_MAC, .mac = { 2, 2 },
						.is_pending = true };
static const struct listing_row goes = { .value = LISTING_ABSENT, .is_pending = true };

static void the_verdict_follows_from_both_sides(void **state)
{
	static const struct {
		const struct listing_row *kernel, *redis;
		enum verdict verdict;
	} cases[] = {
		{ &published, &same, VERDICT_PRESENT },
		{ &unresolved, &zeros, VERDICT_PRESENT },
		{ &published, &comes, VERDICT_PENDING },
		{ &published, NULL, VERDICT_MISSING },
		{ &published, &goes, VERDICT_MISSING },
		{ &published, &other, VERDICT_OTHER },
		{ &published, &unreadable, VERDICT_OTHER },
		{ &published, &comes_wrong, VERDICT_OTHER },
		{ &unresolved, &same, VERDICT_OTHER },
		{ &left_out, NULL, VERDICT_LEFT_OUT },
		{ &left_out, &same, VERDICT_STALE },
		{ &left_out, &comes, VERDICT_STALE },
		{ &left_out, &goes, VERDICT_PENDING },
		{ NULL, NULL, VERDICT_NOWHERE },
		{ NULL, &same, VERDICT_STALE },
		{ NULL, &unreadable, VERDICT_STALE },
		{ NULL, &goes, VERDICT_PENDING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct explanation one = { .knows_kernel = true, .knows_redis = true,
					   .kernel = cases[i].kernel, .redis = cases[i].redis };

		assert_int_equal(explanation_verdict(&one), cases[i].verdict);
		one.knows_redis = false;
		assert_int_equal(explanation_verdict(&one), VERDICT_UNKNOWN);
		one.knows_redis = true;
		one.knows_kernel = false;
		assert_int_equal(explanation_verdict(&one), VERDICT_UNKNOWN);
	}
}

static void right_is_what_needs_no_repair(void **state)
{
	(void)state;
	assert_true(verdict_is_right(VERDICT_PRESENT));
	assert_true(verdict_is_right(VERDICT_NOWHERE));
	assert_true(verdict_is_right(VERDICT_LEFT_OUT));
	assert_true(verdict_is_right(VERDICT_PENDING));
	assert_false(verdict_is_right(VERDICT_MISSING));
	assert_false(verdict_is_right(VERDICT_OTHER));
	assert_false(verdict_is_right(VERDICT_STALE));
	assert_false(verdict_is_right(VERDICT_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_follows_from_both_sides),
		cmocka_unit_test(right_is_what_needs_no_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

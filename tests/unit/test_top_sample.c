/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened between two looks, and in which order it is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "top_sample.h"

#define NEIGHBOUR(number, all, moved, last)						\
	{ .key = { .ifindex = 1, .family = NEIGHTRACK_FAMILY_IPV4, .addr = { number } },	\
	  .value = { .changes = all, .mac_moves = moved, .last_change_ns = last } }

static struct pinned_neighbour first[] = {
	NEIGHBOUR(1, 10, 0, 50), NEIGHBOUR(2, 20, 5, 60), NEIGHBOUR(4, 7, 7, 70),
};
/* 1 changed, 2 did not, 3 is new, 4 was deleted and made again, 5 was there unnoticed */
static struct pinned_neighbour second[] = {
	NEIGHBOUR(1, 13, 1, 100), NEIGHBOUR(2, 20, 5, 60), NEIGHBOUR(3, 2, 0, 300),
	NEIGHBOUR(4, 1, 0, 200), NEIGHBOUR(5, 0, 0, 0),
};

static const struct top_sample before = { .has_maps = true,
					  .neighbours = { .list = first, .count = 3 } };
static const struct top_sample now = { .has_maps = true,
				       .neighbours = { .list = second, .count = 5 } };

static void expect_order(enum top_order order, const struct top_sample *former,
			 const uint8_t *numbers)
{
	struct top_row *rows;

	assert_int_equal(top_rows(&rows, former, &now, order), 0);
	for (size_t i = 0; i < now.neighbours.count; i++)
		assert_int_equal(rows[i].neighbour->key.addr[0], numbers[i]);
	free(rows);
}

static void changes_are_counted_from_one_look_to_the_next(void **state)
{
	static const uint32_t changes[] = { 3, 0, 2, 1, 0 }, moves[] = { 1, 0, 0, 0, 0 };
	struct top_row *rows;

	(void)state;
	assert_int_equal(top_rows(&rows, &before, &now, TOP_BY_ADDRESS), 0);
	for (size_t i = 0; i < now.neighbours.count; i++) {
		assert_int_equal(rows[i].changes, changes[i]);
		assert_int_equal(rows[i].mac_moves, moves[i]);
	}
	free(rows);
}

static void the_first_look_has_none_before_it(void **state)
{
	const struct top_sample nothing = { 0 };
	struct top_row *rows;

	(void)state;
	assert_int_equal(top_rows(&rows, &nothing, &now, TOP_BY_ADDRESS), 0);
	for (size_t i = 0; i < now.neighbours.count; i++)
		assert_int_equal(rows[i].changes, 0);
	free(rows);
	/* and the order is that of what was counted in all */
	expect_order(TOP_BY_CHANGES, &nothing, (const uint8_t[]){ 2, 1, 3, 4, 5 });
}

static void rows_come_in_the_order_that_is_asked_for(void **state)
{
	(void)state;
	expect_order(TOP_BY_CHANGES, &before, (const uint8_t[]){ 1, 3, 4, 2, 5 });
	expect_order(TOP_BY_MOVES, &before, (const uint8_t[]){ 1, 2, 3, 4, 5 });
	expect_order(TOP_BY_LAST, &before, (const uint8_t[]){ 3, 4, 1, 2, 5 });
	expect_order(TOP_BY_ADDRESS, &before, (const uint8_t[]){ 1, 2, 3, 4, 5 });
}

static void a_counter_may_begin_anew(void **state)
{
	(void)state;
	assert_int_equal(top_difference(5, 7), 2);
	assert_int_equal(top_difference(7, 7), 0);
	assert_int_equal(top_difference(7, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_counted_from_one_look_to_the_next),
		cmocka_unit_test(the_first_look_has_none_before_it),
		cmocka_unit_test(rows_come_in_the_order_that_is_asked_for),
		cmocka_unit_test(a_counter_may_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

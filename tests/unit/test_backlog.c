/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/backlog.c, against a list of what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../user/backlog.h"

#define SLOT_NS (1ull << BACKLOG_SLOT_SHIFT)
#define S (1000000000ull)

static void nothing_waits_at_first(void **state)
{
	struct backlog backlog = { 0 };

	(void)state;
	assert_int_equal(backlog_oldest_ns(&backlog, 1000 * S), 0);
}

static void the_oldest_is_told_to_a_slot(void **state)
{
	struct backlog backlog = { 0 };
	uint32_t first = backlog_begin(&backlog, 1000 * S);

	(void)state;
	backlog_begin(&backlog, 1003 * S);
	assert_in_range(backlog_oldest_ns(&backlog, 1005 * S), 5 * S - SLOT_NS, 5 * S + SLOT_NS);
	backlog_end(&backlog, first);
	assert_in_range(backlog_oldest_ns(&backlog, 1005 * S), 2 * S - SLOT_NS, 2 * S + SLOT_NS);
}

static void nothing_waits_when_all_has_ended(void **state)
{
	struct backlog backlog = { 0 };
	uint32_t first = backlog_begin(&backlog, 10 * S);
	uint32_t second = backlog_begin(&backlog, 500 * S);

	(void)state;
	backlog_end(&backlog, first);
	backlog_end(&backlog, second);
	assert_int_equal(backlog_oldest_ns(&backlog, 501 * S), 0);
	assert_int_equal(backlog.count, 0);
	assert_int_equal(backlog.older, 0);
}

static void a_wait_of_an_hour_is_told_as_such(void **state)
{
	struct backlog backlog = { 0 };
	uint32_t old = backlog_begin(&backlog, 100 * S);

	(void)state;
	for (uint64_t s = 101; s < 3700; s++)
		backlog_end(&backlog, backlog_begin(&backlog, s * S));
	assert_in_range(backlog_oldest_ns(&backlog, 3700 * S), 3600 * S - SLOT_NS,
			3600 * S + SLOT_NS);
	backlog_end(&backlog, old);
	assert_int_equal(backlog_oldest_ns(&backlog, 3700 * S), 0);
}

static void a_clock_that_stands_still_is_no_wait(void **state)
{
	struct backlog backlog = { 0 };

	(void)state;
	backlog_begin(&backlog, 7 * S);
	assert_in_range(backlog_oldest_ns(&backlog, 7 * S), 0, SLOT_NS);
	/* the coarse clock, by which waits begin, is behind the other */
	assert_in_range(backlog_oldest_ns(&backlog, 7 * S - SLOT_NS), 0, SLOT_NS);
}

#define WAITS 64

/* Within the slots the answer is that of a list; beyond, it is never too small. */
static void it_agrees_with_a_list(void **state)
{
	struct backlog backlog = { 0 };
	struct { uint64_t since_ns; uint32_t slot; } waits[WAITS] = { { 0, 0 } };
	uint64_t now_ns = 50 * S;

	(void)state;
	srand(1);
	for (int step = 0; step < 200000; step++) {
		size_t i = (size_t)rand() % WAITS;
		uint64_t oldest_ns = 0, told_ns;

		now_ns += (uint64_t)(rand() % 1000) * (rand() % 100 ? 100000 : 20000000);
		if (waits[i].since_ns) {
			backlog_end(&backlog, waits[i].slot);
			waits[i].since_ns = 0;
		} else {
			waits[i].since_ns = now_ns;
			waits[i].slot = backlog_begin(&backlog, now_ns);
		}
		for (i = 0; i < WAITS; i++)
			if (waits[i].since_ns && now_ns - waits[i].since_ns > oldest_ns)
				oldest_ns = now_ns - waits[i].since_ns;
		told_ns = backlog_oldest_ns(&backlog, now_ns);
		assert_true(told_ns + SLOT_NS >= oldest_ns);
		if (!backlog.older)
			assert_true(told_ns <= oldest_ns + SLOT_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_waits_at_first),
		cmocka_unit_test(the_oldest_is_told_to_a_slot),
		cmocka_unit_test(nothing_waits_when_all_has_ended),
		cmocka_unit_test(a_wait_of_an_hour_is_told_as_such),
		cmocka_unit_test(a_clock_that_stands_still_is_no_wait),
		cmocka_unit_test(it_agrees_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

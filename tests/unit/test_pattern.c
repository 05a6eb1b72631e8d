/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/pattern.c: what a list of patterns matches, and which lists are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/pattern.h"

static void an_empty_list_matches_nothing(void **state)
{
	(void)state;
	assert_false(pattern_list_matches("", "Ethernet0"));
	assert_false(pattern_list_matches(" , \t", "Ethernet0"));
	assert_false(pattern_list_matches("", ""));
}

static void a_plain_name_matches_itself_alone(void **state)
{
	(void)state;
	assert_true(pattern_list_matches("Ethernet1", "Ethernet1"));
	assert_false(pattern_list_matches("Ethernet1", "Ethernet10"));
	assert_false(pattern_list_matches("Ethernet1", "ethernet1"));
}

static void shell_wildcards_are_understood(void **state)
{
	(void)state;
	assert_true(pattern_list_matches("Ethernet*", "Ethernet0"));
	assert_true(pattern_list_matches("Vlan?", "Vlan1"));
	assert_false(pattern_list_matches("Vlan?", "Vlan10"));
	assert_true(pattern_list_matches("eth[0-3]", "eth2"));
	assert_false(pattern_list_matches("eth[!0-3]", "eth2"));
	assert_true(pattern_list_matches("*", ".hidden"));
}

static void commas_and_blanks_separate_patterns(void **state)
{
	const char *const lists[] = { "a,b,c", "a b c", " a ,, b\t,c, ", "a,\nb\r\nc" };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_true(pattern_list_matches(lists[i], "a"));
		assert_true(pattern_list_matches(lists[i], "b"));
		assert_true(pattern_list_matches(lists[i], "c"));
		assert_false(pattern_list_matches(lists[i], "d"));
	}
}

static void an_exclamation_mark_takes_out_what_earlier_ones_let_in(void **state)
{
	(void)state;
	assert_true(pattern_list_matches("*, !docker*", "eth0"));
	assert_false(pattern_list_matches("*, !docker*", "docker0"));
	assert_false(pattern_list_matches("!docker0", "eth0"));
}

static void the_last_pattern_that_matches_decides(void **state)
{
	(void)state;
	assert_true(pattern_list_matches("*, !docker*, docker0", "docker0"));
	assert_false(pattern_list_matches("*, !docker*, docker0", "docker1"));
	assert_true(pattern_list_matches("!docker0, *", "docker0"));
}

static void a_pattern_that_is_too_long_matches_nothing(void **state)
{
	char list[66];

	(void)state;
	memset(list, '*', 64);
	list[64] = '\0';
	assert_false(pattern_list_matches(list, "eth0"));
	list[63] = '\0';
	assert_true(pattern_list_matches(list, "eth0"));
}

static void good_lists_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(pattern_list_check(""), 0);
	assert_int_equal(pattern_list_check(" , "), 0);
	assert_int_equal(pattern_list_check("Ethernet*, Vlan[0-9], !Vlan1"), 0);
	assert_int_equal(pattern_list_check("eth[]]"), 0);
	assert_int_equal(pattern_list_check("eth[!]]"), 0);
	assert_int_equal(pattern_list_check("eth[[:digit:]]"), 0);
	assert_int_equal(pattern_list_check("eth\\[0"), 0);
	assert_int_equal(pattern_list_check("eth]"), 0);
}

static void a_pattern_has_at_most_63_bytes(void **state)
{
	char list[80] = "eth0, !";

	(void)state;
	memset(list + 7, 'x', 64);
	assert_int_equal(pattern_list_check(list), -EINVAL);
	list[7 + 63] = '\0';
	assert_int_equal(pattern_list_check(list), 0);
}

static void an_unclosed_bracket_is_refused(void **state)
{
	const char *const lists[] = {
		"eth[", "eth[0", "eth[]", "eth[!]", "eth[0,1]", "eth[0\\]", "eth[[:digit:]",
		"eth[[:", "eth[[:digit", "eth[\\", "eth0, Vlan[1", "eth[0] Vlan[",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		assert_int_equal(pattern_list_check(lists[i]), -EINVAL);
}

static void an_exclamation_mark_alone_is_refused(void **state)
{
	(void)state;
	assert_int_equal(pattern_list_check("*, ! docker0"), -EINVAL);
	assert_int_equal(pattern_list_check("!"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_matches_nothing),
		cmocka_unit_test(a_plain_name_matches_itself_alone),
		cmocka_unit_test(shell_wildcards_are_understood),
		cmocka_unit_test(commas_and_blanks_separate_patterns),
		cmocka_unit_test(an_exclamation_mark_takes_out_what_earlier_ones_let_in),
		cmocka_unit_test(the_last_pattern_that_matches_decides),
		cmocka_unit_test(a_pattern_that_is_too_long_matches_nothing),
		cmocka_unit_test(good_lists_are_accepted),
		cmocka_unit_test(a_pattern_has_at_most_63_bytes),
		cmocka_unit_test(an_unclosed_bracket_is_refused),
		cmocka_unit_test(an_exclamation_mark_alone_is_refused),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}

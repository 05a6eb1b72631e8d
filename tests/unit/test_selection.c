/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which neighbours the words behind a sub-command choose. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "neigh_text.h"
#include "selection.h"

#define MOST_WORDS 4

static int read_words(struct selection *selection, char *const *words, bool *has_word)
{
	struct command_arguments arguments = { 0 };
	char *copy[MOST_WORDS + 1] = { NULL };

	while (words[arguments.count]) {
		copy[arguments.count] = words[arguments.count];
		arguments.count++;
	}
	arguments.words = copy;
	return selection_read(selection, &arguments, "test", has_word ? "stats" : NULL, has_word);
}

static bool has(const struct selection *selection, const char *interface, const char *text)
{
	uint8_t family, addr[16];

	assert_int_equal(ip_from_text(text, &family, addr), 0);
	return selection_has(selection, interface, family, addr);
}

#define WORDS(...) ((char *const[]){ __VA_ARGS__, NULL })

static void a_prefix_covers_its_addresses_and_no_other(void **state)
{
	static const struct {
		const char *prefix, *inside, *outside;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.7/24", "192.0.2.255", "192.0.1.255" },
		{ "10.0.0.0/7", "11.255.0.1", "12.0.0.0" },
		{ "192.0.2.8/29", "192.0.2.15", "192.0.2.16" },
		{ "192.0.2.8", "192.0.2.8", "192.0.2.9" },
		{ "192.0.2.8/32", "192.0.2.8", "192.0.2.9" },
		{ "0.0.0.0/0", "255.255.255.255", "::" },
		{ "::/0", "2001:db8::1", "0.0.0.0" },
		{ "fe80::/10", "febf::1", "fec0::1" },
		{ "2001:db8::/127", "2001:db8::1", "2001:db8::2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct selection selection;
		char text[64];

		snprintf(text, sizeof(text), "%s", cases[i].prefix);
		assert_int_equal(read_words(&selection, WORDS(text), NULL), 0);
		assert_true(has(&selection, "eth0", cases[i].inside));
		assert_false(has(&selection, "eth0", cases[i].outside));
	}
}

static void what_is_no_address_and_no_word_is_refused(void **state)
{
	static const char *const wrong[] = {
		"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "192.0.2.0/8x", "192.0.2.0/-1",
		"192.0.2", "::/129", ":::", "dev", "frob", "",
		"11111111111111111111111111111111111111111111111111111111111111",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct selection selection;
		char text[80];

		snprintf(text, sizeof(text), "%s", wrong[i]);
		assert_int_equal(read_words(&selection, WORDS(text), NULL), -EINVAL);
	}
}

static void words_may_be_shortened_and_stand_in_any_order(void **state)
{
	struct selection selection;
	bool has_word = false;

	(void)state;
	assert_int_equal(read_words(&selection, WORDS("d", "eth0", "st", "192.0.2.1"), &has_word),
			 0);
	assert_true(has_word);
	assert_true(has(&selection, "eth0", "192.0.2.1"));
	assert_false(has(&selection, "eth1", "192.0.2.1"));
	assert_true(selection_is_address(&selection));
}

static void two_addresses_are_refused(void **state)
{
	struct selection selection;

	(void)state;
	assert_int_equal(read_words(&selection, WORDS("192.0.2.1", "192.0.2.2"), NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_covers_its_addresses_and_no_other),
		cmocka_unit_test(what_is_no_address_and_no_word_is_refused),
		cmocka_unit_test(words_may_be_shortened_and_stand_in_any_order),
		cmocka_unit_test(two_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/option_file.c: what is a line of the file, and what is said of what is none. */
#include <sys/stat.h>

#include "options_fixture.h"

/* One wrong file a test: its text, and the error behind its path. */
#define FILE_TEST(name, text, error) \
	static void name(void **state) { assert_file_refused(state, text, error); }

FILE_TEST(a_value_out_of_range_names_the_bounds,
	  "[neightrackd]\nipv4 = yes\nbatch_size = 0\nipv6 = x\n",
	  ":3: batch_size = 0: allowed are 1 to 10000 commands")
FILE_TEST(a_duplicate_key_names_the_first,
	  "[neightrackd]\nipv4 = yes\n[neightrackd]\nipv4 = no\n",
	  ":4: duplicate key 'ipv4'; line 2 has set it already")
FILE_TEST(a_key_outside_a_section_is_refused, "\nipv4 = yes\n[neightrackd]\n",
	  ":2: key 'ipv4' outside a section; allowed: below [neightrackd]")
FILE_TEST(an_unknown_section_is_refused, "\xef\xbb\xbf[redis]\nipv4 = yes\n",
	  ":2: unknown section [redis]; allowed: [neightrackd], [instance NAME]")
FILE_TEST(an_unknown_section_is_refused_even_without_keys,
	  "[neightrackd]\nipv4 = yes\n[redis]\n",
	  ":3: unknown section [redis]; allowed: [neightrackd], [instance NAME]")
FILE_TEST(a_line_that_is_no_option_is_refused, "[neightrackd]\nipv4\n",
	  ":2: neither key = value, [neightrackd] nor # comment")
FILE_TEST(an_unclosed_section_is_refused, "[neightrackd]\n[neightrackd\nipv4 = yes\n",
	  ":2: neither key = value, [neightrackd] nor # comment")
FILE_TEST(a_quoted_value_is_refused, "[neightrackd]\nignore = \"lo\"\n",
	  ":2: ignore: allowed are values without quotes")

static void an_indented_line_is_no_continuation(void **state)
{
	assert_file_good(state, "[neightrackd]\nignore = a\n\t batch_size = 7\n");
	assert_string_equal(options_of(state)->ignore, "a");
	assert_int_equal(options_of(state)->batch_size, 7);
}

static void a_line_is_taken_up_to_199_bytes(void **state)
{
	struct options *options = options_of(state);
	char text[300] = "[neightrackd]\n# ";

	memset(text + 16, 'x', 197);
	strcpy(text + 16 + 197, "\nipv4 = no\n");
	assert_file_good(state, text);
	assert_false(options->ipv4);
	strcpy(text + 16 + 197, "x\nipv4 = yes\n");
	assert_file_refused(state, text, ":2: line too long; allowed are 199 bytes of text a line");
}

static void a_zero_byte_is_refused(void **state)
{
	assert_int_equal(read_bytes(state, "[neightrackd]\nignore = a\0b\n", 27), -EINVAL);
	assert_non_null(strstr(errors_of(state), ":2: zero byte; allowed are"));
}

static void windows_line_ends_and_a_missing_last_one_are_fine(void **state)
{
	struct options *options = options_of(state);

	assert_file_good(state, "\xef\xbb\xbf[neightrackd]\r\nignore = a\r\nbatch_size = 9");
	assert_string_equal(options->ignore, "a");
	assert_int_equal(options->batch_size, 9);
	assert_file_good(state, "");
}

static void an_unreadable_file_says_why(void **state)
{
	struct fixture *fixture = *state;
	struct options *options = options_of(state);

	assert_int_equal(options_read_file(options, "/no", NULL, fixture->errors_file), -ENOENT);
	assert_error(state, "/no: cannot read: No such file or directory");
	assert_int_equal(options_read_file(options, "/tmp", NULL, fixture->errors_file), -EISDIR);
	assert_error(state, "/tmp: cannot read: Is a directory");
	assert_int_equal(parse(state, "--config=/no"), -EINVAL);
	assert_error(state, "/no: cannot read: No such file or directory");
	/* root may read all */
	if (geteuid() != 0) {
		assert_int_equal(chmod(fixture->path, 0), 0);
		assert_int_equal(parse(state, "--ipv4=no"), -EINVAL);
		assert_non_null(strstr(errors_of(state), ": cannot read: Permission denied"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		option_test(a_value_out_of_range_names_the_bounds),
		option_test(a_quoted_value_is_refused),
		option_test(a_duplicate_key_names_the_first),
		option_test(a_key_outside_a_section_is_refused),
		option_test(an_unknown_section_is_refused),
		option_test(an_unknown_section_is_refused_even_without_keys),
		option_test(a_line_that_is_no_option_is_refused),
		option_test(an_unclosed_section_is_refused),
		option_test(an_indented_line_is_no_continuation),
		option_test(a_line_is_taken_up_to_199_bytes),
		option_test(a_zero_byte_is_refused),
		option_test(windows_line_ends_and_a_missing_last_one_are_fine),
		option_test(an_unreadable_file_says_why),
	};

	return cmocka_run_group_tests_name("option_file", tests, NULL, NULL);
}

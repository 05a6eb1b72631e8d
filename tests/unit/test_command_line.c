/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of options_parse() in user/options.c: the words behind the name of the program. */
#include "options_fixture.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void a_control_character_cannot_forge_an_error_line(void **state)
{
	assert_int_equal(parse(state, "--instance", "a\nb\x1b[2J"), -EINVAL);
	assert_non_null(strstr(errors_of(state), "--instance a?b?[2J: "));
}

static void a_password_is_not_shown(void **state)
{
	const char *errors;

	assert_int_equal(parse(state, "--redis", "tcp://:secret@a"), -EINVAL);
	errors = errors_of(state);
	assert_non_null(strstr(errors, "--redis (not shown): no user or password"));
	assert_null(strstr(errors, "secret"));
}

static void flags_override_the_file_whatever_the_order(void **state)
{
	struct fixture *fixture = *state;
	char size[] = "--batch-size=3", config[] = "--config", program[] = "neightrackd";
	char *argv[] = { program, size, config, fixture->path, NULL };

	assert_file_good(state, "[neightrackd]\nbatch_size = 2\nipv4 = no\n");
	assert_int_equal(options_parse(&fixture->options, &fixture->line, 4, argv,
				       fixture->errors_file), 0);
	assert_int_equal(fixture->options.batch_size, 3);
	assert_false(fixture->options.ipv4);
	assert_string_equal(fixture->line.config_file, fixture->path);
}

static void flags_are_taken_in_every_spelling(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(state, "--batch_size", "5", "--transaction=yes", "--log-level",
			       "info", "--check_config", "--netns=", "--ignore", "a=b"), 0);
	assert_int_equal(fixture->options.batch_size, 5);
	assert_true(fixture->options.transaction);
	assert_int_equal(fixture->options.log_level, LOG_LEVEL_INFO);
	assert_true(fixture->line.check_config);
	assert_string_equal(fixture->options.netns, "");
	assert_string_equal(fixture->options.ignore, "a=b");
}

static void a_wrong_flag_value_names_the_flag(void **state)
{
	const char *expected = "--batch-size 0: allowed are 1 to 10000 commands";

	assert_int_equal(parse(state, "--batch-size", "0"), -EINVAL);
	assert_error(state, expected);
	assert_int_equal(parse(state, "--batch_size=0"), -EINVAL);
	assert_error(state, expected);
}

static void an_unknown_flag_suggests_help(void **state)
{
	static const char *const flags[] = {
		"--batchsize", "--batch", "-h", "--batch-sizes-beyond-any-name", "---ipv4",
	};
	char expected[128];

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		assert_int_equal(parse(state, flags[i], "1"), -EINVAL);
		snprintf(expected, sizeof(expected), "unknown flag '%s'; see --help", flags[i]);
		assert_error(state, expected);
	}
	assert_int_equal(parse(state, "--=1"), -EINVAL);
}

static void a_forgotten_value_is_noticed(void **state)
{
	assert_int_equal(parse(state, "--netns"), -EINVAL);
	assert_error(state, "--netns: a value is missing; see --help");
	assert_int_equal(parse(state, "--netns", "--ipv4", "no"), -EINVAL);
	assert_error(state, "--netns: a value is missing; see --help");
	assert_int_equal(parse(state, "--help=yes"), -EINVAL);
	assert_error(state, "--help takes no value; see --help");
}

static void options_end_at_the_first_operand(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(state, "--ipv4", "no", "show", "--batch-size", "0"), 0);
	assert_int_equal(fixture->line.first_operand, 5);
	assert_int_equal(parse(state, "--", "--batch-size", "0"), 0);
	assert_int_equal(fixture->line.first_operand, 4);
	assert_int_equal(parse(state, "-"), 0);
	assert_int_equal(fixture->line.first_operand, 3);
	assert_int_equal(parse(state, "--ipv4=no"), 0);
	assert_int_equal(fixture->line.first_operand, 4);
}

static void help_and_version_do_not_need_a_good_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(read_bytes(state, "nonsense", 8), -EINVAL);
	assert_int_equal(parse(state, "--help"), 0);
	assert_true(fixture->line.help);
	assert_int_equal(parse(state, "--version"), 0);
	assert_true(fixture->line.version && !fixture->line.help);
	assert_int_equal(parse(state, "--check-config"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		option_test(a_control_character_cannot_forge_an_error_line),
		option_test(a_password_is_not_shown),
		option_test(flags_override_the_file_whatever_the_order),
		option_test(flags_are_taken_in_every_spelling),
		option_test(a_wrong_flag_value_names_the_flag),
		option_test(an_unknown_flag_suggests_help),
		option_test(a_forgotten_value_is_noticed),
		option_test(options_end_at_the_first_operand),
		option_test(help_and_version_do_not_need_a_good_file),
	};

	return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}

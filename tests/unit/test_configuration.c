/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/configuration.c and of [instance NAME] sections in user/option_file.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/configuration.h"

#define TWO "[neightrackd]\nbatch_size = 7\n" \
	    "[instance asic0]\nnetns = a\nredis = unix:///run/a.sock\n" \
	    "[instance asic1]\nnetns = b\nredis = unix:///run/b.sock\n"

struct fixture {
	struct configuration configuration;
	struct command_line line;
	char path[64];
	char *errors;
	size_t errors_bytes;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd;

	if (!fixture)
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "/tmp/neightrack-configuration-XXXXXX");
	fd = mkstemp(fixture->path);
	if (fd < 0)
		return -1;
	close(fd);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	configuration_free(&fixture->configuration);
	free(fixture->errors);
	free(fixture);
	return 0;
}

static void write_file(void **state, const char *text)
{
	const struct fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* flag: one word of the command line, behind --config; NULL: none. */
static int parse_into(void **state, struct configuration *configuration, const char *text,
		      const char *flag)
{
	struct fixture *fixture = *state;
	char program[] = "neightrackd", config[] = "--config";
	char *argv[] = { program, config, fixture->path, (char *)(uintptr_t)flag, NULL };
	FILE *errors;
	int error;

	write_file(state, text);
	free(fixture->errors);
	errors = open_memstream(&fixture->errors, &fixture->errors_bytes);
	assert_non_null(errors);
	error = configuration_parse(configuration, &fixture->line, flag ? 4 : 3, argv, errors);
	fclose(errors);
	return error;
}

static const struct options *parse(void **state, const char *text, const char *flag)
{
	struct fixture *fixture = *state;

	configuration_free(&fixture->configuration);
	if (parse_into(state, &fixture->configuration, text, flag))
		fail_msg("%s", fixture->errors);
	assert_string_equal(fixture->errors, "");
	return fixture->configuration.mirrors;
}

/* rest: the one line that is said, without the file's name at its start. */
static void assert_refused(void **state, const char *text, const char *flag, const char *rest)
{
	struct fixture *fixture = *state;
	const char *said;
	size_t bytes = strlen(fixture->path);

	configuration_free(&fixture->configuration);
	assert_int_equal(parse_into(state, &fixture->configuration, text, flag), -EINVAL);
	said = fixture->errors;
	if (!strncmp(said, fixture->path, bytes))
		said += bytes;
	if (strncmp(said, rest, strlen(rest)) || strcmp(said + strlen(rest), "\n"))
		fail_msg("it says '%s', and not '%s'", said, rest);
}

static void without_sections_there_is_one_that_has_no_name(void **state)
{
	const struct options *options = parse(state, "[neightrackd]\nnetns = a\n", NULL);

	assert_int_equal(((struct fixture *)*state)->configuration.count, 1);
	assert_string_equal(options->mirror, "");
	assert_string_equal(options->netns, "a");
}

static void each_section_is_an_instance_with_what_is_common_and_its_own(void **state)
{
	const struct options *options = parse(state, TWO, NULL);

	assert_int_equal(((struct fixture *)*state)->configuration.count, 2);
	assert_string_equal(options[0].mirror, "asic0");
	assert_string_equal(options[0].netns, "a");
	assert_string_equal(options[0].redis, "unix:///run/a.sock");
	assert_string_equal(options[1].mirror, "asic1");
	assert_string_equal(options[1].netns, "b");
	assert_int_equal(options[0].batch_size, 7);
	assert_int_equal(options[1].batch_size, 7);
}

static void an_instances_own_goes_before_what_is_common_whichever_comes_first(void **state)
{
	const struct options *options = parse(state,
		"[instance x]\nnetns = a\nbatch_size = 2\nkey_prefix = x\n"
		"[neightrackd]\nbatch_size = 3\nipv6 = no\n"
		"[instance y]\nnetns = b\nipv6 = yes\n", NULL);

	assert_int_equal(options[0].batch_size, 2);
	assert_false(options[0].ipv6);
	assert_int_equal(options[1].batch_size, 3);
	assert_true(options[1].ipv6);
	assert_string_equal(options[1].key_prefix, "");
}

static void a_flag_goes_before_every_section(void **state)
{
	const struct options *options = parse(state, TWO "batch_size = 8\n", "--batch-size=9");

	assert_int_equal(options[0].batch_size, 9);
	assert_int_equal(options[1].batch_size, 9);
}

static void one_section_is_enough(void **state)
{
	const struct options *options = parse(state, "[instance asic0]\n", NULL);

	assert_int_equal(((struct fixture *)*state)->configuration.count, 1);
	assert_string_equal(options->mirror, "asic0");
}

static void sixteen_are_allowed_and_no_more(void **state)
{
	char text[2048] = "", *at = text;

	for (int i = 0; i < 16; i++)
		at += sprintf(at, "[instance n%d]\nnetns = n%d\nkey_prefix = n%d\n", i, i, i);
	parse(state, text, NULL);
	assert_int_equal(((struct fixture *)*state)->configuration.count, 16);
	strcpy(at, "[instance more]\n");
	assert_refused(state, text, NULL, ":49: [instance more]: allowed are at most 16 instances");
}

static void what_holds_for_all_is_refused_in_a_section(void **state)
{
	assert_refused(state, "[instance a]\nnetns = a\nring_size = 4096\n", NULL,
		       ":3: 'ring_size' is not an instance's own: it holds for all of them, below "
		       "[neightrackd]");
}

static void a_section_again_is_refused(void **state)
{
	assert_refused(state, "[instance a]\n\n[neightrackd]\n[instance a]\n", NULL,
		       ":4: [instance a] again; line 1 has begun it already");
}

static void a_key_again_in_one_section_is_refused_and_in_two_is_not(void **state)
{
	parse(state, TWO, NULL);
	assert_refused(state, TWO "ipv4 = no\nipv4 = no\n", NULL,
		       ":10: duplicate key 'ipv4'; line 9 has set it already");
}

static void names_are_as_those_of_daemons(void **state)
{
	assert_refused(state, "[instance a/b]\n", NULL, ":1: [instance a/b]: allowed are 1 to 32 "
		       "of A-Z a-z 0-9 _ . - and no dot at the start");
	assert_refused(state, "[instance abcdefghijklmnopqrstuvwxyz0123456]\n", NULL,
		       ":1: [instance abcdefghijklmnopqrstuvwxyz0123456]: allowed are 1 to 32 of "
		       "A-Z a-z 0-9 _ . - and no dot at the start");
	assert_refused(state, "[instance ]\n", NULL,
		       ":1: unknown section [instance ]; allowed: [neightrackd], [instance NAME]");
}

static void a_wrong_value_is_found_whoever_it_is_for(void **state)
{
	assert_refused(state, TWO "batch_size = 0\n", NULL,
		       ":9: batch_size = 0: allowed are 1 to 10000 commands");
}

static void what_does_not_go_together_is_told_of_the_instance(void **state)
{
	assert_refused(state, "[instance a]\n[instance b]\nnetns = b\nwarm_restart = yes\n", NULL,
		       "instance b: warm_restart = yes: the databases of the switch are looked for "
		       "in database_config, which is not set");
}

static void one_network_namespace_for_two_is_refused(void **state)
{
	assert_refused(state, "[neightrackd]\nnetns = x\n[instance a]\n[instance b]\n"
		       "key_prefix = b\n", NULL,
		       "instances a and b: both have netns = x; each needs one of its own");
}

static void one_table_for_two_is_refused(void **state)
{
	assert_refused(state, "[neightrackd]\nredis = unix:///s\n[instance a]\nnetns = a\n"
		       "[instance b]\nnetns = b\nredis = unix:///s?db=0\n", NULL,
		       "instances a and b: both would write NEIGH_TABLE in the Redis at unix:///s; "
		       "each needs a Redis, a database or a key_prefix of its own");
	parse(state, "[instance a]\nnetns = a\n[instance b]\nnetns = b\nredis = unix:///s?db=1\n",
	      NULL);
}

static void one_stream_for_two_is_refused(void **state)
{
	assert_refused(state, "[neightrackd]\nstream = s\nredis = tcp://h,i\n"
		       "[instance a]\nnetns = a\nkey_prefix = a\n"
		       "[instance b]\nnetns = b\nkey_prefix = b\nredis = tcp://I:6379\n", NULL,
		       "instances a and b: both have stream = s in the Redis at tcp://h,i; each "
		       "needs one of its own");
}

static void the_daemon_refuses_to_choose_one(void **state)
{
	assert_refused(state, TWO, "--mirror=asic0", "--mirror asic0: neightrackd serves every "
		       "instance of its file; it is neightrack that looks at one");
	assert_refused(state, TWO, "--mirror=asic2", ": there is no [instance asic2]; allowed: "
		       "asic0 asic1");
}

struct said {
	char text[256];
};

static void say(void *context, const char *name)
{
	struct said *said = context;
	size_t used = strlen(said->text);

	snprintf(said->text + used, sizeof(said->text) - used, "%s;", name);
}

static void a_running_daemon_takes_over_what_it_can_of_each(void **state)
{
	struct configuration fresh;
	struct said said = { "" };
	const struct options *options = parse(state, TWO, NULL);
	int changed;

	assert_int_equal(parse_into(state, &fresh, "[neightrackd]\nring_size = 4096\n"
				    "[instance asic0]\nnetns = a\nredis = unix:///run/a.sock\n"
				    "batch_size = 8\n"
				    "[instance asic1]\nnetns = c\nredis = unix:///run/b.sock\n"
				    "batch_size = 7\nipv6 = no\n", NULL), 0);
	changed = configuration_take_over(&((struct fixture *)*state)->configuration, &fresh, say,
					  &said);
	configuration_free(&fresh);
	assert_int_equal(changed, 2);
	assert_int_equal(options[0].batch_size, 8);
	assert_true(options[0].ipv6);
	assert_false(options[1].ipv6);
	assert_string_equal(options[1].netns, "b");
	assert_string_equal(said.text, "ring_size;[instance asic1] netns;");
}

static void other_instances_are_not_taken_over(void **state)
{
	struct fixture *fixture = *state;
	struct configuration fresh;

	parse(state, TWO, NULL);
	assert_int_equal(parse_into(state, &fresh, "[instance asic0]\nbatch_size = 8\n"
				    "[instance asic2]\nnetns = b\nkey_prefix = b\n", NULL), 0);
	assert_int_equal(configuration_take_over(&fixture->configuration, &fresh, say, NULL),
			 -EINVAL);
	configuration_free(&fresh);
	assert_int_equal(fixture->configuration.mirrors[0].batch_size, 7);
}

#define configuration_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		configuration_test(without_sections_there_is_one_that_has_no_name),
		configuration_test(each_section_is_an_instance_with_what_is_common_and_its_own),
		configuration_test(an_instances_own_goes_before_what_is_common_whichever_comes_first),
		configuration_test(a_flag_goes_before_every_section),
		configuration_test(one_section_is_enough),
		configuration_test(sixteen_are_allowed_and_no_more),
		configuration_test(what_holds_for_all_is_refused_in_a_section),
		configuration_test(a_section_again_is_refused),
		configuration_test(a_key_again_in_one_section_is_refused_and_in_two_is_not),
		configuration_test(names_are_as_those_of_daemons),
		configuration_test(a_wrong_value_is_found_whoever_it_is_for),
		configuration_test(what_does_not_go_together_is_told_of_the_instance),
		configuration_test(one_network_namespace_for_two_is_refused),
		configuration_test(one_table_for_two_is_refused),
		configuration_test(one_stream_for_two_is_refused),
		configuration_test(the_daemon_refuses_to_choose_one),
		configuration_test(a_running_daemon_takes_over_what_it_can_of_each),
		configuration_test(other_instances_are_not_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of options have in common: options, a file to read, and what was said. */
#ifndef NEIGHTRACK_TESTS_OPTIONS_FIXTURE_H
#define NEIGHTRACK_TESTS_OPTIONS_FIXTURE_H

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

#include "../../user/options.h"

struct fixture {
	struct options options;
	struct command_line line;
	char path[64];
	char *errors;
	size_t errors_bytes;
	size_t errors_seen;
	FILE *errors_file;
};

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd;

	if (!fixture)
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "/tmp/neightrack-options-XXXXXX");
	fd = mkstemp(fixture->path);
	fixture->errors_file = open_memstream(&fixture->errors, &fixture->errors_bytes);
	if (fd < 0 || !fixture->errors_file || options_init(&fixture->options) < 0)
		return -1;
	close(fd);
	*state = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	options_free(&fixture->options);
	fclose(fixture->errors_file);
	free(fixture->errors);
	free(fixture);
	return 0;
}

static inline struct options *options_of(void **state)
{
	return &((struct fixture *)*state)->options;
}

/* What was printed to errors since the last call. */
static inline const char *errors_of(void **state)
{
	struct fixture *fixture = *state;
	size_t seen = fixture->errors_seen;

	fflush(fixture->errors_file);
	fixture->errors_seen = fixture->errors_bytes;
	return fixture->errors + seen;
}

static inline void assert_error(void **state, const char *line)
{
	const char *errors = errors_of(state);
	size_t bytes = strlen(line);

	if (strncmp(errors, line, bytes) != 0 || strcmp(errors + bytes, "\n") != 0)
		fail_msg("the error is '%s', and not '%s'", errors, line);
}

static inline int read_bytes(void **state, const char *text, size_t bytes)
{
	struct fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
	return options_read_file(&fixture->options, fixture->path, NULL, fixture->errors_file);
}

/* The file is refused with one line; rest: what follows the path in it. */
static inline void assert_file_refused(void **state, const char *text, const char *rest)
{
	struct fixture *fixture = *state;
	char expected[1024];

	assert_int_equal(read_bytes(state, text, strlen(text)), -EINVAL);
	snprintf(expected, sizeof(expected), "%s%s", fixture->path, rest);
	assert_error(state, expected);
}

static inline void assert_file_good(void **state, const char *text)
{
	if (read_bytes(state, text, strlen(text)) != 0)
		fail_msg("%s", errors_of(state));
	assert_string_equal(errors_of(state), "");
}

/* Words end with NULL; --config with the fixture's file goes before them. */
static inline int parse_words(void **state, const char *const *words)
{
	struct fixture *fixture = *state;
	char config[] = "--config";
	char program[] = "neightrackd";
	char *argv[64] = { program, config, fixture->path };
	int argc = 3;

	while (*words)
		argv[argc++] = (char *)(uintptr_t)*words++;
	return options_parse(&fixture->options, &fixture->line, argc, argv, fixture->errors_file);
}

#define parse(state, ...) parse_words(state, (const char *const[]){ __VA_ARGS__, NULL })

#define option_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif

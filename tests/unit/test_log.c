/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of user/log.c: what arrives on stderr. Each test's stderr is a
 * temporary file, which is also what stands for the journal.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/log.h"

struct capture {
	FILE *file;
	int real_stderr;
	char text[16384];
};

static int start_capture(void **state)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return -1;
	capture->file = tmpfile();
	capture->real_stderr = dup(STDERR_FILENO);
	if (!capture->file || capture->real_stderr < 0 ||
	    dup2(fileno(capture->file), STDERR_FILENO) < 0)
		return -1;
	unsetenv("JOURNAL_STREAM");
	/* that of this machine is none of ours */
	log_set_journal(NULL);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	*state = capture;
	return 0;
}

static int stop_capture(void **state)
{
	struct capture *capture = *state;

	unsetenv("JOURNAL_STREAM");
	dup2(capture->real_stderr, STDERR_FILENO);
	close(capture->real_stderr);
	fclose(capture->file);
	free(capture);
	return 0;
}

/* What was logged since the last call. */
static const char *logged(void **state)
{
	struct capture *capture = *state;
	ssize_t bytes = pread(fileno(capture->file), capture->text, sizeof(capture->text) - 1, 0);

	capture->text[bytes > 0 ? bytes : 0] = '\0';
	assert_int_equal(ftruncate(fileno(capture->file), 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return capture->text;
}

/* Makes log_setup() take stderr for the journal; inode_offset: or not quite. */
static void be_journal(void **state, ino_t inode_offset)
{
	struct capture *capture = *state;
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(fileno(capture->file), &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)(status.st_ino + inode_offset));
	setenv("JOURNAL_STREAM", stream, 1);
}

static void end_interval(struct log_limit *limit)
{
	limit->interval_started_ms -= limit->interval_ms;
}

static void a_text_line_names_the_program_and_serious_levels(void **state)
{
	log_setup("neightrackd", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	log_error("no %s", "memory");
	log_warning("slow");
	log_notice("ready");
	log_info("detail");
	log_debug("trace");
	assert_string_equal(logged(state),
			    "neightrackd: error: no memory\n"
			    "neightrackd: warning: slow\n"
			    "neightrackd: ready\n"
			    "neightrackd: detail\n"
			    "neightrackd: debug: trace\n");
}

static void lines_below_the_level_are_left_out(void **state)
{
	log_info("hidden");
	assert_string_equal(logged(state), "");
	log_set_level(LOG_LEVEL_INFO);
	log_info("shown");
	log_debug("hidden");
	assert_string_equal(logged(state), "neightrackd: shown\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("hidden");
	assert_string_equal(logged(state), "");
}

static void the_journal_gets_priorities_instead_of_words(void **state)
{
	be_journal(state, 0);
	log_setup("neightrackd", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	log_error("a");
	log_warning("b");
	log_notice("c");
	log_info("d");
	log_debug("e");
	assert_string_equal(logged(state), "<3>neightrackd: a\n<4>neightrackd: b\n"
			    "<5>neightrackd: c\n<6>neightrackd: d\n<7>neightrackd: e\n");
}

static void a_line_with_a_number_has_its_level_and_ends_with_the_number(void **state)
{
	log_message(MESSAGE_READY, "ready: %d", 1);
	log_message(MESSAGE_REDIS_AWAY, "away");
	log_message(MESSAGE_CONFIGURATION_REFUSED, "refused");
	log_setup("neightrackd", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	log_message(MESSAGE_REDIS_AWAY, "not severe enough");
	assert_string_equal(logged(state), "neightrackd: ready: 1 [NT103]\n"
			    "neightrackd: warning: away [NT301]\n"
			    "neightrackd: error: refused [NT107]\n");
}

static void a_limited_line_with_a_number_tells_what_was_held_back_before_it(void **state)
{
	struct log_limit limit = { .burst = 1, .interval_ms = 1000000 };

	log_message_limited(&limit, MESSAGE_REDIS_REFUSES, "a");
	log_message_limited(&limit, MESSAGE_REDIS_REFUSES, "b");
	limit.passed = 0;
	log_message_limited(&limit, MESSAGE_REDIS_REFUSES, "c");
	assert_string_equal(logged(state), "neightrackd: warning: a [NT303]\nneightrackd: warning: "
			    "c (1 lines like this held back) [NT303]\n");
}

static void in_json_the_number_is_a_member_of_its_own(void **state)
{
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_JSON);
	log_message(MESSAGE_READY, "ready");
	assert_non_null(strstr(logged(state), ",\"program\":\"neightrackd\",\"id\":\"NT103\","
			       "\"message\":\"ready\"}\n"));
}

/* A socket as the journal has it, in a folder of its own. */
struct journal {
	char folder[32];
	char path[64];
	int fd;
};

static void open_journal(struct journal *journal)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(journal->folder, "/tmp/test_log.XXXXXX");
	assert_non_null(mkdtemp(journal->folder));
	snprintf(journal->path, sizeof(journal->path), "%s/socket", journal->folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", journal->path);
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(journal->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	log_set_journal(journal->path);
}

static void close_journal(struct journal *journal)
{
	close(journal->fd);
	unlink(journal->path);
	rmdir(journal->folder);
}

static void the_journal_gets_fields_and_no_line_can_forge_one(void **state)
{
	struct journal journal;
	char text[512] = "";

	be_journal(state, 0);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	open_journal(&journal);
	log_message(MESSAGE_REDIS_AWAY, "away\nPRIORITY=0");
	assert_true(recv(journal.fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "PRIORITY=4\nSYSLOG_IDENTIFIER=neightrackd\n"
			    "NEIGHTRACK_MESSAGE=NT301\n"
			    "MESSAGE_ID=1e89719d0fc24aef8a254ca875db0301\n"
			    "MESSAGE=away?PRIORITY=0 [NT301]\n");
	memset(text, 0, sizeof(text));
	log_notice("plain");
	assert_true(recv(journal.fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "PRIORITY=5\nSYSLOG_IDENTIFIER=neightrackd\n"
			    "MESSAGE=plain\n");
	assert_string_equal(logged(state), "");
	close_journal(&journal);
}

static void a_journal_that_takes_nothing_is_written_to_as_any_output(void **state)
{
	struct journal journal;
	int sent = 0, taken = 0;
	const char *line = "";
	char text[512];

	be_journal(state, 0);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	open_journal(&journal);
	/* as many as the socket holds, and one more */
	for (; sent < 100000 && !line[0]; sent++) {
		log_message(MESSAGE_READY, "ready");
		line = logged(state);
	}
	assert_string_equal(line, "<5>neightrackd: ready [NT103]\n");
	while (recv(journal.fd, text, sizeof(text), 0) > 0)
		taken++;
	assert_int_equal(taken, sent - 1);
	close_journal(&journal);
	log_message(MESSAGE_READY, "gone");
	assert_string_equal(logged(state), "<5>neightrackd: gone [NT103]\n");
}

static void another_stream_than_the_journal_gets_no_priorities(void **state)
{
	be_journal(state, 1);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	log_warning("a");
	setenv("JOURNAL_STREAM", "garbage", 1);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	log_warning("b");
	assert_string_equal(logged(state), "neightrackd: warning: a\nneightrackd: warning: b\n");
}

static void control_characters_cannot_forge_a_text_line(void **state)
{
	log_notice("eth0\nneightrackd: error: forged\r\x1b[2J\x7f");
	assert_string_equal(logged(state),
			    "neightrackd: eth0?neightrackd: error: forged??[2J?\n");
}

static void text_keeps_valid_utf8_and_replaces_the_rest(void **state)
{
	/* valid, C1 control, stray byte, overlong slash, surrogate, beyond U+10FFFF, cut short */
	log_notice("%s", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xc2\x85 \xff \xc0\xaf "
		   "\xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
	assert_string_equal(logged(state), "neightrackd: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 "
			    "? ? ?? ??? ???? ??\n");
}

/* Checks the line up to the message, and returns the rest. */
static const char *json_message(const char *line, const char *level)
{
	unsigned int year, month, day, hour, minute, second, ms;
	char head[128];
	int bytes = 0;

	assert_int_equal(sscanf(line, "{\"time\":\"%4u-%2u-%2uT%2u:%2u:%2u.%3uZ\",%n", &year,
				&month, &day, &hour, &minute, &second, &ms, &bytes), 7);
	assert_int_equal(bytes, strlen("{\"time\":\"2026-01-02T03:04:05.678Z\","));
	assert_in_range(year, 2020, 9999);
	assert_in_range(month, 1, 12);
	snprintf(head, sizeof(head), "\"level\":\"%s\",\"program\":\"neightrackd\",\"message\":\"",
		 level);
	assert_int_equal(strncmp(line + bytes, head, strlen(head)), 0);
	return line + bytes + strlen(head);
}

static void a_json_line_is_one_object(void **state)
{
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_JSON);
	log_warning("slow %d", 3);
	assert_string_equal(json_message(logged(state), "warning"), "slow 3\"}\n");
}

static void a_json_line_escapes_what_json_forbids(void **state)
{
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_JSON);
	log_notice("%s", "a\"b\\c\nd\x01\x7f\xc2\x85\xff\xc3\xa9");
	assert_string_equal(json_message(logged(state), "notice"),
			    "a\\\"b\\\\c\\u000ad\\u0001\\u007f\\u0085\\ufffd\xc3\xa9\"}\n");
}

static void a_json_line_for_the_journal_has_a_priority_too(void **state)
{
	be_journal(state, 0);
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_JSON);
	log_error("a");
	assert_int_equal(strncmp(logged(state), "<3>{\"time\":", 11), 0);
}

static void a_long_line_is_cut_and_stays_whole(void **state)
{
	static const struct {
		enum log_format format;
		const char *filling;
		const char *end;
	} cases[] = {
		{ LOG_FORMAT_TEXT, "x", "x...\n" },
		{ LOG_FORMAT_TEXT, "\xe2\x82\xac", "\xe2\x82\xac...\n" },
		{ LOG_FORMAT_JSON, "x", "x...\"}\n" },
		{ LOG_FORMAT_JSON, "\n", "\\u000a...\"}\n" },
	};
	char message[6001];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t unit = strlen(cases[i].filling);
		const char *line;

		for (size_t at = 0; at < sizeof(message) - 1; at += unit)
			memcpy(message + at, cases[i].filling, unit);
		message[sizeof(message) - 1] = '\0';
		log_setup("neightrackd", LOG_LEVEL_NOTICE, cases[i].format);
		log_notice("%s", message);
		line = logged(state);
		assert_in_range(strlen(line), 1900, 2048);
		assert_string_equal(line + strlen(line) - strlen(cases[i].end), cases[i].end);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	}
}

static void logging_leaves_errno_alone(void **state)
{
	errno = ENOBUFS;
	log_notice("full");
	assert_int_equal(errno, ENOBUFS);
	assert_string_equal(logged(state), "neightrackd: full\n");
}

static void a_limit_passes_a_burst_and_holds_back_the_rest(void **state)
{
	struct log_limit limit = { .burst = 2, .interval_ms = 3600000 };

	for (int i = 0; i < 5; i++)
		log_limited(&limit, LOG_LEVEL_WARNING, "line %d", i);
	assert_string_equal(logged(state), "neightrackd: warning: line 0\n"
			    "neightrackd: warning: line 1\n");
	assert_int_equal(limit.held_back, 3);
}

static void the_next_line_that_passes_tells_how_many_were_held_back(void **state)
{
	struct log_limit limit = { .burst = 1, .interval_ms = 3600000 };

	for (int i = 0; i < 4; i++)
		log_limited(&limit, LOG_LEVEL_NOTICE, "line %d", i);
	logged(state);
	end_interval(&limit);
	log_limited(&limit, LOG_LEVEL_NOTICE, "line 4");
	end_interval(&limit);
	log_limited(&limit, LOG_LEVEL_NOTICE, "line 5");
	assert_string_equal(logged(state), "neightrackd: line 4 (3 lines like this held back)\n"
			    "neightrackd: line 5\n");
}

static void the_number_held_back_survives_a_long_message(void **state)
{
	struct log_limit limit = { .burst = 1, .interval_ms = 1000, .held_back = UINT32_MAX };
	const char *end = "x... (4294967295 lines like this held back)\"}\n";
	char message[5000];
	const char *line;

	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_JSON);
	log_limited(&limit, LOG_LEVEL_NOTICE, "%s", message);
	line = logged(state);
	assert_string_equal(line + strlen(line) - strlen(end), end);
}

static void a_line_below_the_level_uses_up_no_burst(void **state)
{
	struct log_limit limit = { .burst = 1, .interval_ms = 3600000 };

	log_limited(&limit, LOG_LEVEL_DEBUG, "hidden");
	log_limited(&limit, LOG_LEVEL_DEBUG, "hidden");
	log_limited(&limit, LOG_LEVEL_NOTICE, "shown");
	assert_string_equal(logged(state), "neightrackd: shown\n");
}

#define log_test(function) cmocka_unit_test_setup_teardown(function, start_capture, stop_capture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(a_text_line_names_the_program_and_serious_levels),
		log_test(lines_below_the_level_are_left_out),
		log_test(the_journal_gets_priorities_instead_of_words),
		log_test(a_line_with_a_number_has_its_level_and_ends_with_the_number),
		log_test(a_limited_line_with_a_number_tells_what_was_held_back_before_it),
		log_test(in_json_the_number_is_a_member_of_its_own),
		log_test(the_journal_gets_fields_and_no_line_can_forge_one),
		log_test(a_journal_that_takes_nothing_is_written_to_as_any_output),
		log_test(another_stream_than_the_journal_gets_no_priorities),
		log_test(control_characters_cannot_forge_a_text_line),
		log_test(text_keeps_valid_utf8_and_replaces_the_rest),
		log_test(a_json_line_is_one_object),
		log_test(a_json_line_escapes_what_json_forbids),
		log_test(a_json_line_for_the_journal_has_a_priority_too),
		log_test(a_long_line_is_cut_and_stays_whole),
		log_test(logging_leaves_errno_alone),
		log_test(a_limit_passes_a_burst_and_holds_back_the_rest),
		log_test(the_next_line_that_passes_tells_how_many_were_held_back),
		log_test(the_number_held_back_survives_a_long_message),
		log_test(a_line_below_the_level_uses_up_no_burst),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

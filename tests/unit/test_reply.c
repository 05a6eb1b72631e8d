/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies of Redis, good and hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "reply.h"

static int set_up(void **state)
{
	*state = reply_reader_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	reply_reader_free(*state);
	return 0;
}

static const struct reply *read_one(struct reply_reader *reader, const char *bytes)
{
	const struct reply *reply = NULL;
	const char *why;

	assert_int_equal(reply_reader_feed(reader, bytes, strlen(bytes)), 0);
	assert_int_equal(reply_reader_next(reader, &reply, &why), 1);
	return reply;
}

static void each_type_is_told_apart(void **state)
{
	const struct reply *reply = read_one(*state, "+OK\r\n");

	assert_true(reply_is_status(reply, "OK"));
	assert_false(reply_is_status(reply, "QUEUED"));
	reply = read_one(*state, "-WRONGTYPE not a hash\r\n");
	assert_int_equal(reply->type, REPLY_ERROR);
	assert_string_equal(reply->text, "WRONGTYPE not a hash");
	reply = read_one(*state, ":-42\r\n");
	assert_int_equal(reply->type, REPLY_INTEGER);
	assert_int_equal(reply->integer, -42);
	reply = read_one(*state, "$-1\r\n");
	assert_int_equal(reply->type, REPLY_NIL);
}

static void a_string_keeps_its_length_whatever_is_in_it(void **state)
{
	static const char bytes[] = "$5\r\nab\0cd\r\n";
	const struct reply *reply;
	const char *why;

	assert_int_equal(reply_reader_feed(*state, bytes, sizeof(bytes) - 1), 0);
	assert_int_equal(reply_reader_next(*state, &reply, &why), 1);
	assert_int_equal(reply->text_bytes, 5);
	assert_memory_equal(reply->text, "ab\0cd", 6);
}

static void nested_arrays_are_read_whole(void **state)
{
	const struct reply *reply = read_one(*state, "*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n:7\r\n$-1\r\n");

	assert_int_equal(reply->type, REPLY_ARRAY);
	assert_int_equal(reply->element_count, 2);
	assert_string_equal(reply->elements[0].text, "0");
	assert_int_equal(reply->elements[1].element_count, 3);
	assert_string_equal(reply->elements[1].elements[0].text, "a");
	assert_int_equal(reply->elements[1].elements[1].integer, 7);
	assert_int_equal(reply->elements[1].elements[2].type, REPLY_NIL);
}

static void a_reply_that_comes_byte_by_byte_is_the_same(void **state)
{
	static const char bytes[] = "*2\r\n$1\r\n0\r\n*2\r\n$4\r\nkey1\r\n$4\r\nkey2\r\n";
	const struct reply *reply = NULL;
	const char *why;

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		assert_int_equal(reply_reader_feed(*state, &bytes[i], 1), 0);
		assert_int_equal(reply_reader_next(*state, &reply, &why),
				 i == sizeof(bytes) - 2);
	}
	assert_string_equal(reply->elements[1].elements[1].text, "key2");
}

static void many_replies_are_read_one_by_one(void **state)
{
	const struct reply *reply;
	const char *why;

	for (int i = 0; i < 100000; i++)
		assert_int_equal(reply_reader_feed(*state, ":1\r\n", 4), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(reply_reader_next(*state, &reply, &why), 1);
	assert_int_equal(reply_reader_next(*state, &reply, &why), 0);
}

static void assert_refused(struct reply_reader *reader, const char *bytes)
{
	const struct reply *reply;
	const char *why = NULL;

	assert_int_equal(reply_reader_feed(reader, bytes, strlen(bytes)), 0);
	assert_int_equal(reply_reader_next(reader, &reply, &why), -EPROTO);
	assert_non_null(why);
}

static void what_is_no_resp_is_refused(void **state)
{
	assert_refused(*state, "HTTP/1.1 400 Bad Request\r\n");
}

static void an_array_of_two_thousand_million_is_refused(void **state)
{
	assert_refused(*state, "*2000000000\r\n");
}

static void a_reply_without_end_is_refused(void **state)
{
	static char bytes[1 << 20];
	int error = reply_reader_feed(*state, "$900000000\r\n", 12);
	const struct reply *reply;
	const char *why;

	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < 64 && !error; i++) {
		error = reply_reader_feed(*state, bytes, sizeof(bytes));
		if (!error)
			assert_int_equal(reply_reader_next(*state, &reply, &why), 0);
	}
	assert_int_equal(error, -EMSGSIZE);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(each_type_is_told_apart),
		test(a_string_keeps_its_length_whatever_is_in_it),
		test(nested_arrays_are_read_whole),
		test(a_reply_that_comes_byte_by_byte_is_the_same),
		test(many_replies_are_read_one_by_one),
		test(what_is_no_resp_is_refused),
		test(an_array_of_two_thousand_million_is_refused),
		test(a_reply_without_end_is_refused),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/redis_address.c: what an address means, and which are refused why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/redis_address.h"

static void assert_unix(const char *text, const char *path, uint32_t database)
{
	struct redis_address address;
	const char *why = NULL;

	assert_int_equal(redis_address_parse(&address, text, &why), 0);
	assert_int_equal(address.kind, REDIS_UNIX);
	assert_int_equal(address.host_count, 1);
	assert_string_equal(address.hosts[0].name, path);
	assert_int_equal(address.hosts[0].port, 0);
	assert_int_equal(address.database, database);
}

static void assert_tcp(const char *text, const char *host, uint16_t port, uint32_t database)
{
	struct redis_address address;
	const char *why = NULL;

	assert_int_equal(redis_address_parse(&address, text, &why), 0);
	assert_int_equal(address.kind, REDIS_TCP);
	assert_int_equal(address.host_count, 1);
	assert_string_equal(address.hosts[0].name, host);
	assert_int_equal(address.hosts[0].port, port);
	assert_int_equal(address.database, database);
}

static void assert_refused(const char *text, const char *part_of_why)
{
	struct redis_address address;
	struct redis_address untouched;
	const char *why = NULL;

	memset(&address, 0x5a, sizeof(address));
	memset(&untouched, 0x5a, sizeof(untouched));
	if (redis_address_parse(&address, text, &why) != -EINVAL)
		fail_msg("'%s' was not refused", text);
	assert_non_null(why);
	if (!strstr(why, part_of_why))
		fail_msg("'%s': why is '%s' without '%s'", text, why, part_of_why);
	assert_memory_equal(&address, &untouched, sizeof(address));
}

static void a_unix_path_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_unix("unix:///run/redis/redis-server.sock", "/run/redis/redis-server.sock", 0);
	assert_unix("unix:///run/redis@1/a:b.sock", "/run/redis@1/a:b.sock", 0);
}

static void a_unix_path_may_name_a_database(void **state)
{
	(void)state;
	assert_unix("unix:///run/r.sock?db=4", "/run/r.sock", 4);
	assert_unix("unix:///run/r.sock?db=65535", "/run/r.sock", 65535);
}

static void a_unix_path_has_at_most_107_bytes(void **state)
{
	char text[200] = "unix:///";

	(void)state;
	memset(text + 8, 'p', 107);
	assert_refused(text, "107 bytes");
	text[8 + 106] = '\0';
	assert_unix(text, text + 7, 0);
}

static void a_unix_path_is_absolute(void **state)
{
	(void)state;
	assert_refused("unix://run/redis.sock", "absolute");
	assert_refused("unix://", "absolute");
	assert_refused("unix:///", "absolute");
	assert_refused("unix://?db=1", "absolute");
}

static void a_unix_path_has_no_control_characters(void **state)
{
	(void)state;
	assert_refused("unix:///run/\nredis", "control");
	assert_refused("unix:///run/redis?db=1\x7f", "control");
}

static void only_a_database_may_follow_a_unix_path(void **state)
{
	const char *const texts[] = {
		"unix:///r?", "unix:///r?db=", "unix:///r?db=x", "unix:///r?db=-1",
		"unix:///r?db=65536", "unix:///r?db=4294967297", "unix:///r?DB=1",
		"unix:///r?db=1&a=b", "unix:///r?timeout=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i], "?db=N");
}

static void a_tcp_port_and_database_have_defaults(void **state)
{
	(void)state;
	assert_tcp("tcp://localhost", "localhost", 6379, 0);
	assert_tcp("tcp://redis.example.org:7000", "redis.example.org", 7000, 0);
	assert_tcp("tcp://127.0.0.1/3", "127.0.0.1", 6379, 3);
	assert_tcp("tcp://my_redis-1:65535/65535", "my_redis-1", 65535, 65535);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
	(void)state;
	assert_tcp("tcp://[::1]", "::1", 6379, 0);
	assert_tcp("tcp://[::1]:6380/2", "::1", 6380, 2);
	assert_tcp("tcp://[2001:db8::10]/1", "2001:db8::10", 6379, 1);
	assert_refused("tcp://::1:6379", "brackets");
	assert_refused("tcp://2001:db8::1", "brackets");
}

static void a_host_is_a_name_or_a_whole_address(void **state)
{
	const char *const texts[] = {
		"tcp://", "tcp:///0", "tcp://:6379", "tcp://a b", "tcp://a?db=1", "tcp://-a",
		"tcp://.a", "tcp://10.1", "tcp://1.2.3.256", "tcp://[::1", "tcp://[]",
		"tcp://[::g]", "tcp://[127.0.0.1]", "tcp://[::1]x", "tcp://a\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i], "host name");
}

static void a_host_that_is_too_long_is_refused(void **state)
{
	char text[700] = "tcp://";

	(void)state;
	memset(text + 6, 'h', 600);
	assert_refused(text, "host name");
	text[6 + 254] = '\0';
	assert_refused(text, "host name");
	text[6 + 253] = '\0';
	assert_tcp(text, text + 6, 6379, 0);
	memset(text + 6, ':', 600);
	text[6] = '[';
	assert_refused(text, "host name");
}

static void a_port_is_a_number_from_1_to_65535(void **state)
{
	const char *const texts[] = {
		"tcp://a:", "tcp://a:/1", "tcp://a:0", "tcp://a:65536", "tcp://a:4294967297",
		"tcp://a:-1", "tcp://a:+1", "tcp://a: 1", "tcp://a:1x", "tcp://a:redis",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i], "1 to 65535");
}

static void a_database_is_a_number_from_0_to_65535(void **state)
{
	(void)state;
	assert_refused("tcp://a/", "0 to 65535");
	assert_refused("tcp://a/65536", "0 to 65535");
	assert_refused("tcp://a:1/x", "0 to 65535");
	assert_refused("tcp://a:1/1/", "0 to 65535");
}

static void several_hosts_are_tried_in_their_order(void **state)
{
	struct redis_address address;
	const char *why = NULL;

	(void)state;
	assert_int_equal(redis_address_parse(&address, "tcp://a,[::1]:7001,c:7002/5", &why), 0);
	assert_int_equal(address.host_count, 3);
	assert_string_equal(address.hosts[0].name, "a");
	assert_int_equal(address.hosts[0].port, 6379);
	assert_string_equal(address.hosts[1].name, "::1");
	assert_int_equal(address.hosts[1].port, 7001);
	assert_int_equal(address.hosts[2].port, 7002);
	assert_int_equal(address.database, 5);
	assert_refused("tcp://a,", "host name");
	assert_refused("tcp://a,,b", "host name");
	assert_refused("tcp://1,2", "host name");
	assert_refused("tcp://a,b,c,d,e,f,g,h,i", "at most 8");
}

static void sentinels_are_asked_for_a_master_by_its_name(void **state)
{
	struct redis_address address;
	const char *why = NULL;

	(void)state;
	assert_int_equal(redis_address_parse(&address, "sentinel://a,b:7000/my.master/3", &why), 0);
	assert_int_equal(address.kind, REDIS_SENTINEL);
	assert_int_equal(address.host_count, 2);
	assert_int_equal(address.hosts[0].port, 26379);
	assert_int_equal(address.hosts[1].port, 7000);
	assert_string_equal(address.service, "my.master");
	assert_int_equal(address.database, 3);
	assert_refused("sentinel://a", "master's name");
	assert_refused("sentinel://a/", "master's name");
	assert_refused("sentinel://a/b c", "master's name");
	assert_refused("sentinel://a/b/", "0 to 65535");
	assert_refused("sentinel:///b", "host name");
}

static void a_password_is_refused_whatever_the_scheme(void **state)
{
	(void)state;
	assert_refused("tcp://user:secret@localhost", "password");
	assert_refused("tcp://:sec/ret@localhost:6379", "password");
	assert_refused("redis://:secret@localhost", "password");
	assert_refused("unix://user:secret@/run/redis.sock", "password");
}

static void an_unknown_scheme_is_refused(void **state)
{
	const char *const texts[] = {
		"", "/run/redis.sock", "localhost:6379", "redis://localhost", "TCP://a",
		"unix:/run/r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i], "unix:///path[?db=N], tcp://");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unix_path_is_taken_as_it_is),
		cmocka_unit_test(a_unix_path_may_name_a_database),
		cmocka_unit_test(a_unix_path_has_at_most_107_bytes),
		cmocka_unit_test(a_unix_path_is_absolute),
		cmocka_unit_test(a_unix_path_has_no_control_characters),
		cmocka_unit_test(only_a_database_may_follow_a_unix_path),
		cmocka_unit_test(a_tcp_port_and_database_have_defaults),
		cmocka_unit_test(an_ipv6_address_stands_in_brackets),
		cmocka_unit_test(a_host_is_a_name_or_a_whole_address),
		cmocka_unit_test(a_host_that_is_too_long_is_refused),
		cmocka_unit_test(a_port_is_a_number_from_1_to_65535),
		cmocka_unit_test(a_database_is_a_number_from_0_to_65535),
		cmocka_unit_test(several_hosts_are_tried_in_their_order),
		cmocka_unit_test(sentinels_are_asked_for_a_master_by_its_name),
		cmocka_unit_test(a_password_is_refused_whatever_the_scheme),
		cmocka_unit_test(an_unknown_scheme_is_refused),
	};

	return cmocka_run_group_tests_name("redis_address", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which host is next, on the way to the Redis that takes our writes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "redis_route.h"

static struct redis_address address;

static void begin(struct redis_route *route, const char *text)
{
	const char *why = NULL;

	assert_int_equal(redis_address_parse(&address, text, &why), 0);
	redis_route_init(route, &address);
}

static void assert_next(const struct redis_route *route, const char *name, uint16_t port)
{
	assert_string_equal(redis_route_host(route)->name, name);
	assert_int_equal(redis_route_host(route)->port, port);
}

static void hosts_are_tried_in_turn(void **state)
{
	struct redis_route route;

	(void)state;
	begin(&route, "tcp://a,b:7");
	assert_next(&route, "a", 6379);
	assert_next(&route, "a", 6379);
	redis_route_failed(&route);
	assert_next(&route, "b", 7);
	redis_route_failed(&route);
	assert_next(&route, "a", 6379);
}

static void a_redirection_is_followed_and_given_up_when_it_fails(void **state)
{
	struct redis_route route;

	(void)state;
	begin(&route, "tcp://a,b");
	assert_int_equal(redis_route_point(&route, "c", "7001"), 0);
	assert_next(&route, "c", 7001);
	redis_route_failed(&route);
	/* who pointed there may know better by now */
	assert_next(&route, "a", 6379);
}

static void a_redirection_without_a_name_stays_at_the_host(void **state)
{
	struct redis_route route;

	(void)state;
	begin(&route, "tcp://a");
	assert_int_equal(redis_route_point(&route, "", "7001"), 0);
	assert_next(&route, "a", 7001);
}

static void hosts_that_point_at_each_other_are_left(void **state)
{
	struct redis_route route;
	int error = 0;

	(void)state;
	begin(&route, "tcp://a,b");
	for (int i = 0; i < 10 && !error; i++)
		error = redis_route_point(&route, i % 2 ? "x" : "y", "1");
	assert_int_equal(error, -ELOOP);
	assert_next(&route, "a", 6379);
}

static void a_sentinel_is_asked_until_it_names_a_master(void **state)
{
	struct redis_route route;

	(void)state;
	begin(&route, "sentinel://a,b/m");
	assert_true(redis_route_is_sentinel(&route));
	assert_int_equal(redis_route_point(&route, "192.0.2.1", "6380"), 0);
	assert_false(redis_route_is_sentinel(&route));
	assert_next(&route, "192.0.2.1", 6380);
	/* one that names a dead master may be cut off: another is asked */
	redis_route_failed(&route);
	assert_true(redis_route_is_sentinel(&route));
	assert_next(&route, "b", 26379);
}

static void what_names_no_host_is_refused(void **state)
{
	static const char *const ports[] = { "", "0", "65536", "x", "1x" };
	struct redis_route route;

	(void)state;
	begin(&route, "tcp://a");
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		assert_int_equal(redis_route_point(&route, "c", ports[i]), -EINVAL);
	assert_next(&route, "a", 6379);
}

static void redirections_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *name, *port;
	} cases[] = {
		{ "MOVED 3999 127.0.0.1:6381", "127.0.0.1", "6381" },
		{ "ASK 3999 node-1.example:6381", "node-1.example", "6381" },
		{ "MOVED 3999 ::1:6381", "::1", "6381" },
		{ "MOVED 3999 :6381", "", "6381" },
	};
	static const char *const bad[] = { "MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 h:12345678" };
	char name[256], port[8];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(redis_route_parse_redirection(cases[i].text, name, port), 0);
		assert_string_equal(name, cases[i].name);
		assert_string_equal(port, cases[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(redis_route_parse_redirection(bad[i], name, port), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_tried_in_turn),
		cmocka_unit_test(a_redirection_is_followed_and_given_up_when_it_fails),
		cmocka_unit_test(a_redirection_without_a_name_stays_at_the_host),
		cmocka_unit_test(hosts_that_point_at_each_other_are_left),
		cmocka_unit_test(a_sentinel_is_asked_until_it_names_a_master),
		cmocka_unit_test(what_names_no_host_is_refused),
		cmocka_unit_test(redirections_are_taken_apart),
	};

	return cmocka_run_group_tests_name("redis_route", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/listen_address.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/listen_address.h"

static void assert_refused(const char *text)
{
	struct listen_address address;
	const char *why = NULL;

	if (listen_address_parse(&address, text, &why) != -EINVAL || !why)
		fail_msg("'%s' was not refused with a reason", text);
}

static void parse(struct listen_address *address, const char *text)
{
	const char *why = "";

	if (listen_address_parse(address, text, &why))
		fail_msg("'%s' was refused: %s", text, why);
}

static void off_is_no_address(void **state)
{
	struct listen_address address;

	(void)state;
	parse(&address, "off");
	assert_int_equal(address.any.sa_family, AF_UNSPEC);
}

static void an_ipv4_address_has_a_port(void **state)
{
	struct listen_address address;

	(void)state;
	parse(&address, "127.0.0.1:9732");
	assert_int_equal(address.any.sa_family, AF_INET);
	assert_int_equal(ntohs(address.ipv4.sin_port), 9732);
	assert_int_equal(ntohl(address.ipv4.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(address.bytes, sizeof(struct sockaddr_in));
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
	struct listen_address address;

	(void)state;
	parse(&address, "[2001:db8::1]:1");
	assert_int_equal(address.any.sa_family, AF_INET6);
	assert_int_equal(ntohs(address.ipv6.sin6_port), 1);
	assert_int_equal(address.ipv6.sin6_addr.s6_addr[15], 1);
	assert_refused("2001:db8::1:1");
	assert_refused("[127.0.0.1]:1");
	assert_refused("[]:1");
}

static void a_unix_path_is_absolute_and_short_enough(void **state)
{
	struct listen_address address;
	char text[128] = "unix:/";

	(void)state;
	parse(&address, "unix:/run/a.sock");
	assert_int_equal(address.any.sa_family, AF_UNIX);
	assert_string_equal(address.local.sun_path, "/run/a.sock");
	assert_refused("unix:");
	assert_refused("unix:/");
	assert_refused("unix:a.sock");
	memset(text + 6, 'a', 106);
	parse(&address, text);
	memset(text + 6, 'a', 107);
	assert_refused(text);
}

static void only_loopback_and_unix_are_local(void **state)
{
	struct listen_address address;

	(void)state;
	parse(&address, "127.1.2.3:80");
	assert_true(listen_address_is_local(&address));
	parse(&address, "[::1]:80");
	assert_true(listen_address_is_local(&address));
	parse(&address, "unix:/run/a");
	assert_true(listen_address_is_local(&address));
	parse(&address, "0.0.0.0:80");
	assert_false(listen_address_is_local(&address));
	parse(&address, "[::]:80");
	assert_false(listen_address_is_local(&address));
}

static void what_does_not_say_which_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "on", ":9732", "*:9732", "9732", "localhost:9732", "127.0.0.1", "127.0.0.1:",
		"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999999999", "127.0.0.1:80a",
		"127.0.0.1:+80", "127.0.0.1: 80", "127.1:80", "1.2.3.4.5:80", "[::1]", "[::1:80",
		"off ", "OFF",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_is_no_address),
		cmocka_unit_test(an_ipv4_address_has_a_port),
		cmocka_unit_test(an_ipv6_address_stands_in_brackets),
		cmocka_unit_test(a_unix_path_is_absolute_and_short_enough),
		cmocka_unit_test(only_loopback_and_unix_are_local),
		cmocka_unit_test(what_does_not_say_which_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, values and commands, byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include <linux/types.h>
#include "neightrack/record.h"
#include "schema.h"

static const uint8_t ipv4[16] = { 192, 0, 2, 107 };
static const uint8_t ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
static const uint8_t mac[6] = { 2, 0, 0, 0xAB, 0xCD, 0xEF };

static struct schema make(const char *prefix)
{
	struct schema schema;

	assert_int_equal(schema_init(&schema, SCHEMA_PLAIN, prefix, 0), 0);
	return schema;
}

static void assert_sent(struct resp_buffer *buffer, const char *bytes)
{
	assert_false(buffer->failed);
	assert_int_equal(buffer->used, strlen(bytes));
	assert_memory_equal(buffer->bytes, bytes, buffer->used);
	resp_buffer_free(buffer);
}

static void a_set_is_one_hset_with_both_fields(void **state)
{
	struct schema schema = make("");
	struct resp_buffer buffer = { 0 };

	(void)state;
	schema_write_set(&schema, &buffer, "Ethernet0", NEIGHTRACK_FAMILY_IPV4, ipv4, mac);
	assert_sent(&buffer, "*6\r\n$4\r\nHSET\r\n$33\r\nNEIGH_TABLE:Ethernet0:192.0.2.107\r\n"
		    "$5\r\nneigh\r\n$17\r\n02:00:00:ab:cd:ef\r\n$6\r\nfamily\r\n$4\r\nIPv4\r\n");
}

static void a_delete_is_one_del_and_ipv6_is_compressed(void **state)
{
	struct schema schema = make("host7:");
	struct resp_buffer buffer = { 0 };

	(void)state;
	schema_write_delete(&schema, &buffer, "e0", NEIGHTRACK_FAMILY_IPV6, ipv6);
	assert_sent(&buffer, "*2\r\n$3\r\nDEL\r\n$32\r\nhost7:NEIGH_TABLE:e0:2001:db8::9\r\n");
}

static void a_key_that_was_written_is_taken_apart_again(void **state)
{
	struct schema schema = make("p:");
	char key[SCHEMA_KEY_BYTES], interface[IFNAMSIZ];
	uint8_t family, addr[16];
	size_t bytes;

	(void)state;
	bytes = schema_key(&schema, "fifteen-letters", NEIGHTRACK_FAMILY_IPV6, ipv6, key);
	key[bytes] = '\0';
	assert_int_equal(schema_parse_key(&schema, key, interface, &family, addr), 0);
	assert_string_equal(interface, "fifteen-letters");
	assert_int_equal(family, NEIGHTRACK_FAMILY_IPV6);
	assert_memory_equal(addr, ipv6, 16);
}

static void no_other_key_is_taken_for_ours(void **state)
{
	static const char *const keys[] = {
		"NEIGH_TABLE:", "NEIGH_TABLE:eth0", "NEIGH_TABLE:eth0:", "NEIGH_TABLE::192.0.2.1",
		"NEIGH_TABLE:eth0:192.0.2.01", "NEIGH_TABLE:eth0:192.0.2", "NEIGH_TABLE:eth0:1.2.3.4 ",
		"NEIGH_TABLE:eth0:2001:DB8::9", "NEIGH_TABLE:eth0:2001:db8:0::9",
		"NEIGH_TABLE:eth0:fe80::1%eth0", "NEIGH_TABLE:sixteen-letters-:192.0.2.1",
		"NEIGH_TABLEX:eth0:192.0.2.1", "neigh_table:eth0:192.0.2.1",
	};
	struct schema schema = make("");
	char interface[IFNAMSIZ];
	uint8_t family, addr[16];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (schema_parse_key(&schema, keys[i], interface, &family, addr) != -EINVAL)
			fail_msg("%s was taken for a key of ours", keys[i]);
}

static void what_is_special_in_a_prefix_is_escaped_for_scan(void **state)
{
	struct schema schema = make("a*[b]?\\");
	char pattern[SCHEMA_PATTERN_BYTES];

	(void)state;
	schema_scan_pattern(&schema, pattern);
	assert_string_equal(pattern, "a\\*\\[b\\]\\?\\\\NEIGH_TABLE:*");
}

static void a_prefix_that_is_too_long_is_refused(void **state)
{
	char prefix[SCHEMA_PREFIX_BYTES + 2];
	struct schema schema;

	(void)state;
	memset(prefix, 'p', sizeof(prefix));
	prefix[SCHEMA_PREFIX_BYTES + 1] = '\0';
	assert_int_equal(schema_init(&schema, SCHEMA_PLAIN, prefix, 0), -ENAMETOOLONG);
	prefix[SCHEMA_PREFIX_BYTES] = '\0';
	assert_int_equal(schema_init(&schema, SCHEMA_PLAIN, prefix, 0), 0);
}

static void only_values_that_are_written_are_believed(void **state)
{
	static const struct {
		const char *neigh, *family;
		int result;
	} cases[] = {
		{ "02:00:00:ab:cd:ef", "IPv4", 0 },
		{ "02:00:00:AB:CD:EF", "IPv4", -EINVAL },
		{ "02:00:00:ab:cd:ef", "IPv6", -EINVAL },
		{ "02:00:00:ab:cd", "IPv4", -EINVAL },
		{ "02:00:00:ab:cd:ef:01", "IPv4", -EINVAL },
		{ "02-00-00-ab-cd-ef", "IPv4", -EINVAL },
		{ "none", "IPv4", -EINVAL },
		{ "", "IPv4", -EINVAL },
		{ NULL, "IPv4", -EINVAL },
		{ "02:00:00:ab:cd:ef", NULL, -EINVAL },
	};
	uint8_t read[6];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (schema_parse_values(NEIGHTRACK_FAMILY_IPV4, cases[i].neigh, cases[i].family,
					read) != cases[i].result)
			fail_msg("case %zu", i);
	assert_int_equal(schema_parse_values(NEIGHTRACK_FAMILY_IPV4, cases[0].neigh, "IPv4", read),
			 0);
	assert_memory_equal(read, mac, 6);
}

static void a_buffer_grows_with_what_is_written(void **state)
{
	struct schema schema = make("");
	struct resp_buffer buffer = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		schema_write_delete(&schema, &buffer, "e0", NEIGHTRACK_FAMILY_IPV4, ipv4);
	assert_int_equal(buffer.used, 10000 * strlen("*2\r\n$3\r\nDEL\r\n$26\r\n"
						     "NEIGH_TABLE:e0:192.0.2.107\r\n"));
	resp_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_one_hset_with_both_fields),
		cmocka_unit_test(a_delete_is_one_del_and_ipv6_is_compressed),
		cmocka_unit_test(a_key_that_was_written_is_taken_apart_again),
		cmocka_unit_test(no_other_key_is_taken_for_ours),
		cmocka_unit_test(what_is_special_in_a_prefix_is_escaped_for_scan),
		cmocka_unit_test(a_prefix_that_is_too_long_is_refused),
		cmocka_unit_test(only_values_that_are_written_are_believed),
		cmocka_unit_test(a_buffer_grows_with_what_is_written),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}

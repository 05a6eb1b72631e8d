/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flush of the schema sonic, command by command. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/types.h>
#include "neightrack/record.h"
#include "producer.h"

static const uint8_t first[16] = { 192, 0, 2, 1 };
static const uint8_t second[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
static const uint8_t third[16] = { 192, 0, 2, 3 };
static const uint8_t mac[6] = { 2, 0, 0, 0xAB, 0xCD, 0xEF };

/* The words of all commands, a line each. */
static void read_back(const struct resp_buffer *buffer, char *text)
{
	const char *at = buffer->bytes, *end = at + buffer->used;

	while (at < end) {
		long words = strtol(at + 1, NULL, 10);

		assert_int_equal(*at, '*');
		at = strchr(at, '\n') + 1;
		for (long i = 0; i < words; i++) {
			long bytes = strtol(at + 1, NULL, 10);

			assert_int_equal(*at, '$');
			at = strchr(at, '\n') + 1;
			text += sprintf(text, "%.*s%s", (int)bytes, at, i + 1 < words ? " " : "\n");
			at += bytes + 2;
		}
	}
	assert_ptr_equal(at, end);
	*text = '\0';
}

static void assert_flush(const char *prefix, uint32_t database,
			 const struct producer_change *changes, uint32_t count,
			 uint32_t commands, const char *expected)
{
	struct resp_buffer buffer = { 0 };
	struct schema schema;
	char text[4096];

	assert_int_equal(schema_init(&schema, SCHEMA_SONIC, prefix, database), 0);
	assert_int_equal(producer_write(&schema, &buffer, changes, count), commands);
	assert_false(buffer.failed);
	read_back(&buffer, text);
	assert_string_equal(text, expected);
	resp_buffer_free(&buffer);
}

static void sets_fill_their_hashes_before_one_notification(void **state)
{
	const struct producer_change changes[] = {
		{ "Ethernet0", first, mac, NEIGHTRACK_FAMILY_IPV4, false, "" },
		{ "Vlan1000", second, mac, NEIGHTRACK_FAMILY_IPV6, false, "" },
	};

	(void)state;
	assert_flush("", 0, changes, 2, 4,
		     "MULTI\n"
		     "SADD NEIGH_TABLE_KEY_SET Ethernet0:192.0.2.1 Vlan1000:2001:db8::9\n"
		     "HSET _NEIGH_TABLE:Ethernet0:192.0.2.1 neigh 02:00:00:ab:cd:ef family IPv4\n"
		     "HSET _NEIGH_TABLE:Vlan1000:2001:db8::9 neigh 02:00:00:ab:cd:ef family IPv6\n"
		     "PUBLISH NEIGH_TABLE_CHANNEL@0 G\n"
		     "EXEC\n");
}

static void deletes_are_in_both_sets_and_have_no_hash(void **state)
{
	const struct producer_change changes[] = {
		{ "Ethernet0", first, NULL, NEIGHTRACK_FAMILY_IPV4, false, "" },
		{ "Ethernet0", third, mac, NEIGHTRACK_FAMILY_IPV4, false, "" },
	};

	(void)state;
	assert_flush("", 3, changes, 2, 5,
		     "MULTI\n"
		     "SADD NEIGH_TABLE_KEY_SET Ethernet0:192.0.2.1 Ethernet0:192.0.2.3\n"
		     "SADD NEIGH_TABLE_DEL_SET Ethernet0:192.0.2.1\n"
		     "DEL _NEIGH_TABLE:Ethernet0:192.0.2.1\n"
		     "HSET _NEIGH_TABLE:Ethernet0:192.0.2.3 neigh 02:00:00:ab:cd:ef family IPv4\n"
		     "PUBLISH NEIGH_TABLE_CHANNEL@3 G\n"
		     "EXEC\n");
}

static void a_replacement_is_a_delete_and_a_set(void **state)
{
	const struct producer_change change = { "e0", first, mac, NEIGHTRACK_FAMILY_IPV4, true, "" };

	(void)state;
	assert_flush("p:", 0, &change, 1, 5,
		     "MULTI\n"
		     "SADD p:NEIGH_TABLE_KEY_SET e0:192.0.2.1\n"
		     "SADD p:NEIGH_TABLE_DEL_SET e0:192.0.2.1\n"
		     "DEL _p:NEIGH_TABLE:e0:192.0.2.1\n"
		     "HSET _p:NEIGH_TABLE:e0:192.0.2.1 neigh 02:00:00:ab:cd:ef family IPv4\n"
		     "PUBLISH p:NEIGH_TABLE_CHANNEL@0 G\n"
		     "EXEC\n");
}

static void the_host_route_of_a_set_goes_before_it(void **state)
{
	const struct producer_change changes[] = {
		{ "Vlan10", first, mac, NEIGHTRACK_FAMILY_IPV4, false, "Vrf1" },
		{ "Vlan20", second, mac, NEIGHTRACK_FAMILY_IPV6, false, "" },
		{ "Vlan10", third, NULL, NEIGHTRACK_FAMILY_IPV4, false, "Vrf1" },
	};

	(void)state;
	assert_flush("", 0, changes, 3, 10,
		     "MULTI\n"
		     "SADD ROUTE_TABLE_KEY_SET Vrf1:192.0.2.1\n"
		     "SADD ROUTE_TABLE_DEL_SET Vrf1:192.0.2.1\n"
		     "DEL _ROUTE_TABLE:Vrf1:192.0.2.1\n"
		     "PUBLISH ROUTE_TABLE_CHANNEL@0 G\n"
		     "SADD NEIGH_TABLE_KEY_SET Vlan10:192.0.2.1 Vlan20:2001:db8::9 Vlan10:192.0.2.3\n"
		     "SADD NEIGH_TABLE_DEL_SET Vlan10:192.0.2.3\n"
		     "DEL _NEIGH_TABLE:Vlan10:192.0.2.3\n"
		     "HSET _NEIGH_TABLE:Vlan10:192.0.2.1 neigh 02:00:00:ab:cd:ef family IPv4\n"
		     "HSET _NEIGH_TABLE:Vlan20:2001:db8::9 neigh 02:00:00:ab:cd:ef family IPv6\n"
		     "PUBLISH NEIGH_TABLE_CHANNEL@0 G\n"
		     "EXEC\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_fill_their_hashes_before_one_notification),
		cmocka_unit_test(deletes_are_in_both_sets_and_have_no_hash),
		cmocka_unit_test(a_replacement_is_a_delete_and_a_set),
		cmocka_unit_test(the_host_route_of_a_set_goes_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

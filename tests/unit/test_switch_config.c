/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/switch_config.c: which rows of CONFIG_DB matter, and the set of names. */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "switch_config.h"

static void each_row_is_told_apart(void **state)
{
	static const struct {
		const char *key;
		enum switch_row row;
		const char *interface;
	} cases[] = {
		{ "PEER_SWITCH|lower_tor", SWITCH_ROW_PEER, "" },
		{ "PEER_SWITCH|", SWITCH_ROW_OTHER, "" },
		{ "PEER_SWITCH", SWITCH_ROW_OTHER, "" },
		{ "PEER_SWITCHES|x", SWITCH_ROW_OTHER, "" },
		{ "VXLAN_EVPN_NVO|nvo", SWITCH_ROW_EVPN, "" },
		{ "INTERFACE|Ethernet0", SWITCH_ROW_INTERFACE, "Ethernet0" },
		{ "INTERFACE|Ethernet0|10.0.0.1/31", SWITCH_ROW_OTHER, "" },
		{ "VLAN_INTERFACE|Vlan1|::1", SWITCH_ROW_OTHER, "" },
		{ "INTERFACE|Vlan1000", SWITCH_ROW_OTHER, "" },
		{ "INTERFACE|eth0", SWITCH_ROW_OTHER, "" },
		{ "INTERFACE|Loopback0", SWITCH_ROW_OTHER, "" },
		{ "INTERFACE|Ethernet012345678", SWITCH_ROW_OTHER, "" },
		{ "INTERFACE|Ethernet0123456", SWITCH_ROW_INTERFACE, "Ethernet0123456" },
		{ "PORTCHANNEL_INTERFACE|PortChannel1", SWITCH_ROW_INTERFACE, "PortChannel1" },
		{ "PORTCHANNEL_INTERFACE|Ethernet1", SWITCH_ROW_OTHER, "" },
		{ "VLAN_INTERFACE|Vlan1000", SWITCH_ROW_INTERFACE, "Vlan1000" },
		{ "VLAN_INTERFACE|Vlan1000|fc02:1000::1/64", SWITCH_ROW_OTHER, "" },
		{ "VLAN_INTERFACE:Vlan1000", SWITCH_ROW_OTHER, "" },
		{ "MGMT_INTERFACE|eth0", SWITCH_ROW_OTHER, "" },
		{ "", SWITCH_ROW_OTHER, "" },
		{ "|", SWITCH_ROW_OTHER, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char interface[IFNAMSIZ] = "";
		enum switch_row row = switch_config_parse_key(cases[i].key, '|', interface);

		if (row != cases[i].row || strcmp(interface, cases[i].interface))
			fail_msg("%s: %d '%s'", cases[i].key, (int)row, interface);
	}
}

/* What is scanned for: the pattern's characters mean the same to fnmatch(3). */
static void the_pattern_fits_every_table(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SWITCH_TABLES; i++)
		if (fnmatch(SWITCH_TABLES_PATTERN, switch_config_table(i), 0))
			fail_msg("%s", switch_config_table(i));
	assert_int_not_equal(fnmatch(SWITCH_TABLES_PATTERN, "LOOPBACK_INTERFACE", 0), 0);
	assert_int_not_equal(fnmatch(SWITCH_TABLES_PATTERN, "PORT", 0), 0);
}

static void names_are_found_in_whatever_order_they_came(void **state)
{
	struct switch_config config = { 0 };
	char name[IFNAMSIZ];

	(void)state;
	assert_false(switch_config_has_link_local(&config, "Ethernet1"));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "Ethernet%d", i * 7 % 200);
			assert_int_equal(switch_config_add_link_local(&config, name), 0);
		}
	}
	switch_config_sort(&config);
	assert_int_equal(config.link_local_count, 200);
	assert_true(switch_config_has_link_local(&config, "Ethernet0"));
	assert_true(switch_config_has_link_local(&config, "Ethernet199"));
	assert_false(switch_config_has_link_local(&config, "Ethernet200"));
	assert_false(switch_config_has_link_local(&config, "Ethernet"));
	switch_config_free(&config);
	assert_false(switch_config_has_link_local(&config, "Ethernet0"));
}

static void two_are_equal_if_they_say_the_same(void **state)
{
	struct switch_config left = { 0 }, right = { 0 };

	(void)state;
	assert_true(switch_config_equals(&left, &right));
	left.dual_tor = true;
	assert_false(switch_config_equals(&left, &right));
	right.dual_tor = true;
	right.evpn = true;
	assert_false(switch_config_equals(&left, &right));
	left.evpn = true;
	assert_int_equal(switch_config_add_link_local(&left, "Vlan2"), 0);
	assert_int_equal(switch_config_add_link_local(&left, "Vlan1"), 0);
	switch_config_sort(&left);
	assert_false(switch_config_equals(&left, &right));
	assert_int_equal(switch_config_add_link_local(&right, "Vlan1"), 0);
	assert_int_equal(switch_config_add_link_local(&right, "Vlan3"), 0);
	switch_config_sort(&right);
	assert_false(switch_config_equals(&left, &right));
	strcpy(right.link_local[1], "Vlan2");
	assert_true(switch_config_equals(&left, &right));
	switch_config_free(&left);
	switch_config_free(&right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_told_apart),
		cmocka_unit_test(the_pattern_fits_every_table),
		cmocka_unit_test(names_are_found_in_whatever_order_they_came),
		cmocka_unit_test(two_are_equal_if_they_say_the_same),
	};

	return cmocka_run_group_tests_name("switch_config", tests, NULL, NULL);
}

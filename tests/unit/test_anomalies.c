/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/anomalies.c: what is told of, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/types.h>
#include "neightrack/record.h"

#include "../../user/anomalies.h"
#include "../../user/clock.h"

struct fixture {
	struct options options;
	struct anomalies *anomalies;
	struct interface interface;
	unsigned int told[ANOMALY_KINDS];
	uint32_t count;			/* of the last one */
	uint64_t now_ns;
};

static void on_found(void *context, const struct anomaly *anomaly)
{
	struct fixture *fixture = context;

	fixture->told[anomaly->kind]++;
	fixture->count = anomaly->count;
	assert_string_equal(anomaly->interface, "eth0");
}

static struct fixture *begin(uint32_t mac_addresses)
{
	static struct fixture fixture;

	fixture = (struct fixture){
		.options = { .mac_moves = 5, .mac_moves_interval_s = 60, .duplicates = 3,
			     .mac_addresses = mac_addresses, .anomaly_interval_s = 60,
			     .anomaly_rate = 100 },
		.interface = { .name = "eth0", .ifindex = 3 },
		.now_ns = 1000 * NS_PER_S,
	};
	fixture.anomalies = anomalies_new(&fixture.options, on_found, &fixture);
	assert_non_null(fixture.anomalies);
	return &fixture;
}

static void end(struct fixture *fixture)
{
	anomalies_free(fixture->anomalies);
}

/* MACs are numbers here, and 0 is none. */
static void change(struct fixture *fixture, uint32_t address, uint8_t from, uint8_t to)
{
	const uint8_t addr[16] = { 10, (uint8_t)(address >> 16), (uint8_t)(address >> 8),
				   (uint8_t)address };
	const uint8_t old_mac[6] = { 2, 0, 0, 0, 0, from }, mac[6] = { 2, 0, 0, 0, 0, to };

	fixture->now_ns += NS_PER_MS;
	anomalies_change(fixture->anomalies, &fixture->interface, NEIGHTRACK_FAMILY_IPV4, addr,
			 from ? old_mac : NULL, to ? mac : NULL, fixture->now_ns);
}

static void a_mac_that_moves_too_often_is_told_once(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	for (uint8_t mac = 1; mac <= 5; mac++)
		change(fixture, 1, mac, (uint8_t)(mac + 1));
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 0);
	change(fixture, 1, 6, 7);
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 1);
	assert_int_equal(fixture->count, 6);
	for (uint8_t mac = 7; mac < 100; mac++)
		change(fixture, 1, mac, (uint8_t)(mac + 1));
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 1);
	assert_int_equal(fixture->told[ANOMALY_DUPLICATE], 0);
	assert_int_equal(anomalies_stats(fixture->anomalies)->held_back, 93);
	assert_int_equal(anomalies_stats(fixture->anomalies)->mac_changes, 99);
	end(fixture);
}

static void it_is_told_again_when_the_interval_is_over(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	for (int round = 1; round <= 3; round++) {
		for (uint8_t mac = 1; mac <= 7; mac++)
			change(fixture, 1, mac, (uint8_t)(mac + 1));
		assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], round);
		fixture->now_ns += 61 * NS_PER_S;
	}
	end(fixture);
}

static void moves_far_apart_are_none(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	for (uint8_t mac = 1; mac < 100; mac++) {
		change(fixture, 1, mac, (uint8_t)(mac + 1));
		fixture->now_ns += 13 * NS_PER_S;
	}
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 0);
	end(fixture);
}

static void two_macs_in_turn_are_a_duplicate_address(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	change(fixture, 1, 1, 2);
	change(fixture, 1, 2, 1);
	change(fixture, 1, 1, 2);
	assert_int_equal(fixture->told[ANOMALY_DUPLICATE], 0);
	change(fixture, 1, 2, 1);
	assert_int_equal(fixture->told[ANOMALY_DUPLICATE], 1);
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 0);
	end(fixture);
}

static void a_mac_that_moves_on_is_no_duplicate(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	fixture->options.mac_moves = 0;
	for (int i = 0; i < 30; i++)
		change(fixture, 1, (uint8_t)(1 + i % 3), (uint8_t)(1 + (i + 1) % 3));
	assert_int_equal(fixture->told[ANOMALY_DUPLICATE], 0);
	end(fixture);
}

static void addresses_are_told_apart(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	for (uint32_t address = 0; address < 1000; address++)
		for (uint8_t mac = 1; mac <= 4; mac++)
			change(fixture, address, mac, (uint8_t)(mac + 1));
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 0);
	assert_int_equal(anomalies_stats(fixture->anomalies)->mac_changes, 4000);
	end(fixture);
}

static void all_together_are_told_no_more_often_than_the_rate(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	fixture->options.anomaly_rate = 10;
	for (int minute = 1; minute <= 2; minute++) {
		for (uint32_t address = 0; address < 100; address++)
			for (uint8_t mac = 1; mac <= 6; mac++)
				change(fixture, address, mac, (uint8_t)(mac + 1));
		assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], minute * 10);
		fixture->now_ns += 61 * NS_PER_S;
	}
	assert_int_equal(anomalies_stats(fixture->anomalies)->held_back, 180);
	end(fixture);
}

static void more_addresses_than_are_remembered_are_counted(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	for (uint32_t address = 0; address < 10000; address++)
		change(fixture, address, 1, 2);
	assert_true(anomalies_stats(fixture->anomalies)->forgotten >= 10000 - 4096);
	/* one that moves meanwhile is not among the forgotten */
	for (uint32_t i = 0; i < 6; i++) {
		change(fixture, 77777, (uint8_t)(1 + i), (uint8_t)(2 + i));
		for (uint32_t address = 0; address < 100; address++)
			change(fixture, 20000 + i * 100 + address, 1, 2);
	}
	assert_int_equal(fixture->told[ANOMALY_MAC_MOVES], 1);
	end(fixture);
}

static void a_mac_with_many_addresses_is_told_once_until_it_has_half_as_many(void **state)
{
	struct fixture *fixture = begin(10);

	(void)state;
	for (uint32_t address = 0; address < 10; address++)
		change(fixture, address, 0, 1);
	assert_int_equal(fixture->told[ANOMALY_MANY_ADDRESSES], 0);
	change(fixture, 10, 0, 1);
	assert_int_equal(fixture->told[ANOMALY_MANY_ADDRESSES], 1);
	assert_int_equal(fixture->count, 11);
	assert_int_equal(anomalies_stats(fixture->anomalies)->crowded_macs, 1);
	for (int i = 0; i < 5; i++) {
		change(fixture, 10, 1, 0);
		change(fixture, 10, 0, 1);
	}
	assert_int_equal(fixture->told[ANOMALY_MANY_ADDRESSES], 1);
	for (uint32_t address = 5; address < 11; address++)
		change(fixture, address, 1, 2);
	assert_int_equal(anomalies_stats(fixture->anomalies)->crowded_macs, 0);
	for (uint32_t address = 5; address < 11; address++)
		change(fixture, address, 2, 1);
	assert_int_equal(fixture->told[ANOMALY_MANY_ADDRESSES], 2);
	end(fixture);
}

static void zero_switches_each_off(void **state)
{
	struct fixture *fixture = begin(0);

	(void)state;
	fixture->options.mac_moves = 0;
	fixture->options.duplicates = 0;
	for (int i = 0; i < 1000; i++)
		change(fixture, 1, (uint8_t)(1 + i % 2), (uint8_t)(1 + (i + 1) % 2));
	for (uint32_t address = 0; address < 1000; address++)
		change(fixture, address, 0, 9);
	for (int kind = 0; kind < ANOMALY_KINDS; kind++)
		assert_int_equal(fixture->told[kind], 0);
	end(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_that_moves_too_often_is_told_once),
		cmocka_unit_test(it_is_told_again_when_the_interval_is_over),
		cmocka_unit_test(moves_far_apart_are_none),
		cmocka_unit_test(two_macs_in_turn_are_a_duplicate_address),
		cmocka_unit_test(a_mac_that_moves_on_is_no_duplicate),
		cmocka_unit_test(addresses_are_told_apart),
		cmocka_unit_test(all_together_are_told_no_more_often_than_the_rate),
		cmocka_unit_test(more_addresses_than_are_remembered_are_counted),
		cmocka_unit_test(a_mac_with_many_addresses_is_told_once_until_it_has_half_as_many),
		cmocka_unit_test(zero_switches_each_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

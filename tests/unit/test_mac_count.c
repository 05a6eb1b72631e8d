/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/mac_count.c, against an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/mac_count.h"

#define MACS 3000
#define INTERFACES 3

static void it_agrees_with_an_array_while_macs_come_and_go(void **state)
{
	static uint32_t expected[INTERFACES][MACS];
	struct mac_count *count = mac_count_new();
	size_t size = 0;
	char interfaces[INTERFACES];

	(void)state;
	assert_non_null(count);
	srand(7);
	for (int step = 0; step < 400000; step++) {
		int interface = rand() % INTERFACES, mac = rand() % MACS;
		/* fills first, empties then, and so on */
		bool add = rand() % 100 < (step / 50000 % 2 ? 30 : 70);
		uint8_t bytes[6] = { 2, 0, 0, 0, (uint8_t)(mac >> 8), (uint8_t)mac };
		uint32_t *number = &expected[interface][mac];
		struct mac_addresses *found;

		if (add) {
			size += !*number;
			found = mac_count_add(count, &interfaces[interface], bytes);
			assert_non_null(found);
			assert_int_equal(found->addresses, ++*number);
		} else if (*number) {
			found = mac_count_remove(count, &interfaces[interface], bytes);
			size -= !--*number;
			assert_int_equal(found ? found->addresses : 0, *number);
		} else {
			assert_null(mac_count_remove(count, &interfaces[interface], bytes));
		}
		assert_int_equal(mac_count_size(count), size);
	}
	mac_count_free(count);
}

static void a_mark_stays_with_its_mac_while_others_go(void **state)
{
	struct mac_count *count = mac_count_new();
	char interface;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct mac_addresses *found = mac_count_add(count, &interface, mac);

		assert_false(found->was_told);
		found->was_told = i % 2;
	}
	for (int i = 0; i < 1000; i += 2) {
		uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };

		assert_null(mac_count_remove(count, &interface, mac));
	}
	for (int i = 1; i < 1000; i += 2) {
		uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct mac_addresses *found = mac_count_add(count, &interface, mac);

		assert_true(found->was_told);
		assert_int_equal(found->addresses, 2);
	}
	mac_count_free(count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_an_array_while_macs_come_and_go),
		cmocka_unit_test(a_mark_stays_with_its_mac_while_others_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table: what is wanted, what is published, and what is therefore dirty. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "neigh_table.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

#define LIMIT 200000

struct fixture {
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct interface *eth0;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->interfaces = interface_set_new();
	fixture->table = neigh_table_new(fixture->interfaces, LIMIT);
	fixture->eth0 = interface_get_by_name(fixture->interfaces, "eth0");
	interface_set_index(fixture->interfaces, fixture->eth0, 2);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	neigh_table_free(fixture->table);
	interface_set_free(fixture->interfaces);
	free(fixture);
	return 0;
}

static struct neigh_entry *entry_of(struct fixture *fixture, struct interface *interface,
				    uint32_t number)
{
	uint8_t addr[16] = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			     (uint8_t)number };
	struct neigh_entry *entry = neigh_table_get(fixture->table, interface,
						    NEIGHTRACK_FAMILY_IPV4, addr);

	assert_non_null(entry);
	return entry;
}

/* A neighbour that is wanted, written and acknowledged. */
static struct neigh_entry *published(struct fixture *fixture, uint32_t number, const uint8_t *mac)
{
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, number);

	neigh_table_want(fixture->table, entry, mac);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	neigh_table_acknowledge(fixture->table, entry);
	assert_int_equal(neigh_table_dirty_count(fixture->table), 0);
	return entry;
}

static void a_thousand_changes_are_one_write(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	for (int i = 0; i < 1000; i++)
		neigh_table_want(fixture->table, entry, i % 2 ? mac_a : mac_b);
	assert_int_equal(neigh_table_dirty_count(fixture->table), 1);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	assert_memory_equal(entry->in_flight_mac, mac_a, 6);
	assert_null(neigh_table_take_dirty(fixture->table));
}

static void a_change_and_back_needs_no_write(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	assert_true(neigh_table_want(fixture->table, entry, mac_b));
	assert_true(neigh_table_want(fixture->table, entry, mac_a));
	assert_false(neigh_table_want(fixture->table, entry, mac_a));
	assert_null(neigh_table_take_dirty(fixture->table));
}

static void a_change_while_in_flight_is_written_after_the_acknowledgement(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_want(fixture->table, entry, mac_a);
	neigh_table_take_dirty(fixture->table);
	neigh_table_want(fixture->table, entry, mac_b);
	assert_null(neigh_table_take_dirty(fixture->table));
	neigh_table_acknowledge(fixture->table, entry);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	assert_memory_equal(entry->in_flight_mac, mac_b, 6);
	assert_memory_equal(entry->published_mac, mac_a, 6);
}

static void a_refused_write_is_dirty_again(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_want(fixture->table, entry, mac_a);
	neigh_table_take_dirty(fixture->table);
	neigh_table_refuse(fixture->table, entry, PUBLISHED_OTHER);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	assert_int_equal(entry->published, PUBLISHED_OTHER);
}

static void a_deleted_neighbour_is_freed_when_its_deletion_is_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	neigh_table_want(fixture->table, entry, NULL);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	assert_false(entry->in_flight_wanted);
	assert_int_equal(neigh_table_count(fixture->table), 1);
	neigh_table_acknowledge(fixture->table, entry);
	assert_int_equal(neigh_table_count(fixture->table), 0);
	assert_int_equal(neigh_table_wanted_count(fixture->table), 0);
}

static void a_neighbour_that_came_and_went_unwritten_costs_no_write(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_want(fixture->table, entry, mac_a);
	neigh_table_want(fixture->table, entry, NULL);
	assert_null(neigh_table_take_dirty(fixture->table));
	assert_int_equal(neigh_table_count(fixture->table), 0);
}

static void what_redis_holds_already_needs_no_write(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_set_published(fixture->table, entry, PUBLISHED_MAC, mac_a);
	neigh_table_want(fixture->table, entry, mac_a);
	assert_null(neigh_table_take_dirty(fixture->table));
}

static void what_redis_holds_and_the_kernel_does_not_is_deleted(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_set_published(fixture->table, entry, PUBLISHED_MAC, mac_a);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
	assert_false(entry->in_flight_wanted);
}

static void a_lost_connection_makes_all_dirty_and_frees_what_is_not_wanted(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *kept = published(fixture, 1, mac_a);
	struct neigh_entry *in_flight = entry_of(fixture, fixture->eth0, 2);
	struct neigh_entry *leaving = published(fixture, 3, mac_a);

	neigh_table_want(fixture->table, in_flight, mac_b);
	neigh_table_take_dirty(fixture->table);
	neigh_table_want(fixture->table, leaving, NULL);
	neigh_table_take_dirty(fixture->table);
	neigh_table_forget_published(fixture->table);
	assert_int_equal(neigh_table_count(fixture->table), 2);
	assert_int_equal(neigh_table_dirty_count(fixture->table), 2);
	assert_false(in_flight->in_flight);
	assert_int_equal(kept->published, PUBLISHED_NOTHING);
}

static void a_held_entry_is_neither_written_nor_freed(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	neigh_table_hold(entry);
	neigh_table_want(fixture->table, entry, NULL);
	assert_null(neigh_table_take_dirty(fixture->table));
	neigh_table_release(fixture->table, entry);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
}

static void an_entry_held_while_dirty_is_listed_again_at_its_release(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	neigh_table_want(fixture->table, entry, mac_b);
	neigh_table_hold(entry);
	assert_null(neigh_table_take_dirty(fixture->table));
	neigh_table_release(fixture->table, entry);
	assert_ptr_equal(neigh_table_take_dirty(fixture->table), entry);
}

static void a_remembered_entry_outlives_what_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);

	neigh_table_remember(entry);
	neigh_table_want(fixture->table, entry, NULL);
	assert_int_equal(neigh_table_count(fixture->table), 1);
	neigh_table_no_longer_remember(fixture->table, entry);
	assert_int_equal(neigh_table_count(fixture->table), 0);
}

static void a_move_deletes_the_old_keys_and_sets_the_new_ones(void **state)
{
	struct fixture *fixture = *state;
	struct interface *wan0 = interface_get_by_name(fixture->interfaces, "wan0");
	struct neigh_entry *old = published(fixture, 1, mac_a);
	struct neigh_entry *new;

	assert_false(neigh_table_move(fixture->table, fixture->eth0, wan0));
	assert_int_equal(neigh_table_dirty_count(fixture->table), 2);
	new = entry_of(fixture, wan0, 1);
	assert_true(new->wanted);
	assert_memory_equal(new->wanted_mac, mac_a, 6);
	assert_false(old->wanted);
	assert_int_equal(neigh_table_wanted_count(fixture->table), 1);
}

static void a_move_of_what_waits_for_a_look_up_is_in_doubt(void **state)
{
	struct fixture *fixture = *state;
	struct interface *wan0 = interface_get_by_name(fixture->interfaces, "wan0");

	neigh_table_hold(published(fixture, 1, mac_a));
	assert_true(neigh_table_move(fixture->table, fixture->eth0, wan0));
}

static void a_full_table_can_be_renamed_again_and_again(void **state)
{
	struct interface_set *interfaces = interface_set_new();
	struct neigh_table *table = neigh_table_new(interfaces, 16);
	struct interface *names[4];
	uint8_t addr[16] = { 10 };

	(void)state;
	for (int i = 0; i < 4; i++)
		names[i] = interface_get_by_name(interfaces, (char[]){ (char)('a' + i), 0 });
	for (uint8_t i = 0; i < 16; i++) {
		struct neigh_entry *entry;

		addr[3] = i;
		entry = neigh_table_get(table, names[0], NEIGHTRACK_FAMILY_IPV4, addr);
		neigh_table_want(table, entry, mac_a);
		neigh_table_set_published(table, entry, PUBLISHED_MAC, mac_a);
	}
	assert_true(neigh_table_is_full(table));
	for (int i = 0; i < 3; i++)
		assert_false(neigh_table_move(table, names[i], names[i + 1]));
	assert_int_equal(neigh_table_wanted_count(table), 16);
	neigh_table_free(table);
	interface_set_free(interfaces);
}

static void at_twice_the_limit_no_entry_is_made(void **state)
{
	struct interface_set *interfaces = interface_set_new();
	struct neigh_table *table = neigh_table_new(interfaces, 1);
	struct interface *eth0 = interface_get_by_name(interfaces, "eth0");
	uint8_t addr[16] = { 10 };

	(void)state;
	for (uint8_t i = 0; i < 2; i++) {
		addr[3] = i;
		assert_non_null(neigh_table_get(table, eth0, NEIGHTRACK_FAMILY_IPV4, addr));
	}
	assert_true(neigh_table_is_crowded(table));
	assert_non_null(neigh_table_get(table, eth0, NEIGHTRACK_FAMILY_IPV4, addr));
	addr[3] = 9;
	assert_null(neigh_table_get(table, eth0, NEIGHTRACK_FAMILY_IPV4, addr));
	neigh_table_free(table);
	interface_set_free(interfaces);
}

static void what_a_verification_has_not_seen_is_dirty_again(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *seen = published(fixture, 1, mac_a);

	published(fixture, 2, mac_a);
	neigh_table_begin_verification(fixture->table);
	neigh_table_verify(seen);
	assert_int_equal(neigh_table_end_verification(fixture->table), 1);
	assert_int_equal(neigh_table_dirty_count(fixture->table), 1);
	assert_int_equal(neigh_table_end_verification(fixture->table), 0);
}

static void a_write_acknowledged_meanwhile_needs_no_verification(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	neigh_table_begin_verification(fixture->table);
	neigh_table_want(fixture->table, entry, mac_b);
	neigh_table_acknowledge(fixture->table, neigh_table_take_dirty(fixture->table));
	assert_int_equal(neigh_table_end_verification(fixture->table), 0);
}

static void a_cleared_interface_wants_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t i = 0; i < 10; i++)
		published(fixture, i, mac_a);
	neigh_table_clear(fixture->table, fixture->eth0);
	assert_int_equal(neigh_table_wanted_count(fixture->table), 0);
	assert_int_equal(neigh_table_dirty_count(fixture->table), 10);
}

static void an_entry_of_an_interface_without_a_name_waits(void **state)
{
	struct fixture *fixture = *state;
	struct interface *nameless = interface_get_by_index(fixture->interfaces, 9);
	struct neigh_entry *entry = entry_of(fixture, nameless, 1);

	neigh_table_want(fixture->table, entry, mac_a);
	assert_null(neigh_table_take_dirty(fixture->table));
	assert_int_equal(neigh_table_wanted_count(fixture->table), 1);
}

static void an_interface_that_is_gone_is_freed_with_its_last_entry(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = published(fixture, 1, mac_a);

	interface_set_index(fixture->interfaces, fixture->eth0, 0);
	neigh_table_want(fixture->table, entry, NULL);
	neigh_table_take_dirty(fixture->table);
	neigh_table_acknowledge(fixture->table, entry);
	assert_null(interface_by_name(fixture->interfaces, "eth0"));
}

static void addresses_that_differ_in_one_bit_or_in_family_are_apart(void **state)
{
	struct fixture *fixture = *state;
	struct neigh_entry *entry = entry_of(fixture, fixture->eth0, 1);
	uint8_t addr[16];

	memcpy(addr, entry->addr, sizeof(addr));
	assert_null(neigh_table_find(fixture->table, fixture->eth0, NEIGHTRACK_FAMILY_IPV6, addr));
	addr[15] ^= 1;
	assert_null(neigh_table_find(fixture->table, fixture->eth0, NEIGHTRACK_FAMILY_IPV4, addr));
}

static void a_hundred_thousand_are_all_found_again(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t i = 0; i < 100000; i++)
		neigh_table_want(fixture->table, entry_of(fixture, fixture->eth0, i), mac_a);
	assert_int_equal(neigh_table_count(fixture->table), 100000);
	for (uint32_t i = 0; i < 100000; i++)
		neigh_table_want(fixture->table, entry_of(fixture, fixture->eth0, i), NULL);
	assert_null(neigh_table_take_dirty(fixture->table));
	assert_int_equal(neigh_table_count(fixture->table), 0);
}

static void count_visit(void *context, struct neigh_entry *entry)
{
	size_t *visits = context;

	assert_true(entry->wanted);
	(*visits)++;
}

static bool has(struct fixture *fixture, uint32_t number)
{
	uint8_t addr[16] = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			     (uint8_t)number };

	return neigh_table_find(fixture->table, fixture->eth0, NEIGHTRACK_FAMILY_IPV4, addr);
}

static void write_all(struct fixture *fixture)
{
	struct neigh_entry *entry;

	while ((entry = neigh_table_take_dirty(fixture->table)))
		neigh_table_acknowledge(fixture->table, entry);
}

/* At each size: the hash is split a bucket at a time, so most are in the midst of a round. */
static void while_the_hash_grows_each_is_there_once(void **state)
{
	struct fixture *fixture = *state;
	size_t wanted = 0;

	for (uint32_t i = 0; i < 9000; i++) {
		neigh_table_want(fixture->table, entry_of(fixture, fixture->eth0, i), mac_a);
		wanted++;
		if (i % 3 == 2) {	/* one from long ago goes */
			neigh_table_want(fixture->table, entry_of(fixture, fixture->eth0, i / 3),
					 NULL);
			wanted--;
		}
		if (i % 500 == 499) {
			size_t visits = 0;

			write_all(fixture);
			neigh_table_for_each(fixture->table, count_visit, &visits);
			assert_int_equal(visits, wanted);
		}
	}
	for (uint32_t i = 0; i < 9000; i++)
		assert_int_equal(has(fixture, i), i >= 3000);
}

static void what_is_expected_may_be_there_or_not(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t addr[16] = { 10 };

	for (uint32_t i = 1; i < 10000; i++)
		neigh_table_want(fixture->table, entry_of(fixture, fixture->eth0, i), mac_a);
	for (uint32_t again = 0; again < 2; again++)
		neigh_table_expect(fixture->table, fixture->eth0, NEIGHTRACK_FAMILY_IPV4, addr,
				   again);
	assert_false(has(fixture, 0));
	assert_int_equal(neigh_table_count(fixture->table), 9999);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_thousand_changes_are_one_write),
		test(a_change_and_back_needs_no_write),
		test(a_change_while_in_flight_is_written_after_the_acknowledgement),
		test(a_refused_write_is_dirty_again),
		test(a_deleted_neighbour_is_freed_when_its_deletion_is_acknowledged),
		test(a_neighbour_that_came_and_went_unwritten_costs_no_write),
		test(what_redis_holds_already_needs_no_write),
		test(what_redis_holds_and_the_kernel_does_not_is_deleted),
		test(a_lost_connection_makes_all_dirty_and_frees_what_is_not_wanted),
		test(a_held_entry_is_neither_written_nor_freed),
		test(an_entry_held_while_dirty_is_listed_again_at_its_release),
		test(a_remembered_entry_outlives_what_it_was),
		test(a_move_deletes_the_old_keys_and_sets_the_new_ones),
		test(a_move_of_what_waits_for_a_look_up_is_in_doubt),
		test(a_full_table_can_be_renamed_again_and_again),
		test(at_twice_the_limit_no_entry_is_made),
		test(what_a_verification_has_not_seen_is_dirty_again),
		test(a_write_acknowledged_meanwhile_needs_no_verification),
		test(a_cleared_interface_wants_nothing),
		test(an_entry_of_an_interface_without_a_name_waits),
		test(an_interface_that_is_gone_is_freed_with_its_last_entry),
		test(addresses_that_differ_in_one_bit_or_in_family_are_apart),
		test(a_hundred_thousand_are_all_found_again),
		test(while_the_hash_grows_each_is_there_once),
		test(what_is_expected_may_be_there_or_not),
	};

	return cmocka_run_group_tests_name("neigh_table", tests, NULL, NULL);
}

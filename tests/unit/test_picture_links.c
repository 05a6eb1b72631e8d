/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links as the picture keeps them: which VRF an interface is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "picture.h"
#include "source_ops.h"

struct fixture {
	struct options options;
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct source source;
	struct picture *picture;
};

static void set_policy(struct source *source, uint32_t policy)
{
	(void)source;
	(void)policy;
}

static const struct source_ops ops = { .set_policy = set_policy };

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fixture->source.ops = &ops;
	assert_int_equal(options_init(&fixture->options), 0);
	fixture->interfaces = interface_set_new();
	fixture->table = neigh_table_new(fixture->interfaces, 64);
	fixture->picture = picture_new(&fixture->options, NULL, fixture->interfaces,
				       fixture->table, &fixture->source);
	assert_non_null(fixture->picture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	picture_free(fixture->picture);
	neigh_table_free(fixture->table);
	interface_set_free(fixture->interfaces);
	options_free(&fixture->options);
	free(fixture);
	return 0;
}

static const char *vrf_of(const struct fixture *fixture, const char *name)
{
	const struct interface *interface = interface_by_name(fixture->interfaces, name);

	assert_non_null(interface);
	return interface_vrf(fixture->interfaces, interface);
}

static void an_interface_below_a_vrf_has_its_name(void **state)
{
	struct fixture *fixture = *state;

	picture_link(fixture->picture, 1, "Vlan1000", 2);
	/* a dump may tell of the master later */
	assert_string_equal(vrf_of(fixture, "Vlan1000"), "");
	picture_link(fixture->picture, 2, "VrfRed", 0);
	assert_string_equal(vrf_of(fixture, "Vlan1000"), "VrfRed");
	assert_string_equal(vrf_of(fixture, "VrfRed"), "");
}

static void an_interface_that_moves_has_its_new_master(void **state)
{
	struct fixture *fixture = *state;

	picture_link(fixture->picture, 2, "VrfRed", 0);
	picture_link(fixture->picture, 3, "VrfBlue", 0);
	picture_link(fixture->picture, 1, "Vlan1000", 2);
	assert_string_equal(vrf_of(fixture, "Vlan1000"), "VrfRed");
	picture_link(fixture->picture, 1, "Vlan1000", 3);
	assert_string_equal(vrf_of(fixture, "Vlan1000"), "VrfBlue");
	picture_link(fixture->picture, 1, "Vlan2000", 3);
	assert_string_equal(vrf_of(fixture, "Vlan2000"), "VrfBlue");
	picture_link(fixture->picture, 3, "VrfGreen", 0);
	assert_string_equal(vrf_of(fixture, "Vlan2000"), "VrfGreen");
	picture_link(fixture->picture, 1, "Vlan2000", 0);
	assert_string_equal(vrf_of(fixture, "Vlan2000"), "");
}

static void another_master_is_no_vrf(void **state)
{
	struct fixture *fixture = *state;

	picture_link(fixture->picture, 2, "Bridge", 0);
	picture_link(fixture->picture, 1, "Ethernet0", 2);
	assert_string_equal(vrf_of(fixture, "Ethernet0"), "");
}

static void a_vrf_that_is_gone_is_none(void **state)
{
	struct fixture *fixture = *state;

	picture_link(fixture->picture, 2, "VrfRed", 0);
	picture_link(fixture->picture, 1, "Vlan1000", 2);
	picture_link_gone(fixture->picture, 2);
	assert_string_equal(vrf_of(fixture, "Vlan1000"), "");
}

#define links_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		links_test(an_interface_below_a_vrf_has_its_name),
		links_test(an_interface_that_moves_has_its_new_master),
		links_test(another_master_is_no_vrf),
		links_test(a_vrf_that_is_gone_is_none),
	};

	return cmocka_run_group_tests_name("picture_links", tests, NULL, NULL);
}

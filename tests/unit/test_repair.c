/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The repair against a kernel that is played here: its dump tells what the test
 * says, which need not be what is there, and its look-ups tell what is there. So
 * a dump can skip entries, which a real one does when it likes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "interface.h"
#include "log.h"
#include "neigh_dump.h"
#include "neigh_table.h"
#include "netlink.h"
#include "picture.h"
#include "repair.h"
#include "source_ops.h"

#define NEIGHBOURS 8u
#define TURNS 20

struct kernel {
	bool there[NEIGHBOURS];
	bool skipped_by_dumps[NEIGHBOURS];
	unsigned int interrupted_dumps;		/* so many say that they were */
	unsigned int failing_lookups;
	void (*meanwhile)(struct kernel *kernel);	/* before the end of a dump */
};

struct neigh_dump {
	const struct neigh_dump_events *events;
	void *context;
	bool due;
};

struct fixture {
	struct kernel kernel;
	struct source source;
	struct options options;
	struct loop *loop;
	struct loop_prepare prepare;
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct picture *picture;
	struct repair *repair;
	struct neigh_dump *dump;
	unsigned int turns;
	unsigned int snapshots;		/* begun by the source */
	bool keeps_tombstones;
	bool seeded[NEIGHBOURS];
	uint64_t deletions;
	uint64_t lost;
};

static struct fixture *fixture;

/* --- the kernel -------------------------------------------------------------- */

static void tell(unsigned int i, struct neigh_observation *observation)
{
	*observation = (struct neigh_observation){
		.key = { .ifindex = 1, .family = NEIGHTRACK_FAMILY_IPV4,
			 .addr = { 10, 0, 0, (uint8_t)i } },
		.nud_state = 2,
		.lladdr_bytes = 6,
		.mac = { 2, 0, 0, 0, 0, (uint8_t)i },
	};
}

int neigh_dump_new(struct neigh_dump **dump, struct loop *loop, int netns_fd,
		   const struct neigh_dump_events *events, void *context)
{
	(void)loop;
	(void)netns_fd;
	*dump = calloc(1, sizeof(**dump));
	(*dump)->events = events;
	(*dump)->context = context;
	fixture->dump = *dump;
	return 0;
}

void neigh_dump_free(struct neigh_dump *dump)
{
	free(dump);
}

int neigh_dump_start(struct neigh_dump *dump)
{
	dump->due = true;
	return 0;
}

static void play_dump(struct neigh_dump *dump)
{
	struct kernel *kernel = &fixture->kernel;
	bool interrupted = kernel->interrupted_dumps > 0;
	struct neigh_observation observation;

	dump->due = false;
	kernel->interrupted_dumps -= interrupted;
	for (unsigned int i = 0; i < NEIGHBOURS; i++) {
		if (!kernel->there[i] || kernel->skipped_by_dumps[i])
			continue;
		tell(i, &observation);
		dump->events->chunk(dump->context);
		dump->events->neighbour(dump->context, &observation);
	}
	if (kernel->meanwhile)
		kernel->meanwhile(kernel);
	dump->events->done(dump->context, interrupted, 0);
}

int neigh_lookup(struct netlink_socket *socket, const struct neigh_key *key,
		 struct neigh_observation *observation)
{
	struct kernel *kernel = &fixture->kernel;

	(void)socket;
	/* whatever becomes of the neighbour from here on must leave a trace */
	assert_true(fixture->keeps_tombstones);
	if (kernel->failing_lookups) {
		kernel->failing_lookups--;
		return -ENOBUFS;
	}
	if (!kernel->there[key->addr[3]])
		return -ENOENT;
	tell(key->addr[3], observation);
	return 0;
}

int netlink_open(struct netlink_socket *socket, int netns_fd, uint32_t groups)
{
	(void)netns_fd;
	(void)groups;
	*socket = (struct netlink_socket){ .fd = -1 };
	return 0;
}

void netlink_close(struct netlink_socket *socket)
{
	(void)socket;
}

/* --- the source -------------------------------------------------------------- */

static void losses(const struct source *source, struct source_losses *result)
{
	(void)source;
	*result = (struct source_losses){ .lost = fixture->lost };
}

static uint64_t deletions(const struct source *source)
{
	(void)source;
	return fixture->deletions;
}

static void set_policy(struct source *source, uint32_t policy)
{
	(void)source;
	(void)policy;
}

static void begin_snapshot(struct source *source)
{
	(void)source;
	fixture->snapshots++;
	fixture->keeps_tombstones = true;
}

static void keep_tombstones(struct source *source)
{
	(void)source;
	fixture->keeps_tombstones = true;
}

static void seed(struct source *source, const struct neigh_key *key, const uint8_t *mac)
{
	(void)source;
	(void)mac;
	assert_true(fixture->keeps_tombstones);
	fixture->seeded[key->addr[3]] = true;
}

static void end_snapshot(struct source *source,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context)
{
	(void)source;
	(void)is_wanted;
	(void)context;
	fixture->keeps_tombstones = false;
}

static const struct source_ops source_ops = {
	.losses = losses,
	.deletions = deletions,
	.set_policy = set_policy,
	.begin_snapshot = begin_snapshot,
	.keep_tombstones = keep_tombstones,
	.seed = seed,
	.end_snapshot = end_snapshot,
};

/* --- the fixture -------------------------------------------------------------- */

static void do_nothing(void *context)
{
	(void)context;
}

static int set_up(void **state)
{
	struct repair_config config = {
		.netns_fd = -1,
		.drain = do_nothing,
		.first_picture = do_nothing,
		.audit_begins = do_nothing,
	};

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fixture = calloc(1, sizeof(*fixture));
	fixture->source.ops = &source_ops;
	assert_int_equal(options_init(&fixture->options), 0);
	fixture->loop = loop_new();
	fixture->interfaces = interface_set_new();
	fixture->table = neigh_table_new(fixture->interfaces, 64);
	fixture->picture = picture_new(&fixture->options, NULL, fixture->interfaces,
				       fixture->table, &fixture->source);
	picture_link(fixture->picture, 1, "eth0", 0);
	config.loop = fixture->loop;
	config.table = fixture->table;
	config.picture = fixture->picture;
	config.source = &fixture->source;
	assert_int_equal(repair_new(&fixture->repair, &config), 0);
	for (unsigned int i = 0; i < NEIGHBOURS; i++)
		fixture->kernel.there[i] = true;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repair_free(fixture->repair);
	picture_free(fixture->picture);
	neigh_table_free(fixture->table);
	interface_set_free(fixture->interfaces);
	loop_free(fixture->loop);
	options_free(&fixture->options);
	free(fixture);
	return 0;
}

static bool turn(void *context)
{
	(void)context;
	if (fixture->dump->due)
		play_dump(fixture->dump);
	repair_work(fixture->repair);
	/* the gap between two resyncs is real time: wait for it */
	if (repair_is_settled(fixture->repair) && ++fixture->turns > TURNS)
		loop_stop(fixture->loop);
	return false;
}

/* Runs until nothing is left to do. */
static void settle(void)
{
	fixture->turns = 0;
	if (!fixture->prepare.prepare) {
		fixture->prepare.prepare = turn;
		loop_add_prepare(fixture->loop, &fixture->prepare);
	}
	assert_int_equal(loop_run(fixture->loop), 0);
}

static void start(void)
{
	repair_request(fixture->repair, REPAIR_START);
	settle();
	assert_int_equal(neigh_table_wanted_count(fixture->table), NEIGHBOURS);
}

static void resync(void)
{
	repair_request(fixture->repair, REPAIR_RING_FULL);
	settle();
}

static void audit(void)
{
	repair_audit(fixture->repair);
	settle();
}

static bool is_wanted_now(unsigned int i)
{
	uint8_t addr[16] = { 10, 0, 0, (uint8_t)i };
	struct interface *eth0 = interface_by_index(fixture->interfaces, 1);
	struct neigh_entry *entry = neigh_table_find(fixture->table, eth0,
						     NEIGHTRACK_FAMILY_IPV4, addr);

	return entry && entry->wanted;
}

/* --- what must hold -------------------------------------------------------------- */

static void a_neighbour_that_a_dump_skips_stays(void **state)
{
	(void)state;
	start();
	fixture->kernel.skipped_by_dumps[3] = true;
	resync();
	assert_true(is_wanted_now(3));
	audit();
	assert_true(is_wanted_now(3));
	assert_int_equal(repair_stats(fixture->repair)->audit_repaired, 0);
}

static void a_neighbour_that_is_gone_goes_with_a_resync(void **state)
{
	(void)state;
	start();
	fixture->kernel.there[3] = false;
	resync();
	assert_false(is_wanted_now(3));
	assert_int_equal(neigh_table_wanted_count(fixture->table), NEIGHBOURS - 1);
}

static void a_neighbour_that_is_gone_goes_with_an_audit_and_is_counted(void **state)
{
	(void)state;
	start();
	fixture->kernel.there[3] = false;
	audit();
	assert_false(is_wanted_now(3));
	assert_int_equal(repair_stats(fixture->repair)->audit_repaired, 1);
}

static void a_neighbour_that_the_first_dump_skipped_comes_with_an_audit(void **state)
{
	(void)state;
	fixture->kernel.skipped_by_dumps[5] = true;
	repair_request(fixture->repair, REPAIR_START);
	settle();
	assert_false(is_wanted_now(5));
	fixture->kernel.skipped_by_dumps[5] = false;
	memset(fixture->seeded, 0, sizeof(fixture->seeded));
	audit();
	assert_true(is_wanted_now(5));
	/* or the kernel side would keep its deletion to itself */
	assert_true(fixture->seeded[5]);
	assert_false(fixture->keeps_tombstones);
}

static void a_look_up_that_fails_changes_nothing(void **state)
{
	(void)state;
	start();
	fixture->kernel.skipped_by_dumps[3] = true;
	fixture->kernel.failing_lookups = 1;
	resync();
	assert_true(is_wanted_now(3));
	assert_int_equal(repair_stats(fixture->repair)->failed, 1);
}

static void an_interrupted_dump_is_done_again_a_bounded_number_of_times(void **state)
{
	(void)state;
	start();
	fixture->kernel.interrupted_dumps = 1000;
	resync();
	assert_in_range(repair_stats(fixture->repair)->interrupted, 2, 5);
	assert_int_equal(neigh_table_wanted_count(fixture->table), NEIGHBOURS);
}

static void lose_once(struct kernel *kernel)
{
	kernel->meanwhile = NULL;
	fixture->lost++;
	repair_check_losses(fixture->repair);
}

static void a_loss_in_mid_dump_leads_to_another_dump(void **state)
{
	uint64_t before;

	(void)state;
	start();
	before = repair_stats(fixture->repair)->dumps[REPAIR_RING_FULL];
	fixture->kernel.meanwhile = lose_once;
	resync();
	assert_int_equal(repair_stats(fixture->repair)->dumps[REPAIR_RING_FULL], before + 2);
}

static void an_interrupted_audit_does_not_swallow_a_resync(void **state)
{
	unsigned int before;

	(void)state;
	start();
	before = fixture->snapshots;
	fixture->kernel.interrupted_dumps = 1;
	fixture->kernel.meanwhile = lose_once;
	audit();
	assert_in_range(fixture->snapshots, before + 1, before + 2);
}

static void a_stopped_repair_does_nothing(void **state)
{
	(void)state;
	start();
	repair_stop(fixture->repair);
	fixture->kernel.there[3] = false;
	repair_request(fixture->repair, REPAIR_RING_FULL);
	settle();
	assert_true(is_wanted_now(3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define REPAIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		REPAIR_TEST(a_neighbour_that_a_dump_skips_stays),
		REPAIR_TEST(a_neighbour_that_is_gone_goes_with_a_resync),
		REPAIR_TEST(a_neighbour_that_is_gone_goes_with_an_audit_and_is_counted),
		REPAIR_TEST(a_neighbour_that_the_first_dump_skipped_comes_with_an_audit),
		REPAIR_TEST(a_look_up_that_fails_changes_nothing),
		REPAIR_TEST(an_interrupted_dump_is_done_again_a_bounded_number_of_times),
		REPAIR_TEST(a_loss_in_mid_dump_leads_to_another_dump),
		REPAIR_TEST(an_interrupted_audit_does_not_swallow_a_resync),
		REPAIR_TEST(a_stopped_repair_does_nothing),
	};

	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}

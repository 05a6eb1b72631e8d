/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records, dumps, links and acknowledgements in any order, into the picture and
 * the table. In the first mode a model, an array, says what must be wanted; in
 * the second the records are arbitrary bytes and links come and go.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "interface.h"
#include "log.h"
#include "neigh_table.h"
#include "picture.h"
#include "source_ops.h"

#define INTERFACES 4u
#define ADDRESSES 8u
#define KEYS (INTERFACES * ADDRESSES)

struct input {
	const uint8_t *data;
	size_t size;
};

struct model {
	bool wanted;
	uint8_t mac;
	uint64_t record_ns;
	bool told;			/* by the dump under way, in time */
};

struct world {
	struct options options;
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct picture *picture;
	struct source source;
	struct model model[KEYS];
	uint64_t now_ns;
	uint64_t dump_ns;		/* 0 = none is under way */
};

static void set_policy(struct source *source, uint32_t policy)
{
	(void)source;
	(void)policy;
}

static const struct source_ops source_ops = { .set_policy = set_policy };
static const char *const names[INTERFACES] = { "eth0", "eth1", "eth2", "ignored0" };

static uint8_t next(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

static struct neigh_key key_of(unsigned int number)
{
	struct neigh_key key = { .ifindex = 1 + number / ADDRESSES,
				 .family = number % 2 ? NEIGHTRACK_FAMILY_IPV6 :
							NEIGHTRACK_FAMILY_IPV4 };

	key.addr[0] = number % 2 ? 0x20 : 10;
	key.addr[3] = (uint8_t)(number % ADDRESSES);
	return key;
}

static bool is_ignored(unsigned int number)
{
	return number / ADDRESSES == INTERFACES - 1;
}

static void take_record(struct world *world, struct input *input)
{
	unsigned int number = next(input) % KEYS;
	struct model *model = &world->model[number];
	uint8_t mac = next(input);
	struct neigh_record record = {
		.key = key_of(number),
		.time_ns = ++world->now_ns,
		.kind = mac & 1 ? NEIGH_RECORD_SET : NEIGH_RECORD_GONE,
		.mac = { 2, 0, 0, 0, 0, mac },
	};

	EXPECT(picture_apply_record(world->picture, &record) >= 0);
	if (is_ignored(number))
		return;
	model->wanted = mac & 1;
	model->mac = mac;
	model->record_ns = world->now_ns;
}

static void observe(struct world *world, struct input *input)
{
	unsigned int number = next(input) % KEYS;
	struct model *model = &world->model[number];
	uint8_t mac = next(input);
	struct neigh_observation observation = {
		.key = key_of(number),
		.nud_state = mac & 1 ? 2 : 32,		/* reachable, failed */
		.lladdr_bytes = 6,
		.mac = { 2, 0, 0, 0, 0, mac },
	};
	struct neigh_entry *entry;
	const uint8_t *wanted;

	if (!world->dump_ns)
		return;
	entry = picture_place(world->picture, &observation, &wanted);
	if (entry)
		picture_observe(world->picture, entry, wanted, world->dump_ns);
	if (is_ignored(number) || model->record_ns > world->dump_ns)
		return;
	model->wanted = mac & 1;
	model->mac = mac;
}

static void begin_or_end_dump(struct world *world)
{
	if (world->dump_ns) {
		picture_end_dump(world->picture);
		world->dump_ns = 0;
	} else {
		world->dump_ns = ++world->now_ns;
		picture_begin_dump(world->picture, world->dump_ns);
	}
}

static void write_some(struct world *world, uint8_t how)
{
	struct neigh_entry *entry = neigh_table_take_dirty(world->table);

	if (!entry)
		return;
	EXPECT(entry->in_flight && !entry->on_dirty_list && !entry->held);
	if (how % 4 == 0)
		neigh_table_refuse(world->table, entry, PUBLISHED_OTHER);
	else if (how % 4 == 1)
		neigh_table_forget_published(world->table);
	else
		neigh_table_acknowledge(world->table, entry);
}

static void take_anything(struct world *world, struct input *input)
{
	struct neigh_record record;
	char name[IFNAMSIZ] = "x";

	switch (next(input) % 4) {
	case 0:
		if (input->size < sizeof(record))
			return;
		memcpy(&record, input->data, sizeof(record));
		input->data += sizeof(record);
		input->size -= sizeof(record);
		record.key.ifindex %= 8;
		if (record.key.ifindex)
			picture_apply_record(world->picture, &record);
		break;
	case 1:
		name[1] = (char)('a' + next(input) % 6);
		picture_link(world->picture, 1 + next(input) % 7, name, next(input) % 8);
		break;
	case 2:
		picture_link_gone(world->picture, 1 + next(input) % 7);
		break;
	default:
		if (next(input) & 1)
			picture_begin_links(world->picture);
		else
			picture_end_links(world->picture);
		break;
	}
}

static void step(struct world *world, struct input *input, bool modelled)
{
	switch (next(input) % 6) {
	case 0:
	case 1:
		take_record(world, input);
		break;
	case 2:
		observe(world, input);
		break;
	case 3:
		begin_or_end_dump(world);
		break;
	case 4:
		write_some(world, next(input));
		break;
	default:
		if (!modelled)
			take_anything(world, input);
		break;
	}
}

static void check_entry(void *context, struct neigh_entry *entry)
{
	(void)context;
	EXPECT(!entry->on_dirty_list && !entry->in_flight);
	if (!entry->interface->name[0])
		return;		/* waits for its name */
	EXPECT(entry->wanted == (entry->published == PUBLISHED_MAC));
	if (entry->wanted)
		EXPECT(!memcmp(entry->wanted_mac, entry->published_mac, 6));
}

static void check(struct world *world, bool modelled)
{
	struct neigh_entry *entry;

	if (world->dump_ns)
		begin_or_end_dump(world);
	while ((entry = neigh_table_take_dirty(world->table)))
		neigh_table_acknowledge(world->table, entry);
	EXPECT(!neigh_table_dirty_count(world->table));
	neigh_table_for_each(world->table, check_entry, NULL);
	for (unsigned int i = 0; modelled && i < KEYS; i++) {
		struct neigh_key key = key_of(i);
		struct interface *interface = interface_by_index(world->interfaces, key.ifindex);

		entry = neigh_table_find(world->table, interface, key.family, key.addr);
		EXPECT((entry && entry->wanted) == world->model[i].wanted);
		if (entry && entry->wanted)
			EXPECT(entry->wanted_mac[5] == world->model[i].mac);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_setup("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .source = { .ops = &source_ops }, .now_ns = 1 };
	struct input input = { .data = data, .size = size };
	bool modelled = next(&input) & 1;

	EXPECT(!options_init(&world.options));
	free(world.options.ignore);
	world.options.ignore = strdup("lo ignored*");
	world.interfaces = interface_set_new();
	world.table = neigh_table_new(world.interfaces, 1024);
	world.picture = picture_new(&world.options, NULL, world.interfaces, world.table,
				    &world.source);
	for (uint32_t i = 0; i < INTERFACES; i++)
		picture_link(world.picture, 1 + i, names[i], 0);

	while (input.size)
		step(&world, &input, modelled);
	check(&world, modelled);

	picture_free(world.picture);
	neigh_table_free(world.table);
	interface_set_free(world.interfaces);
	options_free(&world.options);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces in two chained hashes, by ifindex and by name. The number of
 * buckets is fixed: a machine has up to some thousand interfaces, and both
 * look-ups stay short at that.
 */
#include "interface.h"

#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include "neightrack/record.h"

#define BUCKETS 1024u	/* a power of two */

struct interface_set {
	uint32_t index_mask;
	struct interface *by_index[BUCKETS];
	struct interface *by_name[BUCKETS];	/* the nameless ones are all in the first */
};

static struct interface **index_bucket(struct interface_set *set, uint32_t ifindex)
{
	/* the kernel hands out ifindexes one after the other */
	return &set->by_index[ifindex & set->index_mask];
}

static struct interface **name_bucket(struct interface_set *set, const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++)
		hash = hash * 31 + (uint8_t)*name;
	return &set->by_name[hash & (BUCKETS - 1)];
}

struct interface_set *interface_set_new(void)
{
	struct interface_set *set = calloc(1, sizeof(*set));

	if (set)
		set->index_mask = BUCKETS - 1;
	return set;
}

void interface_set_use_list(struct interface_set *set)
{
	set->index_mask = 0;
}

void interface_set_free(struct interface_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct interface *interface = set->by_name[i];

		while (interface) {
			struct interface *next = interface->next_by_name;

			free(interface);
			interface = next;
		}
	}
	free(set);
}

struct interface *interface_by_index(struct interface_set *set, uint32_t ifindex)
{
	struct interface *interface = *index_bucket(set, ifindex);

	while (interface && interface->ifindex != ifindex)
		interface = interface->next_by_index;
	return interface;
}

struct interface *interface_by_name(struct interface_set *set, const char *name)
{
	struct interface *interface = *name_bucket(set, name);

	while (interface && strcmp(interface->name, name))
		interface = interface->next_by_name;
	return interface;
}

static struct interface *make(struct interface_set *set, const char *name)
{
	struct interface *interface = calloc(1, sizeof(*interface));
	struct interface **bucket = name_bucket(set, name);

	if (!interface)
		return NULL;
	strncpy(interface->name, name, sizeof(interface->name) - 1);
	interface->seen = true;
	interface->kernel_flags = NEIGH_INTERFACE_UNKNOWN;
	interface->next_by_name = *bucket;
	*bucket = interface;
	return interface;
}

struct interface *interface_get_by_index(struct interface_set *set, uint32_t ifindex)
{
	struct interface *interface = interface_by_index(set, ifindex);

	if (interface)
		return interface;
	interface = make(set, "");
	if (interface)
		interface_set_index(set, interface, ifindex);
	return interface;
}

struct interface *interface_get_by_name(struct interface_set *set, const char *name)
{
	struct interface *interface = interface_by_name(set, name);

	return interface ? interface : make(set, name);
}

static void unlink_index(struct interface_set *set, struct interface *interface)
{
	struct interface **at = index_bucket(set, interface->ifindex);

	while (*at && *at != interface)
		at = &(*at)->next_by_index;
	if (*at)
		*at = interface->next_by_index;
	interface->next_by_index = NULL;
}

void interface_set_index(struct interface_set *set, struct interface *interface, uint32_t ifindex)
{
	struct interface **bucket;

	if (interface->ifindex)
		unlink_index(set, interface);
	interface->ifindex = ifindex;
	if (!ifindex)
		return;
	bucket = index_bucket(set, ifindex);
	interface->next_by_index = *bucket;
	*bucket = interface;
}

void interface_put(struct interface_set *set, struct interface *interface)
{
	struct interface **at = name_bucket(set, interface->name);

	if (interface->entry_count || (interface->ifindex && interface->name[0]))
		return;
	if (interface->ifindex)
		unlink_index(set, interface);
	while (*at != interface)
		at = &(*at)->next_by_name;
	*at = interface->next_by_name;
	free(interface);
}

const char *interface_vrf(struct interface_set *set, const struct interface *interface)
{
	const struct interface *master = NULL;

	if (interface->master_ifindex)
		master = interface_by_index(set, interface->master_ifindex);
	return master && !strncmp(master->name, "Vrf", 3) ? master->name : "";
}

void interface_for_each(struct interface_set *set,
			void (*visit)(void *context, struct interface *interface), void *context)
{
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct interface *interface = set->by_name[i];

		while (interface) {
			struct interface *next = interface->next_by_name;

			visit(context, interface);
			interface = next;
		}
	}
}

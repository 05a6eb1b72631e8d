/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "slot.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hook_counters.h"

#define BATCH 1024u

static int forget_interfaces(const struct slot *slot)
{
	int fd = slot->programs->maps[PROGRAM_MAP_INTERFACES];
	struct neigh_interface_key *keys = calloc(BATCH, sizeof(*keys));
	struct neigh_interface *values = calloc(BATCH, sizeof(*values));
	int error = keys && values ? 0 : -ENOMEM;
	void *from = NULL;
	uint32_t position;

	while (!error) {
		uint32_t count = BATCH;

		error = bpf_map_lookup_batch(fd, from, &position, keys, values, &count, NULL) ?
			-errno : 0;
		if (error && error != -ENOENT)
			break;
		from = &position;
		for (uint32_t i = 0; i < count; i++)
			if (keys[i].instance == slot->number)
				bpf_map_delete_elem(fd, &keys[i]);
	}
	free(values);
	free(keys);
	memset(&slot->programs->low_interfaces[slot->number], 0,
	       sizeof(*slot->programs->low_interfaces));
	return error == -ENOENT ? 0 : error;
}

/* To write to a map of maps, were it what is there, waits until no program runs that
 * began before: none works for the slot any more. */
static int wait_for_programs(const struct slot *slot)
{
	const struct programs *programs = slot->programs;

	return bpf_map_update_elem(programs->maps[PROGRAM_MAP_RECORDS], &slot->number,
				   &programs->rings[slot->number], BPF_ANY) ? -errno : 0;
}

int slot_take(struct slot *slot, struct programs *programs, uint32_t number)
{
	struct neigh_control *control = &programs->controls->of[number];
	uint32_t epoch = control->epoch;
	int error;

	*slot = (struct slot){ .programs = programs, .number = number, .control = control };
	/* the programs were just opened, and all of it is empty */
	if (!epoch)
		return 0;
	error = wait_for_programs(slot);
	if (!error)
		error = forget_interfaces(slot);
	/* what was claimed of the old namespace's neighbours suppresses nothing in another
	 * epoch, and goes when the first snapshot of the new one ends */
	*control = (struct neigh_control){ .epoch = epoch };
	return error;
}

int slot_give_netns(struct slot *slot, uint32_t netns_inum)
{
	for (uint32_t i = 0; i < slot->programs->instances; i++)
		if (slot->programs->controls->of[i].netns_inum == netns_inum)
			return -EEXIST;
	__atomic_store_n(&slot->control->netns_inum, netns_inum, __ATOMIC_SEQ_CST);
	return 0;
}

void slot_release(struct slot *slot)
{
	if (slot->control)
		__atomic_store_n(&slot->control->netns_inum, 0, __ATOMIC_SEQ_CST);
}

int slot_set_interface(struct slot *slot, uint32_t ifindex, const struct neigh_interface *value)
{
	const struct neigh_interface_key key = { ifindex, slot->number };

	if (ifindex < NEIGH_LOW_INTERFACES)
		__atomic_store_n(&slot->programs->low_interfaces[slot->number].flags[ifindex],
				 (uint8_t)(value->flags | NEIGH_INTERFACE_KNOWN), __ATOMIC_SEQ_CST);
	return bpf_map_update_elem(slot->programs->maps[PROGRAM_MAP_INTERFACES], &key, value,
				   BPF_ANY) ? -errno : 0;
}

void slot_forget_interface(struct slot *slot, uint32_t ifindex)
{
	const struct neigh_interface_key key = { ifindex, slot->number };

	if (ifindex < NEIGH_LOW_INTERFACES)
		__atomic_store_n(&slot->programs->low_interfaces[slot->number].flags[ifindex], 0,
				 __ATOMIC_SEQ_CST);
	bpf_map_delete_elem(slot->programs->maps[PROGRAM_MAP_INTERFACES], &key);
}

int slot_counters(const struct slot *slot, enum neigh_hook hook, struct neigh_counters *sum)
{
	return hook_counters_read(slot->programs->maps[PROGRAM_MAP_COUNTERS], slot->number, hook,
				  sum);
}

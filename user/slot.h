/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place of one network namespace in the BPF programs, which are attached once for
 * all of them (programs.h). To give a slot its namespace is for one what attaching is for
 * all: from then on changes there make records, on a ring of the slot's own.
 */
#ifndef NEIGHTRACK_SLOT_H
#define NEIGHTRACK_SLOT_H

#include <linux/types.h>
#include <stdint.h>

#include "programs.h"

struct slot {
	struct programs *programs;
	uint32_t number;
	struct neigh_control *control;	/* shared with the programs */
};

/* Takes a slot that has no namespace. Nothing of the one that it may have had counts any
 * more; ring_open() skips its records. 0 or -errno. */
int slot_take(struct slot *slot, struct programs *programs, uint32_t number);

/* From here on what happens in that namespace is the slot's. 0, or -EEXIST if it is
 * another slot's already. */
int slot_give_netns(struct slot *slot, uint32_t netns_inum);

/* No record is made for the slot any more. */
void slot_release(struct slot *slot);

/* Of this slot alone. */
int slot_set_interface(struct slot *slot, uint32_t ifindex, const struct neigh_interface *value);
void slot_forget_interface(struct slot *slot, uint32_t ifindex);

/* The sums over all CPUs of what one of the programs has counted for this slot since it
 * was loaded. 0 or -errno. */
int slot_counters(const struct slot *slot, enum neigh_hook hook, struct neigh_counters *sum);

#endif

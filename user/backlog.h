/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the oldest of many things has waited, without a list of them: they are
 * counted by the slot of time in which their wait began. Memory and cost of each call
 * are fixed.
 *
 * The answer is known to a slot (17 ms) for waits up to 17 s. Of those beyond, the
 * longest is told until the last of them is over.
 */
#ifndef NEIGHTRACK_BACKLOG_H
#define NEIGHTRACK_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#define BACKLOG_SLOTS 1024u
#define BACKLOG_SLOT_SHIFT 24		/* a slot is 2^24 ns */

/* Zero-initialised: nothing waits. */
struct backlog {
	size_t count;
	size_t older;				/* those that began before the slots */
	uint32_t oldest_slot;			/* ... and the first of them */
	uint32_t newest_slot;
	uint32_t counts[BACKLOG_SLOTS];
};

/* A wait begins now. Returns its slot, which backlog_end() wants back. */
uint32_t backlog_begin(struct backlog *backlog, uint64_t now_ns);
void backlog_end(struct backlog *backlog, uint32_t slot);

/* ns that the oldest has waited; 0 if nothing waits. */
uint64_t backlog_oldest_ns(const struct backlog *backlog, uint64_t now_ns);

#endif

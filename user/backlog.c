/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots are a ring: what is counted in one that is used anew joins `older`. */
#include "backlog.h"

static uint32_t slot_of(uint64_t now_ns)
{
	return (uint32_t)(now_ns >> BACKLOG_SLOT_SHIFT);
}

static void advance(struct backlog *backlog, uint32_t slot)
{
	uint32_t steps = slot - backlog->newest_slot;

	/* nothing is counted in slots that have come round once */
	for (uint32_t i = 1; i <= steps && i <= BACKLOG_SLOTS; i++) {
		uint32_t reused = backlog->newest_slot + i;
		uint32_t *count = &backlog->counts[reused % BACKLOG_SLOTS];

		if (*count && !backlog->older)
			backlog->oldest_slot = reused - BACKLOG_SLOTS;
		backlog->older += *count;
		*count = 0;
	}
	backlog->newest_slot = slot;
}

uint32_t backlog_begin(struct backlog *backlog, uint64_t now_ns)
{
	uint32_t slot = slot_of(now_ns);

	if ((int32_t)(slot - backlog->newest_slot) > 0 || !backlog->count)
		advance(backlog, slot);
	else
		slot = backlog->newest_slot;
	backlog->counts[slot % BACKLOG_SLOTS]++;
	backlog->count++;
	return slot;
}

void backlog_end(struct backlog *backlog, uint32_t slot)
{
	if (backlog->newest_slot - slot < BACKLOG_SLOTS)
		backlog->counts[slot % BACKLOG_SLOTS]--;
	else
		backlog->older--;
	backlog->count--;
}

uint64_t backlog_oldest_ns(const struct backlog *backlog, uint64_t now_ns)
{
	uint32_t slot = backlog->newest_slot - (BACKLOG_SLOTS - 1);
	uint32_t now = slot_of(now_ns);

	if (!backlog->count)
		return 0;
	if (backlog->older)
		slot = backlog->oldest_slot;
	else
		while (!backlog->counts[slot % BACKLOG_SLOTS])
			slot++;
	return (int32_t)(now - slot) > 0 ? (uint64_t)(now - slot) << BACKLOG_SLOT_SHIFT : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moderation of wakeups, as network cards moderate interrupts: while changes come
 * one by one each is taken at once; while they come quickly the daemon rests a
 * bounded time between its turns, and nobody pays for waking it. The first rest of a
 * storm is short, so that a small one is over soon, and each is a quarter longer than the
 * one before.
 */
#ifndef NEIGHTRACK_MODERATION_H
#define NEIGHTRACK_MODERATION_H

#include <stddef.h>
#include <stdint.h>

struct moderation {
	uint64_t longest_rest_ns;	/* 0: never */
	uint64_t rest_ns;		/* the next one */
	uint64_t window_start_ns;
	uint64_t records;		/* in that window */
};

/* capacity: records that the source holds while nobody takes them, which bounds the
 * rest too. */
void moderation_configure(struct moderation *moderation, uint32_t rest_us, size_t capacity);

/* So many records were taken, and no more are there: how long to rest, in ns; 0: not. */
uint64_t moderation_rest_ns(struct moderation *moderation, size_t records, uint64_t now_ns);

#endif

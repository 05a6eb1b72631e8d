/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many addresses each MAC has on its interface: a hash of MACs whose memory is
 * bounded by the number of neighbours. MACs are chosen by whoever sends packets, so the
 * hash is seeded.
 */
#ifndef NEIGHTRACK_MAC_COUNT_H
#define NEIGHTRACK_MAC_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mac_count;

struct mac_addresses {
	const void *interface;		/* by identity; NULL: a free place */
	uint32_t addresses;
	uint8_t mac[6];
	bool was_told;			/* the user's: starts false */
};

/* NULL: no memory. */
struct mac_count *mac_count_new(void);
void mac_count_free(struct mac_count *count);

/* One address more. Returns what is known of the MAC now, good until the next call; NULL:
 * no memory, and nothing was counted. */
struct mac_addresses *mac_count_add(struct mac_count *count, const void *interface,
				    const uint8_t *mac);
/* One less: returns what is left, NULL if that is nothing or it was not counted. */
struct mac_addresses *mac_count_remove(struct mac_count *count, const void *interface,
				       const uint8_t *mac);

/* MACs that have any. */
size_t mac_count_size(const struct mac_count *count);

#endif

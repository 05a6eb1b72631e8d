/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tool compares and shows: the kernel's neighbours under the policy,
 * and Redis' table, each as a sorted list. The tool may wait, so this does.
 */
#ifndef NEIGHTRACK_LISTING_H
#define NEIGHTRACK_LISTING_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neightrack/record.h"
#include "options.h"
#include "switch_config.h"

enum listing_value {
	LISTING_MAC,		/* `mac` */
	LISTING_UNREADABLE,	/* in Redis: not what neightrackd writes */
	LISTING_ABSENT,		/* while Redis is read: the row is dropped then, as a rule */
};

struct listing_row {
	char interface[IFNAMSIZ];
	uint32_t ifindex;	/* of the kernel's rows */
	uint8_t family;
	uint8_t addr[16];
	uint8_t mac[6];
	enum listing_value value;
	uint16_t nud_state;	/* of the kernel's rows */
	bool has_times;
	uint32_t updated_s;
	uint32_t confirmed_s;
	enum neigh_reason reason;	/* of the kernel's rows: what the policy says */
	/* of Redis' rows with the schema sonic: what the consumer has not taken yet is in
	 * `value`, and here is what it has */
	bool is_pending;
	enum listing_value table_value;
	uint8_t table_mac[6];
};

/* Sorted by interface, family and address. Zero-initialise; listing_free(). */
struct listing {
	struct listing_row *rows;
	size_t count;
	size_t size;
	char **foreign;		/* keys of Redis' table that are no neighbour's */
	size_t foreign_count;
};

void listing_free(struct listing *listing);

/* By key alone, as qsort(3) wants it. */
int listing_compare(const void *a, const void *b);
void listing_sort(struct listing *listing);
/* The row of a sorted list with the key of this one; NULL: there is none. */
const struct listing_row *listing_find(const struct listing *listing,
				       const struct listing_row *row);

/* Both say on stderr what failed, and return 0 or -errno. */
int listing_from_kernel(struct listing *listing, const struct options *options);
int listing_from_redis(struct listing *listing, const struct options *options);
/* Every neighbour of the kernel, whatever the policy says of it. switch_config: what a
 * switch's configuration says. */
int listing_all_from_kernel(struct listing *listing, const struct options *options,
			    const struct switch_config *switch_config);
/* What Redis has of one address, on any interface, watched or not. With the schema sonic
 * a row that waits for its deletion is LISTING_ABSENT. */
int listing_address_from_redis(struct listing *listing, const struct options *options,
			       uint8_t family, const uint8_t *addr);
/* What neighsyncd has written, or will have when its consumer has taken all, for options
 * that ask for a shadow of it. */
int listing_from_original(struct listing *listing, const struct options *options);

#endif

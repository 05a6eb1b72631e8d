/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours that behave oddly, found among the changes of the table: an address whose
 * MAC moves often, an address that two MACs claim in turn, and a MAC with many addresses.
 * Each is told once in a while, and all together no more often than a limit.
 *
 * Memory is fixed for addresses (the last few thousand that changed their MAC are
 * remembered), and bounded by the number of neighbours for MACs.
 */
#ifndef NEIGHTRACK_ANOMALIES_H
#define NEIGHTRACK_ANOMALIES_H

#include <stddef.h>
#include <stdint.h>

#include "interface.h"
#include "options.h"

enum anomaly_kind {
	ANOMALY_MAC_MOVES,		/* more than mac_moves in mac_moves_interval */
	ANOMALY_DUPLICATE,		/* an address goes back to the MAC it had before */
	ANOMALY_MANY_ADDRESSES,		/* a MAC has more than mac_addresses */
	ANOMALY_KINDS,
};

/* In lower case, for metrics and the stream. */
const char *anomaly_name(enum anomaly_kind kind);

struct anomaly {
	enum anomaly_kind kind;
	const char *interface;
	uint8_t family;			/* 0: it is not of one address */
	const uint8_t *addr;
	const uint8_t *mac;
	const uint8_t *old_mac;		/* or NULL */
	uint32_t count;			/* of moves, of returns, or of addresses */
};

struct anomaly_stats {
	uint64_t mac_changes;		/* of all addresses */
	uint64_t found[ANOMALY_KINDS];	/* told */
	uint64_t held_back;		/* found, and not told: by the limits */
	uint64_t forgotten;		/* addresses that made place for others */
	size_t crowded_macs;		/* that have many addresses now */
};

struct anomalies;

/* options may change while it runs, but mac_addresses. found() is called from
 * anomalies_change(). NULL: no memory. */
struct anomalies *anomalies_new(const struct options *options,
				void (*found)(void *context, const struct anomaly *anomaly),
				void *context);
void anomalies_free(struct anomalies *anomalies);

/* What is wanted of a neighbour has changed; NULL: it is or was not there. */
void anomalies_change(struct anomalies *anomalies, const struct interface *interface,
		      uint8_t family, const uint8_t *addr, const uint8_t *old_mac,
		      const uint8_t *mac, uint64_t now_ns);

const struct anomaly_stats *anomalies_stats(const struct anomalies *anomalies);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The producer's side of SONiC's ProducerStateTable, by which the schema `sonic`
 * hands neighbours to their consumer (orchagent). For each neighbour K of a flush:
 *
 *   set     K into the KEY_SET, its fields into the hash _NEIGH_TABLE:K
 *   delete  K into the KEY_SET and the DEL_SET, _NEIGH_TABLE:K removed
 *
 * and one PUBLISH behind them. Before the sets of neighbours in a VRF their host routes
 * ROUTE_TABLE:<vrf>:<address>, which came from elsewhere, are deleted in the same way. The consumer takes keys off the KEY_SET and brings
 * the hash NEIGH_TABLE:K up to date. It must never see a key before its fields, nor
 * one without the other: all of a flush is one transaction (MULTI/EXEC).
 */
#ifndef NEIGHTRACK_PRODUCER_H
#define NEIGHTRACK_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "resp.h"
#include "schema.h"

/* What is pointed to must stay until the flush is written. */
struct producer_change {
	const char *interface;
	const uint8_t *addr;
	const uint8_t *mac;	/* NULL: delete */
	uint8_t family;
	bool replaces;		/* nothing of what the key holds now may be left */
	const char *vrf;	/* whose host route goes before this is set; "": none does */
};

/*
 * Appends the flush, MULTI and EXEC included. Returns the number of commands between
 * these two, whose replies are integers all. The schema is of kind SCHEMA_SONIC; each
 * key may be in `changes` once.
 */
uint32_t producer_write(const struct schema *schema, struct resp_buffer *buffer,
			const struct producer_change *changes, uint32_t count);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of the table: applies records, observations from dumps and
 * look-ups, and the coming, renaming and going of interfaces, under the policy.
 *
 * Which of two statements about a neighbour is newer is decided here:
 *   - records: the later one on the ring;
 *   - a record against a dump or look-up: the record, if its time is after the
 *     start of that dump or look-up (time_ns is taken after the state was
 *     read), and else the dump or look-up.
 */
#ifndef NEIGHTRACK_PICTURE_H
#define NEIGHTRACK_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "interface.h"
#include "neigh_message.h"
#include "neigh_table.h"
#include "options.h"
#include "source.h"
#include "switch_config.h"

struct picture;

/* All must outlive the picture; options and switch_config (NULL: there is no switch) may
 * change: see picture_review(). NULL: no memory. */
struct picture *picture_new(const struct options *options,
			    const struct switch_config *switch_config,
			    struct interface_set *interfaces, struct neigh_table *table,
			    struct source *source);
void picture_free(struct picture *picture);

/* The policy bits that the options and the switch ask for. */
uint32_t picture_policy(const struct options *options, const struct switch_config *switch_config);
/* The NEIGH_INTERFACE_* of interfaces of that name. */
uint32_t picture_interface_flags(const struct options *options,
				 const struct switch_config *switch_config, const char *interface);
/* Whether interfaces of that name are not to be mirrored. */
bool picture_ignores(const struct options *options, const char *interface);

/* That record will be applied soon: see neigh_table_expect(). */
void picture_expect_record(const struct picture *picture, const struct neigh_record *record,
			   bool again);
/* A record from the source. Returns 1 if it changed what is wanted, 0 if not, or
 * -ENOMEM: a resync is due. */
int picture_apply_record(struct picture *picture, const struct neigh_record *record);

/* Links; master_ifindex: 0 = it has none. Returns whether a dump must tell what neighbours the interface has: some
 * count under this name but were filtered under its former one, or are in doubt. */
bool picture_link(struct picture *picture, uint32_t ifindex, const char *name,
		  uint32_t master_ifindex);
void picture_link_gone(struct picture *picture, uint32_t ifindex);
void picture_begin_links(struct picture *picture);
void picture_end_links(struct picture *picture);	/* those not told of meanwhile are gone */

/* The network namespace is gone, and all its links with it. */
void picture_clear(struct picture *picture);

/* After the options or the switch's configuration have changed: every interface is judged
 * anew. A dump must tell what else there is under the new policy. */
void picture_review(struct picture *picture);

/* A dump that started at start_ns (CLOCK_MONOTONIC). */
void picture_begin_dump(struct picture *picture, uint64_t start_ns);
/* The entry of an observation, marked as seen; *mac: what it wants, NULL for
 * nothing. NULL if the observation has no bearing: ignored by the policy, not
 * published and not to be, or older than a record. */
struct neigh_entry *picture_place(struct picture *picture,
				  const struct neigh_observation *observation,
				  const uint8_t **mac);
/* Ends it: what was remembered for its sake is dropped. */
void picture_end_dump(struct picture *picture);

/* Applies what a dump or look-up that started at start_ns says of the entry.
 * Returns whether that changes what is wanted. The entry may be freed. */
bool picture_observe(struct picture *picture, struct neigh_entry *entry, const uint8_t *mac,
		     uint64_t start_ns);

/* What a look-up's observation wants under the policy; NULL for nothing. */
const uint8_t *picture_judge(struct picture *picture,
			     const struct neigh_observation *observation);

/* Neighbours left out, each time that they were told of, as the table is full. */
uint64_t picture_left_out(const struct picture *picture);

/* Whether the table wants this neighbour. */
bool picture_wants(struct picture *picture, const struct neigh_key *key);

/* The key by which the kernel knows the entry. */
void picture_key(const struct neigh_entry *entry, struct neigh_key *key);

#endif

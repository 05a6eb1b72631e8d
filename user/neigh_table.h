/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table: what Redis must hold, what it is known to hold, and the list of
 * the differences.
 *
 * One entry a Redis key (interface name, address). `wanted` is what the kernel
 * says under the policy, `published` what Redis acknowledged. An entry whose
 * two sides differ is on the dirty list, once, however often it changed; while
 * a write of it is in flight or its absence is being confirmed ("held") it
 * waits beside the list. An entry with nothing on either side is freed.
 */
#ifndef NEIGHTRACK_NEIGH_TABLE_H
#define NEIGHTRACK_NEIGH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>
#include "neightrack/record.h"

#include "interface.h"

struct neigh_table;

enum neigh_published {
	PUBLISHED_NOTHING,	/* there is no such key */
	PUBLISHED_MAC,		/* `published_mac` */
	PUBLISHED_OTHER,	/* something else, or not known: to be replaced as a whole */
};

/* First what each change of a neighbour needs, so that it lies in as few cache lines as
 * it can; last what a new one, a dump or a look-up needs. */
struct neigh_entry {
	struct neigh_entry *next_in_bucket;
	struct interface *interface;
	uint8_t addr[16];
	uint8_t family;				/* NEIGHTRACK_FAMILY_* */
	uint8_t published;			/* enum neigh_published */
	bool wanted : 1;
	bool on_dirty_list : 1;
	bool in_flight : 1;
	bool in_flight_wanted : 1;		/* else a delete is in flight */
	bool held : 1;
	bool is_news : 1;			/* wanted since record_time_ns, and not sent yet */
	bool remembered : 1;			/* not to be freed while a dump is under way */
	bool seen_in_dump : 1;			/* by the dump that is under way */
	bool unverified : 1;			/* the audit of Redis has not seen its key yet */
	bool unwritten : 1;			/* the two sides differ: counted in the backlog */
	uint8_t wanted_mac[6];
	uint8_t published_mac[6];
	uint8_t in_flight_mac[6];
	uint32_t unwritten_slot;
	struct neigh_entry *next_dirty;
	uint64_t observed_ns;			/* start of the last dump or look-up applied */
	uint64_t record_time_ns;		/* of the last record applied */
	struct neigh_entry *next_of_interface;
	struct neigh_entry **link_of_interface;	/* what points to this one */
	struct neigh_entry *next_held;		/* the confirmer's list */
};

_Static_assert(sizeof(struct neigh_entry) <= 112, "memory per neighbour");

/*
 * limit: neighbours that may be wanted at one time. What is on its way out of
 * Redis may take that much again, and no more.
 * `interfaces` stays the caller's and must outlive the table. NULL: no memory.
 */
struct neigh_table *neigh_table_new(struct interface_set *interfaces, size_t limit);
void neigh_table_free(struct neigh_table *table);

size_t neigh_table_count(const struct neigh_table *table);
size_t neigh_table_wanted_count(const struct neigh_table *table);
size_t neigh_table_dirty_count(const struct neigh_table *table);
/* How long the oldest difference between the two sides has stood; 0: there is none. */
uint64_t neigh_table_lag_ns(const struct neigh_table *table);

/* No more neighbours may be wanted. */
bool neigh_table_is_full(const struct neigh_table *table);
/* No more entries of any kind may be made. */
bool neigh_table_is_crowded(const struct neigh_table *table);

/* addr: 16 bytes, network order, zero-padded for IPv4. Find, or find or make
 * (NULL: no memory, or twice the limit is reached). A made one must be given
 * something, or be released. */
struct neigh_entry *neigh_table_find(struct neigh_table *table, const struct interface *interface,
				     uint8_t family, const uint8_t *addr);
struct neigh_entry *neigh_table_get(struct neigh_table *table, struct interface *interface,
				    uint8_t family, const uint8_t *addr);

/* That address will be looked for soon, and again: what that waits for is asked for. */
void neigh_table_expect(const struct neigh_table *table, const struct interface *interface,
			uint8_t family, const uint8_t *addr, bool again);
/* The same of an entry that is known; NULL: of none. */
void neigh_table_expect_entry(const struct neigh_entry *entry);

/* The kernel's side: the entry has this MAC; NULL: it must not be in Redis.
 * Returns whether that differs from what was wanted before. */
bool neigh_table_want(struct neigh_table *table, struct neigh_entry *entry, const uint8_t *mac);

/* Redis' side, as read there. mac is used for PUBLISHED_MAC alone. */
void neigh_table_set_published(struct neigh_table *table, struct neigh_entry *entry,
			       enum neigh_published published, const uint8_t *mac);

/* Around an audit of Redis: what is believed to be there is unverified, until
 * it is read or written anew. */
void neigh_table_begin_verification(struct neigh_table *table);
static inline void neigh_table_verify(struct neigh_entry *entry)
{
	entry->unverified = false;
}
/* What is still unverified is not in Redis. Returns the number of these. */
size_t neigh_table_end_verification(struct neigh_table *table);
/* Or nothing follows from it. */
void neigh_table_abandon_verification(struct neigh_table *table);

/* Nothing is known of Redis any more: nothing is published, in flight or dirty. */
void neigh_table_forget_published(struct neigh_table *table);

/*
 * What became of a neighbour while a dump is under way must be remembered even
 * if nothing is left of it: the dump may still tell of its earlier life.
 */
void neigh_table_remember(struct neigh_entry *entry);
void neigh_table_no_longer_remember(struct neigh_table *table, struct neigh_entry *entry);

/* While held, an entry is neither written nor freed. */
void neigh_table_hold(struct neigh_entry *entry);
void neigh_table_release(struct neigh_table *table, struct neigh_entry *entry);

/* The next entry to write, taken off the dirty list; NULL if there is none. Its
 * wanted side is in flight now, until one of the two calls below. */
struct neigh_entry *neigh_table_take_dirty(struct neigh_table *table);
void neigh_table_acknowledge(struct neigh_table *table, struct neigh_entry *entry);
/* The write was refused: the entry is dirty again. `published`: what is there now. */
void neigh_table_refuse(struct neigh_table *table, struct neigh_entry *entry,
			enum neigh_published published);

/* All entries of `from` change to `to`: their keys there go, here they come.
 * Returns whether some of them are in doubt: what waited for a look-up or was
 * remembered for a dump is not any more, or there was no memory; a dump must tell.
 * Neither this nor the next call frees the interface: interface_put() does. */
bool neigh_table_move(struct neigh_table *table, struct interface *from, struct interface *to);
/* None of the interface's entries is wanted any more. */
void neigh_table_clear(struct neigh_table *table, struct interface *interface);
/* changed() is called after each change of what is wanted; old_mac: what was before, NULL
 * if nothing. It must not change the table. NULL: nobody is told. */
void neigh_table_observe(struct neigh_table *table,
			 void (*changed)(void *context, const struct neigh_entry *entry,
					 const uint8_t *old_mac), void *context);

/* Calls visit() for each entry; visit() may free that one, and must add none. */
void neigh_table_for_each(struct neigh_table *table,
			  void (*visit)(void *context, struct neigh_entry *entry), void *context);

#endif

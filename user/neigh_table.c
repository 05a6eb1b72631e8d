/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table: a chained hash of entries that come from slabs.
 *
 * Keys are chosen by whoever sends packets, so the hash is seeded at start: a
 * stranger cannot aim at one bucket. Entries are taken from slabs of a thousand or more
 * and go back to a free list: no allocation for most new neighbours, none for a
 * change, and memory that follows the largest number of neighbours alone.
 *
 * The hash grows by a bucket a new entry (linear hashing, Litwin 1980): the next bucket
 * in turn is split in two. To double it at once would move all entries in the midst of a
 * burst, while the source fills up. Buckets that are not used yet are pages that the kernel
 * has not given yet.
 */
#include "neigh_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "backlog.h"
#include "clock.h"

#define ENTRIES_A_SLAB 1024u
/* A table of more slabs than that goes on by huge pages, if the kernel has any. */
#define SMALL_SLABS 64u
#define HUGE_BYTES (2u << 20)
#define FIRST_BUCKETS 1024u
#define SPLITS_AHEAD 8u
/* More entries than that are in no cache of a CPU as a rule. */
#define CACHED_ENTRIES 4096u

struct slab {
	struct slab *next;
	size_t used, size;		/* entries */
	struct neigh_entry entries[];
};

struct neigh_table {
	struct interface_set *interfaces;
	struct neigh_entry **buckets;
	size_t bucket_count;
	size_t bucket_most;
	size_t round;			/* the power of two that was reached last */
	size_t limit;
	size_t count;
	size_t wanted_count;
	size_t dirty_count;
	struct neigh_entry *first_dirty;
	struct neigh_entry **last_dirty;	/* the link to append to */
	struct backlog unwritten;
	struct neigh_entry *free_entries;	/* by next_in_bucket */
	struct slab *slabs;			/* the one that is being filled first */
	size_t slab_count;
	uint64_t seed[2];
	void (*changed)(void *context, const struct neigh_entry *entry, const uint8_t *old_mac);
	void *changed_context;
};

struct neigh_table *neigh_table_new(struct interface_set *interfaces, size_t limit)
{
	struct neigh_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->bucket_count = FIRST_BUCKETS;
	table->round = FIRST_BUCKETS;
	table->bucket_most = FIRST_BUCKETS;
	while (table->bucket_most < limit)
		table->bucket_most *= 2;
	table->buckets = calloc(table->bucket_most, sizeof(*table->buckets));
	if (!table->buckets || getrandom(table->seed, sizeof(table->seed), 0) < 0) {
		free(table->buckets);
		free(table);
		return NULL;
	}
	table->interfaces = interfaces;
	table->limit = limit;
	table->last_dirty = &table->first_dirty;
	return table;
}

void neigh_table_free(struct neigh_table *table)
{
	if (!table)
		return;
	while (table->slabs) {
		struct slab *next = table->slabs->next;

		free(table->slabs);
		table->slabs = next;
	}
	free(table->buckets);
	free(table);
}

size_t neigh_table_count(const struct neigh_table *table)
{
	return table->count;
}

size_t neigh_table_wanted_count(const struct neigh_table *table)
{
	return table->wanted_count;
}

bool neigh_table_is_full(const struct neigh_table *table)
{
	return table->wanted_count >= table->limit;
}

size_t neigh_table_dirty_count(const struct neigh_table *table)
{
	return table->dirty_count;
}

uint64_t neigh_table_lag_ns(const struct neigh_table *table)
{
	return backlog_oldest_ns(&table->unwritten, clock_now_ns());
}

/* Multiply and fold the 128-bit product: every bit of both reaches the result. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static size_t bucket_of(const struct neigh_table *table, const struct interface *interface,
			uint8_t family, const uint8_t *addr)
{
	uint64_t words[2];
	uint64_t hash;

	memcpy(words, addr, sizeof(words));
	hash = mix(words[0] ^ table->seed[0], words[1] ^ table->seed[1]);
	hash = mix(hash ^ (uint64_t)(uintptr_t)interface, table->seed[0] ^ family);
	/* a bucket that has not been split in this round stands for the two that it will be */
	if (((size_t)hash & (2 * table->round - 1)) < table->bucket_count)
		return (size_t)hash & (2 * table->round - 1);
	return (size_t)hash & (table->round - 1);
}

/* Both lines that it may lie in. NULL: for nothing. */
static void ask_for(const struct neigh_entry *entry)
{
	if (!entry)
		return;
	__builtin_prefetch(entry, 1);
	__builtin_prefetch(&entry->in_flight_mac, 1);
}

void neigh_table_expect(const struct neigh_table *table, const struct interface *interface,
			uint8_t family, const uint8_t *addr, bool again)
{
	struct neigh_entry *const *bucket;

	if (table->count < CACHED_ENTRIES)
		return;
	bucket = &table->buckets[bucket_of(table, interface, family, addr)];
	if (!again)
		__builtin_prefetch(bucket);
	else
		ask_for(*bucket);
}

struct neigh_entry *neigh_table_find(struct neigh_table *table, const struct interface *interface,
				     uint8_t family, const uint8_t *addr)
{
	struct neigh_entry *entry = table->buckets[bucket_of(table, interface, family, addr)];

	while (entry && (entry->interface != interface || entry->family != family ||
			 memcmp(entry->addr, addr, sizeof(entry->addr))))
		entry = entry->next_in_bucket;
	return entry;
}

/* Shares out the entries of the bucket whose turn it is between that and a new one. */
static void split_bucket(struct neigh_table *table)
{
	struct neigh_entry **from = &table->buckets[table->bucket_count - table->round];
	struct neigh_entry **at = from, *entry;

	if (table->bucket_count == table->bucket_most)
		return;
	ask_for(from[SPLITS_AHEAD]);
	table->bucket_count++;
	while ((entry = *at)) {
		size_t bucket = bucket_of(table, entry->interface, entry->family, entry->addr);

		if (&table->buckets[bucket] == from) {
			at = &entry->next_in_bucket;
			continue;
		}
		*at = entry->next_in_bucket;
		entry->next_in_bucket = table->buckets[bucket];
		table->buckets[bucket] = entry;
	}
	if (table->bucket_count == 2 * table->round)
		table->round *= 2;
}

static struct slab *make_slab(struct neigh_table *table)
{
	size_t bytes = sizeof(struct slab) + ENTRIES_A_SLAB * sizeof(struct neigh_entry);
	struct slab *slab;

	if (table->slab_count < SMALL_SLABS) {
		slab = malloc(bytes);
	} else {
		bytes = HUGE_BYTES;
		slab = aligned_alloc(HUGE_BYTES, bytes);
		/* where there are none, small pages do */
		if (slab)
			madvise(slab, bytes, MADV_HUGEPAGE);
	}
	if (!slab)
		return NULL;
	slab->next = table->slabs;
	slab->used = 0;
	slab->size = (bytes - sizeof(*slab)) / sizeof(slab->entries[0]);
	table->slabs = slab;
	table->slab_count++;
	return slab;
}

static struct neigh_entry *allocate(struct neigh_table *table)
{
	struct neigh_entry *entry = table->free_entries;
	struct slab *slab = table->slabs;

	if (entry) {
		table->free_entries = entry->next_in_bucket;
	} else {
		if (!slab || slab->used == slab->size)
			slab = make_slab(table);
		if (!slab)
			return NULL;
		entry = &slab->entries[slab->used++];
	}
	memset(entry, 0, sizeof(*entry));
	return entry;
}

static struct neigh_entry *get(struct neigh_table *table, struct interface *interface,
			       uint8_t family, const uint8_t *addr)
{
	struct neigh_entry *entry = neigh_table_find(table, interface, family, addr);
	size_t bucket;

	if (entry)
		return entry;
	entry = allocate(table);
	if (!entry)
		return NULL;
	if (table->count >= table->bucket_count)
		split_bucket(table);
	entry->interface = interface;
	entry->family = family;
	memcpy(entry->addr, addr, sizeof(entry->addr));

	bucket = bucket_of(table, interface, family, addr);
	entry->next_in_bucket = table->buckets[bucket];
	table->buckets[bucket] = entry;
	table->count++;

	entry->next_of_interface = interface->entries;
	entry->link_of_interface = &interface->entries;
	if (interface->entries)
		interface->entries->link_of_interface = &entry->next_of_interface;
	interface->entries = entry;
	interface->entry_count++;
	return entry;
}

bool neigh_table_is_crowded(const struct neigh_table *table)
{
	return table->count >= 2 * table->limit;
}

struct neigh_entry *neigh_table_get(struct neigh_table *table, struct interface *interface,
				    uint8_t family, const uint8_t *addr)
{
	if (neigh_table_is_crowded(table))
		return neigh_table_find(table, interface, family, addr);
	return get(table, interface, family, addr);
}

/* Frees the entry if nothing is left of it. */
static void put(struct neigh_table *table, struct neigh_entry *entry)
{
	struct interface *interface = entry->interface;
	struct neigh_entry **at;

	if (entry->wanted || entry->published != PUBLISHED_NOTHING || entry->in_flight ||
	    entry->held || entry->remembered || entry->on_dirty_list)
		return;

	at = &table->buckets[bucket_of(table, interface, entry->family, entry->addr)];
	while (*at != entry)
		at = &(*at)->next_in_bucket;
	*at = entry->next_in_bucket;
	table->count--;

	*entry->link_of_interface = entry->next_of_interface;
	if (entry->next_of_interface)
		entry->next_of_interface->link_of_interface = entry->link_of_interface;
	interface->entry_count--;

	entry->next_in_bucket = table->free_entries;
	table->free_entries = entry;
	interface_put(table->interfaces, interface);
}

static bool differs(const struct neigh_entry *entry)
{
	if (!entry->wanted)
		return entry->published != PUBLISHED_NOTHING;
	return entry->published != PUBLISHED_MAC ||
	       memcmp(entry->wanted_mac, entry->published_mac, sizeof(entry->wanted_mac)) != 0;
}

static bool needs_write(const struct neigh_entry *entry)
{
	return !entry->in_flight && !entry->held && entry->interface->name[0] && differs(entry);
}

/* Keeps account of how long the two sides differ. */
static void note_difference(struct neigh_table *table, struct neigh_entry *entry)
{
	bool unwritten = differs(entry);

	if (unwritten == entry->unwritten)
		return;
	entry->unwritten = unwritten;
	if (unwritten)
		entry->unwritten_slot = backlog_begin(&table->unwritten, clock_coarse_ns());
	else
		backlog_end(&table->unwritten, entry->unwritten_slot);
}

/* To be called after any change of an entry: lists it, or frees it. */
static void settle(struct neigh_table *table, struct neigh_entry *entry)
{
	note_difference(table, entry);
	if (entry->on_dirty_list)
		return;
	if (!needs_write(entry)) {
		put(table, entry);
		return;
	}
	entry->on_dirty_list = true;
	entry->next_dirty = NULL;
	*table->last_dirty = entry;
	table->last_dirty = &entry->next_dirty;
	table->dirty_count++;
}

bool neigh_table_want(struct neigh_table *table, struct neigh_entry *entry, const uint8_t *mac)
{
	uint32_t *of_interface = &entry->interface->wanted[entry->family == NEIGHTRACK_FAMILY_IPV6];
	bool was_wanted = entry->wanted;
	uint8_t old_mac[6];
	bool changed;

	memcpy(old_mac, entry->wanted_mac, sizeof(old_mac));
	if (mac) {
		changed = !entry->wanted ||
			  memcmp(entry->wanted_mac, mac, sizeof(entry->wanted_mac)) != 0;
		table->wanted_count += !entry->wanted;
		*of_interface += !entry->wanted;
		entry->wanted = true;
		memcpy(entry->wanted_mac, mac, sizeof(entry->wanted_mac));
	} else {
		changed = entry->wanted;
		table->wanted_count -= entry->wanted;
		*of_interface -= entry->wanted;
		entry->wanted = false;
	}
	if (changed && table->changed)
		table->changed(table->changed_context, entry, was_wanted ? old_mac : NULL);
	settle(table, entry);
	return changed;
}

void neigh_table_observe(struct neigh_table *table,
			 void (*changed)(void *context, const struct neigh_entry *entry,
					 const uint8_t *old_mac), void *context)
{
	table->changed = changed;
	table->changed_context = context;
}

void neigh_table_set_published(struct neigh_table *table, struct neigh_entry *entry,
			       enum neigh_published published, const uint8_t *mac)
{
	entry->published = (uint8_t)published;
	if (published == PUBLISHED_MAC)
		memcpy(entry->published_mac, mac, sizeof(entry->published_mac));
	settle(table, entry);
}

static void forget(void *context, struct neigh_entry *entry)
{
	struct neigh_table *table = context;

	entry->published = PUBLISHED_NOTHING;
	entry->in_flight = false;
	entry->unverified = false;
	settle(table, entry);
}

static void mark_unverified(void *context, struct neigh_entry *entry)
{
	(void)context;
	entry->unverified = entry->published != PUBLISHED_NOTHING;
}

void neigh_table_begin_verification(struct neigh_table *table)
{
	neigh_table_for_each(table, mark_unverified, NULL);
}

struct verification {
	struct neigh_table *table;
	size_t missing;
};

static void end_verification(void *context, struct neigh_entry *entry)
{
	struct verification *verification = context;

	if (!entry->unverified)
		return;
	entry->unverified = false;
	verification->missing++;
	entry->published = PUBLISHED_NOTHING;
	settle(verification->table, entry);
}

size_t neigh_table_end_verification(struct neigh_table *table)
{
	struct verification verification = { .table = table };

	neigh_table_for_each(table, end_verification, &verification);
	return verification.missing;
}

static void mark_verified(void *context, struct neigh_entry *entry)
{
	(void)context;
	entry->unverified = false;
}

void neigh_table_abandon_verification(struct neigh_table *table)
{
	neigh_table_for_each(table, mark_verified, NULL);
}

void neigh_table_forget_published(struct neigh_table *table)
{
	neigh_table_for_each(table, forget, table);
}

void neigh_table_remember(struct neigh_entry *entry)
{
	entry->remembered = true;
}

void neigh_table_no_longer_remember(struct neigh_table *table, struct neigh_entry *entry)
{
	entry->remembered = false;
	settle(table, entry);
}

void neigh_table_hold(struct neigh_entry *entry)
{
	entry->held = true;
}

void neigh_table_release(struct neigh_table *table, struct neigh_entry *entry)
{
	entry->held = false;
	settle(table, entry);
}

struct neigh_entry *neigh_table_take_dirty(struct neigh_table *table)
{
	struct neigh_entry *entry;

	while ((entry = table->first_dirty)) {
		table->first_dirty = entry->next_dirty;
		if (!table->first_dirty)
			table->last_dirty = &table->first_dirty;
		table->dirty_count--;
		entry->on_dirty_list = false;
		if (needs_write(entry)) {
			ask_for(table->first_dirty);
			entry->in_flight = true;
			entry->in_flight_wanted = entry->wanted;
			memcpy(entry->in_flight_mac, entry->wanted_mac,
			       sizeof(entry->in_flight_mac));
			return entry;
		}
		/* it changed back, or must wait: whoever ends the wait lists it again */
		put(table, entry);
	}
	return NULL;
}

void neigh_table_expect_entry(const struct neigh_entry *entry)
{
	ask_for(entry);
}

void neigh_table_acknowledge(struct neigh_table *table, struct neigh_entry *entry)
{
	entry->in_flight = false;
	entry->unverified = false;
	if (entry->in_flight_wanted) {
		entry->published = PUBLISHED_MAC;
		memcpy(entry->published_mac, entry->in_flight_mac, sizeof(entry->published_mac));
	} else {
		entry->published = PUBLISHED_NOTHING;
	}
	settle(table, entry);
}

void neigh_table_refuse(struct neigh_table *table, struct neigh_entry *entry,
			enum neigh_published published)
{
	entry->in_flight = false;
	entry->published = (uint8_t)published;
	settle(table, entry);
}

/* Returns whether something of the entry stays behind, or is not known for sure. */
static bool move_entry(struct neigh_table *table, struct neigh_entry *entry, struct interface *to)
{
	bool in_doubt = entry->held || entry->remembered;
	struct neigh_entry *moved;

	if (!entry->wanted)
		return in_doubt;
	/* beyond the limit, if need be: what is moved frees its former place soon */
	moved = get(table, to, entry->family, entry->addr);
	if (moved) {
		moved->record_time_ns = entry->record_time_ns;
		moved->observed_ns = entry->observed_ns;
		neigh_table_want(table, moved, entry->wanted_mac);
	}
	neigh_table_want(table, entry, NULL);
	return in_doubt || !moved;
}

bool neigh_table_move(struct neigh_table *table, struct interface *from, struct interface *to)
{
	struct neigh_entry *entry = from->entries;
	bool in_doubt = false;

	from->entry_count++;	/* or it might be freed with its last entry */
	while (entry) {
		struct neigh_entry *next = entry->next_of_interface;

		in_doubt |= move_entry(table, entry, to);
		entry = next;
	}
	from->entry_count--;
	return in_doubt;
}

void neigh_table_clear(struct neigh_table *table, struct interface *interface)
{
	struct neigh_entry *entry = interface->entries;

	interface->entry_count++;
	while (entry) {
		struct neigh_entry *next = entry->next_of_interface;

		neigh_table_want(table, entry, NULL);
		entry = next;
	}
	interface->entry_count--;
}

void neigh_table_for_each(struct neigh_table *table,
			  void (*visit)(void *context, struct neigh_entry *entry), void *context)
{
	for (size_t i = 0; i < table->bucket_count; i++) {
		struct neigh_entry *entry = table->buckets[i];

		while (entry) {
			struct neigh_entry *next = entry->next_in_bucket;

			visit(context, entry);
			entry = next;
		}
	}
}

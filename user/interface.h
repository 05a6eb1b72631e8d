/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces, by ifindex as the kernel speaks of them and by name as
 * Redis does.
 *
 * An interface object stands for one name, for as long as a link has that name
 * or an entry of the table belongs to it: so a Redis key has one owner even
 * while interfaces are renamed, deleted and created again under it. An ifindex
 * whose name is not known yet has an object without a name, whose entries wait.
 */
#ifndef NEIGHTRACK_INTERFACE_H
#define NEIGHTRACK_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct neigh_entry;

struct interface {
	char name[IFNAMSIZ];		/* "" = not known yet */
	uint32_t ifindex;		/* 0 = no link has this name now */
	uint32_t master_ifindex;	/* of that link; 0 = it has no master */
	bool ignored;			/* by configuration: nothing of it is wanted */
	bool seen;			/* by the dump of links under way, or made since it began */
	uint32_t kernel_flags;		/* NEIGH_INTERFACE_*: what the kernel side was told */
	uint32_t entry_count;
	uint32_t wanted[2];		/* of these, IPv4 and IPv6, to be in Redis */
	struct neigh_entry *entries;	/* the table's list of those that belong here */
	struct interface *next_by_index;
	struct interface *next_by_name;
};

struct interface_set;

/* Return NULL on lack of memory, as all functions below that return an interface. */
struct interface_set *interface_set_new(void);
/* Before anything is in it: ifindexes are to be looked for one after the other. */
void interface_set_use_list(struct interface_set *set);
void interface_set_free(struct interface_set *set);

/* Find; NULL if there is none. */
struct interface *interface_by_index(struct interface_set *set, uint32_t ifindex);
struct interface *interface_by_name(struct interface_set *set, const char *name);

/* Find or make. A new one by index has no name; a new one by name no ifindex. */
struct interface *interface_get_by_index(struct interface_set *set, uint32_t ifindex);
struct interface *interface_get_by_name(struct interface_set *set, const char *name);

/* Gives the interface an ifindex (0 takes it away). No other may have it. */
void interface_set_index(struct interface_set *set, struct interface *interface, uint32_t ifindex);

/* Frees the interface if it has no entries, and no ifindex or no name. */
void interface_put(struct interface_set *set, struct interface *interface);

/* The name of the interface's master if that is a VRF of SONiC, one named Vrf*; else "".
 * Valid until a link is told of. */
const char *interface_vrf(struct interface_set *set, const struct interface *interface);

/* Calls visit() for each; visit() may put the one it is called with. */
void interface_for_each(struct interface_set *set,
			void (*visit)(void *context, struct interface *interface), void *context);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps and the memory that the programs share with the daemon. All of them
 * are pinned under /sys/fs/bpf/neightrack/<instance>/ by these names.
 */
#ifndef NEIGHTRACK_BPF_MAPS_H
#define NEIGHTRACK_BPF_MAPS_H

/* Set before load. */
const volatile struct neigh_identity identity;

/* These two are mapped by the daemon too. */
struct neigh_controls controls SEC(".data.control");
struct neigh_low_interfaces low_interfaces[NEIGH_INSTANCES];

/* A ring a slot, so that a storm in one namespace loses nothing of another. The daemon
 * makes them, of ring_size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);		/* slots */
	__type(key, __u32);
	__type(value, __u32);
} records SEC(".maps");

/* What was published of each neighbour: the suppression of what changes nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);	/* map_size */
	__type(key, struct neigh_key);
	__type(value, struct neigh_value);
} neighbours SEC(".maps");

/* All of them, for people, and those with higher numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);	/* a slot */
	__type(key, struct neigh_interface_key);
	__type(value, struct neigh_interface);
} interfaces SEC(".maps");

/*
 * Indexed by slot * NEIGH_HOOKS + enum neigh_hook. A program never interrupts itself on one
 * CPU (it is skipped then), so its own counters need no atomic operations.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEIGH_HOOKS);	/* a slot */
	__type(key, __u32);	/* the kernel takes no enum: it would drop all types of the map */
	__type(value, struct neigh_counters);
} counters SEC(".maps");

#endif

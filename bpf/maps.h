/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps and the memory that the programs share with the daemon. All of them
 * are pinned under /sys/fs/bpf/neightrack/<instance>/ by these names.
 */
#ifndef NEIGHTRACK_BPF_MAPS_H
#define NEIGHTRACK_BPF_MAPS_H

/* Set before load. */
const volatile struct neigh_identity identity;

/* Mapped by the daemon too. */
struct neigh_control control;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);	/* ring_size */
} records SEC(".maps");

/* What was published of each neighbour: the suppression of what changes nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);	/* max_neighbours */
	__type(key, struct neigh_key);
	__type(value, struct neigh_value);
} neighbours SEC(".maps");

struct neigh_low_interfaces low_interfaces SEC(".data.interfaces");

/* By ifindex: all of them, for people, and those with higher numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct neigh_interface);
} interfaces SEC(".maps");

/*
 * Indexed by enum neigh_hook. A program never interrupts itself on one CPU (it is
 * skipped then), so its own counters need no atomic operations.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEIGH_HOOKS);
	__type(key, __u32);
	__type(value, struct neigh_counters);
} counters SEC(".maps");

#endif

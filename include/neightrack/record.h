/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/*
 * What the kernel side and the user side say to each other: the key of a
 * neighbour, the record of one change, and the values of the pinned maps.
 *
 * Types alone. Every struct is naturally aligned, has a fixed size that is
 * asserted, and holds no string: interface names are userspace's business.
 * The includer provides __u8, __u16, __u32 and __u64 (<linux/types.h> in user
 * programs, vmlinux/neightrack_vmlinux.h in BPF programs).
 */
#ifndef NEIGHTRACK_RECORD_H
#define NEIGHTRACK_RECORD_H

enum {
	NEIGHTRACK_FAMILY_IPV4 = 2,	/* AF_INET */
	NEIGHTRACK_FAMILY_IPV6 = 10,	/* AF_INET6 */
};

/* Network namespaces that one daemon can mirror, each in a slot of its own. */
#define NEIGH_INSTANCES 16u	/* a power of two: numbers of slots are masked */

/* One neighbour of one network namespace, as the kernel identifies it. */
struct neigh_key {
	__u32 ifindex;
	__u8 family;		/* NEIGHTRACK_FAMILY_*: the address' length follows from it */
	__u8 instance;		/* slot of its network namespace; 0 wherever there is one alone */
	__u8 reserved[2];	/* always zero: the whole struct is hashed and compared */
	__u8 addr[16];		/* network order; an IPv4 address has 12 zero bytes behind it */
};

/* What a record says of its neighbour. */
enum neigh_record_kind {
	NEIGH_RECORD_SET = 1,	/* valid, with this MAC */
	NEIGH_RECORD_GONE = 2,	/* deleted, failed, or no longer published by the policy */
};

/*
 * One change that matters, on the ring. Records of one neighbour lie on the
 * ring in the order in which their states were read: the last one is true.
 */
struct neigh_record {
	struct neigh_key key;
	__u64 time_ns;		/* CLOCK_MONOTONIC, taken after the state was read */
	__u8 mac[6];
	__u8 kind;		/* enum neigh_record_kind */
	__u8 hook;		/* enum neigh_hook */
	__u16 nud_state;	/* NUD_*; of a deleted neighbour: what was left there */
	__u16 reserved;
	__u32 ntf_flags;	/* NTF_*, extended ones included */
};

/* The programs. The `counters` map has as many entries a slot, in this order. */
enum neigh_hook {
	NEIGH_HOOK_UPDATE = 0,
	NEIGH_HOOK_UPDATE_AGAIN = 1,
	NEIGH_HOOK_TIMER = 2,
	NEIGH_HOOK_CLEANUP = 3,
	NEIGH_HOOKS = 4,
};

/*
 * What was last published of a neighbour, in one word so that it changes in
 * one compare-and-swap. `stamp` counts publications, so that a word never
 * returns to an earlier value while somebody holds that one.
 */
struct neigh_claim {
	__u8 mac[6];
	__u16 stamp;		/* NEIGH_CLAIM_VALID | a 15-bit counter */
};

#define NEIGH_CLAIM_VALID 0x8000u

/* The value of the `neighbours` map; its key is struct neigh_key. */
struct neigh_value {
	union {
		struct neigh_claim published;
		__u64 published_word;
	};
	__u64 first_seen_ns;	/* CLOCK_MONOTONIC, as all times here */
	__u64 last_change_ns;
	__u32 epoch;		/* a claim of another epoch than the current one suppresses nothing */
	__u32 changes;		/* records published */
	__u32 mac_moves;	/* ... that replaced one MAC by another */
	__u16 nud_state;	/* at the last publication */
	__u16 reserved;
};

/* Why a neighbour is left out. One list for BPF, netlink, snapshot and tools. */
enum neigh_reason {
	NEIGH_PUBLISH = 0,		/* none: it is published */
	NEIGH_IGNORE_FAMILY,		/* neither IPv4 nor IPv6, or a family switched off */
	NEIGH_IGNORE_INTERFACE,		/* an interface that is not watched */
	NEIGH_IGNORE_MULTICAST,		/* multicast, broadcast, unspecified or loopback address */
	NEIGH_IGNORE_LINK_LOCAL_IPV4,	/* 169.254.0.0/16 */
	NEIGH_IGNORE_LINK_LOCAL_IPV6,	/* fe80::/10 */
	NEIGH_ABSENT_STATE,		/* no valid NUD state: NONE, INCOMPLETE, FAILED */
	NEIGH_ABSENT_NOARP,		/* NUD_NOARP and not learned externally */
	NEIGH_ABSENT_LLADDR,		/* a link-layer address that is not 6 bytes long, or broadcast */
	NEIGH_REASONS,
	/* for neigh_policy_state() alone: published all the same, with a MAC of zeros */
	NEIGH_PUBLISH_UNRESOLVED = NEIGH_REASONS,
};

/* Per slot, program and CPU. At rest seen + rechecked = other_netns + filtered +
 * suppressed + superseded + discarded + submitted + ring_full. */
struct neigh_counters {
	__u64 seen;			/* by a second copy: of what the first was skipped for */
	__u64 other_netns;		/* of no slot's: counted with the first */
	__u64 filtered[NEIGH_REASONS];	/* [NEIGH_PUBLISH] stays 0 */
	__u64 suppressed;		/* nothing that is published changed */
	__u64 superseded;		/* another CPU published a newer state meanwhile */
	__u64 discarded;		/* the neighbour was dead: its deletion is reported apart */
	__u64 submitted;
	__u64 ring_full;		/* lost: a resync must follow */
	__u64 map_full;			/* submitted all the same, but without suppression */
	__u64 rechecked;		/* went round again, as the state or the claim had changed */
};

/* The key and the value of the `interfaces` map. */
struct neigh_interface_key {
	__u32 ifindex;
	__u32 instance;			/* slot */
};

struct neigh_interface {
	__u32 flags;			/* NEIGH_INTERFACE_* */
	char name[16];			/* for people who dump the map */
};

#define NEIGH_INTERFACE_IGNORED		(1u << 0)
#define NEIGH_INTERFACE_LINK_LOCAL	(1u << 1)	/* its fe80::/10 neighbours count */
#define NEIGH_INTERFACE_KNOWN		(1u << 7)	/* in neigh_low_interfaces alone */
/* Nothing is known of the interface yet: let pass what may count, for the daemon to judge. */
#define NEIGH_INTERFACE_UNKNOWN		NEIGH_INTERFACE_LINK_LOCAL

/* The flags of interfaces with low numbers, which most are, where a look costs a load
 * and not a look-up in a hash. 0: not known. One a slot. */
#define NEIGH_LOW_INTERFACES 8192u
struct neigh_low_interfaces {
	__u8 flags[NEIGH_LOW_INTERFACES];
};

/* What the daemon tells the programs of one slot, in memory that both map. */
struct neigh_control {
	__u32 netns_inum;		/* that is mirrored; 0: the slot is not in use */
	__u32 policy;			/* NEIGH_POLICY_* */
	__u32 epoch;			/* current epoch of claims; advanced by a resync */
	__u32 keep_tombstones;		/* while a snapshot is being merged: deletions stay in the map */
	__u32 sweeps;			/* odd while the daemon removes values from `neighbours` */
	__u32 consumer_sleeps;		/* set before sleeping, cleared by whoever wakes the consumer */
	__u64 claims_incomplete;	/* times that a neighbour was published without a claim */
	__u64 lost;			/* records that found the ring full */
} __attribute__((aligned(64)));		/* what one slot's storm writes another's does not wait for */

/* ... and of all. */
struct neigh_controls {
	struct neigh_control of[NEIGH_INSTANCES];
	__u64 deletions;		/* in all network namespaces: a dump during them may skip entries */
	__u64 lost;			/* by whichever slot */
};

/* What the programs were loaded with, in the map `identity`. */
struct neigh_identity {
	__u64 object_hash;		/* of the object file */
	__u32 instances;		/* slots */
	__u32 ring_size_bytes;		/* of each slot's */
	__u32 map_size;			/* neighbours, of all slots */
	__u32 without;			/* NEIGH_WITHOUT_* */
};

/* Left out so as to measure what they are worth. */
#define NEIGH_WITHOUT_FILTER		(1u << 0)
#define NEIGH_WITHOUT_SUPPRESSION	(1u << 1)

_Static_assert(sizeof(struct neigh_key) == 24, "keys are hashed as 24 bytes");
_Static_assert(sizeof(struct neigh_control) == 64, "a line of the CPU's cache");
_Static_assert(sizeof(struct neigh_record) == 48, "a record is 48 bytes on the ring");
_Static_assert(sizeof(struct neigh_claim) == 8, "a claim is one word");
_Static_assert(sizeof(struct neigh_value) == 40, "memory per neighbour in the kernel");

#endif

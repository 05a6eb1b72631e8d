/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the programs under bpf/ read, and no more: members in
 * any order, as CO-RE relocates each access by name against the BTF of the
 * kernel that the object is loaded on. So the build needs no kernel BTF.
 *
 * vmlinux/check-members compares it with a kernel's BTF; vmlinux/README.md tells
 * how to extend it.
 */
#ifndef NEIGHTRACK_VMLINUX_H
#define NEIGHTRACK_VMLINUX_H

#define __VMLINUX_H__	/* <bpf/bpf_tracing.h>: registers by the names that the kernel has */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef _Bool bool;
enum {
	false = 0,
	true = 1,
};

/* include/uapi/linux/bpf.h: what the maps and calls here use of it */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	unsigned char addr_len;
	possible_net_t nd_net;
};

struct neigh_table {
	int family;
};

struct seqcount {
	unsigned int sequence;
};

struct seqcount_spinlock {
	struct seqcount seqcount;
};

/* of an older shape before 5.9, which begins with the sequence too */
typedef struct {
	struct seqcount_spinlock seqcount;
} seqlock_t;

struct neighbour {
	struct neigh_table *tbl;
	u8 nud_state;
	u8 dead;
	u32 flags;
	seqlock_t ha_lock;
	unsigned char ha[32];
	struct net_device *dev;
	u8 primary_key[0];
};

/* the arguments of a kernel function, as <bpf/bpf_tracing.h> looks for them */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long si;
	unsigned long di;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	unsigned long long regs[31];
};
#endif

#pragma clang attribute pop

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a struct neighbour of the kernel into our own types. Programs are given it in
 * one of two ways:
 *
 *   tp_btf           as a pointer whose type the kernel knows: plain loads, of which a
 *                    faulting one gives a zero, and which lockdown does not forbid
 *   raw_tp, kprobe   as a bare number: loads by a helper. Their file defines
 *                    NEIGHTRACK_READ_BY_HELPER
 *
 * All that follows says FIELD(), and looks the same for both.
 */
#ifndef NEIGHTRACK_BPF_NEIGH_READ_H
#define NEIGHTRACK_BPF_NEIGH_READ_H

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

#ifdef NEIGHTRACK_READ_BY_HELPER

#define FIELD(pointer, member) ({						\
	typeof((pointer)->member) value__;					\
	bpf_core_read((void *)&value__, sizeof(value__), &(pointer)->member);	\
	value__;								\
})
/* a call of a helper is neither left out, nor repeated, nor moved */
#define FIELD_ONCE(pointer, member) FIELD(pointer, member)

static __always_inline void read_words(__u32 *words, const __u8 *from, __u32 count)
{
	bpf_probe_read_kernel(words, count * sizeof(*words), from);
}

static __always_inline __u64 read_mac(const struct neighbour *n)
{
	__u64 word = 0;

	bpf_core_read(&word, sizeof(word), &n->ha);
	return word;
}

/* libbpf resizes a load, but not the size that a helper is told: u8 before 5.16 */
static __always_inline __u32 read_ntf_flags(const struct neighbour *n)
{
	__u32 flags = 0;
	__u8 narrow = 0;

	if (bpf_core_field_size(n->flags) == sizeof(flags)) {
		bpf_core_read(&flags, sizeof(flags), &n->flags);
		return flags;
	}
	bpf_core_read(&narrow, sizeof(narrow), &n->flags);
	return narrow;
}

/* the first word of the lock, in the shape that it had before 5.9 too */
static __always_inline __u32 read_sequence(const struct neighbour *n)
{
	__u32 sequence = 0;

	bpf_core_read(&sequence, sizeof(sequence), &n->ha_lock);
	return sequence;
}

#else

#define FIELD(pointer, member) ((pointer)->member)
#define FIELD_ONCE(pointer, member) READ_ONCE((pointer)->member)

static __always_inline void read_words(__u32 *words, const __u8 *from, __u32 count)
{
	const __u32 *source = (const __u32 *)from;

	for (__u32 i = 0; i < count; i++)
		words[i] = source[i];
}

static __always_inline __u64 read_mac(const struct neighbour *n)
{
	return *(const volatile __u64 *)&n->ha[0];
}

static __always_inline __u32 read_ntf_flags(const struct neighbour *n)
{
	return READ_ONCE(n->flags);
}

static __always_inline __u32 read_sequence(const struct neighbour *n)
{
	return READ_ONCE(n->ha_lock.seqcount.seqcount.sequence);
}

#endif

struct neigh_state {
	union {
		__u8 mac[8];
		__u64 mac_word;		/* the last two bytes are zero */
	};
	__u32 ntf_flags;
	__u16 nud_state;
	__u8 dead;
	__u8 torn;		/* a writer was in the middle of the MAC */
	__u32 lladdr_bytes;
};

static __always_inline __u32 read_netns_inum(const struct neighbour *n)
{
	const struct net_device *device = FIELD(n, dev);
	const struct net *net = FIELD(device, nd_net.net);

	return FIELD(net, ns.inum);
}

/* Returns false for a family other than IPv4 and IPv6, such as DECnet. */
static __always_inline bool read_key(const struct neighbour *n, __u32 instance,
				     struct neigh_key *key)
{
	const struct net_device *device = FIELD(n, dev);
	const struct neigh_table *table = FIELD(n, tbl);
	__u32 *words = (__u32 *)key->addr;

	/* every byte: the whole key is hashed */
	key->ifindex = (__u32)FIELD(device, ifindex);
	key->family = (__u8)FIELD(table, family);
	key->instance = (__u8)instance;
	key->reserved[0] = 0;
	key->reserved[1] = 0;
	read_words(words, &n->primary_key[0], 1);
	if (key->family == NEIGHTRACK_FAMILY_IPV4) {
		words[1] = 0;
		words[2] = 0;
		words[3] = 0;
		return true;
	}
	if (key->family != NEIGHTRACK_FAMILY_IPV6)
		return false;
	read_words(words + 1, &n->primary_key[4], 3);
	return true;
}

/*
 * n->ha is written under the seqlock ha_lock, so a MAC read while its sequence
 * is odd or moves may be torn.
 */
static __always_inline void read_state(const struct neighbour *n, struct neigh_state *state)
{
	__u32 before = read_sequence(n);
	const struct net_device *device;

	barrier();
	state->mac_word = read_mac(n);
	barrier();
	state->torn = (before & 1) | (before != read_sequence(n));
	state->mac[6] = 0;
	state->mac[7] = 0;
	state->nud_state = FIELD_ONCE(n, nud_state);
	state->ntf_flags = read_ntf_flags(n);
	device = FIELD(n, dev);
	state->lladdr_bytes = FIELD(device, addr_len);
	/* last: what was read of a neighbour that is dead by now counts for nothing */
	barrier();
	state->dead = FIELD_ONCE(n, dead);
}

#endif

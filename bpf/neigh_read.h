/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a struct neighbour of the kernel into our own types. Plain loads from
 * BTF pointers: the kernel turns a faulting one into a zero.
 */
#ifndef NEIGHTRACK_BPF_NEIGH_READ_H
#define NEIGHTRACK_BPF_NEIGH_READ_H

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

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

static __always_inline bool in_network_namespace(const struct neighbour *n, __u32 inum)
{
	return n->dev->nd_net.net->ns.inum == inum;
}

/* Returns false for a family other than IPv4 and IPv6, such as DECnet. */
static __always_inline bool read_key(const struct neighbour *n, struct neigh_key *key)
{
	const __u32 *address = (const __u32 *)&n->primary_key[0];
	__u32 *words = (__u32 *)key->addr;

	/* every byte: the whole key is hashed */
	key->ifindex = (__u32)n->dev->ifindex;
	key->family = (__u8)n->tbl->family;
	key->reserved[0] = 0;
	key->reserved[1] = 0;
	key->reserved[2] = 0;
	words[0] = address[0];
	if (key->family == NEIGHTRACK_FAMILY_IPV4) {
		words[1] = 0;
		words[2] = 0;
		words[3] = 0;
		return true;
	}
	if (key->family != NEIGHTRACK_FAMILY_IPV6)
		return false;
	words[1] = address[1];
	words[2] = address[2];
	words[3] = address[3];
	return true;
}

/*
 * n->ha is written under the seqlock ha_lock, so a MAC read while its sequence
 * is odd or moves may be torn.
 */
static __always_inline void read_state(const struct neighbour *n, struct neigh_state *state)
{
	__u32 before = READ_ONCE(n->ha_lock.seqcount.seqcount.sequence);

	barrier();
	state->mac_word = *(const volatile __u64 *)&n->ha[0];
	barrier();
	state->torn = (before & 1) | (before != READ_ONCE(n->ha_lock.seqcount.seqcount.sequence));
	state->mac[6] = 0;
	state->mac[7] = 0;
	state->nud_state = READ_ONCE(n->nud_state);
	state->ntf_flags = READ_ONCE(n->flags);
	state->lladdr_bytes = n->dev->addr_len;
	/* last: what was read of a neighbour that is dead by now counts for nothing */
	barrier();
	state->dead = READ_ONCE(n->dead);
}

#endif

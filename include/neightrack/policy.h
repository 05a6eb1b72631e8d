/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/*
 * The one policy: which neighbours count and what is published of each.
 *
 * Pure inline functions of their arguments, compiled into the BPF programs,
 * the netlink paths and the tools, so that the same neighbour gets the same
 * answer on every path. What depends on the key alone (family, address,
 * interface) is `neigh_policy_key`; what changes during a neighbour's life
 * (NUD state, flags, MAC) is `neigh_policy_state`: an entry that leaves that
 * second set must be removed where it was published, so it is not "ignored".
 *
 * NEIGH_POLICY_SONIC asks for the rules of SONiC's neighsyncd. Those are rules about
 * events: one that is "ignored" there leaves in Redis what was there before, right or
 * wrong. Ours are about states, so that a dump, a look-up and an event have one answer.
 * Where the two differ:
 *   - NUD_NOARP not learned externally: ignored there, or, with EVPN, deleted. Here it
 *     is absent either way, so the MAC from before does not stay for good.
 *   - NUD_PROBE with EVPN: ignored there. Here it is as valid as the state before it,
 *     from which the kernel keeps the MAC: that alone changes nothing, and writes nothing.
 *   - no link-layer address, one of another length, or a broadcast one, and NUD_NONE:
 *     ignored there, absent here.
 *   - what an address is ignored for (link-local, dual-ToR) can change at run time: its
 *     key goes and comes with that here, and is left or not made there.
 */
#ifndef NEIGHTRACK_POLICY_H
#define NEIGHTRACK_POLICY_H

#include "record.h"

#define NEIGH_POLICY_IPV4		(1u << 0)
#define NEIGH_POLICY_IPV6		(1u << 1)
#define NEIGH_POLICY_LINK_LOCAL_IPV4	(1u << 2)
#define NEIGH_POLICY_NOARP		(1u << 3)
#define NEIGH_POLICY_SONIC		(1u << 4)
/* what cannot be resolved is published with a MAC of zeros: the other switch may know it */
#define NEIGH_POLICY_DUAL_TOR		(1u << 5)

/* include/uapi/linux/neighbour.h, which BPF programs cannot include */
#define NEIGH_NUD_INCOMPLETE	0x01
#define NEIGH_NUD_REACHABLE	0x02
#define NEIGH_NUD_STALE		0x04
#define NEIGH_NUD_DELAY		0x08
#define NEIGH_NUD_PROBE		0x10
#define NEIGH_NUD_FAILED	0x20
#define NEIGH_NUD_NOARP		0x40
#define NEIGH_NUD_PERMANENT	0x80
#define NEIGH_NUD_VALID		(NEIGH_NUD_PERMANENT | NEIGH_NUD_NOARP | NEIGH_NUD_REACHABLE | \
				 NEIGH_NUD_PROBE | NEIGH_NUD_STALE | NEIGH_NUD_DELAY)
#define NEIGH_NTF_EXT_LEARNED	0x10

#define NEIGH_MAC_BYTES 6

/*
 * Whether a neighbour with this key can be published at all.
 * interface_flags: NEIGH_INTERFACE_* of its interface.
 * Returns NEIGH_PUBLISH or the NEIGH_IGNORE_* reason.
 */
static inline __attribute__((always_inline)) enum neigh_reason
neigh_policy_key(__u32 policy, __u32 interface_flags, const struct neigh_key *key)
{
	const __u8 *addr = key->addr;

	if (interface_flags & NEIGH_INTERFACE_IGNORED)
		return NEIGH_IGNORE_INTERFACE;

	if (key->family == NEIGHTRACK_FAMILY_IPV4) {
		if (!(policy & NEIGH_POLICY_IPV4))
			return NEIGH_IGNORE_FAMILY;
		/* 224/4 and up (limited broadcast too), 0/8, 127/8: neighsyncd leaves these to
		 * their state, which is NUD_NOARP unless somebody has made them by hand */
		if ((addr[0] >= 224 || addr[0] == 0 || addr[0] == 127) &&
		    !(policy & NEIGH_POLICY_SONIC))
			return NEIGH_IGNORE_MULTICAST;
		if (addr[0] == 169 && addr[1] == 254 && !(policy & NEIGH_POLICY_LINK_LOCAL_IPV4))
			return NEIGH_IGNORE_LINK_LOCAL_IPV4;
		return NEIGH_PUBLISH;
	}

	if (key->family == NEIGHTRACK_FAMILY_IPV6) {
		if (!(policy & NEIGH_POLICY_IPV6))
			return NEIGH_IGNORE_FAMILY;
		/* neighsyncd: those of link-local scope */
		if (addr[0] == 0xff &&
		    (!(policy & NEIGH_POLICY_SONIC) || (addr[1] & 0x0f) == 0x02))
			return NEIGH_IGNORE_MULTICAST;
		if (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80 &&
		    !(interface_flags & NEIGH_INTERFACE_LINK_LOCAL))
			return NEIGH_IGNORE_LINK_LOCAL_IPV6;
		return NEIGH_PUBLISH;
	}

	return NEIGH_IGNORE_FAMILY;
}

/*
 * Whether a neighbour in this state is published now.
 * lladdr_bytes: length of the link-layer address, 0 if there is none; mac
 * holds at least NEIGH_MAC_BYTES bytes, and is read only if lladdr_bytes says so.
 * Returns NEIGH_PUBLISH, NEIGH_PUBLISH_UNRESOLVED (then with a MAC of zeros, whatever
 * mac is) or the NEIGH_ABSENT_* reason.
 */
static inline __attribute__((always_inline)) enum neigh_reason
neigh_policy_state(__u32 policy, __u16 nud_state, __u32 ntf_flags, __u32 lladdr_bytes,
		   const __u8 *mac)
{
	if (nud_state & (NEIGH_NUD_INCOMPLETE | NEIGH_NUD_FAILED) &&
	    policy & NEIGH_POLICY_DUAL_TOR)
		return NEIGH_PUBLISH_UNRESOLVED;
	if (!(nud_state & NEIGH_NUD_VALID))
		return NEIGH_ABSENT_STATE;
	if ((nud_state & NEIGH_NUD_NOARP) && !(ntf_flags & NEIGH_NTF_EXT_LEARNED) &&
	    !(policy & NEIGH_POLICY_NOARP))
		return NEIGH_ABSENT_NOARP;
	if (lladdr_bytes != NEIGH_MAC_BYTES)
		return NEIGH_ABSENT_LLADDR;
	if ((mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff)
		return NEIGH_ABSENT_LLADDR;
	return NEIGH_PUBLISH;
}

#endif

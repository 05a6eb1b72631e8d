/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTM_NEWNEIGH and RTM_DELNEIGH messages: checked and read in place. */
#ifndef NEIGHTRACK_NEIGH_MESSAGE_H
#define NEIGHTRACK_NEIGH_MESSAGE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include "neightrack/record.h"

/* One neighbour as the kernel tells it over netlink. */
struct neigh_observation {
	struct neigh_key key;
	uint16_t nud_state;
	uint32_t ntf_flags;		/* NDA_FLAGS_EXT in the upper bits, as the kernel has them */
	uint32_t lladdr_bytes;		/* 0: none */
	uint8_t mac[6];			/* set if lladdr_bytes is 6 */
	bool has_times;
	uint32_t confirmed_s;		/* seconds since it was last confirmed */
	uint32_t updated_s;		/* ... since its state last changed */
};

/*
 * Returns 0; -EAGAIN for a message that is none of ours (another family, such
 * as the bridge's forwarding entries, a proxy entry, no address); -EBADMSG for
 * one that is malformed.
 */
int neigh_message_parse(const struct nlmsghdr *message, struct neigh_observation *observation);

#endif

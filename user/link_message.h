/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTM_NEWLINK and RTM_DELLINK messages: checked and read in place. */
#ifndef NEIGHTRACK_LINK_MESSAGE_H
#define NEIGHTRACK_LINK_MESSAGE_H

#include <libmnl/libmnl.h>
#include <stdint.h>

struct link_observation {
	uint32_t ifindex;
	uint32_t master_ifindex;	/* 0: it has no master */
	const char *name;		/* in the message; "" if it has none */
};

/*
 * Returns 0; -EAGAIN for a message that tells of no link itself (AF_BRIDGE: a
 * port, whose DELLINK is not the link's end); -EBADMSG for a malformed one.
 */
int link_message_parse(const struct nlmsghdr *message, struct link_observation *observation);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink sockets in the mirrored network namespace, and the loop that reads
 * messages from one without ever waiting. */
#ifndef NEIGHTRACK_NETLINK_H
#define NEIGHTRACK_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/* What the kernel advises for dumps: it fills a message buffer of that size. */
#define NETLINK_READ_BYTES 32768u

struct netlink_socket {
	struct mnl_socket *socket;
	int fd;
	uint32_t port_id;
	uint32_t sequence;	/* of the last request */
};

/* groups: a mask of RTMGRP_*, or 0. Non-blocking; strict checking of requests
 * where the kernel has it. Returns 0 or -errno. */
int netlink_open(struct netlink_socket *socket, int netns_fd, uint32_t groups);
void netlink_close(struct netlink_socket *socket);

/* Sends the request, whose sequence and port are filled in here. 0 or -errno. */
int netlink_send(struct netlink_socket *socket, struct nlmsghdr *request);

enum netlink_event {
	NETLINK_MESSAGE,	/* any message of the subsystem */
	NETLINK_DONE,		/* end of a dump */
	NETLINK_FAILED,		/* the kernel's error for a request: `error` is negative */
};

/* Whether a whole message lies in the `left` bytes at *message. mnl_nlmsg_ok() alone
 * takes a length above INT_MAX for a negative one, and so for good. */
static inline bool netlink_message_fits(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

/* The kernel pads messages with attributes. libmnl counts on it: in one that ends
 * elsewhere it would read attributes beyond that end. */
static inline bool netlink_message_is_padded(const struct nlmsghdr *message)
{
	return message->nlmsg_len % NLMSG_ALIGNTO == 0;
}

/*
 * Reads one datagram into `buffer` (NETLINK_READ_BYTES) and calls handle() for each of its messages
 * that is a notification or answers our last request. `interrupted`
 * (NLM_F_DUMP_INTR) tells that the dump is not consistent.
 * Returns 1; 0 if there is nothing to read; -ENOBUFS if messages were lost; or
 * another -errno.
 */
int netlink_receive(struct netlink_socket *socket, void *buffer,
		    void (*handle)(void *context, enum netlink_event event,
				   const struct nlmsghdr *message, bool interrupted, int error),
		    void *context);

#endif

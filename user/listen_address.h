/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where others may connect to: ADDRESS:PORT, [IPV6]:PORT, unix:/path, or off. */
#ifndef NEIGHTRACK_LISTEN_ADDRESS_H
#define NEIGHTRACK_LISTEN_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct listen_address {
	union {
		struct sockaddr any;		/* AF_UNSPEC: off */
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
		struct sockaddr_un local;
	};
	socklen_t bytes;
};

/* Returns 0, or -EINVAL with *why (a static sentence of what is allowed). */
int listen_address_parse(struct listen_address *address, const char *text, const char **why);

/* Whether only processes on this machine can reach it. */
bool listen_address_is_local(const struct listen_address *address);

/* A socket that listens there, non-blocking, or -errno. One of a unix socket replaces
 * what a process that is gone has left at its path. */
int listen_address_open(const struct listen_address *address);
/* The file of a unix socket becomes another user's. 0 or -errno. */
int listen_address_give(const struct listen_address *address, uid_t uid, gid_t gid);
/* And what is left to do after it was closed. */
void listen_address_clean_up(const struct listen_address *address);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets to a Redis: non-blocking, and not silent for ever when the other side
 * is gone without a word. */
#ifndef NEIGHTRACK_REDIS_SOCKET_H
#define NEIGHTRACK_REDIS_SOCKET_H

#include <netdb.h>
#include <stdint.h>

/* Begin to connect. Return a descriptor (writable when it is done; SO_ERROR then
 * tells the outcome) or -errno. */
int redis_socket_unix(const char *path);
int redis_socket_tcp(const struct addrinfo *address, uint32_t timeout_ms);

/* The outcome of connecting: 0 or -errno. */
int redis_socket_error(int fd);

#endif

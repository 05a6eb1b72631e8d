/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "redis_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An idle connection whose other end has vanished is noticed after at most
 * IDLE + PROBES * INTERVAL seconds. */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 3

static int begin(int family, const struct sockaddr *address, socklen_t bytes)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (!connect(fd, address, bytes) || errno == EINPROGRESS)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int redis_socket_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	return begin(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

/* Best effort: a connection without them is still a connection. */
static void keep_alive(int fd, uint32_t timeout_ms)
{
	const struct {
		int level, name, value;
	} settings[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value,
			   sizeof(settings[i].value));
}

int redis_socket_tcp(const struct addrinfo *address, uint32_t timeout_ms)
{
	int fd = begin(address->ai_family, address->ai_addr, address->ai_addrlen);

	if (fd >= 0)
		keep_alive(fd, timeout_ms);
	return fd;
}

int redis_socket_error(int fd)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes))
		return -errno;
	return -error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numeric addresses alone: which interface is meant must not be up to a name server. */
#include "listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIX_SCHEME "unix:"
#define BACKLOG 128
/* the group of the daemon may read the metrics, others may not */
#define UNIX_MODE 0660

static const char why_form[] =
	"allowed are off, an address and a port (127.0.0.1:9732, [::1]:9732, 0.0.0.0:9732 for all "
	"of IPv4), and unix: with an absolute path of at most 107 bytes";

static int parse_unix(struct listen_address *address, const char *path)
{
	size_t bytes = strlen(path);

	if (path[0] != '/' || bytes < 2 || bytes >= sizeof(address->local.sun_path))
		return -EINVAL;
	address->local.sun_family = AF_UNIX;
	memcpy(address->local.sun_path, path, bytes + 1);
	address->bytes = sizeof(address->local);
	return 0;
}

/* 0: it is not one. */
static in_port_t parse_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	if (!digits || digits > 5 || text[digits] || port > UINT16_MAX)
		return 0;
	return htons((uint16_t)port);
}

static int parse_inet(struct listen_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	in_port_t port = colon ? parse_port(colon + 1) : 0;
	size_t bytes = colon ? (size_t)(colon - text) : 0;
	bool is_ipv6 = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';

	if (!port || bytes >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + is_ipv6, bytes - 2 * is_ipv6);
	host[bytes - 2 * is_ipv6] = '\0';
	if (is_ipv6) {
		address->ipv6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
		address->bytes = sizeof(address->ipv6);
		return inet_pton(AF_INET6, host, &address->ipv6.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	address->ipv4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
	address->bytes = sizeof(address->ipv4);
	return inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1 ? 0 : -EINVAL;
}

int listen_address_parse(struct listen_address *address, const char *text, const char **why)
{
	int error = 0;

	memset(address, 0, sizeof(*address));
	if (!strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)))
		error = parse_unix(address, text + strlen(UNIX_SCHEME));
	else if (strcmp(text, "off") != 0)
		error = parse_inet(address, text);
	if (error)
		*why = why_form;
	return error;
}

bool listen_address_is_local(const struct listen_address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return ntohl(address->ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address->ipv6.sin6_addr);
	default:
		return true;
	}
}

/* A socket file that nobody listens at any more is removed. */
static void remove_stale(const struct listen_address *address)
{
	struct stat status;
	int fd;

	if (lstat(address->local.sun_path, &status) || !S_ISSOCK(status.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, &address->any, address->bytes) && errno == ECONNREFUSED)
		unlink(address->local.sun_path);
	close(fd);
}

int listen_address_open(const struct listen_address *address)
{
	bool is_unix = address->any.sa_family == AF_UNIX;
	int on = 1, error;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (is_unix)
		remove_stale(address);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address->any, address->bytes)) {
		error = -errno;
		close(fd);
		return error;
	}
	if ((is_unix && chmod(address->local.sun_path, UNIX_MODE)) || listen(fd, BACKLOG)) {
		error = -errno;
		close(fd);
		listen_address_clean_up(address);
		return error;
	}
	return fd;
}

int listen_address_give(const struct listen_address *address, uid_t uid, gid_t gid)
{
	struct stat status;
	int fd, error = 0;

	if (address->any.sa_family != AF_UNIX)
		return 0;
	/* what is there by now under that name may be something else */
	fd = open(address->local.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		error = -errno;
	else if (!S_ISSOCK(status.st_mode))
		error = -ENOTSOCK;
	else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH))
		error = -errno;
	close(fd);
	return error;
}

void listen_address_clean_up(const struct listen_address *address)
{
	if (address->any.sa_family == AF_UNIX)
		unlink(address->local.sun_path);
}

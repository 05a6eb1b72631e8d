/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket belongs to the namespace in which it was made, so only the making of
 * the netlink sockets happens inside: Redis, sysfs and bpffs stay the caller's. */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const char own_netns[] = "/proc/thread-self/ns/net";

int netns_open(const char *netns)
{
	char path[PATH_MAX];
	int bytes, fd;

	if (!netns[0])
		bytes = snprintf(path, sizeof(path), "%s", own_netns);
	else if (strchr(netns, '/'))
		bytes = snprintf(path, sizeof(path), "%s", netns);
	else
		bytes = snprintf(path, sizeof(path), "/run/netns/%s", netns);
	if (bytes >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int netns_inum(int netns_fd, uint32_t *inum)
{
	struct stat status;

	if (fstat(netns_fd, &status))
		return -errno;
	*inum = (uint32_t)status.st_ino;
	return 0;
}

int netns_call(int netns_fd, int (*function)(void *context), void *context)
{
	struct stat own, other;
	int own_fd = open(own_netns, O_RDONLY | O_CLOEXEC);
	int result;

	if (own_fd < 0)
		return -errno;
	if (fstat(own_fd, &own) || fstat(netns_fd, &other)) {
		result = -errno;
		goto out;
	}
	/* entering one's own would ask for a privilege that is not needed */
	if (own.st_ino == other.st_ino) {
		result = function(context);
		goto out;
	}
	if (setns(netns_fd, CLONE_NEWNET)) {
		result = -errno;
		goto out;
	}
	result = function(context);
	if (setns(own_fd, CLONE_NEWNET)) {
		/* going on in the wrong namespace would mirror to the wrong Redis */
		log_error("cannot return to the own network namespace: %s", strerror(errno));
		abort();
	}
out:
	close(own_fd);
	return result;
}

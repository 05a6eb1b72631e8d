/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket belongs to the namespace in which it was made, so only the making of
 * the netlink sockets happens inside: Redis, sysfs and bpffs stay the caller's. */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const char own_netns[] = "/proc/thread-self/ns/net";

int netns_path(const char *netns, char *path, size_t bytes)
{
	int used;

	if (!netns[0])
		used = snprintf(path, bytes, "%s", own_netns);
	else if (strchr(netns, '/'))
		used = snprintf(path, bytes, "%s", netns);
	else
		used = snprintf(path, bytes, "/run/netns/%s", netns);
	return used < 0 || (size_t)used >= bytes ? -ENAMETOOLONG : 0;
}

int netns_open(const char *netns)
{
	char path[PATH_MAX];
	int error = netns_path(netns, path, sizeof(path));
	int fd;

	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* a name that is just being made is a plain file for a moment */
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return -EINVAL;
	}
	return fd;
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

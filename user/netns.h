/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: the one that is mirrored need not be the daemon's own. */
#ifndef NEIGHTRACK_NETNS_H
#define NEIGHTRACK_NETNS_H

#include <stddef.h>
#include <stdint.h>

/* The path of a namespace, as netns_open() takes it. 0 or -ENAMETOOLONG. */
int netns_path(const char *netns, char *path, size_t bytes);

/* netns: a name under /run/netns (ip-netns(8)), a path, or "" for the caller's
 * own. Returns a descriptor that the caller closes, or -errno (-EINVAL: what is
 * there is no network namespace). */
int netns_open(const char *netns);

/* Its inode number, by which the kernel side knows it. 0 or -errno. */
int netns_inum(int netns_fd, uint32_t *inum);

/* Calls function() inside the namespace and comes back. Returns what it
 * returned, or -errno if the namespace cannot be entered or left. */
int netns_call(int netns_fd, int (*function)(void *context), void *context);

#endif

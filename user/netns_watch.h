/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices when the name of the mirrored network namespace is deleted. Nothing else
 * would tell: as long as this process has a socket inside, the kernel keeps a
 * deleted namespace, with its interfaces, alive for it.
 */
#ifndef NEIGHTRACK_NETNS_WATCH_H
#define NEIGHTRACK_NETNS_WATCH_H

#include <stdint.h>

#include "loop.h"

struct netns_watch;

/* netns: as for netns_open(), not ""; inum: what its name stands for now. gone() is
 * called once. Returns 0 and *watch, or -errno. */
int netns_watch_new(struct netns_watch **watch, struct loop *loop, const char *netns,
		    uint32_t inum, void (*gone)(void *context), void *context);
void netns_watch_free(struct netns_watch *watch);

#endif

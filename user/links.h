/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows the kernel's links: which name an ifindex has now. */
#ifndef NEIGHTRACK_LINKS_H
#define NEIGHTRACK_LINKS_H

#include <stdint.h>

#include "loop.h"

struct links;

struct links_events {
	/* a dump of all links begins; each of them is told by link() */
	void (*dump_begins)(void *context);
	/* (master_ifindex: 0 = it has no master) */
	void (*link)(void *context, uint32_t ifindex, const char *name, uint32_t master_ifindex);
	void (*link_gone)(void *context, uint32_t ifindex);
	/* the dump is whole. after_loss: notifications may have been lost before */
	void (*dump_ends)(void *context, bool after_loss);
};

/* Subscribes, then dumps. Returns 0 and *links, or -errno. */
int links_new(struct links **links, struct loop *loop, int netns_fd,
	      const struct links_events *events, void *context);
void links_free(struct links *links);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon can be told to do without, so that the worth of each part can be
 * measured with one binary (neightrack bench ablation). Nothing gets wrong by it,
 * only slower.
 */
#ifndef NEIGHTRACK_ABLATION_H
#define NEIGHTRACK_ABLATION_H

#include <linux/types.h>
#include <stdint.h>

#include "neightrack/record.h"

enum ablation {
	/* in the kernel: what the policy ignores, and what changes nothing, makes records */
	ABLATION_FILTER = NEIGH_WITHOUT_FILTER,
	ABLATION_SUPPRESSION = NEIGH_WITHOUT_SUPPRESSION,
	/* the netlink source: one message is waited for, read and handled at a time */
	ABLATION_EVENT_LOOP = 1u << 8,
	/* a copy of each record on the heap */
	ABLATION_IN_PLACE = 1u << 9,
	/* interfaces are looked for in a list */
	ABLATION_INTERFACE_HASH = 1u << 10,
	/* buffers are allocated for each use, and freed */
	ABLATION_PREALLOCATION = 1u << 11,
	/* each neighbour is a flush, a send and a reply of its own */
	ABLATION_BATCHING = 1u << 12,
	/* each neighbour that is written asks for a row of configuration before */
	ABLATION_CONFIGURATION_CACHE = 1u << 13,
};

/* The words, separated by commas, of what is to be done without: 0 and the mask of enum
 * ablation, or -EINVAL. */
int ablation_parse(const char *words, uint32_t *mask);

/* The same of words that have been checked. */
static inline uint32_t ablation_mask(const char *words)
{
	uint32_t mask;

	return ablation_parse(words, &mask) ? 0 : mask;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF programs of this daemon, attached once, whatever number of network namespaces
 * it mirrors: which kind of them this kernel and this process' capabilities allow, and
 * where they are pinned.
 */
#ifndef NEIGHTRACK_KERNEL_HOOKS_H
#define NEIGHTRACK_KERNEL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"
#include "programs.h"

struct kernel_hooks;

struct kernel_hooks_config {
	enum option_source kind;
	const char *instance;		/* the daemon's */
	uid_t owner;			/* whom pins may belong to, beside root and the own user */
	const char *btf;		/* file with the kernel's types; "" = its own */
	uint32_t instances;		/* network namespaces, NEIGH_INSTANCES at most */
	uint32_t ring_size_bytes;	/* for each of them */
	uint32_t map_size;		/* neighbours, of all of them */
	uint32_t without;		/* enum ablation */
};

/*
 * Attaches what is asked for or, with OPTION_SOURCE_AUTO, the first that can be. Says on
 * stderr what failed and what would help. Returns 0 and *hooks, which is NULL if netlink
 * is to be listened to instead; or -errno (-EBUSY: the instance has a daemon).
 */
int kernel_hooks_new(struct kernel_hooks **hooks, const struct kernel_hooks_config *config);
/* keep_pins: what is pinned stays for the next daemon. */
void kernel_hooks_free(struct kernel_hooks *hooks, bool keep_pins);

/* The daemon is about to become this user: what is pinned becomes that one's; NULL has
 * nothing pinned. 0 or -errno. */
int kernel_hooks_give(const struct kernel_hooks *hooks, uid_t uid, gid_t gid);

enum option_source kernel_hooks_kind(const struct kernel_hooks *hooks);
struct programs *kernel_hooks_programs(struct kernel_hooks *hooks);
/* Of each slot's ring. */
uint32_t kernel_hooks_ring_bytes(const struct kernel_hooks *hooks);

#endif

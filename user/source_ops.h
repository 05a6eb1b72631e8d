/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kind of source provides; source.h says what each function does. */
#ifndef NEIGHTRACK_SOURCE_OPS_H
#define NEIGHTRACK_SOURCE_OPS_H

#include "source.h"

struct source_ops {
	const char *(*name)(const struct source *source);
	void (*free)(struct source *source);
	int (*fd)(const struct source *source);
	size_t (*consume)(struct source *source, size_t limit, source_apply apply, void *context);
	bool (*may_sleep)(struct source *source);
	/* NULL: it never blocks */
	void (*wait)(struct source *source, source_apply apply, void *context);
	size_t (*capacity)(const struct source *source);
	void (*losses)(const struct source *source, struct source_losses *losses);
	void (*totals)(const struct source *source, struct source_totals *totals);
	uint64_t (*deletions)(const struct source *source);
	void (*set_policy)(struct source *source, uint32_t policy);

	/* of sources that filter and suppress in the kernel; else NULL */
	int (*set_interface)(struct source *source, uint32_t ifindex, const char *name,
			     uint32_t flags);
	void (*forget_interface)(struct source *source, uint32_t ifindex);
	void (*invalidate_claims)(struct source *source);
	void (*begin_snapshot)(struct source *source);
	void (*keep_tombstones)(struct source *source);
	void (*seed)(struct source *source, const struct neigh_key *key, const uint8_t *mac);
	void (*end_snapshot)(struct source *source,
			     bool (*is_wanted)(void *context, const struct neigh_key *key),
			     void *context);
};

/* The first member of each kind's struct. */
struct source {
	const struct source_ops *ops;
	uint32_t without;		/* enum ablation */
	source_expectation expect;	/* or NULL */
	void *expect_context;
};

int source_bpf_new(struct source **source, const struct source_config *config);
int source_netlink_new(struct source **source, const struct source_config *config);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from the calls to the chosen kind. */
#include "source.h"

#include <stdlib.h>

#include "ablation.h"
#include "source_ops.h"

int source_new(struct source **source, const struct source_config *config)
{
	return config->hooks ? source_bpf_new(source, config) : source_netlink_new(source, config);
}

void source_free(struct source *source)
{
	if (source)
		source->ops->free(source);
}

const char *source_name(const struct source *source)
{
	return source->ops->name(source);
}

int source_fd(const struct source *source)
{
	return source->ops->fd(source);
}

struct copying {
	source_apply apply;
	void *context;
};

static bool apply_copy(void *context, const struct neigh_record *record)
{
	const struct copying *copying = context;
	struct neigh_record *copy = malloc(sizeof(*copy));
	bool changed;

	/* without memory it is taken in place, as nothing may be lost */
	if (!copy)
		return copying->apply(copying->context, record);
	*copy = *record;
	changed = copying->apply(copying->context, copy);
	free(copy);
	return changed;
}

size_t source_consume(struct source *source, size_t limit, source_apply apply, void *context)
{
	struct copying copying = { .apply = apply, .context = context };

	if (source->without & ABLATION_IN_PLACE)
		return source->ops->consume(source, limit, apply_copy, &copying);
	return source->ops->consume(source, limit, apply, context);
}

void source_expect(struct source *source, source_expectation expect, void *context)
{
	source->expect = expect;
	source->expect_context = context;
}

bool source_blocks(const struct source *source)
{
	return source->ops->wait && source->without & ABLATION_EVENT_LOOP;
}

void source_wait(struct source *source, source_apply apply, void *context)
{
	source->ops->wait(source, apply, context);
}

bool source_may_sleep(struct source *source)
{
	return source->ops->may_sleep(source);
}

void source_losses(const struct source *source, struct source_losses *losses)
{
	source->ops->losses(source, losses);
}

void source_totals(const struct source *source, struct source_totals *totals)
{
	source->ops->totals(source, totals);
}

size_t source_capacity(const struct source *source)
{
	return source->ops->capacity(source);
}

uint64_t source_deletions(const struct source *source)
{
	return source->ops->deletions(source);
}

void source_set_policy(struct source *source, uint32_t policy)
{
	source->ops->set_policy(source, policy);
}

int source_set_interface(struct source *source, uint32_t ifindex, const char *name,
			 uint32_t flags)
{
	return source->ops->set_interface ?
	       source->ops->set_interface(source, ifindex, name, flags) : 0;
}

void source_forget_interface(struct source *source, uint32_t ifindex)
{
	if (source->ops->forget_interface)
		source->ops->forget_interface(source, ifindex);
}

void source_invalidate_claims(struct source *source)
{
	if (source->ops->invalidate_claims)
		source->ops->invalidate_claims(source);
}

void source_begin_snapshot(struct source *source)
{
	if (source->ops->begin_snapshot)
		source->ops->begin_snapshot(source);
}

void source_keep_tombstones(struct source *source)
{
	if (source->ops->keep_tombstones)
		source->ops->keep_tombstones(source);
}

void source_seed(struct source *source, const struct neigh_key *key, const uint8_t *mac)
{
	if (source->ops->seed)
		source->ops->seed(source, key, mac);
}

void source_end_snapshot(struct source *source,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context)
{
	if (source->ops->end_snapshot)
		source->ops->end_snapshot(source, is_wanted, context);
}

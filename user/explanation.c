/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explanation.h"

#include <string.h>

static bool is_published(const struct listing_row *kernel)
{
	return kernel && (kernel->reason == NEIGH_PUBLISH ||
			  kernel->reason == NEIGH_PUBLISH_UNRESOLVED);
}

enum verdict explanation_verdict(const struct explanation *explanation)
{
	const struct listing_row *kernel = explanation->kernel, *redis = explanation->redis;
	bool is_there = redis && redis->value != LISTING_ABSENT;

	if (!explanation->knows_kernel || !explanation->knows_redis)
		return VERDICT_UNKNOWN;
	if (!is_published(kernel)) {
		if (is_there)
			return VERDICT_STALE;
		if (redis && redis->is_pending)
			return VERDICT_PENDING;
		return kernel ? VERDICT_LEFT_OUT : VERDICT_NOWHERE;
	}
	if (!is_there)
		return VERDICT_MISSING;
	if (redis->value != LISTING_MAC || memcmp(kernel->mac, redis->mac, sizeof(kernel->mac)))
		return VERDICT_OTHER;
	return redis->is_pending ? VERDICT_PENDING : VERDICT_PRESENT;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_PRESENT] = "present", [VERDICT_NOWHERE] = "nowhere",
		[VERDICT_LEFT_OUT] = "left_out", [VERDICT_PENDING] = "pending",
		[VERDICT_MISSING] = "missing", [VERDICT_OTHER] = "other",
		[VERDICT_STALE] = "stale", [VERDICT_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

bool verdict_is_right(enum verdict verdict)
{
	return verdict <= VERDICT_PENDING;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a neighbour is in Redis, or is not: what each side says of one address on one
 * interface, and the verdict that follows. A side that cannot be asked is unknown; the
 * verdict is about the others then.
 */
#ifndef NEIGHTRACK_EXPLANATION_H
#define NEIGHTRACK_EXPLANATION_H

#include "listing.h"
#include "pinned_maps.h"

enum verdict {
	VERDICT_PRESENT,	/* in Redis, as it should be */
	VERDICT_NOWHERE,	/* the kernel has no such neighbour, and Redis neither */
	VERDICT_LEFT_OUT,	/* by the policy, as it should be */
	VERDICT_PENDING,	/* right once the consumer has taken what waits for it */
	VERDICT_MISSING,	/* should be in Redis */
	VERDICT_OTHER,		/* Redis has something else */
	VERDICT_STALE,		/* Redis has it, and should not */
	VERDICT_UNKNOWN,	/* the kernel or Redis could not be asked */
};

struct explanation {
	char interface[IFNAMSIZ];
	bool knows_kernel, knows_redis;		/* whether NULL below means: it has none */
	const struct listing_row *kernel;
	const struct listing_row *redis;
	const struct pinned_neighbour *pinned;	/* NULL: nothing was published, or not known */
};

enum verdict explanation_verdict(const struct explanation *explanation);

/* For programs, one word. */
const char *verdict_name(enum verdict verdict);
/* Whether Redis is as it should be; false for VERDICT_UNKNOWN too. */
bool verdict_is_right(enum verdict verdict);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "moderation.h"

#include "clock.h"

/* So many within two rests are quick; fewer are each worth a wakeup. */
#define QUICK_RECORDS 8u
#define FIRST_REST 8u		/* of the longest */
/* More changes than that a microsecond no machine has shown; the source must not
 * run over while the daemon rests. */
#define RECORDS_A_US 4u

void moderation_configure(struct moderation *moderation, uint32_t rest_us, size_t capacity)
{
	size_t most_us = capacity / RECORDS_A_US;

	if (rest_us > most_us)
		rest_us = (uint32_t)most_us;
	*moderation = (struct moderation){ .longest_rest_ns = rest_us * NS_PER_US };
}

uint64_t moderation_rest_ns(struct moderation *moderation, size_t records, uint64_t now_ns)
{
	uint64_t longest_ns = moderation->longest_rest_ns, rest_ns;

	if (!longest_ns || !records)
		return 0;
	if (now_ns - moderation->window_start_ns >= 2 * longest_ns) {
		moderation->window_start_ns = now_ns;
		moderation->records = 0;
		moderation->rest_ns = longest_ns / FIRST_REST;
	}
	moderation->records += records;
	if (moderation->records < QUICK_RECORDS)
		return 0;
	/* what comes in this rest decides, with what comes soon after, of the next */
	moderation->window_start_ns = now_ns;
	moderation->records = 0;
	rest_ns = moderation->rest_ns;
	moderation->rest_ns += rest_ns / 4;
	if (moderation->rest_ns > longest_ns)
		moderation->rest_ns = longest_ns;
	return rest_ns;
}

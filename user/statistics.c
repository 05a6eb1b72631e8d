/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "statistics.h"

#include <stdio.h>

#include "clock.h"

static uint64_t all_filtered(const struct neigh_counters *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < NEIGH_REASONS; i++)
		total += c->filtered[i];
	return total;
}

static uint64_t all_dumps(const struct repair_stats *repair)
{
	uint64_t total = 0;

	for (size_t i = 0; i < REPAIR_CAUSES; i++)
		total += repair->dumps[i];
	return total;
}

int statistics_print(const struct statistics *statistics, char *text, size_t bytes)
{
	const struct neigh_counters *c = &statistics->totals.counters;
	const struct repair_stats *repair = statistics->repair;
	const struct writer_stats *writer = statistics->publisher.writer;
	const struct redis_client_stats *redis = statistics->publisher.redis;
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{ "wanted", statistics->wanted },
		{ "entries", statistics->entries },
		{ "dirty", statistics->dirty },
		{ "in_flight", statistics->publisher.in_flight },
		{ "seen", c->seen },
		{ "rechecked", c->rechecked },
		{ "other_netns", c->other_netns },
		{ "filtered", all_filtered(c) },
		{ "suppressed", c->suppressed },
		{ "superseded", c->superseded },
		{ "discarded", c->discarded },
		{ "submitted", c->submitted },
		{ "ring_full", c->ring_full },
		{ "map_full", c->map_full },
		{ "missed", statistics->losses.missed },
		{ "lost", statistics->losses.lost },
		{ "consumed", statistics->totals.consumed },
		{ "over_limit", statistics->over_limit },
		{ "dumps", all_dumps(repair) },
		{ "interrupted", repair->interrupted },
		{ "kernel_failed", repair->failed },
		{ "looked_up", repair->looked_up },
		{ "kernel_repaired", repair->audit_repaired },
		{ "redis_repaired", statistics->publisher.repaired },
		{ "sets", writer->sets },
		{ "deletes", writer->deletes },
		{ "flushes", writer->flushes },
		{ "latency_p50_us", histogram_percentile_ns(&writer->latency, 0.5) / NS_PER_US },
		{ "latency_p90_us", histogram_percentile_ns(&writer->latency, 0.9) / NS_PER_US },
		{ "latency_p99_us", histogram_percentile_ns(&writer->latency, 0.99) / NS_PER_US },
		{ "latency_p999_us", histogram_percentile_ns(&writer->latency, 0.999) / NS_PER_US },
		{ "latency_max_us", writer->latency.most_ns / NS_PER_US },
		{ "refused", writer->refused },
		{ "ask_redirects", writer->asked },
		{ "redis_connects", redis->connects },
		{ "redis_timeouts", redis->timeouts },
		{ "redis_errors", redis->errors },
		{ "moved_redirects", redis->moved },
		{ "redis_commands", redis->commands },
		{ "redis_bytes_sent", redis->bytes_sent },
	};
	int used = snprintf(text, bytes, "source=%s", statistics->source);

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		size_t at = (size_t)used < bytes ? (size_t)used : bytes;

		used += snprintf(text + at, bytes - at, " %s=%llu", values[i].name,
				 (unsigned long long)values[i].value);
	}
	return used;
}

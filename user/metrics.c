/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number that stands alone is a line of a table; what has labels has a function.
 * Families are always there, with zeros, so that a query need not ask whether they are.
 */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "metrics_text.h"
#include "neigh_reason.h"
#include "version.h"

/* Longer than any interface's name, so never one. */
#define OTHER_INTERFACES "(other interfaces)"
#define LABEL_BYTES 80

struct value {
	const char *name;
	const char *help;
	double number;
};

#define NUMBER(number) ((double)(number))
#define SECONDS(ns) ((double)(ns) / 1e9)

static void print_values(struct metrics_text *text, const char *type, const struct value *values,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		metrics_declare(text, values[i].name, type, values[i].help);
		metrics_sample(text, values[i].name, "", values[i].number);
	}
}

#define PRINT_VALUES(text, type, values) \
	print_values(text, type, values, sizeof(values) / sizeof((values)[0]))

/* --- what the source saw -------------------------------------------------------- */

static void print_outcomes(struct metrics_text *text, const struct statistics *statistics)
{
	static const struct {
		const char *name;
		const char *help;
		size_t offset;
	} families[] = {
#define COUNTER(member, help) \
	{ "neightrack_source_" #member "_total", help, offsetof(struct neigh_counters, member) }
		COUNTER(seen, "Runs of a hook, or notifications, that told of a neighbour."),
		COUNTER(rechecked, "Times that a state was read again, as it had changed meanwhile."),
		COUNTER(other_netns, "Of those seen: of other network namespaces."),
		COUNTER(suppressed, "Of those seen: nothing that is published had changed."),
		COUNTER(superseded, "Of those seen: another CPU published a newer state."),
		COUNTER(discarded, "Of those seen: dead neighbours and unreadable messages."),
		COUNTER(submitted, "Records made for the daemon."),
		COUNTER(ring_full, "Records lost as the ring was full; a resync follows."),
		COUNTER(map_full, "Records made without suppression, as map_size is used up."),
#undef COUNTER
	};
	char labels[LABEL_BYTES];

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_declare(text, families[i].name, "counter", families[i].help);
		for (uint32_t h = 0; h < statistics->totals.hook_count; h++) {
			const struct source_hook *hook = &statistics->totals.hooks[h];
			uint64_t value;

			memcpy(&value, (const char *)&hook->counters + families[i].offset,
			       sizeof(value));
			snprintf(labels, sizeof(labels), "source=\"%s\",hook=\"%s\"",
				 statistics->source, hook->name);
			metrics_sample(text, families[i].name, labels, NUMBER(value));
		}
	}
}

static void print_filtered(struct metrics_text *text, const struct statistics *statistics)
{
	const char *name = "neightrack_source_filtered_total";
	char labels[LABEL_BYTES];

	metrics_declare(text, name, "counter", "Of those seen: left out by the policy.");
	for (uint32_t h = 0; h < statistics->totals.hook_count; h++) {
		const struct source_hook *hook = &statistics->totals.hooks[h];

		for (unsigned int i = NEIGH_PUBLISH + 1; i < NEIGH_REASONS; i++) {
			snprintf(labels, sizeof(labels), "source=\"%s\",hook=\"%s\",reason=\"%s\"",
				 statistics->source, hook->name,
				 neigh_reason_name((enum neigh_reason)i));
			metrics_sample(text, name, labels, NUMBER(hook->counters.filtered[i]));
		}
	}
}

static void print_programs(struct metrics_text *text, const struct statistics *statistics)
{
	static const struct {
		const char *name;
		const char *help;
		size_t offset;
		double unit;
	} families[] = {
		{ "neightrack_bpf_runs_total",
		  "Runs of a BPF program, counted while kernel.bpf_stats_enabled is 1.",
		  offsetof(struct source_hook, runs), 1 },
		{ "neightrack_bpf_run_seconds_total",
		  "Time in a BPF program, measured while kernel.bpf_stats_enabled is 1.",
		  offsetof(struct source_hook, run_ns), 1e9 },
		{ "neightrack_bpf_missed_runs_total",
		  "Runs of a BPF program that the kernel skipped.",
		  offsetof(struct source_hook, missed), 1 },
	};
	char labels[LABEL_BYTES];

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_declare(text, families[i].name, "counter", families[i].help);
		for (uint32_t h = 0; h < statistics->totals.hook_count; h++) {
			const struct source_hook *hook = &statistics->totals.hooks[h];
			uint64_t value;

			if (!hook->is_program)
				continue;
			memcpy(&value, (const char *)hook + families[i].offset, sizeof(value));
			snprintf(labels, sizeof(labels), "program=\"%s\"", hook->name);
			metrics_sample(text, families[i].name, labels, NUMBER(value) / families[i].unit);
		}
	}
}

/* lost includes what is counted as ring_full; the two were not read at one time. */
static void print_losses(struct metrics_text *text, const struct statistics *statistics)
{
	uint64_t lost = statistics->losses.lost;
	uint64_t ring_full = statistics->totals.counters.ring_full;
	bool is_netlink = !statistics->totals.hooks[0].is_program;
	const char *name = "neightrack_lost_total";

	metrics_declare(text, name, "counter", "Changes that may have been lost; each starts a resync.");
	metrics_sample(text, name, "cause=\"ring_full\"", NUMBER(ring_full));
	metrics_sample(text, name, "cause=\"doubt\"",
	       NUMBER(is_netlink || lost < ring_full ? 0 : lost - ring_full));
	metrics_sample(text, name, "cause=\"missed_run\"", NUMBER(statistics->losses.missed));
	metrics_sample(text, name, "cause=\"socket_full\"", NUMBER(is_netlink ? lost : 0));
}

static void print_resyncs(struct metrics_text *text, const struct repair_stats *repair)
{
	const char *name = "neightrack_resyncs_total";
	char labels[LABEL_BYTES];

	metrics_declare(text, name, "counter", "Dumps of the kernel's table, by what asked for them.");
	for (unsigned int i = 0; i < REPAIR_CAUSES; i++) {
		snprintf(labels, sizeof(labels), "cause=\"%s\"",
			 repair_cause_name((enum repair_cause)i));
		for (char *at = strchr(labels, ' '); at; at = strchr(at, ' '))
			*at = '_';
		metrics_sample(text, name, labels, NUMBER(repair->dumps[i]));
	}
}

static void print_repairs(struct metrics_text *text, const struct statistics *statistics)
{
	const struct repair_stats *repair = statistics->repair;
	const char *name = "neightrack_audit_repairs_total";
	const struct value counters[] = {
		{ "neightrack_dumps_interrupted_total",
		  "Dumps that were done again, as the table had changed.",
		  NUMBER(repair->interrupted) },
		{ "neightrack_kernel_failures_total",
		  "Dumps and look-ups that the kernel refused.", NUMBER(repair->failed) },
		{ "neightrack_lookups_total",
		  "Neighbours that the kernel was asked for one by one.",
		  NUMBER(repair->looked_up) },
		{ "neightrack_records_consumed_total",
		  "Records that the daemon has taken in.", NUMBER(statistics->totals.consumed) },
		{ "neightrack_over_limit_total",
		  "Times that a neighbour was left out, as max_neighbours were there.",
		  NUMBER(statistics->over_limit) },
	};

	print_resyncs(text, repair);
	metrics_declare(text, name, "counter", "Neighbours that an audit found wrong, by where.");
	metrics_sample(text, name, "side=\"kernel\"", NUMBER(repair->audit_repaired));
	metrics_sample(text, name, "side=\"redis\"", NUMBER(statistics->publisher.repaired));
	PRINT_VALUES(text, "counter", counters);
}

/* --- neighbours ----------------------------------------------------------------- */

struct chosen {
	const struct interface **interfaces;
	size_t count;
	size_t limit;
	uint64_t others[2];
};

static bool is_counted(const struct interface *interface)
{
	return interface->name[0] && (interface->wanted[0] || interface->wanted[1]);
}

static void leave_to_others(struct chosen *chosen, const struct interface *interface)
{
	chosen->others[0] += interface->wanted[0];
	chosen->others[1] += interface->wanted[1];
}

/* Those with the lowest ifindexes, which are the oldest, so that series last. */
static void choose(void *context, struct interface *interface)
{
	struct chosen *chosen = context;
	size_t at = chosen->count;

	if (!is_counted(interface))
		return;
	if (at == chosen->limit) {
		if (!at || interface->ifindex > chosen->interfaces[at - 1]->ifindex) {
			leave_to_others(chosen, interface);
			return;
		}
		leave_to_others(chosen, chosen->interfaces[--at]);
	}
	for (; at && chosen->interfaces[at - 1]->ifindex > interface->ifindex; at--)
		chosen->interfaces[at] = chosen->interfaces[at - 1];
	chosen->interfaces[at] = interface;
	if (chosen->count < chosen->limit)
		chosen->count++;
}

/* A name may have any byte but / : and blanks; what is not plain ASCII is written \\xNN. */
static void escape(char *label, const char *name)
{
	for (; *name; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '\\')
			label += sprintf(label, "\\\\x%02x", byte);
		else
			*label++ = *name;
	}
	*label = '\0';
}

static void print_interface(struct metrics_text *text, const char *name, uint64_t ipv4, uint64_t ipv6)
{
	char labels[LABEL_BYTES + 5 * IFNAMSIZ], escaped[5 * IFNAMSIZ];

	escape(escaped, name);
	snprintf(labels, sizeof(labels), "interface=\"%s\",family=\"ipv4\"", escaped);
	metrics_sample(text, "neightrack_neighbours", labels, NUMBER(ipv4));
	snprintf(labels, sizeof(labels), "interface=\"%s\",family=\"ipv6\"", escaped);
	metrics_sample(text, "neightrack_neighbours", labels, NUMBER(ipv6));
}

static void print_interfaces(struct metrics_text *text, const struct statistics *statistics,
			     uint32_t limit)
{
	struct chosen chosen = { .limit = limit };

	chosen.interfaces = calloc(chosen.limit + 1, sizeof(*chosen.interfaces));
	if (!chosen.interfaces)
		chosen.limit = 0;
	interface_for_each(statistics->interfaces, choose, &chosen);
	metrics_declare(text, "neightrack_neighbours", "gauge",
		"Neighbours that are to be in Redis; interfaces beyond metrics_interfaces together.");
	for (size_t i = 0; i < chosen.count; i++)
		print_interface(text, chosen.interfaces[i]->name, chosen.interfaces[i]->wanted[0],
				chosen.interfaces[i]->wanted[1]);
	metrics_sample(text, "neightrack_neighbours", "interface=\"" OTHER_INTERFACES "\",family=\"ipv4\"",
	       NUMBER(chosen.others[0]));
	metrics_sample(text, "neightrack_neighbours", "interface=\"" OTHER_INTERFACES "\",family=\"ipv6\"",
	       NUMBER(chosen.others[1]));
	free(chosen.interfaces);
}

/* The kernel changes them without a word to anybody, so they are as a dump found them. */
static void print_states(struct metrics_text *text, const struct repair_stats *repair)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	static const char *const states[REPAIR_NUD_STATES] = {
		"none", "incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp",
		"permanent",
	};
	const char *name = "neightrack_kernel_neighbours";
	const struct value gauges[] = {
		{ "neightrack_dump_age_seconds",
		  "Time since the last dump of the kernel's neighbours ended; 0 if there was none.",
		  SECONDS(repair->dumped_ns ? clock_now_ns() - repair->dumped_ns : 0) },
	};
	char labels[LABEL_BYTES];

	metrics_declare(text, name, "gauge", "Neighbours of the kernel at the last dump, mirrored or not.");
	for (size_t i = 0; i < 2 * REPAIR_NUD_STATES; i++) {
		snprintf(labels, sizeof(labels), "family=\"%s\",state=\"%s\"",
			 families[i / REPAIR_NUD_STATES], states[i % REPAIR_NUD_STATES]);
		metrics_sample(text, name, labels,
			       NUMBER(repair->in_state[i / REPAIR_NUD_STATES][i % REPAIR_NUD_STATES]));
	}
	PRINT_VALUES(text, "gauge", gauges);
}

static void print_depths(struct metrics_text *text, const struct statistics *statistics)
{
	const struct value gauges[] = {
		{ "neightrack_entries",
		  "Entries of the table: neighbours, and what is on its way out of Redis.",
		  NUMBER(statistics->entries) },
		{ "neightrack_dirty_neighbours",
		  "Neighbours that wait to be written to Redis.", NUMBER(statistics->dirty) },
		{ "neightrack_lag_seconds",
		  "Age of the oldest change that Redis has not acknowledged; 0 if there is none.",
		  SECONDS(statistics->lag_ns) },
		{ "neightrack_redis_commands_in_flight",
		  "Commands sent to Redis whose reply is awaited.",
		  NUMBER(statistics->publisher.in_flight) },
		{ "neightrack_redis_connected",
		  "1 while the connection to Redis stands.",
		  NUMBER(statistics->publisher.is_connected) },
	};

	PRINT_VALUES(text, "gauge", gauges);
}

/* --- Redis ---------------------------------------------------------------------- */

static void print_writes(struct metrics_text *text, const struct writer_stats *writer)
{
	const char *name = "neightrack_writes_total";
	const struct value counters[] = {
		{ "neightrack_writes_refused_total",
		  "Writes that Redis answered with an error, and that are tried again.",
		  NUMBER(writer->refused) },
		{ "neightrack_ask_redirects_total",
		  "Writes that a cluster sent to another of its nodes.", NUMBER(writer->asked) },
	};

	metrics_declare(text, name, "counter", "Neighbours set or deleted in Redis, as acknowledged.");
	metrics_sample(text, name, "operation=\"set\"", NUMBER(writer->sets));
	metrics_sample(text, name, "operation=\"delete\"", NUMBER(writer->deletes));
	PRINT_VALUES(text, "counter", counters);
}

static void print_redis(struct metrics_text *text, const struct redis_client_stats *redis)
{
	const char *name = "neightrack_redis_errors_total";
	const struct value counters[] = {
		{ "neightrack_redis_commands_total", "Commands sent to Redis.",
		  NUMBER(redis->commands) },
		{ "neightrack_redis_sent_bytes_total", "Bytes sent to Redis.",
		  NUMBER(redis->bytes_sent) },
		{ "neightrack_redis_connects_total", "Connections to Redis that stood.",
		  NUMBER(redis->connects) },
		{ "neightrack_redis_connection_failures_total",
		  "Connections to Redis that were lost, given up, or never made.",
		  NUMBER(redis->failures) },
		{ "neightrack_redis_timeouts_total",
		  "Connections given up as nothing was answered.", NUMBER(redis->timeouts) },
		{ "neightrack_moved_redirects_total",
		  "Times that a cluster sent the daemon to another node.", NUMBER(redis->moved) },
	};
	char labels[LABEL_BYTES];

	PRINT_VALUES(text, "counter", counters);
	metrics_declare(text, name, "counter", "Replies of Redis that were errors, by their first word.");
	for (unsigned int i = 0; i < REDIS_ERRORS; i++) {
		snprintf(labels, sizeof(labels), "kind=\"%s\"",
			 redis_error_name((enum redis_error)i));
		metrics_sample(text, name, labels, NUMBER(redis->errors_of_kind[i]));
	}
}

static void print_latency(struct metrics_text *text, const struct histogram *histogram)
{
	static const struct {
		uint64_t us;
		const char *seconds;
	} bounds[] = {
		{ 1u << 6, "6.4e-05" },   { 1u << 7, "0.000128" },  { 1u << 8, "0.000256" },
		{ 1u << 9, "0.000512" },  { 1u << 10, "0.001024" }, { 1u << 11, "0.002048" },
		{ 1u << 12, "0.004096" }, { 1u << 13, "0.008192" }, { 1u << 14, "0.016384" },
		{ 1u << 15, "0.032768" }, { 1u << 16, "0.065536" }, { 1u << 17, "0.131072" },
		{ 1u << 18, "0.262144" }, { 1u << 20, "1.048576" }, { 1u << 22, "4.194304" },
		{ 1u << 24, "16.777216" },
	};
	const char *name = "neightrack_write_latency_seconds";

	metrics_declare(text, name, "histogram",
		"From the kernel's change of a flush's first neighbour to the last reply to it.");
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		metrics_bucket(text, name, bounds[i].seconds,
			       histogram_count_below_us(histogram, bounds[i].us));
	metrics_bucket(text, name, "+Inf", histogram->count);
	metrics_sum(text, name, SECONDS(histogram->sum_ns), histogram->count);
}

static void print_flushes(struct metrics_text *text, const struct writer_stats *writer)
{
	const char *name = "neightrack_flush_size_neighbours";
	uint64_t count = 0;

	metrics_declare(text, name, "histogram", "Neighbours that were sent to Redis in one flush.");
	for (unsigned int i = 0; i < WRITER_FLUSH_SIZES; i++) {
		char bound[16];

		count += writer->flushes_of_size[i];
		snprintf(bound, sizeof(bound), "%u.0", 1u << i);
		metrics_bucket(text, name, bound, count);
	}
	metrics_bucket(text, name, "+Inf", writer->flushes);
	metrics_sum(text, name, NUMBER(writer->flushed), writer->flushes);
}

/* --- what is made of changes ----------------------------------------------------- */

static void print_anomalies(struct metrics_text *text, const struct anomaly_stats *stats)
{
	const char *name = "neightrack_anomalies_total";
	const struct value counters[] = {
		{ "neightrack_mac_changes_total", "Times that a neighbour's MAC was replaced.",
		  NUMBER(stats->mac_changes) },
		{ "neightrack_anomalies_held_back_total",
		  "Anomalies not told, by anomaly_interval and anomaly_rate.",
		  NUMBER(stats->held_back) },
		{ "neightrack_anomaly_addresses_forgotten_total",
		  "Addresses with a replaced MAC that made place for others.",
		  NUMBER(stats->forgotten) },
	};
	const struct value gauges[] = {
		{ "neightrack_crowded_macs", "MACs with more addresses than mac_addresses.",
		  NUMBER(stats->crowded_macs) },
	};
	char labels[LABEL_BYTES];

	PRINT_VALUES(text, "counter", counters);
	PRINT_VALUES(text, "gauge", gauges);
	metrics_declare(text, name, "counter", "Neighbours told to behave oddly, by how.");
	for (unsigned int i = 0; i < ANOMALY_KINDS; i++) {
		snprintf(labels, sizeof(labels), "kind=\"%s\"", anomaly_name((enum anomaly_kind)i));
		metrics_sample(text, name, labels, NUMBER(stats->found[i]));
	}
}

static void print_stream(struct metrics_text *text, const struct stream_stats *stats)
{
	const struct value counters[] = {
		{ "neightrack_stream_events_total", "Events appended to the stream.",
		  NUMBER(stats->appended) },
		{ "neightrack_stream_cut_total",
		  "Events left out of the stream, as stream_queue of them waited.",
		  NUMBER(stats->cut) },
		{ "neightrack_stream_refused_total",
		  "Events left out of the stream, as Redis answered with an error.",
		  NUMBER(stats->refused) },
		{ "neightrack_stream_connects_total", "Connections to Redis for the stream.",
		  NUMBER(stats->redis ? stats->redis->connects : 0) },
		{ "neightrack_stream_sent_bytes_total", "Bytes sent to Redis for the stream.",
		  NUMBER(stats->redis ? stats->redis->bytes_sent : 0) },
	};
	const struct value gauges[] = {
		{ "neightrack_stream_queued_events", "Events that Redis has not acknowledged yet.",
		  NUMBER(stats->queued) },
		{ "neightrack_stream_connected",
		  "1 while there is a stream and its connection stands.",
		  NUMBER(stats->is_connected) },
	};

	PRINT_VALUES(text, "counter", counters);
	PRINT_VALUES(text, "gauge", gauges);
}

/* --- the process ---------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long all = 0, resident = 0;

	if (file && fscanf(file, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void print_process(struct metrics_text *text, const struct metrics_view *view)
{
	const struct value counters[] = {
		{ "process_cpu_seconds_total", "Time that this process has used the CPUs.",
		  cpu_seconds() },
		{ "neightrack_http_requests_total", "Requests answered, of any status.",
		  NUMBER(view->http->answered) },
		{ "neightrack_http_connections_accepted_total", "Connections taken.",
		  NUMBER(view->http->accepted) },
		{ "neightrack_http_connections_refused_total",
		  "Connections closed at once, as there were too many.",
		  NUMBER(view->http->refused) },
		{ "neightrack_http_connections_expired_total",
		  "Connections closed as they lasted too long.", NUMBER(view->http->expired) },
	};
	const struct value gauges[] = {
		{ "process_resident_memory_bytes", "Memory that this process has resident.",
		  resident_bytes() },
	};
	const char *source = "none";
	char labels[LABEL_BYTES];

	for (size_t i = view->count; i-- > 0; )
		if (view->mirrors[i].is_there)
			source = view->mirrors[i].statistics.source;
	snprintf(labels, sizeof(labels), "version=\"%s\",source=\"%s\"", NEIGHTRACK_VERSION, source);
	metrics_declare(text, "neightrack_build_info", "gauge",
			"1; the labels say what is running.");
	metrics_sample(text, "neightrack_build_info", labels, 1);
	PRINT_VALUES(text, "gauge", gauges);
	PRINT_VALUES(text, "counter", counters);
}

static void print_readiness(struct metrics_text *text, const struct metrics_view *view)
{
	const char *name = "neightrack_ready";

	metrics_declare(text, name, "gauge",
			"1 while Redis holds the neighbours and is kept so, as /readyz says.");
	for (size_t i = 0; i < view->count; i++) {
		text->mirror = view->mirrors[i].name;
		metrics_sample(text, name, "", NUMBER(view->mirrors[i].is_ready));
	}
	text->mirror = "";
}

static void print_mirror(struct metrics_text *text, const struct statistics *statistics,
			 uint32_t interfaces)
{
	print_interfaces(text, statistics, interfaces);
	print_states(text, statistics->repair);
	print_depths(text, statistics);
	print_outcomes(text, statistics);
	print_filtered(text, statistics);
	print_losses(text, statistics);
	print_repairs(text, statistics);
	print_writes(text, statistics->publisher.writer);
	print_redis(text, statistics->publisher.redis);
	print_latency(text, &statistics->publisher.writer->latency);
	print_flushes(text, statistics->publisher.writer);
	print_anomalies(text, statistics->changes.anomalies);
	print_stream(text, &statistics->changes.stream);
}

int metrics_print(FILE *file, const struct metrics_view *view, bool openmetrics)
{
	const struct statistics *any = NULL;
	struct metrics_text text;
	size_t first;

	metrics_text_begin(&text, file, openmetrics, view->count > 1);
	print_process(&text, view);
	print_readiness(&text, view);
	for (size_t i = 0; !any && i < view->count; i++)
		if (view->mirrors[i].is_there)
			any = &view->mirrors[i].statistics;
	/* the programs run for all of them */
	if (any)
		print_programs(&text, any);
	first = text.next;
	for (size_t i = 0; i < view->count; i++) {
		metrics_text_mirror(&text, view->mirrors[i].name, first);
		if (view->mirrors[i].is_there)
			print_mirror(&text, &view->mirrors[i].statistics, view->interfaces);
	}
	return metrics_text_end(&text);
}

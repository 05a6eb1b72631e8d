/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources by BPF: the choice between them, the programs and maps (programs.h) as a
 * source of records, and the claims (bpf/publish.h) as userspace may touch them.
 */
#include "source_ops.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "machine.h"
#include "options_table.h"
#include "pins.h"
#include "programs.h"
#include "ring.h"

#define SWEEP_BATCH 1024u

struct bpf_source {
	struct source base;
	enum option_source kind;
	struct programs programs;
	struct neigh_control *control;	/* of these, shared with them */
	struct programs_runs before[NEIGH_HOOKS];	/* of a daemon that had the programs before */
	struct ring *ring;
	struct pins pins;
	uint32_t ring_size_bytes;
	uint64_t clock_offset_ns;	/* from the kernel's clock to this process' */
	uint64_t consumed;
};

struct consumer {
	struct bpf_source *source;
	source_apply apply;
	void *context;
};

static struct bpf_source *bpf_source(const struct source *base)
{
	return (struct bpf_source *)(uintptr_t)base;
}

/* Which source could not be had, and whose it is to say why. */
struct attempt {
	const struct source_config *config;
	enum option_source kind;
	bool is_hopeless;		/* for each of those by BPF */
};

/* What failed, what would help, and what is done now. */
static void complain(void *context, const char *what, int error)
{
	struct attempt *attempt = context;
	bool is_last = attempt->config->kind != OPTION_SOURCE_AUTO;
	enum option_source next = attempt->kind + 1;
	struct machine machine;
	char why[MACHINE_WHY_BYTES];

	machine_look(&machine);
	machine_explain(&machine, attempt->kind, attempt->config->btf, error, why);
	attempt->is_hopeless = machine_bpf_obstacle(&machine);
	if (attempt->is_hopeless)
		next = OPTION_SOURCE_NETLINK;
	log_message(is_last ? MESSAGE_SOURCE_FAILED : MESSAGE_SOURCE_SKIPPED,
		    "%s: cannot %s: %s (%s%s%s)", option_source_names[attempt->kind], what,
		    strerror(-error), why, is_last ? "" : "; trying ",
		    is_last ? "" : option_source_names[next]);
}

/* A process in a time namespace of its own has another CLOCK_MONOTONIC than the
 * kernel side, which stamps the records: time_namespaces(7). */
static uint64_t read_clock_offset_ns(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds = 0, nanoseconds = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "monotonic %lld %lld", &seconds, &nanoseconds) == 2)
			break;
	if (file)
		fclose(file);
	return (uint64_t)(seconds * (long long)NS_PER_S + nanoseconds);
}

static int open_programs(struct bpf_source *source, const struct programs_config *config)
{
	int error = programs_open(&source->programs, config);

	if (!error && source->programs.were_pinned)
		log_info("the BPF programs of the last daemon are used again");
	for (int i = 0; !error && i < NEIGH_HOOKS; i++)
		programs_runs(&source->programs, (enum neigh_hook)i, &source->before[i]);
	source->control = source->programs.control;
	return error;
}

static int open_ring(struct bpf_source *source, const struct source_config *config)
{
	int error;

	source->ring = ring_open(source->programs.maps[PROGRAM_MAP_RECORDS],
				 config->ring_size_bytes);
	if (source->ring)
		return 0;
	error = -errno;
	log_error("cannot map the ring of records: %s", strerror(-error));
	return error;
}

static void bpf_free(struct source *base, bool keep_pins)
{
	struct bpf_source *source = bpf_source(base);

	ring_close(source->ring);
	programs_close(&source->programs);
	pins_close(&source->pins, keep_pins);
	free(source);
}

static int bpf_give(const struct source *base, uid_t uid, gid_t gid)
{
	return pins_give(&bpf_source(base)->pins, uid, gid);
}

static int bpf_fd(const struct source *base)
{
	return bpf_source(base)->programs.maps[PROGRAM_MAP_RECORDS];
}

static void consume_one(void *context, const void *record, size_t bytes)
{
	const struct consumer *consumer = context;
	struct neigh_record shifted;

	consumer->source->consumed++;
	if (bytes < sizeof(struct neigh_record))
		return;
	if (consumer->source->clock_offset_ns) {
		memcpy(&shifted, record, sizeof(shifted));
		shifted.time_ns += consumer->source->clock_offset_ns;
		record = &shifted;
	}
	consumer->apply(consumer->context, record);
}

static size_t bpf_consume(struct source *base, size_t limit, source_apply apply, void *context)
{
	struct bpf_source *source = bpf_source(base);
	struct consumer consumer = { .source = source, .apply = apply, .context = context };

	return ring_consume(source->ring, limit, consume_one, &consumer);
}

static bool bpf_may_sleep(struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	__atomic_store_n(&source->control->consumer_sleeps, 1, __ATOMIC_SEQ_CST);
	if (!ring_has_pending(source->ring))
		return true;
	__atomic_store_n(&source->control->consumer_sleeps, 0, __ATOMIC_RELAXED);
	return false;
}

static size_t bpf_capacity(const struct source *base)
{
	return bpf_source(base)->ring_size_bytes / (BPF_RINGBUF_HDR_SZ + sizeof(struct neigh_record));
}

static uint64_t missed(const struct bpf_source *source, enum neigh_hook hook)
{
	struct programs_runs runs;

	programs_runs(&source->programs, hook, &runs);
	return runs.missed - source->before[hook].missed;
}

/*
 * A run of neigh_update_done that both copies missed is in the misses of each,
 * so there were at most as many of those as the smaller of the two numbers.
 */
static void bpf_losses(const struct source *base, struct source_losses *losses)
{
	struct bpf_source *source = bpf_source(base);
	uint64_t first = missed(source, NEIGH_HOOK_UPDATE);
	uint64_t second = missed(source, NEIGH_HOOK_UPDATE_AGAIN);

	losses->lost = __atomic_load_n(&source->control->lost, __ATOMIC_RELAXED);
	losses->missed = (first < second ? first : second) +
			 missed(source, NEIGH_HOOK_TIMER) + missed(source, NEIGH_HOOK_CLEANUP);
}

static uint64_t bpf_deletions(const struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	return __atomic_load_n(&source->control->deletions, __ATOMIC_RELAXED);
}

static void bpf_set_policy(struct source *base, uint32_t policy)
{
	struct bpf_source *source = bpf_source(base);

	__atomic_store_n(&source->control->policy, policy, __ATOMIC_SEQ_CST);
}

static int bpf_set_interface(struct source *base, uint32_t ifindex, const char *name,
			 uint32_t flags)
{
	struct bpf_source *source = bpf_source(base);
	struct neigh_interface value = { .flags = flags };

	if (ifindex < NEIGH_LOW_INTERFACES)
		__atomic_store_n(&source->programs.low_interfaces->flags[ifindex],
				 (uint8_t)(flags | NEIGH_INTERFACE_KNOWN), __ATOMIC_SEQ_CST);
	strncpy(value.name, name, sizeof(value.name) - 1);
	return bpf_map_update_elem(source->programs.maps[PROGRAM_MAP_INTERFACES], &ifindex, &value,
				   BPF_ANY) ? -errno : 0;
}

static void bpf_forget_interface(struct source *base, uint32_t ifindex)
{
	struct bpf_source *source = bpf_source(base);

	if (ifindex < NEIGH_LOW_INTERFACES)
		__atomic_store_n(&source->programs.low_interfaces->flags[ifindex], 0,
				 __ATOMIC_SEQ_CST);
	bpf_map_delete_elem(source->programs.maps[PROGRAM_MAP_INTERFACES], &ifindex);
}

static void bpf_invalidate_claims(struct source *base)
{
	struct bpf_source *source = bpf_source(base);
	uint32_t epoch = source->control->epoch + 1;

	/* 0 is the epoch of values that claim nothing */
	__atomic_store_n(&source->control->epoch, epoch ? epoch : 1, __ATOMIC_SEQ_CST);
}

static void bpf_keep_tombstones(struct source *base)
{
	__atomic_store_n(&bpf_source(base)->control->keep_tombstones, 1, __ATOMIC_SEQ_CST);
}

static void bpf_begin_snapshot(struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	bpf_keep_tombstones(base);
	__atomic_store_n(&source->control->claims_incomplete, 0, __ATOMIC_SEQ_CST);
	bpf_invalidate_claims(base);
}

static void bpf_seed(struct source *base, const struct neigh_key *key, const uint8_t *mac)
{
	struct bpf_source *source = bpf_source(base);
	struct neigh_value value = {
		.first_seen_ns = clock_now_ns(),
		.epoch = source->control->epoch,
		.published.stamp = NEIGH_CLAIM_VALID,
	};

	memcpy(value.published.mac, mac, sizeof(value.published.mac));
	/* what a program has published meanwhile is newer than the dump: BPF_NOEXIST */
	if (bpf_map_update_elem(source->programs.maps[PROGRAM_MAP_NEIGHBOURS], key, &value,
				BPF_NOEXIST) && errno != EEXIST)
		__atomic_fetch_add(&source->control->claims_incomplete, 1, __ATOMIC_SEQ_CST);
}

/*
 * Removes what no neighbour stands behind: left when a deletion was lost, or
 * while the snapshot was merged. A value that is published just now must not
 * go: then a neighbour is published without a claim, which is noted.
 */
static void remove_value(struct bpf_source *source, const struct neigh_key *key)
{
	struct neigh_value value;

	if (bpf_map_lookup_and_delete_elem(source->programs.maps[PROGRAM_MAP_NEIGHBOURS], key,
					   &value))
		return;
	if (value.published.stamp & NEIGH_CLAIM_VALID && value.epoch == source->control->epoch)
		__atomic_fetch_add(&source->control->claims_incomplete, 1, __ATOMIC_SEQ_CST);
}

static void sweep(struct bpf_source *source,
		  bool (*is_wanted)(void *context, const struct neigh_key *key), void *context)
{
	struct neigh_key *keys = calloc(SWEEP_BATCH, sizeof(*keys));
	struct neigh_value *values = calloc(SWEEP_BATCH, sizeof(*values));
	int fd = source->programs.maps[PROGRAM_MAP_NEIGHBOURS];
	uint32_t position;
	void *from = NULL;
	bool more = keys && values;

	/* a program that holds a value which is removed meanwhile looks again */
	__atomic_fetch_add(&source->control->sweeps, 1, __ATOMIC_SEQ_CST);
	while (more) {
		uint32_t count = SWEEP_BATCH;

		more = !bpf_map_lookup_batch(fd, from, &position, keys, values, &count, NULL);
		if (!more && errno != ENOENT)
			break;
		from = &position;
		for (uint32_t i = 0; i < count; i++)
			if (!is_wanted(context, &keys[i]))
				remove_value(source, &keys[i]);
	}
	__atomic_fetch_add(&source->control->sweeps, 1, __ATOMIC_SEQ_CST);
	free(values);
	free(keys);
}

static void bpf_end_snapshot(struct source *base,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context)
{
	struct bpf_source *source = bpf_source(base);

	__atomic_store_n(&source->control->keep_tombstones, 0, __ATOMIC_SEQ_CST);
	sweep(source, is_wanted, context);
	/* What was published without a claim may since have been seeded from the
	 * dump with an older state: let no claim stand. */
	if (__atomic_load_n(&source->control->claims_incomplete, __ATOMIC_SEQ_CST))
		bpf_invalidate_claims(base);
}

static void add(struct neigh_counters *sum, const struct neigh_counters *one)
{
	/* counters alone: one long list of 64-bit numbers */
	const uint64_t *from = (const uint64_t *)one;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static void hook_totals(const struct bpf_source *source, enum neigh_hook hook,
			struct source_hook *total)
{
	static const char *const names[NEIGH_HOOKS] = {
		[NEIGH_HOOK_UPDATE] = "neigh_update",
		[NEIGH_HOOK_UPDATE_AGAIN] = "neigh_update_2",
		[NEIGH_HOOK_TIMER] = "neigh_timer",
		[NEIGH_HOOK_CLEANUP] = "neigh_cleanup",
	};
	const struct programs_runs *before = &source->before[hook];
	struct programs_runs runs;

	programs_runs(&source->programs, hook, &runs);
	*total = (struct source_hook){
		.name = names[hook],
		.is_program = true,
		.missed = runs.missed - before->missed,
		.runs = runs.count - before->count,
		.run_ns = runs.ns - before->ns,
	};
}

static void bpf_totals(const struct source *base, struct source_totals *totals)
{
	struct bpf_source *source = bpf_source(base);
	int cpus = libbpf_num_possible_cpus();
	struct neigh_counters *values;

	*totals = (struct source_totals){ .consumed = source->consumed };
	values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	for (uint32_t i = 0; i < NEIGH_HOOKS; i++) {
		struct source_hook *hook = &totals->hooks[totals->hook_count];

		if (source->programs.programs[i] < 0)
			continue;
		totals->hook_count++;
		hook_totals(source, (enum neigh_hook)i, hook);
		if (!values || bpf_map_lookup_elem(source->programs.maps[PROGRAM_MAP_COUNTERS], &i,
						   values))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			add(&hook->counters, &values[cpu]);
		add(&totals->counters, &hook->counters);
	}
	free(values);
}

static const char *bpf_name(const struct source *base)
{
	return option_source_names[bpf_source(base)->kind];
}

static const char *bpf_description(const struct source *base)
{
	return programs_description(bpf_source(base)->kind);
}

static const struct source_ops bpf_ops = {
	.name = bpf_name,
	.description = bpf_description,
	.free = bpf_free,
	.give = bpf_give,
	.fd = bpf_fd,
	.consume = bpf_consume,
	.may_sleep = bpf_may_sleep,
	.capacity = bpf_capacity,
	.losses = bpf_losses,
	.totals = bpf_totals,
	.deletions = bpf_deletions,
	.set_policy = bpf_set_policy,
	.set_interface = bpf_set_interface,
	.forget_interface = bpf_forget_interface,
	.invalidate_claims = bpf_invalidate_claims,
	.begin_snapshot = bpf_begin_snapshot,
	.keep_tombstones = bpf_keep_tombstones,
	.seed = bpf_seed,
	.end_snapshot = bpf_end_snapshot,
};

/* Loads, maps and attaches, and leaves nothing behind if it cannot. */
static int start(struct bpf_source *source, struct attempt *attempt)
{
	const struct source_config *config = attempt->config;
	const enum option_source kind = attempt->kind;
	const struct programs_config programs_config = {
		.kind = kind,
		.btf = config->btf,
		.pins = &source->pins,
		.netns_inum = config->netns_inum,
		.ring_size_bytes = config->ring_size_bytes,
		.map_size = config->map_size,
		.without = config->without & (NEIGH_WITHOUT_FILTER | NEIGH_WITHOUT_SUPPRESSION),
		.complain = complain,
		.context = attempt,
	};
	int error = open_programs(source, &programs_config);

	source->kind = kind;
	if (!error)
		error = open_ring(source, config);
	if (!error) {
		/* until the first picture is whole */
		source->control->keep_tombstones = 1;
		source->control->policy = config->policy;
		source->control->epoch = 1;
		error = programs_attach(&source->programs, &programs_config);
	}
	if (!error)
		return 0;
	ring_close(source->ring);
	source->ring = NULL;
	programs_close(&source->programs);
	return error;
}

static int start_first(struct bpf_source *source, const struct source_config *config)
{
	bool is_free = config->kind == OPTION_SOURCE_AUTO;
	struct attempt attempt = {
		.config = config,
		.kind = is_free ? OPTION_SOURCE_TP_BTF : config->kind,
	};
	int error = start(source, &attempt);

	while (error && error != -ENOMEM && is_free && !attempt.is_hopeless &&
	       ++attempt.kind < OPTION_SOURCE_NETLINK)
		error = start(source, &attempt);
	/* whatever the kernel calls it, -EINVAL too: it is the kind that cannot be had */
	return !error || error == -ENOMEM ? error : -EOPNOTSUPP;
}

int source_bpf_new(struct source **result, const struct source_config *config)
{
	const unsigned long page_bytes = (unsigned long)sysconf(_SC_PAGESIZE);
	struct bpf_source *source;
	int error;

	if (config->ring_size_bytes < page_bytes) {
		log_error("ring_size = %u: on this machine allowed are %lu bytes, a page, or more",
			  config->ring_size_bytes, page_bytes);
		return -EINVAL;
	}
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->base.ops = &bpf_ops;
	source->base.without = config->without;
	source->clock_offset_ns = read_clock_offset_ns();
	source->ring_size_bytes = config->ring_size_bytes;
	programs_init(&source->programs);
	error = pins_open(&source->pins, config->instance, config->owner);
	if (!error)
		error = start_first(source, config);
	if (error) {
		bpf_free(&source->base, false);
		return error;
	}
	if (!source->pins.are_usable)
		log_message(MESSAGE_NO_PINS, "%s; nothing is pinned, so the next start loads anew, "
			    "and bpftool finds no maps of this one", source->pins.why);
	if (source->kind == OPTION_SOURCE_KPROBE)
		log_message(MESSAGE_MISSES_UNSEEN, "kprobe: the kernel does not tell of every run "
			    "that it skips, and an audit alone finds what was missed so "
			    "(audit_interval)");
	*result = &source->base;
	return 0;
}

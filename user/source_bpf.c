/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources by BPF: a slot of the programs and their maps (slot.h) as a source of
 * records, and the claims (bpf/publish.h) as userspace may touch them.
 */
#include "source_ops.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hook_counters.h"
#include "kernel_hooks.h"
#include "log.h"
#include "options_table.h"
#include "ring.h"
#include "slot.h"

#define SWEEP_BATCH 1024u

/* What there was before this source was. */
struct before {
	struct programs_runs runs[NEIGH_HOOKS];
	struct neigh_counters counters[NEIGH_HOOKS];
	uint64_t lost;			/* by whichever slot */
};

struct bpf_source {
	struct source base;
	enum option_source kind;
	struct slot slot;
	struct neigh_control *control;	/* of that */
	struct before before;
	struct ring *ring;
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

static int open_ring(struct bpf_source *source)
{
	int error;

	source->ring = ring_open(source->slot.programs->rings[source->slot.number],
				 source->ring_size_bytes);
	if (source->ring)
		return 0;
	error = -errno;
	log_error("cannot map the ring of records: %s", strerror(-error));
	return error;
}

static void bpf_free(struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	slot_release(&source->slot);
	ring_close(source->ring);
	free(source);
}

static int bpf_fd(const struct source *base)
{
	const struct slot *slot = &bpf_source(base)->slot;

	return slot->programs->rings[slot->number];
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

static void expect_one(void *context, const void *record, size_t bytes, bool again)
{
	const struct consumer *consumer = context;
	const struct source *base = &consumer->source->base;

	if (bytes >= sizeof(struct neigh_record))
		base->expect(base->expect_context, record, again);
}

static size_t bpf_consume(struct source *base, size_t limit, source_apply apply, void *context)
{
	struct bpf_source *source = bpf_source(base);
	struct consumer consumer = { .source = source, .apply = apply, .context = context };

	const struct ring_consumer ring_consumer = {
		.expect = base->expect ? expect_one : NULL,
		.consume = consume_one,
		.context = &consumer,
	};

	return ring_consume(source->ring, limit, &ring_consumer);
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

	programs_runs(source->slot.programs, hook, &runs);
	return runs.missed - source->before.runs[hook].missed;
}

/*
 * A run of neigh_update_done that both copies missed is in the misses of each,
 * so there were at most as many of those as the smaller of the two numbers. The kernel
 * does not tell in which network namespace: what one slot may have missed each may have.
 */
static void bpf_losses(const struct source *base, struct source_losses *losses)
{
	struct bpf_source *source = bpf_source(base);
	uint64_t first = missed(source, NEIGH_HOOK_UPDATE);
	uint64_t second = missed(source, NEIGH_HOOK_UPDATE_AGAIN);

	losses->lost = __atomic_load_n(&source->control->lost, __ATOMIC_RELAXED) +
		       __atomic_load_n(&source->slot.programs->controls->lost, __ATOMIC_RELAXED) -
		       source->before.lost;
	losses->missed = (first < second ? first : second) +
			 missed(source, NEIGH_HOOK_TIMER) + missed(source, NEIGH_HOOK_CLEANUP);
}

static uint64_t bpf_deletions(const struct source *base)
{
	const struct slot *slot = &bpf_source(base)->slot;

	return __atomic_load_n(&slot->programs->controls->deletions, __ATOMIC_RELAXED);
}

static void bpf_set_policy(struct source *base, uint32_t policy)
{
	struct bpf_source *source = bpf_source(base);

	__atomic_store_n(&source->control->policy, policy, __ATOMIC_SEQ_CST);
}

static int bpf_set_interface(struct source *base, uint32_t ifindex, const char *name,
			     uint32_t flags)
{
	struct neigh_interface value = { .flags = flags };

	strncpy(value.name, name, sizeof(value.name) - 1);
	return slot_set_interface(&bpf_source(base)->slot, ifindex, &value);
}

static void bpf_forget_interface(struct source *base, uint32_t ifindex)
{
	slot_forget_interface(&bpf_source(base)->slot, ifindex);
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

static int neighbours_fd(const struct bpf_source *source)
{
	return source->slot.programs->maps[PROGRAM_MAP_NEIGHBOURS];
}

static void bpf_seed(struct source *base, const struct neigh_key *key, const uint8_t *mac)
{
	struct bpf_source *source = bpf_source(base);
	struct neigh_key slot_key = *key;
	struct neigh_value value = {
		.first_seen_ns = clock_now_ns(),
		.epoch = source->control->epoch,
		.published.stamp = NEIGH_CLAIM_VALID,
	};

	slot_key.instance = (uint8_t)source->slot.number;
	memcpy(value.published.mac, mac, sizeof(value.published.mac));
	/* what a program has published meanwhile is newer than the dump: BPF_NOEXIST */
	if (bpf_map_update_elem(neighbours_fd(source), &slot_key, &value, BPF_NOEXIST) &&
	    errno != EEXIST)
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

	if (bpf_map_lookup_and_delete_elem(neighbours_fd(source), key, &value))
		return;
	if (value.published.stamp & NEIGH_CLAIM_VALID && value.epoch == source->control->epoch)
		__atomic_fetch_add(&source->control->claims_incomplete, 1, __ATOMIC_SEQ_CST);
}

/* Slots are the source's business alone. */
static bool is_wanted_key(const struct neigh_key *slot_key,
			  bool (*is_wanted)(void *context, const struct neigh_key *key),
			  void *context)
{
	struct neigh_key key = *slot_key;

	key.instance = 0;
	return is_wanted(context, &key);
}

static void sweep(struct bpf_source *source,
		  bool (*is_wanted)(void *context, const struct neigh_key *key), void *context)
{
	struct neigh_key *keys = calloc(SWEEP_BATCH, sizeof(*keys));
	struct neigh_value *values = calloc(SWEEP_BATCH, sizeof(*values));
	int fd = neighbours_fd(source);
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
			if (keys[i].instance == source->slot.number &&
			    !is_wanted_key(&keys[i], is_wanted, context))
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

static void subtract(struct neigh_counters *from, const struct neigh_counters *one)
{
	for (size_t i = 0; i < sizeof(*from) / sizeof(uint64_t); i++)
		((uint64_t *)from)[i] -= ((const uint64_t *)one)[i];
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
	const struct programs_runs *before = &source->before.runs[hook];
	struct programs_runs runs;

	programs_runs(source->slot.programs, hook, &runs);
	*total = (struct source_hook){
		.name = names[hook],
		.is_program = true,
		.missed = runs.missed - before->missed,
		.runs = runs.count - before->count,
		.run_ns = runs.ns - before->ns,
	};
	if (!slot_counters(&source->slot, hook, &total->counters))
		subtract(&total->counters, &source->before.counters[hook]);
}

static void bpf_totals(const struct source *base, struct source_totals *totals)
{
	struct bpf_source *source = bpf_source(base);

	*totals = (struct source_totals){ .consumed = source->consumed };
	for (unsigned int i = 0; i < NEIGH_HOOKS; i++) {
		struct source_hook *hook = &totals->hooks[totals->hook_count];

		if (source->slot.programs->programs[i] < 0)
			continue;
		totals->hook_count++;
		hook_totals(source, (enum neigh_hook)i, hook);
		hook_counters_add(&totals->counters, &hook->counters);
	}
}

static const char *bpf_name(const struct source *base)
{
	return option_source_names[bpf_source(base)->kind];
}

static const struct source_ops bpf_ops = {
	.name = bpf_name,
	.free = bpf_free,
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

/* A slot that another namespace had before goes on counting. */
static int note_before(struct bpf_source *source, bool was_used)
{
	struct before *before = &source->before;
	int error = 0;

	before->lost = __atomic_load_n(&source->slot.programs->controls->lost, __ATOMIC_RELAXED);
	for (unsigned int i = 0; !error && i < NEIGH_HOOKS; i++) {
		programs_runs(source->slot.programs, (enum neigh_hook)i, &before->runs[i]);
		if (was_used)
			error = slot_counters(&source->slot, (enum neigh_hook)i,
					      &before->counters[i]);
	}
	return error;
}

static int start(struct bpf_source *source, const struct source_config *config)
{
	struct programs *programs = kernel_hooks_programs(config->hooks);
	bool was_used = programs->controls->of[config->slot].epoch;
	int error = slot_take(&source->slot, programs, config->slot);

	source->control = source->slot.control;
	if (!error)
		error = open_ring(source);
	if (!error)
		error = note_before(source, was_used);
	if (error)
		return error;
	/* until the first picture is whole */
	source->control->keep_tombstones = 1;
	source->control->policy = config->policy;
	bpf_invalidate_claims(&source->base);
	return slot_give_netns(&source->slot, config->netns_inum);
}

int source_bpf_new(struct source **result, const struct source_config *config)
{
	struct bpf_source *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return -ENOMEM;
	source->base.ops = &bpf_ops;
	source->base.without = config->without;
	source->kind = kernel_hooks_kind(config->hooks);
	source->clock_offset_ns = read_clock_offset_ns();
	source->ring_size_bytes = kernel_hooks_ring_bytes(config->hooks);
	error = start(source, config);
	if (error) {
		bpf_free(&source->base);
		return error;
	}
	*result = &source->base;
	return 0;
}

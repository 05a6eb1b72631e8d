/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source tp_btf: the life of the BPF object (open, set, load, attach, pin),
 * the ring, and the claims (bpf/publish.h) as userspace may touch them.
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
#include "neightrack.skel.h"
#include "pins.h"
#include "ring.h"

#define SWEEP_BATCH 1024u

struct bpf_source {
	struct source base;
	struct neightrack_bpf *object;
	struct neigh_control *control;	/* shared with the programs */
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

__attribute__((format(printf, 2, 0)))
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[512];

	/* its warnings come with the verifier's word, for whoever wants to know */
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_info("%s", line);
	return 0;
}

/* What would help; and what is done now, if anything. */
static void complain(const struct source_config *config, const char *what, int error)
{
	const char *hint = "no hint is known";

	switch (error) {
	case -EPERM:
	case -EACCES:
		hint = "needs CAP_BPF and CAP_PERFMON, and a kernel that is not locked down";
		break;
	case -ESRCH:
	case -ENOENT:
		hint = "needs a kernel with BTF, CONFIG_DEBUG_INFO_BTF, and 5.8 or later";
		break;
	case -ENOMEM:
		hint = "a smaller --ring-size or --map-size needs less memory";
		break;
	default:
		break;
	}
	log_line(config->is_last_resort ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		 "cannot %s: %s (%s%s)", what, strerror(-error), hint,
		 config->is_last_resort ? "" : "; trying netlink");
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

static int load(struct bpf_source *source, const struct source_config *config)
{
	const long page_bytes = sysconf(_SC_PAGESIZE);
	struct neightrack_bpf *object;
	int error;

	if (config->ring_size_bytes < (unsigned long)page_bytes) {
		log_error("ring_size = %u: on this machine allowed are %ld bytes, a page, or more",
			  config->ring_size_bytes, page_bytes);
		return -EINVAL;
	}
	libbpf_set_print(print_libbpf);
	object = neightrack_bpf__open();
	if (!object) {
		error = -errno;
		complain(config, "open the BPF object", error);
		return error;
	}
	source->object = object;
	object->rodata->netns_inum = config->netns_inum;
	error = bpf_map__set_max_entries(object->maps.records, config->ring_size_bytes);
	if (!error)
		error = bpf_map__set_max_entries(object->maps.neighbours, config->map_size);
	if (!error)
		error = neightrack_bpf__load(object);
	if (error) {
		complain(config, "load the BPF programs", error);
		return error;
	}
	source->control = &object->bss->control;
	source->control->epoch = 1;
	source->control->policy = config->policy;
	/* until the first picture is whole */
	source->control->keep_tombstones = 1;
	return 0;
}

static int attach(struct bpf_source *source, const struct source_config *config)
{
	struct neightrack_bpf *object = source->object;
	struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} hooks[NEIGH_HOOKS] = {
		{ object->progs.neigh_update, &object->links.neigh_update },
		{ object->progs.neigh_update_2, &object->links.neigh_update_2 },
		{ object->progs.neigh_timer, &object->links.neigh_timer },
		{ object->progs.neigh_cleanup, &object->links.neigh_cleanup },
	};

	for (int i = 0; i < NEIGH_HOOKS; i++) {
		struct bpf_link *link = bpf_program__attach(hooks[i].program);
		int error = -errno;
		char what[64];

		if (!link) {
			snprintf(what, sizeof(what), "attach %s",
				 bpf_program__section_name(hooks[i].program));
			complain(config, what, error);
			return error;
		}
		*hooks[i].link = link;
	}
	return 0;
}

static int pin(struct bpf_source *source)
{
	const struct {
		struct bpf_map *map;
		const char *name;
	} maps[] = {
		{ source->object->maps.records, "records" },
		{ source->object->maps.neighbours, "neighbours" },
		{ source->object->maps.interfaces, "interfaces" },
		{ source->object->maps.counters, "counters" },
		{ source->object->maps.bss, "control" },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		char path[sizeof(source->pins.path) + 16];
		int error;

		snprintf(path, sizeof(path), "%s/%s", source->pins.path, maps[i].name);
		error = bpf_obj_pin(bpf_map__fd(maps[i].map), path) ? -errno : 0;
		if (error) {
			log_error("cannot pin %s: %s", path, strerror(-error));
			return error;
		}
	}
	return 0;
}

static void bpf_free(struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	ring_close(source->ring);
	neightrack_bpf__destroy(source->object);
	pins_close(&source->pins);
	free(source);
}

static int bpf_fd(const struct source *base)
{
	struct bpf_source *source = bpf_source(base);

	return bpf_map__fd(source->object->maps.records);
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

static uint64_t recursion_misses(const struct bpf_program *program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes))
		return 0;
	return info.recursion_misses;
}

/*
 * A run of neigh_update_done that both copies missed is in the misses of each,
 * so there were at most as many of those as the smaller of the two numbers.
 */
static void bpf_losses(const struct source *base, struct source_losses *losses)
{
	struct bpf_source *source = bpf_source(base);
	const struct neightrack_bpf *object = source->object;
	uint64_t first = recursion_misses(object->progs.neigh_update);
	uint64_t second = recursion_misses(object->progs.neigh_update_2);

	losses->lost = __atomic_load_n(&source->control->lost, __ATOMIC_RELAXED);
	losses->missed = (first < second ? first : second) +
			 recursion_misses(object->progs.neigh_timer) +
			 recursion_misses(object->progs.neigh_cleanup);
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

	strncpy(value.name, name, sizeof(value.name) - 1);
	return bpf_map__update_elem(source->object->maps.interfaces, &ifindex, sizeof(ifindex),
				    &value, sizeof(value), BPF_ANY);
}

static void bpf_forget_interface(struct source *base, uint32_t ifindex)
{
	struct bpf_source *source = bpf_source(base);

	bpf_map__delete_elem(source->object->maps.interfaces, &ifindex, sizeof(ifindex), 0);
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
	int error;

	memcpy(value.published.mac, mac, sizeof(value.published.mac));
	/* what a program has published meanwhile is newer than the dump: BPF_NOEXIST */
	error = bpf_map__update_elem(source->object->maps.neighbours, key, sizeof(*key), &value,
				     sizeof(value), BPF_NOEXIST);
	if (error && error != -EEXIST)
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

	if (bpf_map__lookup_and_delete_elem(source->object->maps.neighbours, key, sizeof(*key),
					    &value, sizeof(value), 0))
		return;
	if (value.published.stamp & NEIGH_CLAIM_VALID && value.epoch == source->control->epoch)
		__atomic_fetch_add(&source->control->claims_incomplete, 1, __ATOMIC_SEQ_CST);
}

static void sweep(struct bpf_source *source,
		  bool (*is_wanted)(void *context, const struct neigh_key *key), void *context)
{
	struct neigh_key *keys = calloc(SWEEP_BATCH, sizeof(*keys));
	struct neigh_value *values = calloc(SWEEP_BATCH, sizeof(*values));
	int fd = bpf_map__fd(source->object->maps.neighbours);
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

static void bpf_totals(const struct source *base, struct source_totals *totals)
{
	struct bpf_source *source = bpf_source(base);
	int cpus = libbpf_num_possible_cpus();
	struct neigh_counters *values;

	*totals = (struct source_totals){ .consumed = source->consumed };
	values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	for (uint32_t hook = 0; values && hook < NEIGH_HOOKS; hook++) {
		if (bpf_map__lookup_elem(source->object->maps.counters, &hook, sizeof(hook),
					 values, (size_t)cpus * sizeof(*values), 0))
			break;
		for (int cpu = 0; cpu < cpus; cpu++)
			add(&totals->counters, &values[cpu]);
	}
	free(values);
}

static const struct source_ops bpf_ops = {
	.name = "tp_btf",
	.description = "tp_btf on neigh_update_done (twice), neigh_timer_handler, "
		       "neigh_cleanup_and_release",
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

int source_bpf_new(struct source **result, const struct source_config *config)
{
	struct bpf_source *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return -ENOMEM;
	source->base.ops = &bpf_ops;
	source->pins.lock_fd = -1;
	source->ring_size_bytes = config->ring_size_bytes;
	source->clock_offset_ns = read_clock_offset_ns();
	error = pins_open(&source->pins, config->instance);
	if (error && error != -EBUSY && !config->is_last_resort)
		log_warning("there is nowhere to pin the BPF maps; trying netlink");
	if (!error)
		error = load(source, config);
	if (error)
		goto fail;
	source->ring = ring_open(bpf_map__fd(source->object->maps.records),
				 config->ring_size_bytes);
	if (!source->ring) {
		error = -errno;
		log_error("cannot map the ring of records: %s", strerror(-error));
		goto fail;
	}
	error = pin(source);
	if (!error)
		error = attach(source, config);
	if (error)
		goto fail;
	*result = &source->base;
	return 0;
fail:
	bpf_free(&source->base);
	return error;
}

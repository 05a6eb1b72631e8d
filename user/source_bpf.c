/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source tp_btf: the life of the BPF object (open, set, load, attach, pin),
 * the ring, and the claims (bpf/publish.h) as userspace may touch them.
 */
#include "source.h"

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

struct source {
	struct neightrack_bpf *object;
	struct neigh_control *control;	/* shared with the programs */
	struct ring *ring;
	struct pins pins;
};

struct consumer {
	void (*apply)(void *context, const struct neigh_record *record);
	void *context;
};

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

static const char *hint(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return " (needs CAP_BPF and CAP_PERFMON, and a kernel that is not locked down)";
	case -ESRCH:
	case -ENOENT:
		return " (needs a kernel with BTF, CONFIG_DEBUG_INFO_BTF, and 5.8 or later)";
	case -ENOMEM:
		return " (a smaller --ring-size or --max-neighbours needs less memory)";
	default:
		return "";
	}
}

static int load(struct source *source, const struct source_config *config)
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
		log_error("cannot open the BPF object: %s", strerror(-error));
		return error;
	}
	source->object = object;
	object->rodata->netns_inum = config->netns_inum;
	error = bpf_map__set_max_entries(object->maps.records, config->ring_size_bytes);
	if (!error)
		error = bpf_map__set_max_entries(object->maps.neighbours, config->max_neighbours);
	if (!error)
		error = neightrack_bpf__load(object);
	if (error) {
		log_error("cannot load the BPF programs: %s%s", strerror(-error), hint(error));
		return error;
	}
	source->control = &object->bss->control;
	source->control->epoch = 1;
	source->control->policy = config->policy;
	/* until the first picture is whole */
	source->control->keep_tombstones = 1;
	return 0;
}

static int attach(struct source *source)
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

		if (!link) {
			log_error("cannot attach %s: %s%s",
				  bpf_program__section_name(hooks[i].program), strerror(-error),
				  hint(error));
			return error;
		}
		*hooks[i].link = link;
	}
	return 0;
}

static int pin(struct source *source)
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

int source_new(struct source **result, const struct source_config *config)
{
	struct source *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return -ENOMEM;
	source->pins.lock_fd = -1;
	error = pins_open(&source->pins, config->instance);
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
		error = attach(source);
	if (error)
		goto fail;
	*result = source;
	return 0;
fail:
	source_free(source);
	return error;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	ring_close(source->ring);
	neightrack_bpf__destroy(source->object);
	pins_close(&source->pins);
	free(source);
}

const char *source_description(const struct source *source)
{
	(void)source;
	return "tp_btf on neigh_update_done (twice), neigh_timer_handler, "
	       "neigh_cleanup_and_release";
}

int source_fd(const struct source *source)
{
	return bpf_map__fd(source->object->maps.records);
}

static void consume_one(void *context, const void *record, size_t bytes)
{
	const struct consumer *consumer = context;

	if (bytes >= sizeof(struct neigh_record))
		consumer->apply(consumer->context, record);
}

size_t source_consume(struct source *source, size_t limit,
		      void (*apply)(void *context, const struct neigh_record *record),
		      void *context)
{
	struct consumer consumer = { .apply = apply, .context = context };

	return ring_consume(source->ring, limit, consume_one, &consumer);
}

bool source_may_sleep(struct source *source)
{
	__atomic_store_n(&source->control->consumer_sleeps, 1, __ATOMIC_SEQ_CST);
	if (!ring_has_pending(source->ring))
		return true;
	__atomic_store_n(&source->control->consumer_sleeps, 0, __ATOMIC_RELAXED);
	return false;
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
void source_losses(const struct source *source, struct source_losses *losses)
{
	const struct neightrack_bpf *object = source->object;
	uint64_t first = recursion_misses(object->progs.neigh_update);
	uint64_t second = recursion_misses(object->progs.neigh_update_2);

	losses->lost = __atomic_load_n(&source->control->lost, __ATOMIC_RELAXED);
	losses->missed = (first < second ? first : second) +
			 recursion_misses(object->progs.neigh_timer) +
			 recursion_misses(object->progs.neigh_cleanup);
}

uint64_t source_deletions(const struct source *source)
{
	return __atomic_load_n(&source->control->deletions, __ATOMIC_RELAXED);
}

void source_set_policy(struct source *source, uint32_t policy)
{
	__atomic_store_n(&source->control->policy, policy, __ATOMIC_SEQ_CST);
}

int source_set_interface(struct source *source, uint32_t ifindex, const char *name,
			 uint32_t flags)
{
	struct neigh_interface value = { .flags = flags };

	strncpy(value.name, name, sizeof(value.name) - 1);
	return bpf_map__update_elem(source->object->maps.interfaces, &ifindex, sizeof(ifindex),
				    &value, sizeof(value), BPF_ANY);
}

void source_forget_interface(struct source *source, uint32_t ifindex)
{
	bpf_map__delete_elem(source->object->maps.interfaces, &ifindex, sizeof(ifindex), 0);
}

void source_invalidate_claims(struct source *source)
{
	uint32_t epoch = source->control->epoch + 1;

	/* 0 is the epoch of values that claim nothing */
	__atomic_store_n(&source->control->epoch, epoch ? epoch : 1, __ATOMIC_SEQ_CST);
}

void source_begin_snapshot(struct source *source)
{
	__atomic_store_n(&source->control->keep_tombstones, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&source->control->claims_incomplete, 0, __ATOMIC_SEQ_CST);
	source_invalidate_claims(source);
}

void source_seed(struct source *source, const struct neigh_key *key, const uint8_t *mac)
{
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
static void remove_value(struct source *source, const struct neigh_key *key)
{
	struct neigh_value value;

	if (bpf_map__lookup_and_delete_elem(source->object->maps.neighbours, key, sizeof(*key),
					    &value, sizeof(value), 0))
		return;
	if (value.published.stamp & NEIGH_CLAIM_VALID && value.epoch == source->control->epoch)
		__atomic_fetch_add(&source->control->claims_incomplete, 1, __ATOMIC_SEQ_CST);
}

static void sweep(struct source *source,
		  bool (*is_wanted)(void *context, const struct neigh_key *key), void *context)
{
	struct neigh_key *keys = malloc(SWEEP_BATCH * sizeof(*keys));
	struct neigh_value *values = malloc(SWEEP_BATCH * sizeof(*values));
	int fd = bpf_map__fd(source->object->maps.neighbours);
	uint32_t position;
	void *from = NULL;
	bool more = keys && values;

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
	free(values);
	free(keys);
}

void source_end_snapshot(struct source *source,
			 bool (*is_wanted)(void *context, const struct neigh_key *key),
			 void *context)
{
	__atomic_store_n(&source->control->keep_tombstones, 0, __ATOMIC_SEQ_CST);
	sweep(source, is_wanted, context);
	/* What was published without a claim may since have been seeded from the
	 * dump with an older state: let no claim stand. */
	if (__atomic_load_n(&source->control->claims_incomplete, __ATOMIC_SEQ_CST))
		source_invalidate_claims(source);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kprobe.h"
#include "log.h"
#include "neightrack.skel.h"
#include "neightrack_raw.skel.h"
#include "pins.h"

#define CLEAR_BATCH 4096u
#define INTERFACES 8192u	/* that the map has room for, a slot */
#define LOW_INTERFACES_BYTES (NEIGH_INSTANCES * sizeof(struct neigh_low_interfaces))

/* How a map is called where it is pinned, and in the objects. */
static const struct {
	const char *pin;
	const char *map;
} map_names[PROGRAM_MAPS] = {
	[PROGRAM_MAP_RECORDS] = { "records", "records" },
	[PROGRAM_MAP_NEIGHBOURS] = { "neighbours", "neighbours" },
	[PROGRAM_MAP_INTERFACES] = { "interfaces", "interfaces" },
	[PROGRAM_MAP_COUNTERS] = { "counters", "counters" },
	[PROGRAM_MAP_CONTROL] = { "control", ".data.control" },
	[PROGRAM_MAP_LOW_INTERFACES] = { "low_interfaces", ".bss" },
	[PROGRAM_MAP_IDENTITY] = { "identity", ".rodata" },
};

/* One of the two objects, and those of its programs that are used. */
struct program_set {
	const char *description;
	const void *(*object)(size_t *bytes);
	enum bpf_prog_type type;
	/* in the order of attaching: see is_seen_to() in bpf/publish.h */
	struct {
		const char *program;	/* NULL: none */
		const char *where;	/* tracepoint or function */
	} hooks[NEIGH_HOOKS];
};

#define ON_TRACEPOINTS {								\
	[NEIGH_HOOK_UPDATE] = { "neigh_update", "neigh_update_done" },			\
	[NEIGH_HOOK_UPDATE_AGAIN] = { "neigh_update_2", "neigh_update_done" },		\
	[NEIGH_HOOK_TIMER] = { "neigh_timer", "neigh_timer_handler" },			\
	[NEIGH_HOOK_CLEANUP] = { "neigh_cleanup", "neigh_cleanup_and_release" },	\
}

static const struct program_set program_sets[] = {
	[OPTION_SOURCE_TP_BTF] = {
		"tp_btf on neigh_update_done (twice), neigh_timer_handler, "
		"neigh_cleanup_and_release",
		neightrack_bpf__elf_bytes, BPF_PROG_TYPE_TRACING, ON_TRACEPOINTS,
	},
	[OPTION_SOURCE_RAW_TP] = {
		"raw_tp on neigh_update_done (twice), neigh_timer_handler, "
		"neigh_cleanup_and_release",
		neightrack_raw_bpf__elf_bytes, BPF_PROG_TYPE_RAW_TRACEPOINT, ON_TRACEPOINTS,
	},
	[OPTION_SOURCE_KPROBE] = {
		"kprobe on " KPROBE_FUNCTION,
		neightrack_raw_bpf__elf_bytes, BPF_PROG_TYPE_KPROBE,
		{ [NEIGH_HOOK_UPDATE] = { "neigh_notify", KPROBE_FUNCTION } },
	},
};

const char *programs_description(enum option_source kind)
{
	return program_sets[kind].description;
}

const char *programs_pin(enum program_map map)
{
	return map_names[map].pin;
}

const char *programs_hook(enum option_source kind, enum neigh_hook hook)
{
	return (size_t)kind < sizeof(program_sets) / sizeof(program_sets[0]) ?
	       program_sets[kind].hooks[hook].program : NULL;
}

static void pin_path(const struct programs_config *config, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/%s", config->pins->path, name);
}

static void ring_pin_path(const struct programs_config *config, uint32_t slot, char *path)
{
	snprintf(path, PATH_MAX, "%s/ring%u", config->pins->path, slot);
}

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count--)
		hash = (hash ^ *at++) * 0x100000001b3ull;
	return hash;
}

/* Another file of types may give other programs, whatever it is called. */
static uint64_t hash_file(uint64_t hash, const char *path)
{
	struct stat status;

	if (!path[0] || stat(path, &status))
		return hash;
	hash = fnv1a(hash, &status.st_ino, sizeof(status.st_ino));
	hash = fnv1a(hash, &status.st_size, sizeof(status.st_size));
	return fnv1a(hash, &status.st_mtim, sizeof(status.st_mtim));
}

/* What the programs are: this build's, of this kind, for these sizes. */
static struct neigh_identity identity_of(const struct programs_config *config)
{
	struct neigh_identity identity = {
		.instances = config->instances,
		.ring_size_bytes = config->ring_size_bytes,
		.map_size = config->map_size,
		.without = config->without,
	};
	size_t bytes;
	const void *object = program_sets[config->kind].object(&bytes);
	uint64_t hash = fnv1a(0xcbf29ce484222325ull, object, bytes);

	hash = fnv1a(hash, &config->kind, sizeof(config->kind));
	identity.object_hash = hash_file(hash, config->btf);
	return identity;
}

void programs_init(struct programs *programs)
{
	*programs = (struct programs){ 0 };
	for (int i = 0; i < PROGRAM_MAPS; i++)
		programs->maps[i] = -1;
	for (unsigned int i = 0; i < NEIGH_INSTANCES; i++)
		programs->rings[i] = -1;
	for (int i = 0; i < NEIGH_HOOKS; i++)
		programs->programs[i] = programs->links[i] = -1;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void programs_close(struct programs *programs)
{
	for (int i = 0; i < NEIGH_HOOKS; i++)
		close_fd(programs->links[i]);
	if (programs->low_interfaces)
		munmap(programs->low_interfaces, LOW_INTERFACES_BYTES);
	if (programs->controls)
		munmap(programs->controls, sizeof(*programs->controls));
	for (int i = 0; i < NEIGH_HOOKS; i++)
		close_fd(programs->programs[i]);
	for (int i = 0; i < PROGRAM_MAPS; i++)
		close_fd(programs->maps[i]);
	for (unsigned int i = 0; i < NEIGH_INSTANCES; i++)
		close_fd(programs->rings[i]);
	programs_init(programs);
}

static void *map_value(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int map_values(struct programs *programs, uint32_t instances)
{
	programs->instances = instances;
	programs->controls = map_value(programs->maps[PROGRAM_MAP_CONTROL],
				       sizeof(*programs->controls));
	if (programs->controls)
		programs->low_interfaces = map_value(programs->maps[PROGRAM_MAP_LOW_INTERFACES],
						     LOW_INTERFACES_BYTES);
	return programs->low_interfaces ? 0 : -errno;
}

/* --- taken over ---------------------------------------------------------------- */

static int open_pins(struct programs *programs, const struct programs_config *config)
{
	const struct program_set *set = &program_sets[config->kind];
	char path[PATH_MAX];

	for (int i = 0; i < PROGRAM_MAPS; i++) {
		pin_path(config, map_names[i].pin, path);
		programs->maps[i] = bpf_obj_get(path);
		if (programs->maps[i] < 0)
			return -errno;
	}
	for (uint32_t i = 0; i < config->instances; i++) {
		ring_pin_path(config, i, path);
		programs->rings[i] = bpf_obj_get(path);
		if (programs->rings[i] < 0)
			return -errno;
	}
	for (int i = 0; i < NEIGH_HOOKS; i++) {
		if (!set->hooks[i].program)
			continue;
		pin_path(config, set->hooks[i].program, path);
		programs->programs[i] = bpf_obj_get(path);
		if (programs->programs[i] < 0)
			return -errno;
	}
	return 0;
}

/* Whatever else its user may have put there: a map of another shape is not ours. */
static bool has_shape(int fd, uint32_t key_bytes, uint32_t value_bytes, uint32_t entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &bytes) && info.key_size == key_bytes &&
	       info.value_size == value_bytes && (!entries || info.max_entries == entries);
}

static bool is_program(int fd, enum bpf_prog_type type, const char *name)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &bytes) && info.type == type &&
	       !strncmp(info.name, name, sizeof(info.name));
}

static bool are_ours(const struct programs *programs, const struct programs_config *config)
{
	const struct neigh_identity expected = identity_of(config);
	const struct program_set *set = &program_sets[config->kind];
	struct neigh_identity identity;
	uint32_t zero = 0;

	for (int i = 0; i < NEIGH_HOOKS; i++)
		if (set->hooks[i].program &&
		    !is_program(programs->programs[i], set->type, set->hooks[i].program))
			return false;
	for (uint32_t i = 0; i < config->instances; i++)
		if (!has_shape(programs->rings[i], 0, 0, config->ring_size_bytes))
			return false;
	return has_shape(programs->maps[PROGRAM_MAP_IDENTITY], sizeof(zero), sizeof(identity), 1) &&
	       !bpf_map_lookup_elem(programs->maps[PROGRAM_MAP_IDENTITY], &zero, &identity) &&
	       !memcmp(&identity, &expected, sizeof(identity)) &&
	       has_shape(programs->maps[PROGRAM_MAP_RECORDS], sizeof(uint32_t), sizeof(uint32_t),
			 config->instances) &&
	       has_shape(programs->maps[PROGRAM_MAP_NEIGHBOURS], sizeof(struct neigh_key),
			 sizeof(struct neigh_value), config->map_size) &&
	       has_shape(programs->maps[PROGRAM_MAP_INTERFACES],
			 sizeof(struct neigh_interface_key), sizeof(struct neigh_interface),
			 INTERFACES * config->instances) &&
	       has_shape(programs->maps[PROGRAM_MAP_COUNTERS], sizeof(uint32_t),
			 sizeof(struct neigh_counters), NEIGH_HOOKS * config->instances) &&
	       has_shape(programs->maps[PROGRAM_MAP_CONTROL], sizeof(uint32_t),
			 sizeof(struct neigh_controls), 1) &&
	       has_shape(programs->maps[PROGRAM_MAP_LOW_INTERFACES], sizeof(uint32_t),
			 LOW_INTERFACES_BYTES, 1);
}

/* keys, values: room for CLEAR_BATCH of the map's. */
static int clear_hash(int fd, void *keys, void *values)
{
	uint32_t position, count;
	void *from = NULL;

	do {
		count = CLEAR_BATCH;
		if (!bpf_map_lookup_and_delete_batch(fd, from, &position, keys, values, &count,
						     NULL))
			from = &position;
		else
			return errno == ENOENT ? 0 : -errno;
	} while (true);
}

static int clear_counters(int fd, uint32_t rows)
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	struct neigh_counters *zeroes = cpus > 0 ? calloc((size_t)cpus, sizeof(*zeroes)) : NULL;

	if (!zeroes)
		return -ENOMEM;
	for (uint32_t row = 0; !error && row < rows; row++)
		error = bpf_map_update_elem(fd, &row, zeroes, BPF_ANY) ? -errno : 0;
	free(zeroes);
	return error;
}

/* What the daemon before this one knew is of no use: it may be long ago. What is left
 * on the rings is skipped by ring_open(). */
static int clear(struct programs *programs)
{
	struct neigh_key *keys = calloc(CLEAR_BATCH, sizeof(*keys));
	struct neigh_value *values = calloc(CLEAR_BATCH, sizeof(*values));
	int error = keys && values ? 0 : -ENOMEM;

	_Static_assert(sizeof(*keys) >= sizeof(struct neigh_interface_key) &&
		       sizeof(*values) >= sizeof(struct neigh_interface), "room for both maps");
	if (!error)
		error = clear_hash(programs->maps[PROGRAM_MAP_NEIGHBOURS], keys, values);
	if (!error)
		error = clear_hash(programs->maps[PROGRAM_MAP_INTERFACES], keys, values);
	if (!error)
		error = clear_counters(programs->maps[PROGRAM_MAP_COUNTERS],
				       NEIGH_HOOKS * programs->instances);
	if (!error) {
		memset(programs->low_interfaces, 0,
		       programs->instances * sizeof(*programs->low_interfaces));
		memset(programs->controls, 0, sizeof(*programs->controls));
	}
	free(values);
	free(keys);
	return error;
}

static int place_rings(struct programs *programs)
{
	for (uint32_t i = 0; i < programs->instances; i++)
		if (bpf_map_update_elem(programs->maps[PROGRAM_MAP_RECORDS], &i,
					&programs->rings[i], BPF_ANY))
			return -errno;
	return 0;
}

static int take_over(struct programs *programs, const struct programs_config *config)
{
	int error = open_pins(programs, config);

	if (!error && !are_ours(programs, config))
		error = -ESTALE;
	if (!error)
		error = map_values(programs, config->instances);
	if (!error)
		error = clear(programs);
	if (!error)
		error = place_rings(programs);
	if (error)
		programs_close(programs);
	programs->were_pinned = !error;
	return error;
}

/* --- loaded -------------------------------------------------------------------- */

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

/* Those of the set alone; others in the object may need what this kernel lacks. */
static void choose_programs(struct bpf_object *object, const struct program_set *set)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		bool is_in_set = false;

		for (int i = 0; i < NEIGH_HOOKS; i++)
			is_in_set |= set->hooks[i].program &&
				     !strcmp(bpf_program__name(program), set->hooks[i].program);
		bpf_program__set_autoload(program, is_in_set);
	}
}

static struct bpf_map *find_map(const struct bpf_object *object, enum program_map map)
{
	return bpf_object__find_map_by_name(object, map_names[map].map);
}

static int make_rings(struct programs *programs, const struct programs_config *config)
{
	for (uint32_t i = 0; i < config->instances; i++) {
		programs->rings[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0,
						    config->ring_size_bytes, NULL);
		if (programs->rings[i] < 0)
			return -errno;
	}
	return 0;
}

/* ring: any of those that the map of records will hold, as their pattern. */
static int set_up(struct bpf_object *object, const struct programs_config *config, int ring)
{
	const struct neigh_identity identity = identity_of(config);
	const struct {
		enum program_map map;
		uint32_t entries;
	} sizes[] = {
		{ PROGRAM_MAP_RECORDS, config->instances },
		{ PROGRAM_MAP_NEIGHBOURS, config->map_size },
		{ PROGRAM_MAP_INTERFACES, INTERFACES * config->instances },
		{ PROGRAM_MAP_COUNTERS, NEIGH_HOOKS * config->instances },
	};
	int error;

	choose_programs(object, &program_sets[config->kind]);
	/* the one variable there is in that section */
	error = bpf_map__set_initial_value(find_map(object, PROGRAM_MAP_IDENTITY), &identity,
					   sizeof(identity));
	for (size_t i = 0; !error && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		error = bpf_map__set_max_entries(find_map(object, sizes[i].map), sizes[i].entries);
	if (!error)
		error = bpf_map__set_inner_map_fd(find_map(object, PROGRAM_MAP_RECORDS), ring);
	return error;
}

/* Descriptors of our own, so that all that libbpf keeps of an object can go. */
static int take_descriptors(struct programs *programs, const struct bpf_object *object,
			    const struct program_set *set)
{
	for (int i = 0; i < PROGRAM_MAPS; i++) {
		programs->maps[i] = fcntl(bpf_map__fd(find_map(object, (enum program_map)i)),
					  F_DUPFD_CLOEXEC, 3);
		if (programs->maps[i] < 0)
			return -errno;
	}
	for (int i = 0; i < NEIGH_HOOKS; i++) {
		const struct bpf_program *program;

		if (!set->hooks[i].program)
			continue;
		program = bpf_object__find_program_by_name(object, set->hooks[i].program);
		programs->programs[i] = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
		if (programs->programs[i] < 0)
			return -errno;
	}
	return 0;
}

static int load(struct programs *programs, const struct programs_config *config)
{
	const struct program_set *set = &program_sets[config->kind];
	bool needs_types = config->btf[0] && config->kind != OPTION_SOURCE_TP_BTF;
	LIBBPF_OPTS(bpf_object_open_opts, how, .object_name = "neightrack",
		    .btf_custom_path = needs_types ? config->btf : NULL);
	struct bpf_object *object;
	const void *elf;
	size_t bytes;
	int error;

	if (needs_types && access(config->btf, R_OK)) {
		error = -errno;
		config->complain(config->context, "read the file that is named by --btf", error);
		return error;
	}
	libbpf_set_print(print_libbpf);
	elf = set->object(&bytes);
	object = bpf_object__open_mem(elf, bytes, &how);
	if (!object) {
		error = -errno;
		config->complain(config->context, "open the BPF object", error);
		return error;
	}
	error = make_rings(programs, config);
	if (!error)
		error = set_up(object, config, programs->rings[0]);
	if (!error)
		error = bpf_object__load(object);
	if (error)
		config->complain(config->context, "load the BPF programs", error);
	if (!error)
		error = take_descriptors(programs, object, set);
	if (!error)
		error = map_values(programs, config->instances);
	if (!error)
		error = place_rings(programs);
	bpf_object__close(object);
	return error;
}

static int pin(const char *path, int fd)
{
	int error = bpf_obj_pin(fd, path) ? -errno : 0;

	if (error)
		log_error("cannot pin %s: %s", path, strerror(-error));
	return error;
}

static int pin_all(const struct programs *programs, const struct programs_config *config)
{
	const struct program_set *set = &program_sets[config->kind];
	char path[PATH_MAX];
	int error = 0;

	for (int i = 0; !error && i < PROGRAM_MAPS; i++) {
		pin_path(config, map_names[i].pin, path);
		error = pin(path, programs->maps[i]);
	}
	for (uint32_t i = 0; !error && i < config->instances; i++) {
		ring_pin_path(config, i, path);
		error = pin(path, programs->rings[i]);
	}
	for (int i = 0; !error && i < NEIGH_HOOKS; i++) {
		if (!set->hooks[i].program)
			continue;
		pin_path(config, set->hooks[i].program, path);
		error = pin(path, programs->programs[i]);
	}
	return error;
}

int programs_open(struct programs *programs, const struct programs_config *config)
{
	int error;

	if (!config->pins->are_usable)
		return load(programs, config);
	if (!take_over(programs, config))
		return 0;
	pins_clear(config->pins);
	error = load(programs, config);
	return error ? error : pin_all(programs, config);
}

/* --- in use -------------------------------------------------------------------- */

static int attach(enum option_source kind, int program, const char *where)
{
	int link;

	if (kind == OPTION_SOURCE_KPROBE)
		return kprobe_open(where, program);
	/* the kernel knows from its type where a program of tp_btf belongs */
	link = bpf_raw_tracepoint_open(kind == OPTION_SOURCE_RAW_TP ? where : NULL, program);
	return link < 0 ? -errno : link;
}

int programs_attach(struct programs *programs, const struct programs_config *config)
{
	const struct program_set *set = &program_sets[config->kind];

	for (int i = 0; i < NEIGH_HOOKS; i++) {
		char what[80];
		int link;

		if (!set->hooks[i].program)
			continue;
		link = attach(config->kind, programs->programs[i], set->hooks[i].where);
		if (link < 0) {
			snprintf(what, sizeof(what), "attach a program to %s", set->hooks[i].where);
			config->complain(config->context, what, link);
			return link;
		}
		programs->links[i] = link;
	}
	return 0;
}

void programs_runs(const struct programs *programs, enum neigh_hook hook,
		   struct programs_runs *runs)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	*runs = (struct programs_runs){ 0 };
	if (programs->programs[hook] < 0 ||
	    bpf_obj_get_info_by_fd(programs->programs[hook], &info, &bytes))
		return;
	*runs = (struct programs_runs){ .missed = info.recursion_misses, .count = info.run_cnt,
					.ns = info.run_time_ns };
}

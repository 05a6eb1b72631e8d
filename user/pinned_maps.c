/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pinned_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook_counters.h"

#define BATCH 4096u
#define MOST_INTERFACES 65536u

/* Those that are read, and what must be in them. */
static const struct {
	enum program_map map;
	uint32_t key_bytes, value_bytes;
} shapes[] = {
	{ PROGRAM_MAP_NEIGHBOURS, sizeof(struct neigh_key), sizeof(struct neigh_value) },
	{ PROGRAM_MAP_INTERFACES, sizeof(struct neigh_interface_key),
	  sizeof(struct neigh_interface) },
	{ PROGRAM_MAP_COUNTERS, sizeof(uint32_t), sizeof(struct neigh_counters) },
	{ PROGRAM_MAP_CONTROL, sizeof(uint32_t), sizeof(struct neigh_controls) },
	{ PROGRAM_MAP_IDENTITY, sizeof(uint32_t), sizeof(struct neigh_identity) },
};

static int open_pin(const struct pinned_maps *maps, const char *name)
{
	LIBBPF_OPTS(bpf_obj_get_opts, how, .file_flags = BPF_F_RDONLY);
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", maps->folder, name);
	fd = bpf_obj_get_opts(path, &how);
	return fd < 0 ? -errno : fd;
}

static int say(struct pinned_maps *maps, const char *name, int error)
{
	const char *help = "";

	if (error == -EACCES || error == -EPERM)
		help = " (needs root)";
	else if (error == -ENOENT)
		help = " (no daemon with BPF programs has run, or it had pins = remove)";
	snprintf(maps->why, sizeof(maps->why), "%s/%s: %s%s", maps->folder, name,
		 error == -ESTALE ? "made by another build of neightrackd" : strerror(-error),
		 help);
	return error;
}

static bool has_shape(int fd, uint32_t key_bytes, uint32_t value_bytes)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &bytes) && info.key_size == key_bytes &&
	       info.value_size == value_bytes;
}

int pinned_maps_open(struct pinned_maps *maps, const struct options *options)
{
	for (int i = 0; i < PROGRAM_MAPS; i++)
		maps->fds[i] = -1;
	maps->why[0] = '\0';
	snprintf(maps->folder, sizeof(maps->folder), PINS_ROOT "/%s", options->instance);
	maps->slot = options->slot;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const char *name = programs_pin(shapes[i].map);
		int fd = open_pin(maps, name);

		if (fd < 0)
			return say(maps, name, fd);
		maps->fds[shapes[i].map] = fd;
		if (!has_shape(fd, shapes[i].key_bytes, shapes[i].value_bytes))
			return say(maps, name, -ESTALE);
	}
	return 0;
}

void pinned_maps_close(struct pinned_maps *maps)
{
	for (int i = 0; i < PROGRAM_MAPS; i++) {
		if (maps->fds[i] >= 0)
			close(maps->fds[i]);
		maps->fds[i] = -1;
	}
}

/* --- neighbours ------------------------------------------------------------------ */

struct named {
	uint32_t ifindex;
	char name[IFNAMSIZ];
};

static int compare_named(const void *a, const void *b)
{
	const struct named *left = a, *right = b;

	return left->ifindex < right->ifindex ? -1 : left->ifindex > right->ifindex;
}

/* The interfaces by ifindex. Returns how many, or -errno. */
static long read_names(struct pinned_maps *maps, struct named **result)
{
	int fd = maps->fds[PROGRAM_MAP_INTERFACES];
	struct neigh_interface interface;
	struct neigh_interface_key key, *last = NULL;
	struct named *names = NULL;
	size_t count = 0;

	while (count < MOST_INTERFACES && !bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (key.instance != maps->slot || bpf_map_lookup_elem(fd, &key, &interface))
			continue;	/* another slot's, or just gone */
		if (!(count & (count - 1))) {
			struct named *more = realloc(names, (count ? 2 * count : 1) *
							    sizeof(*names));

			if (!more) {
				free(names);
				return say(maps, programs_pin(PROGRAM_MAP_INTERFACES), -ENOMEM);
			}
			names = more;
		}
		names[count].ifindex = key.ifindex;
		snprintf(names[count++].name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, interface.name);
	}
	if (count)
		qsort(names, count, sizeof(*names), compare_named);
	*result = names;
	return (long)count;
}

static void set_name(struct pinned_neighbour *neighbour, const struct named *names, long count)
{
	const struct named wanted = { .ifindex = neighbour->key.ifindex };
	const struct named *found = count ? bsearch(&wanted, names, (size_t)count,
						    sizeof(*names), compare_named) : NULL;

	if (found && found->name[0])
		memcpy(neighbour->interface, found->name, sizeof(neighbour->interface));
	else
		snprintf(neighbour->interface, sizeof(neighbour->interface), "#%u",
			 wanted.ifindex);
}

int pinned_neighbour_compare(const void *a, const void *b)
{
	const struct pinned_neighbour *left = a, *right = b;

	return memcmp(&left->key, &right->key, sizeof(left->key));
}

static int add_batch(struct pinned_neighbours *neighbours, uint32_t slot,
		     const struct neigh_key *keys, const struct neigh_value *values, uint32_t count)
{
	if (neighbours->count + count > neighbours->size) {
		size_t size = 2 * neighbours->size + count;
		struct pinned_neighbour *list = realloc(neighbours->list, size * sizeof(*list));

		if (!list)
			return -ENOMEM;
		neighbours->list = list;
		neighbours->size = size;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (keys[i].instance != slot)
			continue;
		neighbours->list[neighbours->count++] = (struct pinned_neighbour){
			.key = keys[i],
			.value = values[i],
			.is_published = values[i].published.stamp & NEIGH_CLAIM_VALID,
		};
	}
	return 0;
}

static int read_neighbours(const struct pinned_maps *maps, struct pinned_neighbours *neighbours)
{
	int fd = maps->fds[PROGRAM_MAP_NEIGHBOURS];
	struct neigh_key *keys = calloc(BATCH, sizeof(*keys));
	struct neigh_value *values = calloc(BATCH, sizeof(*values));
	int error = keys && values ? 0 : -ENOMEM;
	uint32_t position, count;
	void *from = NULL;
	bool is_end = false;

	while (!error && !is_end) {
		count = BATCH;
		if (bpf_map_lookup_batch(fd, from, &position, keys, values, &count, NULL)) {
			is_end = errno == ENOENT;
			error = is_end ? 0 : -errno;
		}
		from = &position;
		if (!error)
			error = add_batch(neighbours, maps->slot, keys, values, count);
	}
	free(values);
	free(keys);
	return error;
}

int pinned_maps_neighbours(struct pinned_maps *maps, struct pinned_neighbours *neighbours)
{
	struct named *names = NULL;
	long count;
	int error;

	neighbours->count = 0;
	error = read_neighbours(maps, neighbours);
	if (error)
		return say(maps, programs_pin(PROGRAM_MAP_NEIGHBOURS), error);
	count = read_names(maps, &names);
	if (count < 0)
		return (int)count;
	for (size_t i = 0; i < neighbours->count; i++)
		set_name(&neighbours->list[i], names, count);
	free(names);
	if (neighbours->count)
		qsort(neighbours->list, neighbours->count, sizeof(*neighbours->list),
		      pinned_neighbour_compare);
	return 0;
}

void pinned_neighbours_free(struct pinned_neighbours *neighbours)
{
	free(neighbours->list);
	*neighbours = (struct pinned_neighbours){ 0 };
}

/* --- counts ---------------------------------------------------------------------- */

static void read_program(struct pinned_maps *maps, const char *name, enum neigh_hook hook,
			 struct pinned_counts *counts)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);
	int fd = open_pin(maps, name);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &bytes)) {
		snprintf(counts->names[hook], sizeof(counts->names[hook]), "%s", name);
		counts->missed[hook] = info.recursion_misses;
	}
	close(fd);
}

int pinned_maps_counts(struct pinned_maps *maps, struct pinned_counts *counts)
{
	struct neigh_controls controls;
	uint32_t zero = 0;
	int error = 0;

	*counts = (struct pinned_counts){ 0 };
	for (int kind = 0; kind < OPTION_SOURCES; kind++)
		for (int hook = 0; hook < NEIGH_HOOKS; hook++) {
			const char *name = programs_hook((enum option_source)kind,
							 (enum neigh_hook)hook);

			if (name && !counts->names[hook][0])
				read_program(maps, name, (enum neigh_hook)hook, counts);
		}
	for (int hook = 0; hook < NEIGH_HOOKS && !error; hook++)
		error = hook_counters_read(maps->fds[PROGRAM_MAP_COUNTERS], maps->slot,
					   (enum neigh_hook)hook, &counts->hooks[hook]);
	if (error)
		return say(maps, programs_pin(PROGRAM_MAP_COUNTERS), error);
	if (bpf_map_lookup_elem(maps->fds[PROGRAM_MAP_CONTROL], &zero, &controls))
		return say(maps, programs_pin(PROGRAM_MAP_CONTROL), -errno);
	counts->control = controls.of[maps->slot];
	counts->deletions = controls.deletions;
	if (bpf_map_lookup_elem(maps->fds[PROGRAM_MAP_IDENTITY], &zero, &counts->identity))
		return say(maps, programs_pin(PROGRAM_MAP_IDENTITY), -errno);
	return 0;
}

uint64_t pinned_counts_missed(const struct pinned_counts *counts)
{
	uint64_t first = counts->missed[NEIGH_HOOK_UPDATE];
	uint64_t second = counts->missed[NEIGH_HOOK_UPDATE_AGAIN];

	/* of the two copies, if there are two */
	if (counts->names[NEIGH_HOOK_UPDATE_AGAIN][0] && second < first)
		first = second;
	return first + counts->missed[NEIGH_HOOK_TIMER] + counts->missed[NEIGH_HOOK_CLEANUP];
}

void pinned_counts_total(const struct pinned_counts *counts, struct neigh_counters *total)
{
	*total = (struct neigh_counters){ 0 };
	for (int hook = 0; hook < NEIGH_HOOKS; hook++)
		hook_counters_add(total, &counts->hooks[hook]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_programs.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pins.h"

#define MOST_MAPS 64

int bench_programs_count(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	return fd < 0 ? -errno : fd;
}

/* All programs share the map of the counters. */
static int find_counters(const char *instance, uint32_t *id)
{
	char path[sizeof(PINS_ROOT) + 128];
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info);
	int fd, error;

	snprintf(path, sizeof(path), PINS_ROOT "/%s/counters", instance);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	error = bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : 0;
	*id = info.id;
	close(fd);
	return error;
}

static bool uses(const struct bpf_prog_info *info, const uint32_t *map_ids, uint32_t map_id)
{
	for (uint32_t i = 0; i < info->nr_map_ids && i < MOST_MAPS; i++)
		if (map_ids[i] == map_id)
			return true;
	return false;
}

static void note(struct bench_program *program, const struct bpf_prog_info *info)
{
	snprintf(program->name, sizeof(program->name), "%s", info->name);
	program->runs = info->run_cnt;
	program->run_ns = info->run_time_ns;
}

/* One that has gone meanwhile is none. */
static void add_program(uint32_t id, uint32_t map_id, struct bench_programs *programs)
{
	uint32_t map_ids[MOST_MAPS], bytes = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MOST_MAPS,
				      .map_ids = (uint64_t)(uintptr_t)map_ids };
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &bytes) && uses(&info, map_ids, map_id)) {
		programs->runs += info.run_cnt;
		programs->run_ns += info.run_time_ns;
		if (programs->count < BENCH_MOST_PROGRAMS)
			note(&programs->each[programs->count++], &info);
	}
	close(fd);
}

int bench_programs_read(const char *instance, struct bench_programs *programs)
{
	uint32_t id = 0, map_id = 0;
	int error = find_counters(instance, &map_id);

	*programs = (struct bench_programs){ 0 };
	if (error)
		return error;
	while (!bpf_prog_get_next_id(id, &id))
		add_program(id, map_id, programs);
	return 0;
}

/* 0 if it is no map, but a program, which may be pinned beside them. */
static uint64_t memory_of_map(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[256];
	bool is_map = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		is_map |= !strncmp(line, "map_type:", strlen("map_type:"));
		sscanf(line, "memlock: %llu", &bytes);
	}
	fclose(file);
	return is_map ? bytes : 0;
}

int bench_programs_map_bytes(const char *instance, uint64_t *bytes)
{
	char path[sizeof(PINS_ROOT) + 512];
	const struct dirent *entry;
	DIR *folder;

	*bytes = 0;
	snprintf(path, sizeof(path), PINS_ROOT "/%s", instance);
	folder = opendir(path);
	if (!folder)
		return -errno;
	while ((entry = readdir(folder))) {
		int fd;

		snprintf(path, sizeof(path), PINS_ROOT "/%s/%s", instance, entry->d_name);
		fd = entry->d_name[0] == '.' ? -1 : bpf_obj_get(path);
		if (fd < 0)
			continue;
		*bytes += memory_of_map(fd);
		close(fd);
	}
	closedir(folder);
	return *bytes ? 0 : -ENOENT;
}

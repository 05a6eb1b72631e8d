/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook_counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

void hook_counters_add(struct neigh_counters *sum, const struct neigh_counters *one)
{
	/* counters alone: one long list of 64-bit numbers */
	const uint64_t *from = (const uint64_t *)one;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

int hook_counters_read(int map, uint32_t slot, enum neigh_hook hook, struct neigh_counters *sum)
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	struct neigh_counters *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	uint32_t key = slot * NEIGH_HOOKS + (uint32_t)hook;

	*sum = (struct neigh_counters){ 0 };
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map, &key, values))
		error = -errno;
	for (int cpu = 0; !error && cpu < cpus; cpu++)
		hook_counters_add(sum, &values[cpu]);
	free(values);
	return error;
}

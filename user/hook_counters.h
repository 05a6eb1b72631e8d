/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the BPF programs count, a set of counters a slot, hook and CPU, in sums. */
#ifndef NEIGHTRACK_HOOK_COUNTERS_H
#define NEIGHTRACK_HOOK_COUNTERS_H

#include <linux/types.h>
#include <stdint.h>

#include "neightrack/record.h"

void hook_counters_add(struct neigh_counters *sum, const struct neigh_counters *one);

/* Those of a slot's hook, over all CPUs, from the map `counters`. 0 or -errno. */
int hook_counters_read(int map, uint32_t slot, enum neigh_hook hook, struct neigh_counters *sum);

#endif

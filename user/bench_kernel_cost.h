/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it costs the kernel, in the context of whoever changes a neighbour, that
 * somebody wants to know of it. */
#ifndef NEIGHTRACK_BENCH_KERNEL_COST_H
#define NEIGHTRACK_BENCH_KERNEL_COST_H

#include "bench_result.h"
#include "bench_world.h"

/* Changes of the NUD states of neighbours, which are there: by turns with nobody
 * listening, with the daemon, and with a netlink listener. No daemon runs. 0 or -errno. */
int bench_kernel_cost(struct bench_world *world, uint32_t neighbours,
		      struct bench_result *result);

#endif

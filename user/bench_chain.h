/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of what one change costs: three processes that do nothing but wake each
 * other. The first is woken by an eventfd and sends as many bytes as an HSET has to
 * the second, which answers it and tells the third, the caller. Kernel, daemon, Redis
 * and subscriber cannot be quicker, nor take less.
 */
#ifndef NEIGHTRACK_BENCH_CHAIN_H
#define NEIGHTRACK_BENCH_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct bench_chain {
	double cpu_seconds_an_event;	/* of the first process */
	double p50_us;			/* from before the eventfd until the caller is told */
	double p99_us;
};

/* is_deaf: the first process is not woken by answers, and takes each when it is woken by the
 * next eventfd: what it is worth to leave that wakeup out. 0 or -errno. */
int bench_chain_measure(uint32_t rate, uint32_t events, bool is_deaf, struct bench_chain *chain);

#endif

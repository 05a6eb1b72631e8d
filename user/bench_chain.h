/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of what one change costs: three processes that do nothing but wake each
 * other. The first is woken by an eventfd and sends as many bytes as an HSET has to
 * the second, which answers it and tells the third, the caller. Kernel, daemon, Redis
 * and subscriber cannot be quicker, nor take less.
 */
#ifndef NEIGHTRACK_BENCH_CHAIN_H
#define NEIGHTRACK_BENCH_CHAIN_H

#include <stdint.h>

struct bench_chain {
	double cpu_seconds_an_event;	/* of the first process */
	double p50_us;			/* from before the eventfd until the caller is told */
	double p99_us;
};

/* 0 or -errno. */
int bench_chain_measure(uint32_t rate, uint32_t events, struct bench_chain *chain);

#endif

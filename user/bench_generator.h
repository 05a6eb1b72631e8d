/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the kernel's neighbours, as fast as rtnetlink takes them: many
 * messages in one send, which the kernel works off before it returns.
 *
 * The neighbours are numbered: number i is 10.x.y.z or fd00::1xx:xxxx on one interface,
 * with a MAC that follows from i and from a generation, so that what must be in Redis
 * is known.
 *
 * With real packets, BENCH_SET is what bench_packets.h says, on the other end of the
 * veth pair, which the kernel learns from.
 */
#ifndef NEIGHTRACK_BENCH_GENERATOR_H
#define NEIGHTRACK_BENCH_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_MOST_NEIGHBOURS (1u << 24)

enum bench_change {
	BENCH_SET,		/* new, or another generation of the MAC */
	BENCH_DELETE,
	BENCH_CONFIRM,		/* the same MAC in another NUD state */
};

struct bench_generator;

/* In the network namespace, for the interface of that ifindex. peer_ifindex: where
 * packets are sent, or 0 for none. 0 or -errno. */
int bench_generator_new(struct bench_generator **generator, int netns_fd, uint32_t ifindex,
			uint32_t peer_ifindex, bool ipv6);
void bench_generator_free(struct bench_generator *generator);

/* Applies the change to `count` neighbours from `first` on. The states that
 * BENCH_CONFIRM gives alternate with `generation`'s evenness. 0 or -errno. */
int bench_generate(struct bench_generator *generator, enum bench_change change, uint32_t first,
		   uint32_t count, uint8_t generation);

/* CPU time that the kernel has taken for the changes since the start: without what it
 * took to put the messages together, and without others that ran meanwhile. */
uint64_t bench_generator_kernel_ns(const struct bench_generator *generator);

/* addr: 16 bytes; mac: 6 bytes. */
void bench_neighbour(bool ipv6, uint32_t number, uint8_t generation, uint8_t *addr,
		     uint8_t *mac);

#endif

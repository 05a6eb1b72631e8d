/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Neighbours that make themselves known by gratuitous ARP replies, as the kernel would
 * receive them from a network. */
#ifndef NEIGHTRACK_BENCH_ARP_H
#define NEIGHTRACK_BENCH_ARP_H

#include <stdint.h>

struct bench_arp;

/* Sends on the interface of that ifindex in the network namespace. 0 or -errno. */
int bench_arp_new(struct bench_arp **arp, int netns_fd, uint32_t ifindex);
void bench_arp_free(struct bench_arp *arp);

/* One frame for each of `count` neighbours from `first` on, numbered as in
 * bench_generator.h. 0 or -errno. */
int bench_arp_announce(struct bench_arp *arp, uint32_t first, uint32_t count,
		       uint8_t generation);

#endif

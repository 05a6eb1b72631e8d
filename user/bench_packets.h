/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours that make themselves known as on a network: IPv4 by gratuitous ARP
 * replies, IPv6 by neighbour solicitations that carry their link-layer address
 * (RFC 4861, 7.2.3), of which the kernel makes or changes the entry of their sender.
 */
#ifndef NEIGHTRACK_BENCH_PACKETS_H
#define NEIGHTRACK_BENCH_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

/* What the mirrored interface has to have as its own, for the packets to be for it. */
#define BENCH_ADDRESS_IPV4 "10.0.0.1/8"
#define BENCH_ADDRESS_IPV6 "fd00::1/64"

struct bench_packets;

/* Sends on the interface of that ifindex in the network namespace. 0 or -errno. */
int bench_packets_new(struct bench_packets **packets, int netns_fd, uint32_t ifindex, bool ipv6);
void bench_packets_free(struct bench_packets *packets);

/* One frame for each of `count` neighbours from `first` on, numbered as in
 * bench_generator.h. 0 or -errno. */
int bench_packets_announce(struct bench_packets *packets, uint32_t first, uint32_t count,
			   uint8_t generation);

#endif

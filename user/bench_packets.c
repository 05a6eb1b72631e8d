/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_generator.h"
#include "netns.h"

/* Below what the kernel queues of received frames, so that it need not drop any. */
#define FRAMES 256u

/* Behind the IPv6 header. */
struct solicitation {
	struct nd_neighbor_solicit message;
	struct nd_opt_hdr option;
	uint8_t lladdr[ETH_ALEN];
} __attribute__((packed));

struct frame {
	struct ether_header ethernet;
	union {
		struct ether_arp arp;
		struct {
			struct ip6_hdr header;
			struct solicitation solicitation;
		} __attribute__((packed)) ip6;
	};
} __attribute__((packed));

_Static_assert(sizeof(struct solicitation) == 32, "as it is on the wire");

struct bench_packets {
	int fd;
	uint32_t ifindex;
	bool ipv6;
	struct frame frames[FRAMES];
	struct iovec parts[FRAMES];
	struct mmsghdr messages[FRAMES];
};

static int open_socket(void *context)
{
	struct bench_packets *packets = context;
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_ifindex = (int)packets->ifindex };

	/* protocol 0: nothing is received */
	packets->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (packets->fd < 0)
		return -errno;
	return bind(packets->fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

static size_t prepare_arp(struct frame *frame)
{
	frame->ethernet.ether_type = htons(ETHERTYPE_ARP);
	frame->arp.arp_hrd = htons(ARPHRD_ETHER);
	frame->arp.arp_pro = htons(ETHERTYPE_IP);
	frame->arp.arp_hln = ETH_ALEN;
	frame->arp.arp_pln = 4;
	frame->arp.arp_op = htons(ARPOP_REPLY);
	return sizeof(frame->ethernet) + sizeof(frame->arp);
}

/* To the interface's own address, and about it. */
static size_t prepare_solicitation(struct frame *frame)
{
	static const uint8_t own[16] = { 0xfd, [15] = 1 };
	struct solicitation solicitation = {
		.message.nd_ns_type = ND_NEIGHBOR_SOLICIT,
		.option = { .nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1 },
	};

	frame->ethernet.ether_type = htons(ETHERTYPE_IPV6);
	frame->ip6.header.ip6_flow = htonl(6u << 28);
	frame->ip6.header.ip6_plen = htons(sizeof(solicitation));
	frame->ip6.header.ip6_nxt = IPPROTO_ICMPV6;
	frame->ip6.header.ip6_hlim = 255;	/* else it might come from elsewhere: 7.1.1 */
	memcpy(&frame->ip6.header.ip6_dst, own, sizeof(own));
	memcpy(&solicitation.message.nd_ns_target, own, sizeof(own));
	memcpy(&frame->ip6.solicitation, &solicitation, sizeof(solicitation));
	return sizeof(frame->ethernet) + sizeof(frame->ip6);
}

int bench_packets_new(struct bench_packets **result, int netns_fd, uint32_t ifindex, bool ipv6)
{
	struct bench_packets *packets = calloc(1, sizeof(*packets));
	int error;

	if (!packets)
		return -ENOMEM;
	packets->fd = -1;
	packets->ifindex = ifindex;
	packets->ipv6 = ipv6;
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct frame *frame = &packets->frames[i];

		memset(frame->ethernet.ether_dhost, 0xff, ETH_ALEN);
		packets->parts[i].iov_base = frame;
		packets->parts[i].iov_len = ipv6 ? prepare_solicitation(frame) :
						   prepare_arp(frame);
		packets->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &packets->parts[i],
								.msg_iovlen = 1 };
	}
	error = netns_call(netns_fd, open_socket, packets);
	if (error) {
		bench_packets_free(packets);
		return error;
	}
	*result = packets;
	return 0;
}

void bench_packets_free(struct bench_packets *packets)
{
	if (!packets)
		return;
	if (packets->fd >= 0)
		close(packets->fd);
	free(packets);
}

static uint32_t sum_words(const void *bytes, size_t count, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < count; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

/* RFC 4443, 2.3: over addresses, length, next header and message. */
static uint16_t checksum(const struct frame *frame)
{
	uint32_t sum = sizeof(frame->ip6.solicitation) + IPPROTO_ICMPV6;

	sum = sum_words(&frame->ip6.header.ip6_src, sizeof(frame->ip6.header.ip6_src), sum);
	sum = sum_words(&frame->ip6.header.ip6_dst, sizeof(frame->ip6.header.ip6_dst), sum);
	sum = sum_words(&frame->ip6.solicitation, sizeof(frame->ip6.solicitation), sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Gratuitous: sender and target are the same. */
static void fill_in_arp(struct frame *frame, const uint8_t *addr, const uint8_t *mac)
{
	memcpy(frame->arp.arp_sha, mac, ETH_ALEN);
	memcpy(frame->arp.arp_tha, mac, ETH_ALEN);
	memcpy(frame->arp.arp_spa, addr, 4);
	memcpy(frame->arp.arp_tpa, addr, 4);
}

static void fill_in_solicitation(struct frame *frame, const uint8_t *addr, const uint8_t *mac)
{
	uint16_t sum;

	memcpy(&frame->ip6.header.ip6_src, addr, 16);
	memcpy(frame->ip6.solicitation.lladdr, mac, ETH_ALEN);
	memset(&frame->ip6.solicitation.message.nd_ns_cksum, 0, sizeof(sum));
	sum = checksum(frame);
	memcpy(&frame->ip6.solicitation.message.nd_ns_cksum, &sum, sizeof(sum));
}

static void fill_in(struct bench_packets *packets, struct frame *frame, uint32_t number,
		    uint8_t generation)
{
	uint8_t addr[16], mac[6];

	bench_neighbour(packets->ipv6, number, generation, addr, mac);
	memcpy(frame->ethernet.ether_shost, mac, ETH_ALEN);
	if (packets->ipv6)
		fill_in_solicitation(frame, addr, mac);
	else
		fill_in_arp(frame, addr, mac);
}

int bench_packets_announce(struct bench_packets *packets, uint32_t first, uint32_t count,
			   uint8_t generation)
{
	while (count) {
		uint32_t frames = count < FRAMES ? count : FRAMES, sent = 0;

		for (uint32_t i = 0; i < frames; i++)
			fill_in(packets, &packets->frames[i], first + i, generation);
		while (sent < frames) {
			int done = sendmmsg(packets->fd, packets->messages + sent, frames - sent, 0);

			if (done < 0)
				return -errno;
			sent += (uint32_t)done;
		}
		first += frames;
		count -= frames;
	}
	return 0;
}

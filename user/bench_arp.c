/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_generator.h"
#include "netns.h"

/* Below what the kernel queues of received frames, so that it need not drop any. */
#define FRAMES 256u

struct frame {
	struct ether_header ethernet;
	struct ether_arp arp;
};

struct bench_arp {
	int fd;
	uint32_t ifindex;
	struct frame frames[FRAMES];
	struct iovec parts[FRAMES];
	struct mmsghdr messages[FRAMES];
};

static int open_socket(void *context)
{
	struct bench_arp *arp = context;
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)arp->ifindex };

	/* protocol 0: nothing is received */
	arp->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (arp->fd < 0)
		return -errno;
	return bind(arp->fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

static void prepare(struct bench_arp *arp)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct frame *frame = &arp->frames[i];

		memset(frame->ethernet.ether_dhost, 0xff, ETH_ALEN);
		frame->ethernet.ether_type = htons(ETHERTYPE_ARP);
		frame->arp.arp_hrd = htons(ARPHRD_ETHER);
		frame->arp.arp_pro = htons(ETHERTYPE_IP);
		frame->arp.arp_hln = ETH_ALEN;
		frame->arp.arp_pln = 4;
		frame->arp.arp_op = htons(ARPOP_REPLY);
		arp->parts[i] = (struct iovec){ .iov_base = frame, .iov_len = sizeof(*frame) };
		arp->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &arp->parts[i],
							    .msg_iovlen = 1 };
	}
}

int bench_arp_new(struct bench_arp **result, int netns_fd, uint32_t ifindex)
{
	struct bench_arp *arp = calloc(1, sizeof(*arp));
	int error;

	if (!arp)
		return -ENOMEM;
	arp->fd = -1;
	arp->ifindex = ifindex;
	prepare(arp);
	error = netns_call(netns_fd, open_socket, arp);
	if (error) {
		bench_arp_free(arp);
		return error;
	}
	*result = arp;
	return 0;
}

void bench_arp_free(struct bench_arp *arp)
{
	if (!arp)
		return;
	if (arp->fd >= 0)
		close(arp->fd);
	free(arp);
}

/* Gratuitous: sender and target are the same. */
static void fill_in(struct frame *frame, uint32_t number, uint8_t generation)
{
	uint8_t addr[16], mac[6];

	bench_neighbour(number, generation, addr, mac);
	memcpy(frame->ethernet.ether_shost, mac, ETH_ALEN);
	memcpy(frame->arp.arp_sha, mac, ETH_ALEN);
	memcpy(frame->arp.arp_tha, mac, ETH_ALEN);
	memcpy(frame->arp.arp_spa, addr, 4);
	memcpy(frame->arp.arp_tpa, addr, 4);
}

int bench_arp_announce(struct bench_arp *arp, uint32_t first, uint32_t count,
		       uint8_t generation)
{
	while (count) {
		uint32_t frames = count < FRAMES ? count : FRAMES, sent = 0;

		for (uint32_t i = 0; i < frames; i++)
			fill_in(&arp->frames[i], first + i, generation);
		while (sent < frames) {
			int done = sendmmsg(arp->fd, arp->messages + sent, frames - sent, 0);

			if (done < 0)
				return -errno;
			sent += (uint32_t)done;
		}
		first += frames;
		count -= frames;
	}
	return 0;
}

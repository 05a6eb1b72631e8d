/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_generator.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bench_packets.h"
#include "clock.h"
#include "log.h"
#include "netlink.h"

#define SEND_BYTES 32768u
#define MESSAGE_BYTES 128u	/* more than any of ours has */

struct bench_generator {
	struct netlink_socket socket;
	struct bench_packets *packets;	/* NULL: by netlink */
	bool ipv6;
	uint32_t ifindex;
	uint64_t kernel_ns;
	int refused;			/* the first refusal: 0 or -errno */
	_Alignas(struct nlmsghdr) char messages[SEND_BYTES];
	_Alignas(struct nlmsghdr) char answers[NETLINK_READ_BYTES];
};

void bench_neighbour(bool ipv6, uint32_t number, uint8_t generation, uint8_t *addr,
		     uint8_t *mac)
{
	const uint8_t last[3] = { (uint8_t)(1 + (number >> 16)), (uint8_t)(number >> 8),
				  (uint8_t)number };

	memset(addr, 0, 16);
	addr[0] = ipv6 ? 0xfd : 10;
	memcpy(addr + (ipv6 ? 13 : 1), last, sizeof(last));
	mac[0] = 2;
	mac[1] = generation;
	mac[2] = 0;
	memcpy(mac + 3, last, sizeof(last));
}

int bench_generator_new(struct bench_generator **result, int netns_fd, uint32_t ifindex,
			uint32_t peer_ifindex, bool ipv6)
{
	struct bench_generator *generator = calloc(1, sizeof(*generator));
	int error;

	if (!generator)
		return -ENOMEM;
	generator->ifindex = ifindex;
	generator->ipv6 = ipv6;
	error = netlink_open(&generator->socket, netns_fd, 0);
	if (error) {
		free(generator);
		return error;
	}
	if (peer_ifindex)
		error = bench_packets_new(&generator->packets, netns_fd, peer_ifindex, ipv6);
	if (error) {
		bench_generator_free(generator);
		return error;
	}
	*result = generator;
	return 0;
}

void bench_generator_free(struct bench_generator *generator)
{
	if (!generator)
		return;
	bench_packets_free(generator->packets);
	netlink_close(&generator->socket);
	free(generator);
}

static uint32_t put_message(struct bench_generator *generator, char *memory,
			    enum bench_change change, uint32_t number, uint8_t generation)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	struct ndmsg *header;
	uint8_t addr[16], mac[6];

	bench_neighbour(generator->ipv6, number, change == BENCH_CONFIRM ? 0 : generation, addr, mac);
	message->nlmsg_type = change == BENCH_DELETE ? RTM_DELNEIGH : RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST;
	if (change != BENCH_DELETE)
		message->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ndm_family = generator->ipv6 ? AF_INET6 : AF_INET;
	header->ndm_ifindex = (int)generator->ifindex;
	/* permanent: neither timers nor collection play a part, unless asked for */
	header->ndm_state = NUD_PERMANENT;
	if (change == BENCH_CONFIRM)
		header->ndm_state = generation % 2 ? NUD_STALE : NUD_REACHABLE;
	mnl_attr_put(message, NDA_DST, generator->ipv6 ? 16 : 4, addr);
	if (change != BENCH_DELETE)
		mnl_attr_put(message, NDA_LLADDR, sizeof(mac), mac);
	return message->nlmsg_len;
}

static void look_for_refusals(struct bench_generator *generator)
{
	ssize_t count;

	while ((count = recv(generator->socket.fd, generator->answers, NETLINK_READ_BYTES,
			     MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *answer = (const struct nlmsghdr *)generator->answers;
		int left = (int)count;

		for (; netlink_message_fits(answer, left); answer = mnl_nlmsg_next(answer, &left)) {
			const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(answer);

			if (answer->nlmsg_type == NLMSG_ERROR && !generator->refused &&
			    mnl_nlmsg_get_payload_len(answer) >= sizeof(refusal->error))
				generator->refused = refusal->error;
		}
	}
}

static uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int bench_generate(struct bench_generator *generator, enum bench_change change, uint32_t first,
		   uint32_t count, uint8_t generation)
{
	uint32_t number = first;

	if (generator->packets && change == BENCH_SET)
		return bench_packets_announce(generator->packets, first, count, generation);
	while (number < first + count) {
		uint32_t used = 0;
		uint64_t start_ns;

		while (number < first + count && used + MESSAGE_BYTES <= SEND_BYTES)
			used += put_message(generator, generator->messages + used, change, number++,
					    generation);
		start_ns = cpu_now_ns();
		if (mnl_socket_sendto(generator->socket.socket, generator->messages, used) < 0)
			return -errno;
		generator->kernel_ns += cpu_now_ns() - start_ns;
	}
	look_for_refusals(generator);
	if (generator->refused)
		log_error("the kernel refuses changes of neighbours: %s",
			  strerror(-generator->refused));
	return generator->refused;
}

uint64_t bench_generator_kernel_ns(const struct bench_generator *generator)
{
	return generator->kernel_ns;
}

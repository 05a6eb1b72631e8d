/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_generator.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

#define SEND_BYTES 32768u
#define MESSAGE_BYTES 128u	/* more than any of ours has */

struct bench_generator {
	struct netlink_socket socket;
	uint32_t ifindex;
	uint64_t refused;
	_Alignas(struct nlmsghdr) char messages[SEND_BYTES];
	_Alignas(struct nlmsghdr) char answers[NETLINK_READ_BYTES];
};

void bench_neighbour(uint32_t number, uint8_t generation, uint8_t *addr, uint8_t *mac)
{
	memset(addr, 0, 16);
	addr[0] = 10;
	addr[1] = (uint8_t)(1 + (number >> 16));
	addr[2] = (uint8_t)(number >> 8);
	addr[3] = (uint8_t)number;
	mac[0] = 2;
	mac[1] = generation;
	mac[2] = 0;
	memcpy(mac + 3, addr + 1, 3);
}

int bench_generator_new(struct bench_generator **result, int netns_fd, uint32_t ifindex)
{
	struct bench_generator *generator = calloc(1, sizeof(*generator));
	int error;

	if (!generator)
		return -ENOMEM;
	generator->ifindex = ifindex;
	error = netlink_open(&generator->socket, netns_fd, 0);
	if (error) {
		free(generator);
		return error;
	}
	*result = generator;
	return 0;
}

void bench_generator_free(struct bench_generator *generator)
{
	if (!generator)
		return;
	netlink_close(&generator->socket);
	free(generator);
}

static uint32_t put_message(struct bench_generator *generator, char *memory,
			    enum bench_change change, uint32_t number, uint8_t generation)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	struct ndmsg *header;
	uint8_t addr[16], mac[6];

	bench_neighbour(number, change == BENCH_CONFIRM ? 0 : generation, addr, mac);
	message->nlmsg_type = change == BENCH_DELETE ? RTM_DELNEIGH : RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST;
	if (change != BENCH_DELETE)
		message->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ndm_family = AF_INET;
	header->ndm_ifindex = (int)generator->ifindex;
	/* permanent: neither timers nor collection play a part, unless asked for */
	header->ndm_state = NUD_PERMANENT;
	if (change == BENCH_CONFIRM)
		header->ndm_state = generation % 2 ? NUD_STALE : NUD_REACHABLE;
	mnl_attr_put(message, NDA_DST, 4, addr);
	if (change != BENCH_DELETE)
		mnl_attr_put(message, NDA_LLADDR, sizeof(mac), mac);
	return message->nlmsg_len;
}

static void count_refusals(struct bench_generator *generator)
{
	ssize_t count;

	while ((count = recv(generator->socket.fd, generator->answers, NETLINK_READ_BYTES,
			     MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *answer = (const struct nlmsghdr *)generator->answers;
		int left = (int)count;

		for (; netlink_message_fits(answer, left); answer = mnl_nlmsg_next(answer, &left))
			generator->refused += answer->nlmsg_type == NLMSG_ERROR;
	}
}

int bench_generate(struct bench_generator *generator, enum bench_change change, uint32_t first,
		   uint32_t count, uint8_t generation)
{
	uint32_t number = first;

	while (number < first + count) {
		uint32_t used = 0;

		while (number < first + count && used + MESSAGE_BYTES <= SEND_BYTES)
			used += put_message(generator, generator->messages + used, change, number++,
					    generation);
		if (mnl_socket_sendto(generator->socket.socket, generator->messages, used) < 0)
			return -errno;
	}
	count_refusals(generator);
	return 0;
}

uint64_t bench_generator_refused(struct bench_generator *generator)
{
	count_refusals(generator);
	return generator->refused;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTM_GETNEIGH, as a dump in the loop and as a single question. */
#include "neigh_dump.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "log.h"
#include "netlink.h"

/* A turn of the loop takes that much of a dump, then others may go on. */
#define DATAGRAMS_A_TURN 8

struct neigh_dump {
	struct loop *loop;
	struct netlink_socket socket;
	struct loop_watch watch;
	const struct neigh_dump_events *events;
	void *context;
	bool running;
	bool interrupted;
	_Alignas(struct nlmsghdr) char buffer[NETLINK_READ_BYTES];
};

static void finish(struct neigh_dump *dump, int error)
{
	if (!dump->running)
		return;
	dump->running = false;
	dump->events->done(dump->context, dump->interrupted, error);
}

static void handle(void *context, enum netlink_event event, const struct nlmsghdr *message,
		   bool interrupted, int error)
{
	struct neigh_dump *dump = context;
	struct neigh_observation observation;
	int parsed;

	dump->interrupted |= interrupted;
	switch (event) {
	case NETLINK_DONE:
		finish(dump, 0);
		break;
	case NETLINK_FAILED:
		finish(dump, error);
		break;
	case NETLINK_MESSAGE:
		if (!dump->running || message->nlmsg_type != RTM_NEWNEIGH)
			break;
		parsed = neigh_message_parse(message, &observation);
		if (!parsed)
			dump->events->neighbour(dump->context, &observation);
		else if (parsed == -EBADMSG)
			finish(dump, parsed);
		break;
	}
}

static void on_ready(void *context, uint32_t epoll_events)
{
	struct neigh_dump *dump = context;

	(void)epoll_events;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		int result;

		dump->events->chunk(dump->context);
		result = netlink_receive(&dump->socket, dump->buffer, handle, dump);
		if (result < 0)
			finish(dump, result);
		if (result <= 0)
			return;
	}
}

int neigh_dump_new(struct neigh_dump **result, struct loop *loop, int netns_fd,
		   const struct neigh_dump_events *events, void *context)
{
	struct neigh_dump *dump = calloc(1, sizeof(*dump));
	int error;

	if (!dump)
		return -ENOMEM;
	dump->loop = loop;
	dump->events = events;
	dump->context = context;
	error = netlink_open(&dump->socket, netns_fd, 0);
	if (error)
		goto fail;
	dump->watch = (struct loop_watch){ .fd = dump->socket.fd, .ready = on_ready,
					   .context = dump };
	error = loop_add(loop, &dump->watch, EPOLLIN);
	if (error)
		goto fail;
	*result = dump;
	return 0;
fail:
	netlink_close(&dump->socket);
	free(dump);
	return error;
}

void neigh_dump_free(struct neigh_dump *dump)
{
	if (!dump)
		return;
	loop_remove(dump->loop, &dump->watch);
	netlink_close(&dump->socket);
	free(dump);
}

static struct nlmsghdr *make_request(char *memory, uint16_t flags, struct ndmsg **header)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(memory);

	request->nlmsg_type = RTM_GETNEIGH;
	request->nlmsg_flags = flags;
	*header = mnl_nlmsg_put_extra_header(request, sizeof(**header));
	return request;
}

int neigh_dump_start(struct neigh_dump *dump)
{
	_Alignas(struct nlmsghdr) char memory[128];
	struct ndmsg *header;
	struct nlmsghdr *request = make_request(memory, NLM_F_REQUEST | NLM_F_DUMP, &header);
	int error;

	header->ndm_family = AF_UNSPEC;
	dump->interrupted = false;
	error = netlink_send(&dump->socket, request);
	dump->running = !error;
	return error;
}

struct answer {
	struct neigh_observation *observation;
	int result;		/* 1 = none yet */
};

static void handle_answer(void *context, enum netlink_event event, const struct nlmsghdr *message,
			  bool interrupted, int error)
{
	struct answer *answer = context;

	(void)interrupted;
	if (event == NETLINK_FAILED)
		answer->result = error;
	else if (event == NETLINK_MESSAGE && message->nlmsg_type == RTM_NEWNEIGH)
		answer->result = neigh_message_parse(message, answer->observation);
}

int neigh_lookup(struct netlink_socket *socket, const struct neigh_key *key,
		 struct neigh_observation *observation)
{
	_Alignas(struct nlmsghdr) char memory[128];
	_Alignas(struct nlmsghdr) char buffer[NETLINK_READ_BYTES];
	struct answer answer = { .observation = observation, .result = 1 };
	struct ndmsg *header;
	struct nlmsghdr *request = make_request(memory, NLM_F_REQUEST, &header);
	int error;

	header->ndm_family = key->family;
	header->ndm_ifindex = (int)key->ifindex;
	mnl_attr_put(request, NDA_DST, key->family == NEIGHTRACK_FAMILY_IPV4 ? 4 : 16, key->addr);
	error = netlink_send(socket, request);
	if (error)
		return error;
	do {
		error = netlink_receive(socket, buffer, handle_answer, &answer);
	} while (error > 0 && answer.result == 1);
	if (error < 0)
		return error;
	if (answer.result == 1)
		return -EAGAIN;
	return answer.result == -ENODEV ? -ENOENT : answer.result;
}

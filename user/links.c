/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTM_GETLINK and RTNLGRP_LINK on one socket, so that the dump and what happens
 * during it come in the order in which the kernel told them. When the socket
 * overflows (ENOBUFS) the links are dumped again.
 */
#include "links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "link_message.h"
#include "log.h"
#include "netlink.h"

#define DATAGRAMS_A_TURN 16
#define RECEIVE_BUFFER_BYTES (1 << 20)
#define RETRY_NS (100 * NS_PER_MS)

struct links {
	struct loop *loop;
	struct netlink_socket socket;
	struct loop_watch watch;
	struct loop_timer retry;
	const struct links_events *events;
	void *context;
	bool dumping;
	bool interrupted;
	bool after_loss;
	_Alignas(struct nlmsghdr) char buffer[NETLINK_READ_BYTES];
};

static void start_dump(void *context)
{
	_Alignas(struct nlmsghdr) char memory[128];
	struct links *links = context;
	struct nlmsghdr *request = mnl_nlmsg_put_header(memory);
	struct ifinfomsg *header;
	int error;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ifi_family = AF_UNSPEC;
	/* statistics and virtual functions would only make the answers long */
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);

	links->interrupted = false;
	links->events->dump_begins(links->context);
	error = netlink_send(&links->socket, request);
	links->dumping = !error;
	if (error) {
		log_warning("cannot ask for the interfaces: %s; trying again", strerror(-error));
		loop_timer_arm(&links->retry, RETRY_NS);
	}
}

static void handle_link(struct links *links, const struct nlmsghdr *message)
{
	struct link_observation observation;

	if (link_message_parse(message, &observation))
		return;
	if (message->nlmsg_type == RTM_DELLINK)
		links->events->link_gone(links->context, observation.ifindex);
	else if (observation.name[0])
		links->events->link(links->context, observation.ifindex, observation.name,
				    observation.master_ifindex);
}

static void end_dump(struct links *links, int error)
{
	bool after_loss = links->after_loss;

	links->dumping = false;
	if (error || links->interrupted) {
		log_debug("dump of interfaces: %s; trying again",
			  error ? strerror(-error) : "interrupted");
		loop_timer_arm(&links->retry, RETRY_NS);
		return;
	}
	links->after_loss = false;
	links->events->dump_ends(links->context, after_loss);
}

static void handle(void *context, enum netlink_event event, const struct nlmsghdr *message,
		   bool interrupted, int error)
{
	struct links *links = context;

	links->interrupted |= interrupted;
	if (event == NETLINK_MESSAGE) {
		if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK)
			handle_link(links, message);
	} else if (links->dumping) {
		end_dump(links, event == NETLINK_FAILED ? error : 0);
	}
}

static void on_ready(void *context, uint32_t epoll_events)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 10000 };
	struct links *links = context;

	(void)epoll_events;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		int result = netlink_receive(&links->socket, links->buffer, handle, links);

		if (result < 0) {
			log_message_limited(&limit, MESSAGE_LINKS_LOST, "notifications of "
					    "interfaces were lost (%s): asking for all",
					    strerror(-result));
			links->after_loss = true;
			links->dumping = false;
			loop_timer_arm(&links->retry, RETRY_NS);
		}
		if (result <= 0)
			return;
	}
}

int links_new(struct links **result, struct loop *loop, int netns_fd,
	      const struct links_events *events, void *context)
{
	struct links *links = calloc(1, sizeof(*links));
	int size = RECEIVE_BUFFER_BYTES;
	int error;

	if (!links)
		return -ENOMEM;
	links->loop = loop;
	links->events = events;
	links->context = context;
	error = netlink_open(&links->socket, netns_fd, RTMGRP_LINK);
	if (error)
		goto fail;
	if (setsockopt(links->socket.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(links->socket.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	links->watch = (struct loop_watch){ .fd = links->socket.fd, .ready = on_ready,
					    .context = links };
	error = loop_add(loop, &links->watch, EPOLLIN);
	if (error)
		goto fail;
	loop_timer_init(loop, &links->retry, start_dump, links);
	loop_timer_arm(&links->retry, 0);
	*result = links;
	return 0;
fail:
	netlink_close(&links->socket);
	free(links);
	return error;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	loop_remove(links->loop, &links->watch);
	loop_timer_remove(links->loop, &links->retry);
	netlink_close(&links->socket);
	free(links);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink by libmnl, without its blocking run loops. */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netns.h"

static int open_inside(void *context)
{
	struct netlink_socket *socket = context;

	socket->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return socket->socket ? 0 : -errno;
}

int netlink_open(struct netlink_socket *socket, int netns_fd, uint32_t groups)
{
	int on = 1;
	int error;

	*socket = (struct netlink_socket){ .fd = -1 };
	error = netns_call(netns_fd, open_inside, socket);
	if (error)
		return error;
	if (mnl_socket_bind(socket->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		netlink_close(socket);
		return error;
	}
	/* since 4.20; without it a filter that the kernel does not know is ignored */
	mnl_socket_setsockopt(socket->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	socket->fd = mnl_socket_get_fd(socket->socket);
	socket->port_id = mnl_socket_get_portid(socket->socket);
	return 0;
}

void netlink_close(struct netlink_socket *socket)
{
	if (socket->socket)
		mnl_socket_close(socket->socket);
	socket->socket = NULL;
	socket->fd = -1;
}

int netlink_send(struct netlink_socket *socket, struct nlmsghdr *request)
{
	request->nlmsg_seq = ++socket->sequence;
	request->nlmsg_pid = socket->port_id;
	return mnl_socket_sendto(socket->socket, request, request->nlmsg_len) < 0 ? -errno : 0;
}

/* Notifications have neither our port nor a sequence; answers have both. */
static bool is_for_us(const struct netlink_socket *socket, const struct nlmsghdr *message)
{
	if (message->nlmsg_pid != socket->port_id)
		return message->nlmsg_type >= NLMSG_MIN_TYPE;
	return message->nlmsg_seq == socket->sequence;
}

/* nlmsgerr, or the plain number at the end of a dump that failed: negative. */
static int error_of(const struct nlmsghdr *message)
{
	if (mnl_nlmsg_get_payload_len(message) < sizeof(int))
		return 0;
	return *(const int *)mnl_nlmsg_get_payload(message);
}

int netlink_receive(struct netlink_socket *socket, void *buffer,
		    void (*handle)(void *context, enum netlink_event event,
				   const struct nlmsghdr *message, bool interrupted, int error),
		    void *context)
{
	ssize_t count = mnl_socket_recvfrom(socket->socket, buffer, NETLINK_READ_BYTES);
	const struct nlmsghdr *message = buffer;
	int left = (int)count;

	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (; netlink_message_fits(message, left); message = mnl_nlmsg_next(message, &left)) {
		bool interrupted = message->nlmsg_flags & NLM_F_DUMP_INTR;
		int error;

		if (!is_for_us(socket, message))
			continue;
		switch (message->nlmsg_type) {
		case NLMSG_DONE:
		case NLMSG_ERROR:
			error = error_of(message);
			if (error < 0)
				handle(context, NETLINK_FAILED, message, interrupted, error);
			else if (message->nlmsg_type == NLMSG_DONE)
				handle(context, NETLINK_DONE, message, interrupted, 0);
			break;
		default:
			if (message->nlmsg_type >= NLMSG_MIN_TYPE)
				handle(context, NETLINK_MESSAGE, message, interrupted, 0);
			break;
		}
	}
	return 1;
}

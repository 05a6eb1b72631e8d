/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those functions of libmnl that neightrack and its tests call, as <libmnl/libmnl.h>
 * declares and its manual describes them. For the portable binary alone: Debian has libmnl
 * as a shared library only. tests/unit/test_neigh_message.c runs on both.
 */
#include <libmnl/libmnl.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* both are multiples of what netlink aligns to */
#define HEADER_BYTES ((uint32_t)sizeof(struct nlmsghdr))
#define ATTRIBUTE_BYTES ((uint32_t)sizeof(struct nlattr))

struct mnl_socket {
	int fd;
	struct sockaddr_nl address;
};

/* --- sockets ------------------------------------------------------------------- */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *socket_ = calloc(1, sizeof(*socket_));

	if (!socket_)
		return NULL;
	socket_->fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
	if (socket_->fd < 0) {
		int saved_errno = errno;

		free(socket_);
		errno = saved_errno;
		return NULL;
	}
	return socket_;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	socklen_t bytes = sizeof(nl->address);

	nl->address = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = groups,
					    .nl_pid = (uint32_t)pid };
	if (bind(nl->fd, (struct sockaddr *)&nl->address, bytes))
		return -1;
	/* the kernel has chosen the port */
	return getsockname(nl->fd, (struct sockaddr *)&nl->address, &bytes);
}

int mnl_socket_close(struct mnl_socket *nl)
{
	int result = close(nl->fd);

	free(nl);
	return result;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	return nl->fd;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	return nl->address.nl_pid;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len)
{
	return setsockopt(nl->fd, SOL_NETLINK, type, buf, len);
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(nl->fd, req, siz, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz)
{
	struct sockaddr_nl from;
	struct iovec buffer = { .iov_base = buf, .iov_len = siz };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from),
				  .msg_iov = &buffer, .msg_iovlen = 1 };
	ssize_t count = recvmsg(nl->fd, &message, 0);

	if (count >= 0 && message.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return -1;
	}
	if (count >= 0 && message.msg_namelen != sizeof(from)) {
		errno = EINVAL;
		return -1;
	}
	return count;
}

/* --- messages ------------------------------------------------------------------ */

static uint32_t aligned(size_t bytes)
{
	return ((uint32_t)bytes + 3) & ~3u;
}

static void *end_of(const struct nlmsghdr *nlh)
{
	return (char *)(uintptr_t)nlh + aligned(nlh->nlmsg_len);
}

struct nlmsghdr *mnl_nlmsg_put_header(void *buf)
{
	struct nlmsghdr *message = buf;

	memset(message, 0, HEADER_BYTES);
	message->nlmsg_len = HEADER_BYTES;
	return message;
}

void *mnl_nlmsg_put_extra_header(struct nlmsghdr *nlh, size_t size)
{
	void *header = end_of(nlh);

	memset(header, 0, aligned(size));
	nlh->nlmsg_len += aligned(size);
	return header;
}

void *mnl_nlmsg_get_payload(const struct nlmsghdr *nlh)
{
	return (char *)(uintptr_t)nlh + HEADER_BYTES;
}

size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len - HEADER_BYTES;
}

bool mnl_nlmsg_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       (int)nlh->nlmsg_len <= len;
}

struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *nlh, int *len)
{
	*len -= (int)aligned(nlh->nlmsg_len);
	return end_of(nlh);
}

/* --- attributes ---------------------------------------------------------------- */

uint16_t mnl_attr_get_type(const struct nlattr *attr)
{
	return attr->nla_type & (uint16_t)~(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
}

void *mnl_attr_get_payload(const struct nlattr *attr)
{
	return (char *)(uintptr_t)attr + ATTRIBUTE_BYTES;
}

uint16_t mnl_attr_get_payload_len(const struct nlattr *attr)
{
	return (uint16_t)(attr->nla_len - ATTRIBUTE_BYTES);
}

uint32_t mnl_attr_get_u32(const struct nlattr *attr)
{
	uint32_t value;

	memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return value;
}

const char *mnl_attr_get_str(const struct nlattr *attr)
{
	return mnl_attr_get_payload(attr);
}

void mnl_attr_put(struct nlmsghdr *nlh, uint16_t type, size_t len, const void *data)
{
	struct nlattr *attribute = end_of(nlh);
	size_t bytes = ATTRIBUTE_BYTES + len;

	memset(attribute, 0, aligned(bytes));
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)bytes;
	memcpy(mnl_attr_get_payload(attribute), data, len);
	nlh->nlmsg_len += aligned(bytes);
}

void mnl_attr_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

void mnl_attr_put_strz(struct nlmsghdr *nlh, uint16_t type, const char *data)
{
	mnl_attr_put(nlh, type, strlen(data) + 1, data);
}

/* The two types that are asked for here. */
int mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	uint16_t bytes = mnl_attr_get_payload_len(attr);

	switch (type) {
	case MNL_TYPE_U32:
		errno = ERANGE;
		return bytes < sizeof(uint32_t) ? -1 : 0;
	case MNL_TYPE_NUL_STRING:
		errno = bytes ? EINVAL : ERANGE;
		return !bytes || mnl_attr_get_str(attr)[bytes - 1] ? -1 : 0;
	default:
		errno = EINVAL;
		return -1;
	}
}

static bool is_whole(const struct nlattr *attribute, ptrdiff_t left)
{
	return left >= (ptrdiff_t)sizeof(*attribute) &&
	       attribute->nla_len >= sizeof(*attribute) && attribute->nla_len <= left;
}

int mnl_attr_parse(const struct nlmsghdr *nlh, unsigned int offset, mnl_attr_cb_t cb, void *data)
{
	const char *end = end_of(nlh);
	const char *at = (const char *)nlh + HEADER_BYTES + aligned(offset);
	int result = MNL_CB_OK;

	while (result > MNL_CB_STOP && is_whole((const void *)at, end - at)) {
		const struct nlattr *attribute = (const void *)at;

		result = cb(attribute, data);
		at += aligned(attribute->nla_len);
	}
	return result;
}

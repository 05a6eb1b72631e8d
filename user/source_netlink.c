/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source netlink: RTNLGRP_NEIGH, for kernels without BPF or processes that
 * may not use it. The policy is applied here, the suppression is the table's.
 *
 * When the socket is full the kernel reports ENOBUFS once, and goes on dropping
 * messages until the socket has been emptied (netlink_overrun() and
 * netlink_rcv_wake() in net/netlink/af_netlink.c). So a loss is counted twice:
 * when it is reported, and when the socket is empty again, as a resync that
 * started in between could itself have missed something.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "neigh_message.h"
#include "neightrack/policy.h"
#include "netlink.h"
#include "source_ops.h"

#define MESSAGES_A_READ 64u
#define BLOCKED_MS 10
/* neigh_nlmsg_size() is below 200; one that does not fit is counted as lost */
#define MESSAGE_BYTES 1024u
/* what a message counts for in the socket's buffer: skb and data, as measured */
#define MESSAGE_CHARGE_BYTES 832u

struct netlink_source {
	struct source base;
	struct netlink_socket socket;
	struct interface_set *interfaces;	/* to look into */
	uint32_t policy;
	bool overrun;			/* ... and not empty since */
	uint64_t lost;
	uint64_t deletions;
	struct neigh_counters counters;
	struct mmsghdr headers[MESSAGES_A_READ];
	struct iovec vectors[MESSAGES_A_READ];
	struct sockaddr_nl senders[MESSAGES_A_READ];
	_Alignas(struct nlmsghdr) char buffers[MESSAGES_A_READ][MESSAGE_BYTES];
};

static struct netlink_source *netlink_source(const struct source *base)
{
	return (struct netlink_source *)(uintptr_t)base;
}

static void netlink_free(struct source *base)
{
	struct netlink_source *source = netlink_source(base);

	netlink_close(&source->socket);
	free(source);
}

/* The forwarding tables of bridges come by the same group, and in storms. */
static int leave_out_bridges(int fd)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),	/* ndm_family */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {
		.len = sizeof(instructions) / sizeof(*instructions),
		.filter = instructions,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static void enlarge_buffer(int fd, uint32_t wanted_bytes)
{
	/* the kernel doubles what is set, and counts its own overhead in it */
	int half = (int)(wanted_bytes / 2), given = 0;
	socklen_t size = sizeof(given);

	if (!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &given, &size);
	if ((uint32_t)given < wanted_bytes)
		log_message(MESSAGE_SMALL_BUFFER, "netlink_buffer = %u: the kernel gives %d bytes "
			    "(needs CAP_NET_ADMIN, or a higher net.core.rmem_max); bursts will "
			    "need more resyncs", wanted_bytes, given);
}

static int set_up_socket(struct netlink_source *source, const struct source_config *config)
{
	int on = 1;
	int error = netlink_open(&source->socket, config->netns_fd, RTMGRP_NEIGH);

	if (error)
		return error;
	enlarge_buffer(source->socket.fd, config->netlink_buffer_bytes);
	error = leave_out_bridges(source->socket.fd);
	if (error)
		log_debug("bridges' messages cannot be left out in the kernel: %s",
			  strerror(-error));
	if (config->netlink_no_enobufs)
		setsockopt(source->socket.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	return 0;
}

static int netlink_fd(const struct source *base)
{
	return netlink_source(base)->socket.fd;
}

static void make_record(struct neigh_record *record, const struct neigh_observation *observation,
			bool set, bool is_deletion)
{
	*record = (struct neigh_record){
		.key = observation->key,
		.time_ns = clock_now_ns(),
		.kind = set ? NEIGH_RECORD_SET : NEIGH_RECORD_GONE,
		.hook = is_deletion ? NEIGH_HOOK_CLEANUP : NEIGH_HOOK_UPDATE,
		.nud_state = observation->nud_state,
		.ntf_flags = observation->ntf_flags,
	};
	memcpy(record->mac, observation->mac, sizeof(record->mac));
}

static void handle_message(struct netlink_source *source, const struct nlmsghdr *message,
			   source_apply apply, void *context)
{
	struct neigh_counters *c = &source->counters;
	struct neigh_observation observation;
	const struct interface *interface;
	struct neigh_record record;
	enum neigh_reason reason;
	int error;

	if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH)
		return;
	c->seen++;
	error = neigh_message_parse(message, &observation);
	if (error) {
		/* -EAGAIN: proxy entries and other families, in which nobody is interested */
		if (error == -EAGAIN)
			c->filtered[NEIGH_IGNORE_FAMILY]++;
		else
			c->discarded++;
		return;
	}
	interface = interface_by_index(source->interfaces, observation.key.ifindex);
	reason = neigh_policy_key(source->policy, interface ? interface->kernel_flags :
				  NEIGH_INTERFACE_UNKNOWN, &observation.key);
	if (reason != NEIGH_PUBLISH) {
		c->filtered[reason]++;
		return;
	}
	if (message->nlmsg_type == RTM_DELNEIGH) {
		source->deletions++;
		reason = NEIGH_ABSENT_STATE;
	} else {
		reason = neigh_policy_state(source->policy, observation.nud_state,
					    observation.ntf_flags, observation.lladdr_bytes,
					    observation.mac);
	}
	if (reason == NEIGH_PUBLISH_UNRESOLVED) {
		memset(observation.mac, 0, sizeof(observation.mac));
		reason = NEIGH_PUBLISH;
	}
	make_record(&record, &observation, reason == NEIGH_PUBLISH,
		    message->nlmsg_type == RTM_DELNEIGH);
	if (apply(context, &record))
		c->submitted++;
	else if (reason == NEIGH_PUBLISH || message->nlmsg_type == RTM_DELNEIGH)
		c->suppressed++;
	else
		c->filtered[reason]++;
}

static void handle_datagram(struct netlink_source *source, unsigned int i, source_apply apply,
			    void *context)
{
	const struct mmsghdr *header = &source->headers[i];
	const struct nlmsghdr *message = (const struct nlmsghdr *)source->buffers[i];
	int left = (int)header->msg_len;

	/* any process with CAP_NET_ADMIN may send here; only the kernel knows */
	if (source->senders[i].nl_pid)
		return;
	if (header->msg_hdr.msg_flags & MSG_TRUNC) {
		source->lost++;
		return;
	}
	for (; netlink_message_fits(message, left); message = mnl_nlmsg_next(message, &left))
		handle_message(source, message, apply, context);
}

/* Returns the number of datagrams read, 0 if there is none. */
static unsigned int read_datagrams(struct netlink_source *source, size_t limit)
{
	static struct log_limit log_limit = { .burst = 3, .interval_ms = 10000 };
	unsigned int most = limit < MESSAGES_A_READ ? (unsigned int)limit : MESSAGES_A_READ;
	int count;

	do {
		count = recvmmsg(source->socket.fd, source->headers, most, MSG_DONTWAIT, NULL);
		if (count < 0 && errno == ENOBUFS) {
			source->lost++;
			source->overrun = true;
		}
	} while (count < 0 && (errno == ENOBUFS || errno == EINTR));

	if (count > 0)
		return (unsigned int)count;
	if (errno != EAGAIN)
		log_limited(&log_limit, LOG_LEVEL_ERROR, "cannot read notifications of neighbours: "
			    "%s; the audit will find what changes", strerror(errno));
	if (source->overrun) {
		source->overrun = false;
		source->lost++;
	}
	return 0;
}

static size_t netlink_consume(struct source *base, size_t limit, source_apply apply,
			      void *context)
{
	struct netlink_source *source = netlink_source(base);
	size_t done = 0;

	while (done < limit) {
		unsigned int count = read_datagrams(source, limit - done);

		if (!count)
			break;
		for (unsigned int i = 0; i < count; i++)
			handle_datagram(source, i, apply, context);
		done += count;
	}
	return done;
}

/* One message, and one system call for it, that waits BLOCKED_MS at most: Redis' replies
 * and the timers wait as long. */
static void netlink_wait(struct source *base, source_apply apply, void *context)
{
	struct netlink_source *source = netlink_source(base);
	struct pollfd from = { .fd = source->socket.fd, .events = POLLIN };

	if (poll(&from, 1, BLOCKED_MS) > 0 && read_datagrams(source, 1))
		handle_datagram(source, 0, apply, context);
}

static bool netlink_may_sleep(struct source *base)
{
	(void)base;	/* whatever comes from now on makes the socket readable anew */
	return true;
}

static size_t netlink_capacity(const struct source *base)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	getsockopt(netlink_source(base)->socket.fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
	return (size_t)bytes / MESSAGE_CHARGE_BYTES;
}

static void netlink_losses(const struct source *base, struct source_losses *losses)
{
	*losses = (struct source_losses){ .lost = netlink_source(base)->lost };
}

static void netlink_totals(const struct source *base, struct source_totals *totals)
{
	const struct netlink_source *source = netlink_source(base);

	*totals = (struct source_totals){
		.counters = source->counters,
		.hooks = { { .name = "rtnetlink", .counters = source->counters } },
		.hook_count = 1,
		/* nothing lies between the two */
		.consumed = source->counters.submitted,
	};
}

/* What was lost may have been deletions. */
static uint64_t netlink_deletions(const struct source *base)
{
	return netlink_source(base)->deletions + netlink_source(base)->lost;
}

static void netlink_set_policy(struct source *base, uint32_t policy)
{
	netlink_source(base)->policy = policy;
}

static const char *netlink_name(const struct source *base)
{
	(void)base;
	return "netlink";
}

static const struct source_ops netlink_ops = {
	.name = netlink_name,
	.free = netlink_free,
	.fd = netlink_fd,
	.consume = netlink_consume,
	.may_sleep = netlink_may_sleep,
	.wait = netlink_wait,
	.capacity = netlink_capacity,
	.losses = netlink_losses,
	.totals = netlink_totals,
	.deletions = netlink_deletions,
	.set_policy = netlink_set_policy,
};

int source_netlink_new(struct source **result, const struct source_config *config)
{
	struct netlink_source *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return -ENOMEM;
	source->base.ops = &netlink_ops;
	source->base.without = config->without;
	source->interfaces = config->interfaces;
	source->policy = config->policy;
	for (unsigned int i = 0; i < MESSAGES_A_READ; i++) {
		source->vectors[i] = (struct iovec){ source->buffers[i], MESSAGE_BYTES };
		source->headers[i].msg_hdr = (struct msghdr){
			.msg_iov = &source->vectors[i],
			.msg_iovlen = 1,
			.msg_name = &source->senders[i],
			.msg_namelen = sizeof(source->senders[i]),
		};
	}
	error = set_up_socket(source, config);
	if (error) {
		log_error("cannot listen to notifications of neighbours: %s%s", strerror(-error),
			  error == -EPERM ? " (--netns needs CAP_SYS_ADMIN)" : "");
		netlink_free(&source->base);
		return error;
	}
	*result = &source->base;
	return 0;
}

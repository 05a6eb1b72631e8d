/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's neighbours under the policy: a dump of the links, then one of
 * the neighbours. */
#include "listing.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link_message.h"
#include "listing_grow.h"
#include "listing_switch.h"
#include "log.h"
#include "neigh_message.h"
#include "neightrack/policy.h"
#include "netlink.h"
#include "netns.h"
#include "picture.h"

#define ANSWER_MS 5000
#define DUMP_TRIES 5

struct dump {
	struct netlink_socket socket;
	const struct options *options;
	const struct switch_config *switch_config;
	bool all;			/* those too that are not published */
	struct listing *listing;
	struct listing links;		/* interface and ifindex alone */
	bool done;
	bool interrupted;
	int error;
};

static const char *name_of(const struct dump *dump, uint32_t ifindex)
{
	for (size_t i = 0; i < dump->links.count; i++)
		if (dump->links.rows[i].ifindex == ifindex)
			return dump->links.rows[i].interface;
	return NULL;
}

static void add_link(struct dump *dump, const struct nlmsghdr *message)
{
	struct link_observation observation;
	struct listing_row *row;

	if (link_message_parse(message, &observation) || !observation.name[0])
		return;
	row = listing_add(&dump->links);
	if (!row) {
		dump->error = -ENOMEM;
		return;
	}
	row->ifindex = observation.ifindex;
	snprintf(row->interface, sizeof(row->interface), "%s", observation.name);
}

static void add_neighbour(struct dump *dump, const struct nlmsghdr *message)
{
	const struct options *options = dump->options;
	uint32_t policy = picture_policy(options, dump->switch_config);
	struct neigh_observation observation;
	struct listing_row *row;
	enum neigh_reason reason;
	const char *name;
	uint32_t flags;

	if (neigh_message_parse(message, &observation))
		return;
	name = name_of(dump, observation.key.ifindex);
	if (!name)
		return;
	flags = picture_interface_flags(options, dump->switch_config, name);
	reason = neigh_policy_key(policy, flags, &observation.key);
	if (reason == NEIGH_PUBLISH)
		reason = neigh_policy_state(policy, observation.nud_state, observation.ntf_flags,
					    observation.lladdr_bytes, observation.mac);
	if (!dump->all && reason != NEIGH_PUBLISH && reason != NEIGH_PUBLISH_UNRESOLVED)
		return;
	row = listing_add(dump->listing);
	if (!row) {
		dump->error = -ENOMEM;
		return;
	}
	snprintf(row->interface, sizeof(row->interface), "%s", name);
	row->ifindex = observation.key.ifindex;
	row->family = observation.key.family;
	memcpy(row->addr, observation.key.addr, sizeof(row->addr));
	row->reason = reason;
	row->value = observation.lladdr_bytes == sizeof(row->mac) ? LISTING_MAC : LISTING_ABSENT;
	if (reason == NEIGH_PUBLISH_UNRESOLVED)
		row->value = LISTING_MAC;
	else
		memcpy(row->mac, observation.mac, sizeof(row->mac));
	row->nud_state = observation.nud_state;
	row->has_times = observation.has_times;
	row->updated_s = observation.updated_s;
	row->confirmed_s = observation.confirmed_s;
}

static void handle(void *context, enum netlink_event event, const struct nlmsghdr *message,
		   bool interrupted, int error)
{
	struct dump *dump = context;

	dump->interrupted |= interrupted;
	if (event == NETLINK_MESSAGE && message->nlmsg_type == RTM_NEWLINK)
		add_link(dump, message);
	else if (event == NETLINK_MESSAGE && message->nlmsg_type == RTM_NEWNEIGH)
		add_neighbour(dump, message);
	else if (event != NETLINK_MESSAGE)
		dump->done = true;
	if (error)
		dump->error = error;
}

/* The request's header is all zero: every family, every interface. */
static int run_dump(struct dump *dump, uint16_t type, size_t header_bytes)
{
	_Alignas(struct nlmsghdr) static char buffer[NETLINK_READ_BYTES];
	_Alignas(struct nlmsghdr) char memory[128];
	struct nlmsghdr *request = mnl_nlmsg_put_header(memory);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, header_bytes);
	dump->done = false;
	dump->interrupted = false;
	dump->error = netlink_send(&dump->socket, request);
	while (!dump->done && !dump->error) {
		struct pollfd waiting = { .fd = dump->socket.fd, .events = POLLIN };
		int result;

		if (poll(&waiting, 1, ANSWER_MS) <= 0)
			return -ETIMEDOUT;
		result = netlink_receive(&dump->socket, buffer, handle, dump);
		if (result < 0)
			return result;
	}
	return dump->error;
}

static int dump_all(struct dump *dump)
{
	int error = 0;

	for (int i = 0; i < DUMP_TRIES; i++) {
		dump->listing->count = 0;
		dump->links.count = 0;
		error = run_dump(dump, RTM_GETLINK, sizeof(struct ifinfomsg));
		if (!error && !dump->interrupted)
			error = run_dump(dump, RTM_GETNEIGH, sizeof(struct ndmsg));
		if (error || !dump->interrupted)
			break;
	}
	return error;
}

static int list(struct dump *dump)
{
	const struct options *options = dump->options;
	struct listing *listing = dump->listing;
	int netns_fd = netns_open(options->netns);
	int error = netns_fd < 0 ? netns_fd : 0;

	if (!error)
		error = netlink_open(&dump->socket, netns_fd, 0);
	if (!error)
		error = dump_all(dump);
	if (error)
		log_error("cannot read the neighbours of network namespace %s: %s",
			  options->netns[0] ? options->netns : "of this process",
			  strerror(-error));
	else
		listing_sort(listing);
	netlink_close(&dump->socket);
	listing_free(&dump->links);
	if (netns_fd >= 0)
		close(netns_fd);
	return error;
}

int listing_all_from_kernel(struct listing *listing, const struct options *options,
			    const struct switch_config *switch_config)
{
	struct dump dump = { .socket = { .fd = -1 }, .options = options, .listing = listing,
			     .switch_config = switch_config, .all = true };

	return list(&dump);
}

int listing_from_kernel(struct listing *listing, const struct options *options)
{
	struct switch_config switch_config;
	struct dump dump = { .socket = { .fd = -1 }, .options = options, .listing = listing,
			     .switch_config = &switch_config };
	int error = listing_switch_config(&switch_config, options);

	if (!error)
		error = list(&dump);
	switch_config_free(&switch_config);
	return error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link_message.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "netlink.h"

static int find_name(const struct nlattr *attribute, void *context)
{
	const char **name = context;

	if (mnl_attr_get_type(attribute) != IFLA_IFNAME)
		return MNL_CB_OK;
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(attribute) > IFNAMSIZ)
		return MNL_CB_ERROR;
	*name = mnl_attr_get_str(attribute);
	return MNL_CB_STOP;
}

int link_message_parse(const struct nlmsghdr *message, struct link_observation *observation)
{
	const struct ifinfomsg *header;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
	    !netlink_message_is_padded(message))
		return -EBADMSG;
	header = mnl_nlmsg_get_payload(message);
	if (header->ifi_family != AF_UNSPEC || header->ifi_index <= 0)
		return -EAGAIN;
	observation->ifindex = (uint32_t)header->ifi_index;
	observation->name = "";
	if (mnl_attr_parse(message, sizeof(*header), find_name, &observation->name) < 0)
		return -EBADMSG;
	return 0;
}

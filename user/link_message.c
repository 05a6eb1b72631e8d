/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link_message.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "netlink.h"

static int collect(const struct nlattr *attribute, void *context)
{
	struct link_observation *observation = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
		    mnl_attr_get_payload_len(attribute) > IFNAMSIZ)
			return MNL_CB_ERROR;
		observation->name = mnl_attr_get_str(attribute);
		break;
	case IFLA_MASTER:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		observation->master_ifindex = mnl_attr_get_u32(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
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
	observation->master_ifindex = 0;
	observation->name = "";
	if (mnl_attr_parse(message, sizeof(*header), collect, observation) < 0)
		return -EBADMSG;
	return 0;
}

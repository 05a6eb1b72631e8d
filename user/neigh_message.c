/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attribute types are checked before their values are used (rtnetlink(7), and
 * neigh_fill_info() in net/core/neighbour.c for what is sent). */
#include "neigh_message.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "neightrack/policy.h"
#include "netlink.h"

struct attributes {
	const struct nlattr *destination;
	const struct nlattr *lladdr;
	const struct nlattr *cache_info;
	const struct nlattr *flags_ext;
};

static int collect(const struct nlattr *attribute, void *context)
{
	struct attributes *attributes = context;

	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		attributes->destination = attribute;
		break;
	case NDA_LLADDR:
		attributes->lladdr = attribute;
		break;
	case NDA_CACHEINFO:
		if (mnl_attr_get_payload_len(attribute) < sizeof(struct nda_cacheinfo))
			return MNL_CB_ERROR;
		attributes->cache_info = attribute;
		break;
	case NDA_FLAGS_EXT:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		attributes->flags_ext = attribute;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static void read_times(const struct nlattr *attribute, struct neigh_observation *observation)
{
	struct nda_cacheinfo times;

	memcpy(&times, mnl_attr_get_payload(attribute), sizeof(times));
	observation->has_times = true;
	/* in USER_HZ, which is 100 on every architecture that Linux supports now */
	observation->confirmed_s = times.ndm_confirmed / 100;
	observation->updated_s = times.ndm_updated / 100;
}

int neigh_message_parse(const struct nlmsghdr *message, struct neigh_observation *observation)
{
	struct attributes attributes = { 0 };
	const struct ndmsg *header;
	size_t address_bytes;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
	    !netlink_message_is_padded(message))
		return -EBADMSG;
	header = mnl_nlmsg_get_payload(message);
	if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)
		return -EAGAIN;
	if (header->ndm_flags & NTF_PROXY)
		return -EAGAIN;
	if (mnl_attr_parse(message, sizeof(*header), collect, &attributes) < 0)
		return -EBADMSG;
	if (!attributes.destination || header->ndm_ifindex <= 0)
		return -EAGAIN;
	address_bytes = header->ndm_family == AF_INET ? 4 : 16;
	if (mnl_attr_get_payload_len(attributes.destination) != address_bytes)
		return -EBADMSG;

	memset(observation, 0, sizeof(*observation));
	observation->key.ifindex = (uint32_t)header->ndm_ifindex;
	observation->key.family = header->ndm_family;
	memcpy(observation->key.addr, mnl_attr_get_payload(attributes.destination), address_bytes);
	observation->nud_state = header->ndm_state;
	observation->ntf_flags = header->ndm_flags;
	if (attributes.flags_ext)
		observation->ntf_flags |= mnl_attr_get_u32(attributes.flags_ext) << 8;
	if (attributes.lladdr) {
		observation->lladdr_bytes = mnl_attr_get_payload_len(attributes.lladdr);
		if (observation->lladdr_bytes == NEIGH_MAC_BYTES)
			memcpy(observation->mac, mnl_attr_get_payload(attributes.lladdr),
			       NEIGH_MAC_BYTES);
	}
	if (attributes.cache_info)
		read_times(attributes.cache_info, observation);
	return 0;
}

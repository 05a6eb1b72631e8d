/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams as the kernel, or somebody who plays the kernel, could send them. */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "neigh_message.h"
#include "netlink.h"
#include "neightrack/policy.h"

static void check(const struct neigh_observation *observation)
{
	static const uint8_t nothing[16];
	const struct neigh_key *key = &observation->key;
	enum neigh_reason reason;

	EXPECT(key->ifindex > 0);
	EXPECT(key->family == NEIGHTRACK_FAMILY_IPV4 || key->family == NEIGHTRACK_FAMILY_IPV6);
	/* keys are hashed and compared as a whole */
	EXPECT(!memcmp(key->reserved, nothing, sizeof(key->reserved)));
	if (key->family == NEIGHTRACK_FAMILY_IPV4)
		EXPECT(!memcmp(key->addr + 4, nothing, 12));
	reason = neigh_policy_key(~0u, NEIGH_INTERFACE_UNKNOWN, key);
	EXPECT(reason < NEIGH_REASONS);
	reason = neigh_policy_state(~0u, observation->nud_state, observation->ntf_flags,
				    observation->lladdr_bytes, observation->mac);
	EXPECT(reason <= NEIGH_PUBLISH_UNRESOLVED);
	if (reason == NEIGH_PUBLISH)
		EXPECT(observation->lladdr_bytes == NEIGH_MAC_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *message = fuzz_copy(data, size);
	const struct nlmsghdr *at = message;
	int left = (int)size;

	for (; netlink_message_fits(at, left); at = mnl_nlmsg_next(at, &left)) {
		struct neigh_observation observation;

		if (!neigh_message_parse(at, &observation))
			check(&observation);
	}
	free(message);
	return 0;
}

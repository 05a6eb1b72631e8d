/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams about interfaces. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "link_message.h"
#include "netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *message = fuzz_copy(data, size);
	const struct nlmsghdr *at = message;
	int left = (int)size;

	for (; netlink_message_fits(at, left); at = mnl_nlmsg_next(at, &left)) {
		struct link_observation observation;

		if (link_message_parse(at, &observation))
			continue;
		EXPECT(observation.ifindex > 0);
		EXPECT(strnlen(observation.name, IFNAMSIZ) < IFNAMSIZ);
	}
	free(message);
	return 0;
}

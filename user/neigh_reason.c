/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "neigh_reason.h"

#include <stdio.h>

#include "pattern.h"

static const struct {
	const char *name, *words;
} reasons[NEIGH_REASONS + 1] = {
	[NEIGH_PUBLISH] = { "", "is published" },
	[NEIGH_IGNORE_FAMILY] = { "family", "is of a family that is not mirrored" },
	[NEIGH_IGNORE_INTERFACE] = { "interface", "is of an interface that is not watched" },
	[NEIGH_IGNORE_MULTICAST] = { "multicast",
				     "has a multicast, broadcast, unspecified or loopback "
				     "address" },
	[NEIGH_IGNORE_LINK_LOCAL_IPV4] = { "link_local_ipv4", "is of 169.254.0.0/16" },
	[NEIGH_IGNORE_LINK_LOCAL_IPV6] = { "link_local_ipv6",
					   "is of fe80::/10, which does not count on its "
					   "interface" },
	[NEIGH_ABSENT_STATE] = { "state", "has no valid state: nobody is known to answer" },
	[NEIGH_ABSENT_NOARP] = { "noarp", "is NOARP, and was not learned externally" },
	[NEIGH_ABSENT_LLADDR] = { "lladdr", "has no link-layer address of 6 bytes, or the "
				  "broadcast one" },
	[NEIGH_PUBLISH_UNRESOLVED] = { "", "is not resolved, and published with a MAC of zeros, "
				       "as the switch is dual-ToR" },
};

const char *neigh_reason_name(enum neigh_reason reason)
{
	return reasons[reason].name;
}

const char *neigh_reason_words(enum neigh_reason reason)
{
	return reasons[reason].words;
}

void neigh_reason_option(enum neigh_reason reason, const struct options *options,
			 bool is_dual_tor, const char *interface, uint8_t family, char *text)
{
	text[0] = '\0';
	switch (reason) {
	case NEIGH_IGNORE_FAMILY:
		snprintf(text, NEIGH_REASON_BYTES, "%s = no",
			 family == NEIGHTRACK_FAMILY_IPV6 ? "ipv6" : "ipv4");
		break;
	case NEIGH_IGNORE_INTERFACE:
		if (options->interfaces[0] && !pattern_list_matches(options->interfaces, interface))
			snprintf(text, NEIGH_REASON_BYTES, "interfaces = %.200s",
				 options->interfaces);
		else
			snprintf(text, NEIGH_REASON_BYTES, "ignore = %.200s", options->ignore);
		break;
	case NEIGH_IGNORE_LINK_LOCAL_IPV4:
		snprintf(text, NEIGH_REASON_BYTES, "%s", is_dual_tor ?
			 "policy = sonic, on a dual-ToR switch" : "link_local_ipv4 = no");
		break;
	case NEIGH_IGNORE_LINK_LOCAL_IPV6:
		snprintf(text, NEIGH_REASON_BYTES, "link_local_ipv6 = %.200s",
			 options->link_local_ipv6);
		break;
	case NEIGH_ABSENT_NOARP:
		snprintf(text, NEIGH_REASON_BYTES, "noarp = no");
		break;
	default:
		break;
	}
}

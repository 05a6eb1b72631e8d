/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy, as a table of cases. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include <linux/types.h>
#include "neightrack/policy.h"

#define SONIC (ALL | NEIGH_POLICY_SONIC)
#define DUAL_TOR ((SONIC | NEIGH_POLICY_DUAL_TOR) & ~NEIGH_POLICY_LINK_LOCAL_IPV4)
#define ALL (NEIGH_POLICY_IPV4 | NEIGH_POLICY_IPV6 | NEIGH_POLICY_LINK_LOCAL_IPV4)

static void each_address_gets_its_reason(void **state)
{
	static const struct {
		const char *address;
		__u32 policy;
		__u32 interface;
		enum neigh_reason reason;
	} cases[] = {
		{ "192.0.2.1", ALL, 0, NEIGH_PUBLISH },
		{ "192.0.2.1", NEIGH_POLICY_IPV6, 0, NEIGH_IGNORE_FAMILY },
		{ "192.0.2.1", ALL, NEIGH_INTERFACE_IGNORED, NEIGH_IGNORE_INTERFACE },
		{ "192.0.2.1", ALL, NEIGH_INTERFACE_LINK_LOCAL, NEIGH_PUBLISH },
		{ "0.0.0.1", ALL, 0, NEIGH_IGNORE_MULTICAST },
		{ "1.0.0.0", ALL, 0, NEIGH_PUBLISH },
		{ "126.255.255.255", ALL, 0, NEIGH_PUBLISH },
		{ "127.0.0.1", ALL, 0, NEIGH_IGNORE_MULTICAST },
		{ "128.0.0.0", ALL, 0, NEIGH_PUBLISH },
		{ "169.253.255.255", 0 | NEIGH_POLICY_IPV4, 0, NEIGH_PUBLISH },
		{ "169.254.0.0", ALL, 0, NEIGH_PUBLISH },
		{ "169.254.0.0", NEIGH_POLICY_IPV4, 0, NEIGH_IGNORE_LINK_LOCAL_IPV4 },
		{ "169.254.255.255", NEIGH_POLICY_IPV4, 0, NEIGH_IGNORE_LINK_LOCAL_IPV4 },
		{ "169.255.0.0", NEIGH_POLICY_IPV4, 0, NEIGH_PUBLISH },
		{ "223.255.255.255", ALL, 0, NEIGH_PUBLISH },
		{ "224.0.0.1", ALL, 0, NEIGH_IGNORE_MULTICAST },
		{ "255.255.255.255", ALL, 0, NEIGH_IGNORE_MULTICAST },
		{ "2001:db8::1", ALL, 0, NEIGH_PUBLISH },
		{ "2001:db8::1", NEIGH_POLICY_IPV4, 0, NEIGH_IGNORE_FAMILY },
		{ "fe7f::1", ALL, 0, NEIGH_PUBLISH },
		{ "fe80::1", ALL, 0, NEIGH_IGNORE_LINK_LOCAL_IPV6 },
		{ "febf:ffff::1", ALL, 0, NEIGH_IGNORE_LINK_LOCAL_IPV6 },
		{ "fec0::1", ALL, 0, NEIGH_PUBLISH },
		{ "fe80::1", ALL, NEIGH_INTERFACE_LINK_LOCAL, NEIGH_PUBLISH },
		{ "fe80::1", ALL, NEIGH_INTERFACE_UNKNOWN, NEIGH_PUBLISH },
		{ "fe80::1", ALL, NEIGH_INTERFACE_LINK_LOCAL | NEIGH_INTERFACE_IGNORED,
		  NEIGH_IGNORE_INTERFACE },
		{ "fd00::1", ALL, 0, NEIGH_PUBLISH },
		{ "ff02::1", ALL, NEIGH_INTERFACE_LINK_LOCAL, NEIGH_IGNORE_MULTICAST },
		{ "192.0.2.1", SONIC, 0, NEIGH_PUBLISH },
		{ "192.0.2.1", SONIC, NEIGH_INTERFACE_IGNORED, NEIGH_IGNORE_INTERFACE },
		{ "169.254.0.1", SONIC, 0, NEIGH_PUBLISH },
		{ "169.254.0.1", DUAL_TOR, 0, NEIGH_IGNORE_LINK_LOCAL_IPV4 },
		{ "224.0.0.1", SONIC, 0, NEIGH_PUBLISH },
		{ "fe80::1", SONIC, 0, NEIGH_IGNORE_LINK_LOCAL_IPV6 },
		{ "fe80::1", SONIC, NEIGH_INTERFACE_LINK_LOCAL, NEIGH_PUBLISH },
		{ "ff02::1", SONIC, NEIGH_INTERFACE_LINK_LOCAL, NEIGH_IGNORE_MULTICAST },
		{ "ff12::1", SONIC, 0, NEIGH_IGNORE_MULTICAST },
		{ "ff05::1", SONIC, 0, NEIGH_PUBLISH },
		{ "ff05::1", ALL, 0, NEIGH_IGNORE_MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct neigh_key key = { .ifindex = 2 };
		enum neigh_reason reason;

		key.family = strchr(cases[i].address, ':') ? NEIGHTRACK_FAMILY_IPV6 :
							     NEIGHTRACK_FAMILY_IPV4;
		inet_pton(key.family, cases[i].address, key.addr);
		reason = neigh_policy_key(cases[i].policy, cases[i].interface, &key);
		if (reason != cases[i].reason)
			fail_msg("case %zu, %s: %d instead of %d", i, cases[i].address,
				 (int)reason, (int)cases[i].reason);
	}
}

static void another_family_is_ignored(void **state)
{
	const struct neigh_key bridge = { .ifindex = 2, .family = 7 };

	(void)state;
	assert_int_equal(neigh_policy_key(ALL, 0, &bridge), NEIGH_IGNORE_FAMILY);
}

static void each_state_gets_its_reason(void **state)
{
	static const __u8 mac[6] = { 2, 0, 0, 0, 0, 1 };
	static const __u8 zero[6];
	static const __u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const __u8 nearly[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
	static const struct {
		__u16 nud_state;
		__u32 ntf_flags;
		__u32 lladdr_bytes;
		const __u8 *mac;
		__u32 policy;
		enum neigh_reason reason;
	} cases[] = {
		{ NEIGH_NUD_REACHABLE, 0, 6, mac, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_STALE, 0, 6, mac, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_DELAY, 0, 6, mac, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_PROBE, 0, 6, mac, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_PERMANENT, 0, 6, mac, ALL, NEIGH_PUBLISH },
		{ 0, 0, 6, mac, ALL, NEIGH_ABSENT_STATE },
		{ NEIGH_NUD_INCOMPLETE, 0, 6, mac, ALL, NEIGH_ABSENT_STATE },
		{ NEIGH_NUD_FAILED, 0, 6, mac, ALL, NEIGH_ABSENT_STATE },
		{ NEIGH_NUD_NOARP, 0, 6, mac, ALL, NEIGH_ABSENT_NOARP },
		{ NEIGH_NUD_NOARP, 0, 6, mac, ALL | NEIGH_POLICY_NOARP, NEIGH_PUBLISH },
		{ NEIGH_NUD_NOARP, NEIGH_NTF_EXT_LEARNED, 6, mac, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_REACHABLE, 0, 0, mac, ALL, NEIGH_ABSENT_LLADDR },
		{ NEIGH_NUD_REACHABLE, 0, 4, mac, ALL, NEIGH_ABSENT_LLADDR },
		{ NEIGH_NUD_REACHABLE, 0, 20, mac, ALL, NEIGH_ABSENT_LLADDR },
		{ NEIGH_NUD_PERMANENT, 0, 6, broadcast, ALL, NEIGH_ABSENT_LLADDR },
		{ NEIGH_NUD_PERMANENT, 0, 6, nearly, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_PERMANENT, 0, 6, zero, ALL, NEIGH_PUBLISH },
		{ NEIGH_NUD_PROBE, 0, 6, mac, SONIC, NEIGH_PUBLISH },
		{ NEIGH_NUD_NOARP, 0, 6, mac, SONIC, NEIGH_ABSENT_NOARP },
		{ NEIGH_NUD_NOARP, NEIGH_NTF_EXT_LEARNED, 6, mac, SONIC, NEIGH_PUBLISH },
		{ NEIGH_NUD_FAILED, 0, 6, mac, SONIC, NEIGH_ABSENT_STATE },
		{ NEIGH_NUD_FAILED, 0, 6, mac, DUAL_TOR, NEIGH_PUBLISH_UNRESOLVED },
		{ NEIGH_NUD_FAILED, 0, 0, mac, DUAL_TOR, NEIGH_PUBLISH_UNRESOLVED },
		{ NEIGH_NUD_INCOMPLETE, 0, 0, mac, DUAL_TOR, NEIGH_PUBLISH_UNRESOLVED },
		{ 0, 0, 6, mac, DUAL_TOR, NEIGH_ABSENT_STATE },
		{ NEIGH_NUD_STALE, 0, 6, mac, DUAL_TOR, NEIGH_PUBLISH },
		{ NEIGH_NUD_STALE, 0, 20, mac, DUAL_TOR, NEIGH_ABSENT_LLADDR },
		{ NEIGH_NUD_STALE, 0, 6, broadcast, DUAL_TOR, NEIGH_ABSENT_LLADDR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum neigh_reason reason = neigh_policy_state(cases[i].policy, cases[i].nud_state,
							      cases[i].ntf_flags,
							      cases[i].lladdr_bytes, cases[i].mac);

		if (reason != cases[i].reason)
			fail_msg("case %zu: %d instead of %d", i, (int)reason,
				 (int)cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_gets_its_reason),
		cmocka_unit_test(another_family_is_ignored),
		cmocka_unit_test(each_state_gets_its_reason),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

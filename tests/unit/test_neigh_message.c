/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages of neighbours and links, good and malformed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "link_message.h"
#include "neigh_message.h"

static const uint8_t ipv4[4] = { 192, 0, 2, 9 };
static const uint8_t ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
static const uint8_t mac[20] = { 2, 0, 0, 0, 0, 9 };

static _Alignas(struct nlmsghdr) char memory[1024];
static struct neigh_observation seen;

static struct nlmsghdr *begin(uint8_t family, int ifindex, uint8_t flags)
{
	struct nlmsghdr *message;
	struct ndmsg *header;

	memset(memory, 0, sizeof(memory));
	message = mnl_nlmsg_put_header(memory);
	message->nlmsg_type = RTM_NEWNEIGH;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ndm_family = family;
	header->ndm_ifindex = ifindex;
	header->ndm_state = NUD_REACHABLE;
	header->ndm_flags = flags;
	return message;
}

static void a_neighbour_is_read_whole(void **state)
{
	struct nlmsghdr *message = begin(AF_INET6, 7, NTF_ROUTER);
	struct nda_cacheinfo times = { .ndm_updated = 1234, .ndm_confirmed = 250 };

	(void)state;
	mnl_attr_put(message, NDA_DST, 16, ipv6);
	mnl_attr_put(message, NDA_LLADDR, 6, mac);
	mnl_attr_put(message, NDA_CACHEINFO, sizeof(times), &times);
	mnl_attr_put_u32(message, NDA_FLAGS_EXT, 1);
	assert_int_equal(neigh_message_parse(message, &seen), 0);
	assert_int_equal(seen.key.ifindex, 7);
	assert_int_equal(seen.key.family, AF_INET6);
	assert_memory_equal(seen.key.addr, ipv6, 16);
	assert_int_equal(seen.lladdr_bytes, 6);
	assert_memory_equal(seen.mac, mac, 6);
	assert_int_equal(seen.nud_state, NUD_REACHABLE);
	assert_int_equal(seen.ntf_flags, NTF_ROUTER | 0x100);
	assert_int_equal(seen.updated_s, 12);
	assert_int_equal(seen.confirmed_s, 2);
}

static void an_ipv4_address_is_padded_with_zeros(void **state)
{
	static const uint8_t padded[16] = { 192, 0, 2, 9 };
	struct nlmsghdr *message = begin(AF_INET, 7, 0);

	(void)state;
	memset(&seen, 0xff, sizeof(seen));
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), 0);
	assert_memory_equal(seen.key.addr, padded, 16);
	assert_int_equal(seen.lladdr_bytes, 0);
	assert_false(seen.has_times);
}

static void a_link_layer_address_of_another_length_is_told_and_not_read(void **state)
{
	struct nlmsghdr *message = begin(AF_INET, 7, 0);

	(void)state;
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	mnl_attr_put(message, NDA_LLADDR, 20, mac);
	assert_int_equal(neigh_message_parse(message, &seen), 0);
	assert_int_equal(seen.lladdr_bytes, 20);
	assert_int_equal(seen.mac[0], 0);
}

static void what_is_no_neighbour_of_ours_is_passed_over(void **state)
{
	struct nlmsghdr *message = begin(AF_BRIDGE, 7, 0);

	(void)state;
	assert_int_equal(neigh_message_parse(message, &seen), -EAGAIN);
	message = begin(AF_INET, 7, NTF_PROXY);
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), -EAGAIN);
	message = begin(AF_INET, 0, 0);
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), -EAGAIN);
	assert_int_equal(neigh_message_parse(begin(AF_INET, 7, 0), &seen), -EAGAIN);
}

static void an_address_of_the_wrong_length_is_malformed(void **state)
{
	struct nlmsghdr *message = begin(AF_INET, 7, 0);

	(void)state;
	mnl_attr_put(message, NDA_DST, 16, ipv6);
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
	message = begin(AF_INET6, 7, 0);
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
}

static void short_attributes_are_malformed(void **state)
{
	struct nlmsghdr *message = begin(AF_INET, 7, 0);

	(void)state;
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	mnl_attr_put(message, NDA_CACHEINFO, 4, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
	message = begin(AF_INET, 7, 0);
	mnl_attr_put(message, NDA_DST, 4, ipv4);
	mnl_attr_put(message, NDA_FLAGS_EXT, 2, ipv4);
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
}

static void a_message_that_ends_within_an_attribute_is_malformed(void **state)
{
	struct nlmsghdr *message = begin(AF_INET6, 7, 0);
	struct link_observation link;

	(void)state;
	mnl_attr_put(message, NDA_DST, 16, ipv6);
	message->nlmsg_len -= 2;
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
	assert_int_equal(link_message_parse(message, &link), -EBADMSG);
}

static void a_message_without_a_header_is_malformed(void **state)
{
	struct nlmsghdr *message;
	struct link_observation link;

	(void)state;
	memset(memory, 0, sizeof(memory));
	message = mnl_nlmsg_put_header(memory);
	assert_int_equal(neigh_message_parse(message, &seen), -EBADMSG);
	assert_int_equal(link_message_parse(message, &link), -EBADMSG);
}

static struct nlmsghdr *begin_link(uint8_t family, int ifindex)
{
	struct nlmsghdr *message;
	struct ifinfomsg *header;

	memset(memory, 0, sizeof(memory));
	message = mnl_nlmsg_put_header(memory);
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ifi_family = family;
	header->ifi_index = ifindex;
	return message;
}

static void a_link_has_its_name(void **state)
{
	struct nlmsghdr *message = begin_link(AF_UNSPEC, 7);
	struct link_observation link;

	(void)state;
	mnl_attr_put_u32(message, IFLA_MTU, 1500);
	mnl_attr_put_strz(message, IFLA_IFNAME, "Ethernet0");
	assert_int_equal(link_message_parse(message, &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_string_equal(link.name, "Ethernet0");
}

static void a_link_has_its_master_or_none(void **state)
{
	struct nlmsghdr *message = begin_link(AF_UNSPEC, 7);
	struct link_observation link = { .master_ifindex = 5 };

	(void)state;
	mnl_attr_put_strz(message, IFLA_IFNAME, "Ethernet0");
	assert_int_equal(link_message_parse(message, &link), 0);
	assert_int_equal(link.master_ifindex, 0);
	mnl_attr_put_u32(message, IFLA_MASTER, 9);
	assert_int_equal(link_message_parse(message, &link), 0);
	assert_int_equal(link.master_ifindex, 9);
	assert_string_equal(link.name, "Ethernet0");
	message = begin_link(AF_UNSPEC, 7);
	mnl_attr_put(message, IFLA_MASTER, 2, "ab");
	assert_int_equal(link_message_parse(message, &link), -EBADMSG);
}

static void a_bridge_port_is_no_link(void **state)
{
	struct link_observation link;

	(void)state;
	assert_int_equal(link_message_parse(begin_link(AF_BRIDGE, 7), &link), -EAGAIN);
}

static void a_name_without_end_or_too_long_is_malformed(void **state)
{
	struct nlmsghdr *message = begin_link(AF_UNSPEC, 7);
	struct link_observation link;

	(void)state;
	mnl_attr_put(message, IFLA_IFNAME, 4, "eth0");
	assert_int_equal(link_message_parse(message, &link), -EBADMSG);
	message = begin_link(AF_UNSPEC, 7);
	mnl_attr_put_strz(message, IFLA_IFNAME, "a-name-that-is-too-long");
	assert_int_equal(link_message_parse(message, &link), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_neighbour_is_read_whole),
		cmocka_unit_test(an_ipv4_address_is_padded_with_zeros),
		cmocka_unit_test(a_link_layer_address_of_another_length_is_told_and_not_read),
		cmocka_unit_test(what_is_no_neighbour_of_ours_is_passed_over),
		cmocka_unit_test(an_address_of_the_wrong_length_is_malformed),
		cmocka_unit_test(short_attributes_are_malformed),
		cmocka_unit_test(a_message_that_ends_within_an_attribute_is_malformed),
		cmocka_unit_test(a_message_without_a_header_is_malformed),
		cmocka_unit_test(a_link_has_its_name),
		cmocka_unit_test(a_link_has_its_master_or_none),
		cmocka_unit_test(a_bridge_port_is_no_link),
		cmocka_unit_test(a_name_without_end_or_too_long_is_malformed),
	};

	return cmocka_run_group_tests_name("neigh_message", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CONFIG_DB of a SONiC switch says that bears on which neighbours count,
 * and the rows that say it:
 *
 *   PEER_SWITCH|*                                dual-ToR
 *   VXLAN_EVPN_NVO|*                             EVPN
 *   INTERFACE|Ethernet*, PORTCHANNEL_INTERFACE|PortChannel*, VLAN_INTERFACE|Vlan*
 *      with ipv6_use_link_local_only = enable    fe80::/10 neighbours there count
 */
#ifndef NEIGHTRACK_SWITCH_CONFIG_H
#define NEIGHTRACK_SWITCH_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#define SWITCH_LINK_LOCAL_FIELD "ipv6_use_link_local_only"
#define SWITCH_LINK_LOCAL_VALUE "enable"

/* Zero-initialise: a switch of which nothing is known has none of these. */
struct switch_config {
	bool dual_tor;
	bool evpn;
	char (*link_local)[IFNAMSIZ];	/* names of interfaces, sorted, each once */
	size_t link_local_count;
	size_t link_local_size;
};

void switch_config_free(struct switch_config *config);

/* In any order; 0 or -ENOMEM. After the last one switch_config_sort() is due. */
int switch_config_add_link_local(struct switch_config *config, const char *interface);
void switch_config_sort(struct switch_config *config);

bool switch_config_equals(const struct switch_config *left, const struct switch_config *right);

/* Whether the interface's fe80::/10 neighbours count. */
bool switch_config_has_link_local(const struct switch_config *config, const char *interface);

enum switch_row {
	SWITCH_ROW_OTHER,	/* has no bearing */
	SWITCH_ROW_PEER,
	SWITCH_ROW_EVPN,
	SWITCH_ROW_INTERFACE,	/* of `interface`: its field is to be looked at */
};

/* Which row a key of CONFIG_DB is; keys of addresses, such as
 * INTERFACE|Ethernet0|10.0.0.1/31, are others. */
enum switch_row switch_config_parse_key(const char *key, char separator,
					char interface[IFNAMSIZ]);

/* The tables that matter. */
#define SWITCH_TABLES 5u
const char *switch_config_table(unsigned int i);
/* A pattern of Redis, without the separator and what follows, that fits them all and few
 * others, so that one walk through a large database gives little. */
#define SWITCH_TABLES_PATTERN "[IPV]*[EHO]"

#endif

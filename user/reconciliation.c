/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reconciliation.h"

#include <string.h>

#include "interface.h"
#include "log.h"
#include "neigh_text.h"

static void log_change(const struct neigh_entry *entry, const char *change, const char *state,
		       const uint8_t *mac)
{
	char address[IP_TEXT_BYTES], text[MAC_TEXT_BYTES];

	address[ip_to_text(entry->family, entry->addr, address)] = '\0';
	text[mac_to_text(mac, text)] = '\0';
	log_notice("NEIGH_TABLE %s, key: %s:%s, neigh:%s,family:%s,cache-state:%s", change,
		   entry->interface->name, address, text,
		   entry->family == NEIGHTRACK_FAMILY_IPV6 ? "IPv6" : "IPv4", state);
}

static void log_if_changed(void *context, struct neigh_entry *entry)
{
	(void)context;
	if (entry->wanted) {
		if (entry->published != PUBLISHED_MAC ||
		    memcmp(entry->published_mac, entry->wanted_mac, sizeof(entry->wanted_mac)))
			log_change(entry, "NEW", "NEW", entry->wanted_mac);
	} else if (entry->published != PUBLISHED_NOTHING) {
		/* the kernel has told that it went, or never that it was there */
		log_change(entry, "STALE/DELETE", entry->record_time_ns ? "DELETE" : "STALE",
			   entry->published_mac);
	}
}

void reconciliation_log(struct neigh_table *table)
{
	neigh_table_for_each(table, log_if_changed, NULL);
}

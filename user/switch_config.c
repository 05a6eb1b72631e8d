/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switch_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *table;
	enum switch_row row;
	const char *interfaces;		/* what their names begin with */
} tables[SWITCH_TABLES] = {
	{ "PEER_SWITCH", SWITCH_ROW_PEER, NULL },
	{ "VXLAN_EVPN_NVO", SWITCH_ROW_EVPN, NULL },
	{ "INTERFACE", SWITCH_ROW_INTERFACE, "Ethernet" },
	{ "PORTCHANNEL_INTERFACE", SWITCH_ROW_INTERFACE, "PortChannel" },
	{ "VLAN_INTERFACE", SWITCH_ROW_INTERFACE, "Vlan" },
};

const char *switch_config_table(unsigned int i)
{
	return tables[i].table;
}

void switch_config_free(struct switch_config *config)
{
	free(config->link_local);
	*config = (struct switch_config){ 0 };
}

int switch_config_add_link_local(struct switch_config *config, const char *interface)
{
	if (config->link_local_count == config->link_local_size) {
		size_t size = config->link_local_size ? config->link_local_size * 2 : 64;
		char (*grown)[IFNAMSIZ] = realloc(config->link_local, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		config->link_local = grown;
		config->link_local_size = size;
	}
	strncpy(config->link_local[config->link_local_count], interface, IFNAMSIZ);
	config->link_local[config->link_local_count++][IFNAMSIZ - 1] = '\0';
	return 0;
}

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

void switch_config_sort(struct switch_config *config)
{
	char (*names)[IFNAMSIZ] = config->link_local;
	size_t kept = 0;

	if (!config->link_local_count)
		return;
	qsort(names, config->link_local_count, sizeof(*names), compare);
	for (size_t i = 1; i < config->link_local_count; i++)
		if (strcmp(names[i], names[kept]))
			memmove(names[++kept], names[i], sizeof(*names));
	config->link_local_count = kept + 1;
}

bool switch_config_equals(const struct switch_config *left, const struct switch_config *right)
{
	if (left->dual_tor != right->dual_tor || left->evpn != right->evpn ||
	    left->link_local_count != right->link_local_count)
		return false;
	for (size_t i = 0; i < left->link_local_count; i++)
		if (strcmp(left->link_local[i], right->link_local[i]))
			return false;
	return true;
}

bool switch_config_has_link_local(const struct switch_config *config, const char *interface)
{
	return config->link_local_count &&
	       bsearch(interface, config->link_local, config->link_local_count,
		       sizeof(*config->link_local), compare);
}

enum switch_row switch_config_parse_key(const char *key, char separator,
					char interface[IFNAMSIZ])
{
	const char *end = strchr(key, separator);
	const char *name = end ? end + 1 : NULL;

	if (!name || !name[0])
		return SWITCH_ROW_OTHER;
	for (size_t i = 0; i < SWITCH_TABLES; i++) {
		size_t bytes = strlen(tables[i].table);

		if ((size_t)(end - key) != bytes || memcmp(key, tables[i].table, bytes))
			continue;
		if (tables[i].row != SWITCH_ROW_INTERFACE)
			return tables[i].row;
		if (strncmp(name, tables[i].interfaces, strlen(tables[i].interfaces)) ||
		    strchr(name, separator) || strlen(name) >= IFNAMSIZ)
			return SWITCH_ROW_OTHER;
		strcpy(interface, name);
		return SWITCH_ROW_INTERFACE;
	}
	return SWITCH_ROW_OTHER;
}

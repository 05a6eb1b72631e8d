/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SONiC's database_config.json, which says where each of its databases is, and
 * database_global.json, which names one such file for each namespace (ASIC).
 */
#ifndef NEIGHTRACK_SONIC_DATABASES_H
#define NEIGHTRACK_SONIC_DATABASES_H

#include <stdint.h>

#define SONIC_ADDRESS_BYTES 300	/* the longest that redis_address_parse() takes, and more */
#define SONIC_WHY_BYTES 1024

enum sonic_database_name {
	SONIC_APPL_DB,
	SONIC_CONFIG_DB,
	SONIC_STATE_DB,
	SONIC_DATABASES,
};

struct sonic_database {
	char address[SONIC_ADDRESS_BYTES];	/* as redis_address_parse() takes it */
	uint32_t id;
	char separator;				/* between a table's name and its keys */
};

struct sonic_databases {
	struct sonic_database databases[SONIC_DATABASES];	/* by enum sonic_database_name */
};

/*
 * Reads the file at `path`: a database_config.json, or a database_global.json, of
 * which the file for `name_space` ("": the host's own) is taken. A unix socket is
 * preferred to TCP. Returns 0, or -errno with one sentence, `file: what is wrong`,
 * in why; *databases are as they were then.
 */
int sonic_databases_read(struct sonic_databases *databases, const char *path,
			 const char *name_space, char why[SONIC_WHY_BYTES]);

#endif

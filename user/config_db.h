/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the CONFIG_DB of a SONiC switch: what of it bears on which neighbours count
 * (switch_config.h), and the log level of the row LOGGER|<program>.
 *
 * All that matters is read as a whole, when a keyspace notification tells that a row
 * has changed, after each connect, and from time to time. While CONFIG_DB is away the
 * last answers hold on. Nobody has to ask for each neighbour.
 */
#ifndef NEIGHTRACK_CONFIG_DB_H
#define NEIGHTRACK_CONFIG_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "loop.h"
#include "switch_config.h"

struct config_db;

struct config_db_events {
	/* it was read for the first time; after changed(), if that is due as well */
	void (*known)(void *context);
	/* config_db_switch() says something else than before */
	void (*changed)(void *context);
	/* the row's log level is known, or is another one now */
	void (*log_level)(void *context, enum log_level level);
	/* the same of where it is to be written */
	void (*log_output)(void *context, enum log_output output);
};

/* All must outlive config_db. */
struct config_db_config {
	struct loop *loop;
	const char *address;		/* as redis_address_parse() takes it */
	char separator;			/* between a table's name and its keys */
	const char *user;		/* of Redis; "": its default user */
	const char *password_file;	/* "": no password */
	uint32_t timeout_ms;		/* to connect, and for a reply */
	const char *client_name;	/* begin of the connections' names */
	const char *program;		/* whose LOGGER row it is */
	enum log_level log_level;	/* written to that row if there is none */
	const struct config_db_events *events;
	void *context;
};

/* Says on stderr what failed. 0 or -errno. */
int config_db_new(struct config_db **result, const struct config_db_config *config);
void config_db_free(struct config_db *db);

/* What was read last; nothing is set before that. Valid as long as db is. */
const struct switch_config *config_db_switch(const struct config_db *db);

/* The level that the row asks for: 0 and *level, or -ENODATA if that is not known. */
int config_db_log_level(const struct config_db *db, enum log_level *level);

#endif

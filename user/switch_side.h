/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SONiC switch asks of a mirror: to follow its CONFIG_DB, and to take part in its
 * warm restarts. Both hold back writing for a while: until it is known which neighbours
 * count, and until the switch has restored its own. A mirror of anything else has one too,
 * which asks for nothing.
 */
#ifndef NEIGHTRACK_SWITCH_SIDE_H
#define NEIGHTRACK_SWITCH_SIDE_H

#include <stdbool.h>

#include "loop.h"
#include "options.h"
#include "switch_config.h"

struct switch_side;

struct switch_side_config {
	struct loop *loop;
	const struct options *options;	/* must outlive it */
	void (*lets_write)(void *context);	/* one thing less holds writing back */
	void (*changed)(void *context);		/* which neighbours count */
	void (*reconciles)(void *context);	/* the table, now, after a warm restart */
	void *context;
};

/* 0 or -errno. */
int switch_side_new(struct switch_side **side, const struct switch_side_config *config);
void switch_side_free(struct switch_side *side);

/* What CONFIG_DB says; NULL if the policy does not ask for it. */
const struct switch_config *switch_side_policy(const struct switch_side *side);

bool switch_side_may_write(const struct switch_side *side);

/* Redis' own table was read back. */
void switch_side_table_was_read(struct switch_side *side);
/* At each turn of the loop: whether all that was to be written is. */
void switch_side_run(struct switch_side *side, bool all_is_written);

/* The options were read again; CONFIG_DB's level of the log goes before theirs. */
void switch_side_reconfigure(const struct switch_side *side);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A warm restart as SONiC's applications know it: the rows that announce its progress,
 * and what has to be waited for before anything is written.
 *
 *   STATE_DB   WARM_RESTART_ENABLE_TABLE|system or ...|swss   enable = true
 *              WARM_RESTART_TABLE|<application>                restore_count, state
 *              NEIGH_RESTORE_TABLE|Flags                       restored = true
 *   CONFIG_DB  WARM_RESTART|swss                               neighsyncd_timer
 *
 *   cold       restore_count = 0, and on
 *   warm       restore_count + 1, state initialized
 *              own table read back:     state restored
 *              the kernel's neighbours are restored (Flags), or the limit is over
 *              the timer: what restored neighbours there are has been announced
 *              all that differs is written: state reconciled
 */
#ifndef NEIGHTRACK_WARM_RESTART_H
#define NEIGHTRACK_WARM_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "sonic_databases.h"

struct warm_restart;

/* All must outlive the warm restart. */
struct warm_restart_config {
	struct loop *loop;
	const struct sonic_databases *databases;
	const char *user;		/* of Redis; "": its default user */
	const char *password_file;	/* "": no password */
	const char *client_name;
	const char *application;	/* whose rows they are */
	uint32_t timeout_ms;		/* to connect, and for a reply */
	uint32_t restore_timeout_ms;	/* for the kernel's neighbours to be restored */
	bool is_fast;			/* do not wait for the timer */
	/* nothing more is to be waited for */
	void (*over)(void *context);
	void *context;
};

/* Says on stderr what failed. 0 or -errno. */
int warm_restart_new(struct warm_restart **result, const struct warm_restart_config *config);
void warm_restart_free(struct warm_restart *warm);

/* Redis' own table was read. May be called again. */
void warm_restart_table_was_read(struct warm_restart *warm);
/* All that differed is written. May be called again. */
void warm_restart_all_is_written(struct warm_restart *warm);

/* Whether writing may begin. */
bool warm_restart_is_over(const struct warm_restart *warm);
/* Known when it is over: there was something to restart. */
bool warm_restart_is_warm(const struct warm_restart *warm);
/* Nothing is left to do: it may be freed. */
bool warm_restart_is_done(const struct warm_restart *warm);

#endif

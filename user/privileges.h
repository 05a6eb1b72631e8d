/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which user the daemon is, and what that user may do. It starts with what it takes to
 * attach; when all is attached and open it becomes the user that was asked for, and keeps
 * the capabilities alone that something later on needs (the table in privileges.c).
 *
 * A child process becomes that user first and tries what will be needed then, so
 * that a mistake is told before anything is attached, and not at the first reconnect.
 */
#ifndef NEIGHTRACK_PRIVILEGES_H
#define NEIGHTRACK_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"

struct privileges {
	uid_t uid;			/* those of now, if they are to stay */
	gid_t gid;
	bool changes_ids;
	uint64_t kept;			/* capabilities, a bit each */
};

/* Looks up options->user and group. 0, or -errno with a line to the log. */
int privileges_find(struct privileges *privileges, const struct options *options);

/*
 * The same, and the trial. config_file: what is read again on SIGHUP, if it is there.
 * Says what would fail later. 0 or -errno: then the daemon should not start.
 */
int privileges_prepare(struct privileges *privileges, const struct options *options,
		       const char *config_file);

/* Becomes that user, for good. 0, or -errno with a line to the log. */
int privileges_drop(const struct privileges *privileges);

#endif

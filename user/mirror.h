/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror of one network namespace in one Redis: makes the parts, and joins
 * them in one direction.
 *
 *   source --records--> picture --> table --dirty--> writer --> Redis
 *                          ^          ^
 *   dump, look-ups --> repair         +--- readback <-- Redis (after a connect)
 */
#ifndef NEIGHTRACK_MIRROR_H
#define NEIGHTRACK_MIRROR_H

#include <stdbool.h>
#include <sys/types.h>

#include "loop.h"
#include "options.h"

struct mirror;
struct service_state;
struct statistics;

/* options must outlive the mirror. owner: the user that the daemon will be, whose pins it
 * takes over. Says on stderr what failed. 0 or -errno. */
int mirror_new(struct mirror **mirror, struct loop *loop, struct options *options, uid_t owner);
void mirror_free(struct mirror *mirror);

/* The daemon is about to become this user: what it has made becomes that one's, so that it
 * can remove it, and start again as either. 0, or -errno with a line to the log. */
int mirror_give(const struct mirror *mirror, uid_t uid, gid_t gid);

/* The options that can change at run time have changed. */
void mirror_reconfigure(struct mirror *mirror);

/* Compares both sides with the table now, and repairs what differs. */
void mirror_audit(struct mirror *mirror);

/* What is counted; see statistics.h. Good until the mirror does anything else. */
void mirror_statistics(const struct mirror *mirror, struct statistics *statistics);

/* NULL if Redis holds what the kernel does, and is kept so; else why it is not known to. */
const char *mirror_why_not_ready(const struct mirror *mirror);

/* How it is doing, for less than what mirror_statistics() costs. */
void mirror_look(const struct mirror *mirror, struct service_state *state);

/* One line of all that is counted, to the log. */
void mirror_log_statistics(struct mirror *mirror);

/* Whether the loop was stopped because the network namespace was deleted. */
bool mirror_netns_is_gone(const struct mirror *mirror);

/* Writes what is dirty, for at most two seconds, and then stops the loop. */
void mirror_shut_down(struct mirror *mirror);

#endif

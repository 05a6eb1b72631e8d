/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All network namespaces that this daemon mirrors, each a mirror of its own (mirror.h)
 * that shares nothing with the others but the loop and the BPF programs, which are
 * attached once. One whose namespace is deleted may be waited for, while the others
 * go on.
 */
#ifndef NEIGHTRACK_MIRRORS_H
#define NEIGHTRACK_MIRRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "configuration.h"
#include "loop.h"

struct mirror;
struct mirrors;
struct service_state;

/* configuration must outlive the mirrors. owner: the user that the daemon will be, whose
 * pins it takes over. Says on stderr what failed. 0 or -errno. */
int mirrors_new(struct mirrors **mirrors, struct loop *loop, struct configuration *configuration,
		uid_t owner);
void mirrors_free(struct mirrors *mirrors);

/* The daemon is about to become this user: what it has made becomes that one's, so that it
 * can remove it, and start again as either. 0, or -errno with a line to the log. */
int mirrors_give(const struct mirrors *mirrors, uid_t uid, gid_t gid);

/* What a service manager is told of all of them. Good until the next call. */
void mirrors_look(struct mirrors *mirrors, struct service_state *state);

/* The options that can change at run time have changed. */
void mirrors_reconfigure(struct mirrors *mirrors);

/* Compares both sides of each with its table now, and repairs what differs. */
void mirrors_audit(struct mirrors *mirrors);

/* One line each of all that is counted, to the log. */
void mirrors_log_statistics(struct mirrors *mirrors);

/* Each writes what is dirty, for at most two seconds; then the loop is stopped. */
void mirrors_shut_down(struct mirrors *mirrors);

/* Why the loop was stopped without that: -ENONET, as a network namespace was deleted
 * that is not to be waited for, or another -errno. 0: it was not. */
int mirrors_error(const struct mirrors *mirrors);

/* Whether each of them holds what its kernel does; else says in `why` what is waited for. */
bool mirrors_are_ready(const struct mirrors *mirrors, char *why, size_t bytes);

size_t mirrors_count(const struct mirrors *mirrors);
/* NULL while its network namespace is waited for. */
const struct mirror *mirrors_at(const struct mirrors *mirrors, size_t i);
/* "" if there is one that has no name. */
const char *mirrors_name(const struct mirrors *mirrors, size_t i);

#endif

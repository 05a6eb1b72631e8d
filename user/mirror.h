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
#include <stdint.h>

#include "loop.h"
#include "options.h"

struct kernel_hooks;
struct mirror;
struct service_state;
struct statistics;

/* All must outlive the mirror. */
struct mirror_config {
	struct loop *loop;
	struct options *options;
	struct kernel_hooks *hooks;	/* NULL: netlink is listened to */
	uint32_t slot;			/* of these */
	/* Nothing is left to do, after mirror_shut_down() or as the network namespace was
	 * deleted. Not the moment to free it. */
	void (*ended)(void *context);
	/* Changes come, so some may have been missed: mirror_check_losses() within about a
	 * second. */
	void (*may_have_lost)(void *context);
	void *context;
};

/* Says on stderr what failed. 0 or -errno. */
int mirror_new(struct mirror **mirror, const struct mirror_config *config);
void mirror_free(struct mirror *mirror);

/* Has what was lost since the last time repaired. */
void mirror_check_losses(struct mirror *mirror);

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

/* Writes what is dirty, for at most two seconds, and has then ended. */
void mirror_shut_down(struct mirror *mirror);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How others see the daemon: /metrics, /healthz and /readyz over HTTP. */
#ifndef NEIGHTRACK_MONITOR_H
#define NEIGHTRACK_MONITOR_H

#include <sys/types.h>

#include "loop.h"
#include "options.h"

struct mirrors;
struct monitor;

/* Listens where options->metrics says. options and mirrors must outlive the monitor.
 * *monitor is NULL if it is off. Says on stderr what failed. 0 or -errno. */
int monitor_new(struct monitor **monitor, struct loop *loop, const struct options *options,
		const struct mirrors *mirrors);

/* The daemon is about to become this user: a unix socket becomes that one's. 0, or -errno
 * with a line to the log. */
int monitor_give(const struct monitor *monitor, uid_t uid, gid_t gid);
void monitor_free(struct monitor *monitor);

#endif

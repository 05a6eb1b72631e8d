/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How others see the daemon: /metrics, /healthz and /readyz over HTTP. */
#ifndef NEIGHTRACK_MONITOR_H
#define NEIGHTRACK_MONITOR_H

#include <sys/types.h>

#include "loop.h"
#include "options.h"

struct mirror;
struct monitor;

/* Listens where options->metrics says. options must outlive the monitor. *monitor is NULL
 * if it is off. Says on stderr what failed. 0 or -errno. */
int monitor_new(struct monitor **monitor, struct loop *loop, const struct options *options);

/* What is told of from here on; NULL: the network namespace is waited for. The mirror must
 * outlive that. Does nothing without a monitor. */
void monitor_set_mirror(struct monitor *monitor, const struct mirror *mirror);

/* The daemon is about to become this user: a unix socket becomes that one's. 0, or -errno
 * with a line to the log. */
int monitor_give(const struct monitor *monitor, uid_t uid, gid_t gid);
void monitor_free(struct monitor *monitor);

#endif

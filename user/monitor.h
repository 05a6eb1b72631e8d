/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How others see the daemon: /metrics, /healthz and /readyz over HTTP. */
#ifndef NEIGHTRACK_MONITOR_H
#define NEIGHTRACK_MONITOR_H

#include "loop.h"
#include "options.h"

struct mirror;
struct monitor;

/* Listens where options->metrics says. options must outlive the monitor, and so must the
 * mirror, if there is one (NULL: none yet). *monitor is NULL if it is off. Says on stderr
 * what failed. 0 or -errno. */
int monitor_new(struct monitor **monitor, struct loop *loop, const struct options *options,
		const struct mirror *mirror);
void monitor_free(struct monitor *monitor);

#endif

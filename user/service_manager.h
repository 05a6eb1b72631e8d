/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the service manager sees the daemon: systemd's protocol of sd_notify(3), for a unit
 * of Type=notify.
 *
 * The watchdog is answered by a timer of the loop, so that a loop that is stuck is
 * noticed; the status is looked at when the loop turns anyway, so that nothing is
 * woken for it.
 */
#ifndef NEIGHTRACK_SERVICE_MANAGER_H
#define NEIGHTRACK_SERVICE_MANAGER_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct service_manager;

struct service_state {
	const char *why_not_ready;	/* NULL: it is */
	const char *source;		/* NULL: none yet */
	size_t neighbours;
	uint64_t lag_ns;
};

struct service_manager_config {
	struct loop *loop;		/* whose observer this becomes */
	void (*look)(void *context, struct service_state *state);
	void *context;
};

/* *manager is NULL if nobody has asked to be notified ($NOTIFY_SOCKET); the other functions
 * take that. 0 or -ENOMEM. */
int service_manager_new(struct service_manager **manager,
			const struct service_manager_config *config);
void service_manager_free(struct service_manager *manager);

/* The configuration is about to be read again, and it has been. */
void service_manager_reloading(struct service_manager *manager);
void service_manager_reloaded(struct service_manager *manager);

void service_manager_stopping(struct service_manager *manager);

#endif

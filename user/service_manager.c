/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing here fails: a manager that does not listen must not keep the mirror from its work. */
#include "service_manager.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef WITHOUT_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "clock.h"

/* A status of each turn of a busy loop would be worth nothing to anybody. */
#define STATUS_NS NS_PER_S
/* A Redis that is away is told by the status. It must not keep a machine from booting,
 * so whoever waits for the start is not kept waiting for it. */
#define START_PATIENCE_NS (10 * NS_PER_S)
#define STATUS_BYTES 160

struct service_manager {
	struct service_manager_config config;
	struct loop_timer watchdog;
	struct loop_timer status;
	uint64_t ping_ns;		/* between answers to the watchdog; 0: it does not ask */
	uint64_t started_ns;
	uint64_t looked_ns;
	bool look_now;
	bool is_started;		/* as the manager was told */
	char told[STATUS_BYTES];	/* its last status */
};

#ifdef WITHOUT_SYSTEMD
static void notify(const char *state)
{
	(void)state;
}

static bool is_wanted(void)
{
	return false;
}

static uint64_t watchdog_us(void)
{
	return 0;
}
#else
static void notify(const char *state)
{
	sd_notify(0, state);
}

static bool is_wanted(void)
{
	return getenv("NOTIFY_SOCKET");
}

static uint64_t watchdog_us(void)
{
	uint64_t interval_us;

	return sd_watchdog_enabled(0, &interval_us) > 0 ? interval_us : 0;
}
#endif

static void tell_status(struct service_manager *manager, const struct service_state *state)
{
	char text[STATUS_BYTES];

	snprintf(text, sizeof(text), "STATUS=%s: %zu neighbours, lag %.1f s, source %s",
		 state->why_not_ready ? state->why_not_ready : "ready", state->neighbours,
		 (double)state->lag_ns / (double)NS_PER_S, state->source ? state->source : "none");
	if (!strcmp(text, manager->told))
		return;
	snprintf(manager->told, sizeof(manager->told), "%s", text);
	notify(text);
}

static void look(struct service_manager *manager, uint64_t now_ns)
{
	struct service_state state = { 0 };

	manager->config.look(manager->config.context, &state);
	manager->looked_ns = now_ns;
	manager->look_now = false;
	tell_status(manager, &state);
	if (!manager->is_started && (!state.why_not_ready ||
				     now_ns - manager->started_ns >= START_PATIENCE_NS)) {
		manager->is_started = true;
		/* the end of the patience would pass for the look that later changes are due */
		loop_timer_disarm(&manager->status);
		notify("READY=1");
	}
}

/* Changes that follow a look too soon are looked at later, by a timer of their own: the
 * last of them is told of, and a loop that has nothing to do is woken by none. */
static void on_turn(void *context)
{
	struct service_manager *manager = context;
	uint64_t now_ns = clock_now_ns();
	uint64_t next_ns = manager->looked_ns + STATUS_NS;

	if (manager->look_now || !manager->is_started || now_ns >= next_ns)
		look(manager, now_ns);
	else if (!manager->status.due_ns)
		loop_timer_arm(&manager->status, next_ns - now_ns);
}

static void on_status(void *context)
{
	struct service_manager *manager = context;

	manager->look_now = true;
}

static void on_watchdog(void *context)
{
	struct service_manager *manager = context;

	notify("WATCHDOG=1");
	manager->look_now = true;
	loop_timer_arm(&manager->watchdog, manager->ping_ns);
}

int service_manager_new(struct service_manager **result,
			const struct service_manager_config *config)
{
	struct service_manager *manager;

	*result = NULL;
	if (!is_wanted())
		return 0;
	manager = calloc(1, sizeof(*manager));
	if (!manager)
		return -ENOMEM;
	manager->config = *config;
	manager->started_ns = clock_now_ns();
	/* half of what is allowed, as sd_watchdog_enabled(3) advises */
	manager->ping_ns = watchdog_us() * NS_PER_US / 2;
	loop_timer_init(config->loop, &manager->watchdog, on_watchdog, manager);
	loop_timer_init(config->loop, &manager->status, on_status, manager);
	/* the patience of the start ends even if nothing happens */
	loop_timer_arm(&manager->status, START_PATIENCE_NS);
	if (manager->ping_ns)
		on_watchdog(manager);
	loop_set_observer(config->loop, on_turn, manager);
	*result = manager;
	return 0;
}

void service_manager_free(struct service_manager *manager)
{
	if (!manager)
		return;
	loop_set_observer(manager->config.loop, NULL, NULL);
	loop_timer_remove(manager->config.loop, &manager->watchdog);
	loop_timer_remove(manager->config.loop, &manager->status);
	free(manager);
}

void service_manager_reloading(struct service_manager *manager)
{
	char text[64];

	/* the manager takes READY=1 for the end of a start that is not over yet */
	if (!manager || !manager->is_started)
		return;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(clock_now_ns() / NS_PER_US));
	notify(text);
}

void service_manager_reloaded(struct service_manager *manager)
{
	if (manager && manager->is_started)
		notify("READY=1");
}

void service_manager_stopping(struct service_manager *manager)
{
	if (manager)
		notify("STOPPING=1");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: one thread, epoll, and a few timers. Whoever owns a file
 * descriptor owns its watch; the loop only calls back, and has log lines tell of the
 * subject (log.h) that was told of when the watch or the timer was made.
 */
#ifndef NEIGHTRACK_LOOP_H
#define NEIGHTRACK_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct log_subject;
struct loop;

struct loop_watch {
	int fd;
	void (*ready)(void *context, uint32_t epoll_events);
	void *context;
	struct log_subject *subject;	/* set by loop_add() */
};

/* A timer belongs to its owner and is linked into the loop by loop_timer_init(). */
struct loop_timer {
	uint64_t due_ns;		/* CLOCK_MONOTONIC; 0 = not armed */
	void (*fire)(void *context);	/* disarmed before it is called */
	void *context;
	struct log_subject *subject;
	struct loop_timer *next;
};

/* Called before each wait; returns false if there is work left and the loop must only
 * look at its descriptors, not sleep. It belongs to its owner, too. */
struct loop_prepare {
	bool (*prepare)(void *context);
	void *context;
	uint64_t longest_rest_ns;	/* that this one bears; see loop_rest() */
	struct log_subject *subject;
	struct loop_prepare *next;
};

/* Returns NULL with errno set. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Level-triggered. The watch must live until it is removed. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t epoll_events);
int loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t epoll_events);
void loop_remove(struct loop *loop, struct loop_watch *watch);

void loop_timer_init(struct loop *loop, struct loop_timer *timer, void (*fire)(void *context),
		     void *context);
/* Whoever frees a timer while the loop lives takes it out before. */
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);
/* Fires delay_ns from now, once; arming again moves it. */
void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ns);
static inline void loop_timer_disarm(struct loop_timer *timer)
{
	timer->due_ns = 0;
}

void loop_add_prepare(struct loop *loop, struct loop_prepare *prepare);
/* Not by a prepare() itself. */
void loop_remove_prepare(struct loop *loop, struct loop_prepare *prepare);

/* Looks on, before each wait and after prepare(); NULL: nobody does. */
void loop_set_observer(struct loop *loop, void (*observe)(void *context), void *context);

/* To be called by prepare(): this turn waits so long, less than a second, whatever
 * comes meanwhile, and then looks at its descriptors. The longest wish counts, but no
 * more than each of them bears. */
void loop_rest(struct loop *loop, uint64_t rest_ns);

/* Until loop_stop(); may be called again after that. 0 or -errno of epoll. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif

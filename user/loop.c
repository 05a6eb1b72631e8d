/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop. Timers are few (a handful), so they are a list that is
 * walked, and the wait is as long as the earliest of them allows.
 */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define EVENTS_A_WAIT 16

struct loop {
	int epoll_fd;
	bool stopped;
	struct loop_timer *timers;
	struct loop_timer *next_timer;	/* to be looked at by fire_timers() */
	struct loop_prepare *prepares;
	void (*observe)(void *context);
	void *observe_context;
	uint64_t rest_ns;		/* of this turn */
	/* what one wait returned; a watch removed meanwhile is taken out of it */
	struct epoll_event events[EVENTS_A_WAIT];
	int event_count;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll_fd);
	free(loop);
}

static int control(struct loop *loop, int operation, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t epoll_events)
{
	watch->subject = log_subject();
	return control(loop, EPOLL_CTL_ADD, watch, epoll_events);
}

int loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t epoll_events)
{
	return control(loop, EPOLL_CTL_MOD, watch, epoll_events);
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
	control(loop, EPOLL_CTL_DEL, watch, 0);
	for (int i = 0; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

void loop_timer_init(struct loop *loop, struct loop_timer *timer, void (*fire)(void *context),
		     void *context)
{
	*timer = (struct loop_timer){ .fire = fire, .context = context,
				      .subject = log_subject(), .next = loop->timers };
	loop->timers = timer;
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **at = &loop->timers;

	while (*at && *at != timer)
		at = &(*at)->next;
	if (*at)
		*at = timer->next;
	if (loop->next_timer == timer)
		loop->next_timer = timer->next;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ns)
{
	timer->due_ns = clock_now_ns() + delay_ns;
}

void loop_add_prepare(struct loop *loop, struct loop_prepare *prepare)
{
	prepare->subject = log_subject();
	prepare->next = loop->prepares;
	loop->prepares = prepare;
}

void loop_remove_prepare(struct loop *loop, struct loop_prepare *prepare)
{
	struct loop_prepare **at = &loop->prepares;

	while (*at && *at != prepare)
		at = &(*at)->next;
	if (*at)
		*at = prepare->next;
}

void loop_set_observer(struct loop *loop, void (*observe)(void *context), void *context)
{
	loop->observe = observe;
	loop->observe_context = context;
}

void loop_rest(struct loop *loop, uint64_t rest_ns)
{
	if (rest_ns > loop->rest_ns)
		loop->rest_ns = rest_ns;
}

/* Not by the wait for events, which would end with the first of them. */
static void rest(struct loop *loop)
{
	struct timespec time = { 0 };

	for (const struct loop_prepare *at = loop->prepares; at; at = at->next)
		if (at->longest_rest_ns < loop->rest_ns)
			loop->rest_ns = at->longest_rest_ns;
	time.tv_nsec = (long)loop->rest_ns;
	loop->rest_ns = 0;
	if (time.tv_nsec)
		nanosleep(&time, NULL);
}

/* Every one of them, whatever the others say. */
static bool prepare_all(struct loop *loop)
{
	bool may_sleep = true;

	for (struct loop_prepare *at = loop->prepares; at; at = at->next) {
		log_tell_of(at->subject);
		may_sleep &= at->prepare(at->context);
	}
	log_tell_of(NULL);
	return may_sleep;
}

static void fire_timers(struct loop *loop)
{
	uint64_t now_ns = clock_now_ns();

	struct loop_timer *timer = loop->timers;

	while (timer) {
		/* fire() may take this one out, and the next one too */
		loop->next_timer = timer->next;
		if (timer->due_ns && timer->due_ns <= now_ns) {
			timer->due_ns = 0;
			log_tell_of(timer->subject);
			timer->fire(timer->context);
			log_tell_of(NULL);
		}
		timer = loop->next_timer;
	}
}

/* Milliseconds to the earliest timer, rounded up so as not to wake before it. */
static int timeout_ms(const struct loop *loop)
{
	uint64_t earliest_ns = UINT64_MAX;
	uint64_t now_ns, wait_ms;

	for (const struct loop_timer *timer = loop->timers; timer; timer = timer->next)
		if (timer->due_ns && timer->due_ns < earliest_ns)
			earliest_ns = timer->due_ns;
	if (earliest_ns == UINT64_MAX)
		return -1;
	now_ns = clock_now_ns();
	if (earliest_ns <= now_ns)
		return 0;
	wait_ms = (earliest_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

int loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		bool may_sleep;

		fire_timers(loop);
		may_sleep = prepare_all(loop);
		if (loop->stopped)
			break;
		if (loop->observe)
			loop->observe(loop->observe_context);
		if (loop->rest_ns) {
			rest(loop);
			may_sleep = false;
		}
		loop->event_count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_A_WAIT,
					       may_sleep ? timeout_ms(loop) : 0);
		if (loop->event_count < 0) {
			if (errno != EINTR)
				return -errno;
			loop->event_count = 0;
		}
		for (int i = 0; i < loop->event_count; i++) {
			struct loop_watch *watch = loop->events[i].data.ptr;

			if (!watch)
				continue;
			log_tell_of(watch->subject);
			watch->ready(watch->context, loop->events[i].events);
			log_tell_of(NULL);
		}
		loop->event_count = 0;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

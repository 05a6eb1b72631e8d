/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_pace.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

#include "clock.h"

#define SLACK_NS 1000ul
#define USUAL_SLACK_NS 50000ul		/* the kernel's default; children inherit ours */

static void change_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(how, &set, NULL);
}

void bench_pace_begin(void)
{
	prctl(PR_SET_TIMERSLACK, SLACK_NS);
	change_mask(SIG_BLOCK);
}

void bench_pace_child(void)
{
	prctl(PR_SET_TIMERSLACK, USUAL_SLACK_NS);
	change_mask(SIG_UNBLOCK);
}

/* Pending is as good as a flag that a handler sets, without the flag. */
bool bench_is_interrupted(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

void bench_sleep_until(uint64_t due_ns)
{
	const struct timespec due = { .tv_sec = (time_t)(due_ns / NS_PER_S),
				      .tv_nsec = (long)(due_ns % NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

double bench_since(uint64_t start_ns)
{
	return (double)(clock_now_ns() - start_ns) / 1e9;
}

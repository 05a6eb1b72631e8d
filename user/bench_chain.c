/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_chain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_pace.h"
#include "bench_usage.h"
#include "clock.h"

#define COMMAND_BYTES 106	/* an HSET of a neighbour */
#define REPLY_BYTES 4		/* ":0\r\n" */
#define TIDINGS_BYTES 96	/* of a changed key */

/* What is read and written along the chain. */
struct ends {
	int doorbell;			/* eventfd: the caller rings, the first process hears */
	int commands[2];		/* between the first process [0] and the second [1] */
	int tidings[2];			/* from the second [1] to the caller [0] */
	pid_t first, second;
	bool is_deaf;
};

static void begin_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	bench_pace_child();
}

/* As the daemon: one epoll for what comes from the kernel and from Redis. */
static void be_first(const struct ends *ends)
{
	struct epoll_event ring = { .events = EPOLLIN, .data.fd = ends->doorbell };
	struct epoll_event redis = { .events = EPOLLIN, .data.fd = ends->commands[0] };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	char bytes[COMMAND_BYTES] = { 0 };
	struct epoll_event event;
	eventfd_t count;

	begin_child();
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends->doorbell, &ring);
	if (!ends->is_deaf)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends->commands[0], &redis);
	while (epoll_wait(epoll_fd, &event, 1, -1) == 1) {
		if (event.data.fd == ends->doorbell) {
			eventfd_read(ends->doorbell, &count);
			if (ends->is_deaf)
				recv(ends->commands[0], bytes, sizeof(bytes), MSG_DONTWAIT);
			send(ends->commands[0], bytes, sizeof(bytes), MSG_NOSIGNAL);
		} else if (recv(ends->commands[0], bytes, sizeof(bytes), 0) <= 0) {
			break;
		}
	}
	_exit(EXIT_SUCCESS);
}

/* As Redis: the reply first, then what subscribers are told. */
static void be_second(const struct ends *ends)
{
	char bytes[COMMAND_BYTES] = { 0 };

	begin_child();
	while (recv(ends->commands[1], bytes, sizeof(bytes), 0) > 0) {
		send(ends->commands[1], bytes, REPLY_BYTES, MSG_NOSIGNAL);
		send(ends->tidings[1], bytes, TIDINGS_BYTES, MSG_NOSIGNAL);
	}
	_exit(EXIT_SUCCESS);
}

static int start(struct ends *ends)
{
	ends->doorbell = eventfd(0, EFD_CLOEXEC);
	if (ends->doorbell < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends->commands) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, ends->tidings))
		return -errno;
	ends->second = fork();
	if (!ends->second)
		be_second(ends);
	ends->first = ends->second < 0 ? -1 : fork();
	if (!ends->first)
		be_first(ends);
	return ends->first < 0 ? -errno : 0;
}

static void stop_one(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void stop(struct ends *ends)
{
	stop_one(ends->first);
	stop_one(ends->second);
	for (int i = 0; i < 2; i++) {
		close_one(ends->commands[i]);
		close_one(ends->tidings[i]);
	}
	close_one(ends->doorbell);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int ring_at_rate(const struct ends *ends, uint32_t rate, uint32_t events, uint64_t *times_ns)
{
	uint64_t start_ns = clock_now_ns();
	char bytes[TIDINGS_BYTES];

	for (uint32_t i = 0; i < events; i++) {
		uint64_t rung_ns;

		bench_sleep_until(start_ns + i * (NS_PER_S / rate));
		rung_ns = clock_now_ns();
		if (eventfd_write(ends->doorbell, 1) ||
		    recv(ends->tidings[0], bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
			return -EIO;
		times_ns[i] = clock_now_ns() - rung_ns;
		if (bench_is_interrupted())
			return -EINTR;
	}
	return 0;
}

int bench_chain_measure(uint32_t rate, uint32_t events, bool is_deaf, struct bench_chain *chain)
{
	struct ends ends = { -1, { -1, -1 }, { -1, -1 }, 0, 0, is_deaf };
	uint64_t *times_ns = calloc(events, sizeof(*times_ns));
	struct bench_usage before, after;
	int error = times_ns ? start(&ends) : -ENOMEM;

	if (!error)
		error = bench_usage_at_rest(ends.first, &before);
	if (!error)
		error = ring_at_rate(&ends, rate, events, times_ns);
	if (!error)
		error = bench_usage_at_rest(ends.first, &after);
	if (!error) {
		qsort(times_ns, events, sizeof(*times_ns), compare);
		chain->cpu_seconds_an_event = (double)(after.cpu_ns - before.cpu_ns) / 1e9 / events;
		chain->p50_us = (double)times_ns[events / 2] / 1e3;
		chain->p99_us = (double)times_ns[(uint64_t)events * 99 / 100] / 1e3;
	}
	stop(&ends);
	free(times_ns);
	return error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_pace.h"
#include "clock.h"

#define STOP_NS (10 * NS_PER_S)
#define LOOK_MS 100		/* how soon an interruption is seen */

static void become(char *const *arguments, int log_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* whatever becomes of the benchmark, nothing of it stays behind */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* what a terminal sends is for the benchmark, which ends the others in order */
	setpgid(0, 0);
	bench_pace_child();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	execvp(arguments[0], arguments);
	fprintf(stderr, "cannot run %s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

int bench_process_start(struct bench_process *process, char *const *arguments)
{
	int ends[2];

	*process = (struct bench_process){ .log_fd = -1 };
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	process->pid = fork();
	if (process->pid < 0) {
		int error = -errno;

		process->pid = 0;
		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (!process->pid)
		become(arguments, ends[1]);
	close(ends[1]);
	process->log_fd = ends[0];
	return 0;
}

/* Keeps the second half when there is no room for more. */
static void make_room(struct bench_process *process)
{
	size_t half = sizeof(process->log) / 2;

	if (process->used + 1 < sizeof(process->log))
		return;
	memmove(process->log, process->log + half, process->used - half);
	process->used -= half;
}

static bool forget_up_to(struct bench_process *process, const char *words)
{
	char *at;

	process->log[process->used] = '\0';
	at = strstr(process->log, words);
	if (!at)
		return false;
	at += strlen(words);
	process->used -= (size_t)(at - process->log);
	memmove(process->log, at, process->used);
	process->log[process->used] = '\0';
	return true;
}

int bench_process_await(struct bench_process *process, const char *words, uint32_t timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;

	while (!forget_up_to(process, words)) {
		struct pollfd from = { .fd = process->log_fd, .events = POLLIN };
		uint64_t now_ns = clock_now_ns();
		ssize_t count;

		if (bench_is_interrupted())
			return -EINTR;
		if (now_ns >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(&from, 1, LOOK_MS) <= 0)
			continue;
		make_room(process);
		count = read(process->log_fd, process->log + process->used,
			     sizeof(process->log) - process->used - 1);
		if (count <= 0)
			return -ECHILD;
		process->used += (size_t)count;
	}
	return 0;
}

int bench_process_stop(struct bench_process *process)
{
	uint64_t deadline_ns = clock_now_ns() + STOP_NS;
	char rest[4096];
	int status = 0;
	pid_t ended;

	if (!process->pid)
		return 0;
	kill(process->pid, SIGTERM);
	fcntl(process->log_fd, F_SETFL, O_NONBLOCK);
	while (!(ended = waitpid(process->pid, &status, WNOHANG))) {
		/* it must not wait for a reader of its last words */
		while (read(process->log_fd, rest, sizeof(rest)) > 0)
			;
		if (clock_now_ns() > deadline_ns)
			kill(process->pid, SIGKILL);
		usleep(1000);
	}
	close(process->log_fd);
	process->pid = 0;
	return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

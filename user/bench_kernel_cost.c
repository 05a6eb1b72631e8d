/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_kernel_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_measure.h"
#include "bench_pace.h"
#include "bench_programs.h"
#include "netlink.h"

#define ROUNDS 5u
#define BURSTS 4u			/* of all neighbours, each round */
#define LISTENER_BYTES (64u << 20)	/* so that it loses nothing */

/* Reads whatever comes, for ever. */
static void listen_on(struct netlink_socket *socket)
{
	int flags = fcntl(socket->fd, F_GETFL);
	char buffer[NETLINK_READ_BYTES];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	bench_pace_child();
	fcntl(socket->fd, F_SETFL, flags & ~O_NONBLOCK);
	while (recv(socket->fd, buffer, sizeof(buffer), 0) >= 0 || errno == ENOBUFS)
		;
	_exit(EXIT_FAILURE);
}

/* Ready before the fork: whoever changes neighbours after this is heard. */
static int start_listener(struct bench_world *world, pid_t *pid)
{
	struct netlink_socket socket;
	int bytes = (int)LISTENER_BYTES;
	int error = netlink_open(&socket, world->netns_fd, RTMGRP_NEIGH);

	if (error)
		return error;
	setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	*pid = fork();
	error = *pid < 0 ? -errno : 0;
	if (!*pid)
		listen_on(&socket);
	netlink_close(&socket);
	return error;
}

static void stop_listener(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Adds the CPU time of some bursts. Others need the CPUs, too, so it is not the time by
 * the clock that counts, but that of the thread that makes the changes. */
static int measure(struct bench_world *world, uint32_t count, double *ns)
{
	uint64_t start_ns = bench_generator_kernel_ns(world->generator);
	int error = 0;

	for (uint32_t i = 0; !error && i < BURSTS; i++)
		error = bench_change_all(world, BENCH_CONFIRM, count, (uint8_t)i, NULL);
	*ns += (double)(bench_generator_kernel_ns(world->generator) - start_ns);
	if (!error && bench_is_interrupted())
		error = -EINTR;
	return error;
}

struct costs {
	double base_ns, bpf_ns, netlink_ns;
	struct bench_programs programs;
	bool has_programs;
};

static int measure_daemon(struct bench_world *world, uint32_t count, struct costs *costs)
{
	int error = bench_world_start_daemon(world, count, NULL);

	if (!error)
		error = measure(world, count, &costs->bpf_ns);
	if (!error)
		error = bench_world_stop_daemon(world);
	return error;
}

static int measure_listener(struct bench_world *world, uint32_t count, struct costs *costs)
{
	pid_t pid;
	int error = start_listener(world, &pid);

	if (error)
		return error;
	error = measure(world, count, &costs->netlink_ns);
	stop_listener(pid);
	return error;
}

/* What the programs take for themselves. Counting it slows them, so that it is done
 * apart. */
static int measure_programs(struct bench_world *world, uint32_t count, struct costs *costs)
{
	struct bench_programs before;
	double unused = 0;
	int fd, error = bench_world_start_daemon(world, count, NULL);

	if (error)
		return error;
	fd = bench_programs_count();
	if (fd < 0)
		return fd;
	if (!bench_programs_read(world->name, &before)) {
		error = measure(world, count, &unused);
		if (!error)
			error = bench_programs_read(world->name, &costs->programs);
		costs->programs.runs -= before.runs;
		costs->programs.run_ns -= before.run_ns;
		costs->has_programs = true;
	}
	close(fd);
	return error;
}

int bench_kernel_cost(struct bench_world *world, uint32_t count, struct bench_result *result)
{
	double events = (double)ROUNDS * BURSTS * count;
	struct costs costs = { 0 };
	int error = 0;

	for (uint32_t i = 0; !error && i < ROUNDS; i++) {
		error = measure(world, count, &costs.base_ns);
		if (!error)
			error = measure_daemon(world, count, &costs);
		if (!error)
			error = measure_listener(world, count, &costs);
	}
	if (!error)
		error = measure_programs(world, count, &costs);
	if (error)
		return error;
	bench_result_set(result, "kernel_base_ns", costs.base_ns / events);
	bench_result_set(result, "kernel_netlink_ns", costs.netlink_ns / events);
	if (costs.has_programs) {
		bench_result_set(result, "kernel_bpf_ns", costs.bpf_ns / events);
		bench_result_set(result, "kernel_cost_ratio", (costs.bpf_ns - costs.base_ns) /
				 (costs.netlink_ns - costs.base_ns));
		bench_result_set(result, "bpf_runs", (double)costs.programs.runs);
		bench_result_set(result, "bpf_run_ns_per_event",
				 (double)costs.programs.run_ns / ((double)BURSTS * count));
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_kernel_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
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

#define ROUNDS 7u
#define BURSTS 4u			/* of all neighbours, each round */
#define MOST_NEIGHBOURS 10000u		/* in a burst, all of which ... */
#define LISTENER_BYTES (64u << 20)	/* ... the listener's socket can hold */

/*
 * Whoever changes neighbours and whoever listens have a CPU each. Left to the scheduler
 * they share one in some runs, in which the listener does not run before the burst is
 * over, so that hearing of it seems to cost nothing.
 */
struct places {
	bool are_two;
	cpu_set_t all, change, listen;
};

static void find_places(struct places *places)
{
	int found = 0;

	*places = (struct places){ .are_two = false };
	if (sched_getaffinity(0, sizeof(places->all), &places->all))
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &places->all))
			CPU_SET(cpu, found++ ? &places->listen : &places->change);
	places->are_two = found == 2;
}

static void go_to(const struct places *places, const cpu_set_t *cpus)
{
	if (places->are_two)
		sched_setaffinity(0, sizeof(*cpus), cpus);
}

/* Reads whatever comes, for ever. */
static void listen_on(const struct places *places, struct netlink_socket *socket)
{
	int flags = fcntl(socket->fd, F_GETFL);
	char buffer[NETLINK_READ_BYTES];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	bench_pace_child();
	go_to(places, &places->listen);
	fcntl(socket->fd, F_SETFL, flags & ~O_NONBLOCK);
	while (recv(socket->fd, buffer, sizeof(buffer), 0) >= 0 || errno == ENOBUFS)
		;
	_exit(EXIT_FAILURE);
}

/* Ready before the fork: whoever changes neighbours after this is heard. */
static int start_listener(struct bench_world *world, const struct places *places, pid_t *pid)
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
		listen_on(places, &socket);
	netlink_close(&socket);
	return error;
}

static void stop_listener(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The CPU time of some bursts, for each change. Others need the CPUs, too, so it is not
 * the time by the clock that counts, but that of the thread that makes the changes. A
 * first burst is not counted, as it finds cold what has just begun to listen. */
static int measure(struct bench_world *world, const struct places *places, uint32_t count,
		   double *ns)
{
	uint64_t start_ns;
	int error;

	go_to(places, &places->change);
	error = bench_change_all(world, BENCH_CONFIRM, count, 1, NULL);
	start_ns = bench_generator_kernel_ns(world->generator);
	for (uint32_t i = 0; !error && i < BURSTS; i++)
		error = bench_change_all(world, BENCH_CONFIRM, count, (uint8_t)i, NULL);
	*ns = (double)(bench_generator_kernel_ns(world->generator) - start_ns) /
	      ((double)BURSTS * count);
	go_to(places, &places->all);
	if (!error && bench_is_interrupted())
		error = -EINTR;
	return error;
}

static int measure_daemon(struct bench_world *world, const struct places *places,
			  uint32_t count, double *ns)
{
	int error = bench_world_start_daemon(world, count, NULL);

	if (!error)
		error = measure(world, places, count, ns);
	if (!error)
		error = bench_world_stop_daemon(world);
	return error;
}

static int measure_listener(struct bench_world *world, const struct places *places,
			    uint32_t count, double *ns, double *listener_ns)
{
	struct bench_usage usage;
	pid_t pid;
	int error = start_listener(world, places, &pid);

	if (error)
		return error;
	error = measure(world, places, count, ns);
	if (!error)
		error = bench_usage_at_rest(pid, &usage);
	if (!error)
		*listener_ns = (double)usage.cpu_ns / ((BURSTS + 1.0) * count);
	stop_listener(pid);
	return error;
}

/* What the programs take for themselves, if there are any. Counting it slows them, so
 * that it is done apart. */
static int measure_programs(struct bench_world *world, const struct places *places,
			    uint32_t count, struct bench_result *result)
{
	struct bench_programs before, after;
	double unused;
	int fd, error = bench_world_start_daemon(world, count, NULL);

	if (error)
		return error;
	fd = bench_programs_count();
	if (fd < 0)
		return fd;
	if (!bench_programs_read(world->name, &before)) {
		error = measure(world, places, count, &unused);
		if (!error)
			error = bench_programs_read(world->name, &after);
		if (!error) {
			bench_result_set(result, "bpf_runs", (double)(after.runs - before.runs));
			bench_result_set(result, "bpf_run_ns_per_event",
					 (double)(after.run_ns - before.run_ns) /
					 ((BURSTS + 1.0) * count));
		}
	}
	close(fd);
	return error;
}

static int measure_round(struct bench_world *world, const struct places *places,
			 uint32_t count, struct bench_result *round)
{
	double base_ns = 0, bpf_ns = 0, netlink_ns = 0, listener_ns = 0;
	int error = measure(world, places, count, &base_ns);

	if (!error)
		error = measure_daemon(world, places, count, &bpf_ns);
	if (!error)
		error = measure_listener(world, places, count, &netlink_ns, &listener_ns);
	bench_result_set(round, "base", base_ns);
	bench_result_set(round, "bpf", bpf_ns);
	bench_result_set(round, "netlink", netlink_ns);
	bench_result_set(round, "listener", listener_ns);
	return error;
}

int bench_kernel_cost(struct bench_world *world, uint32_t neighbours, struct bench_result *result)
{
	uint32_t count = neighbours < MOST_NEIGHBOURS ? neighbours : MOST_NEIGHBOURS;
	struct bench_result rounds[ROUNDS] = { 0 };
	double base_ns, bpf_ns, netlink_ns;
	struct places places;
	int error = 0;

	find_places(&places);
	for (uint32_t i = 0; !error && i < ROUNDS; i++)
		error = measure_round(world, &places, count, &rounds[i]);
	if (!error)
		error = measure_programs(world, &places, count, result);
	if (error)
		return error;
	/* the same work each round: whatever a round takes above the least, others caused
	 * (a host's other guests share the caches), and the ratio is one of differences */
	base_ns = bench_result_spread(rounds, ROUNDS, "base").least;
	bpf_ns = bench_result_spread(rounds, ROUNDS, "bpf").least;
	netlink_ns = bench_result_spread(rounds, ROUNDS, "netlink").least;
	bench_result_set(result, "kernel_base_ns", base_ns);
	bench_result_set(result, "kernel_netlink_ns", netlink_ns);
	bench_result_set(result, "netlink_listener_ns",
			 bench_result_spread(rounds, ROUNDS, "listener").least);
	if (bench_result_has(result, "bpf_runs")) {
		bench_result_set(result, "kernel_bpf_ns", bpf_ns);
		bench_result_set(result, "kernel_cost_ratio",
				 (bpf_ns - base_ns) / (netlink_ns - base_ns));
	}
	return 0;
}

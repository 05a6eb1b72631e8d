/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_world.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "instance_lock.h"
#include "log.h"
#include "netns.h"
#include "pins.h"

#define MOST_WORDS 64
#define START_MS 60000u
#define LIMIT "/proc/sys/net/ipv4/neigh/default/gc_thresh%d"

/* Runs iproute2 and waits for it; words up to a NULL. 0 or -errno. */
static int run_ip(const char *word, ...)
{
	char *arguments[MOST_WORDS] = { (char *)"ip", (char *)word };
	struct bench_process process;
	va_list words;
	int count = 2, status, error;

	va_start(words, word);
	while (count < MOST_WORDS - 1 && (arguments[count] = va_arg(words, char *)))
		count++;
	va_end(words);
	error = bench_process_start(&process, arguments);
	if (error)
		return error;
	/* until it closes its stderr: it says no such thing */
	bench_process_await(&process, "\001", START_MS);
	waitpid(process.pid, &status, 0);
	close(process.log_fd);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	log_error("ip %s failed: %.*s", word, (int)process.used, process.log);
	return -EIO;
}

static void write_limit(int i, const char *value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), LIMIT, i);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs(value, file);
	fclose(file);
}

/* They are global, and allow 1,024 neighbours if nobody has raised them. */
static void raise_limits(struct bench_world *world)
{
	char path[64];

	for (int i = 3; i >= 1; i--) {
		FILE *file;

		snprintf(path, sizeof(path), LIMIT, i);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (!fgets(world->limits[i - 1], sizeof(world->limits[0]), file))
			world->limits[i - 1][0] = '\0';
		fclose(file);
		/* the highest first: the kernel may collect in between */
		write_limit(i, "20000000");
	}
}

static void restore_limits(const struct bench_world *world)
{
	for (int i = 1; i <= 3; i++)
		if (world->limits[i - 1][0])
			write_limit(i, world->limits[i - 1]);
}

static int find_interface(void *context)
{
	uint32_t *ifindex = context;

	*ifindex = if_nametoindex(BENCH_INTERFACE);
	return *ifindex ? 0 : -errno;
}

static int make_interface(struct bench_world *world)
{
	uint32_t ifindex = 0;
	int error = run_ip("-n", world->name, "link", "add", BENCH_INTERFACE, "up", "type", "veth",
			   "peer", "name", "peer0", NULL);

	if (!error)
		error = run_ip("-n", world->name, "link", "set", "peer0", "up", NULL);
	if (!error)
		error = netns_call(world->netns_fd, find_interface, &ifindex);
	if (!error)
		error = bench_generator_new(&world->generator, world->netns_fd, ifindex);
	return error;
}

static int make_netns(struct bench_world *world)
{
	int error = run_ip("netns", "add", world->name, NULL);

	if (error)
		return error;
	world->netns_fd = netns_open(world->name);
	return world->netns_fd < 0 ? world->netns_fd : make_interface(world);
}

static int make_redis(struct bench_world *world)
{
	char *arguments[] = { (char *)"redis-server", (char *)"--port", (char *)"0",
			      (char *)"--unixsocket", world->socket, (char *)"--save", (char *)"",
			      (char *)"--dir", world->folder, NULL };
	uint64_t deadline_ns = clock_now_ns() + START_MS * NS_PER_MS;
	int error;

	snprintf(world->folder, sizeof(world->folder), "/tmp/neightrack-bench-XXXXXX");
	if (!mkdtemp(world->folder))
		return -errno;
	snprintf(world->socket, sizeof(world->socket), "%s/redis.sock", world->folder);
	error = bench_process_start(&world->redis, arguments);
	while (!error && (!world->connection || world->connection->err)) {
		if (world->connection)
			redisFree(world->connection);
		world->connection = redisConnectUnix(world->socket);
		if (clock_now_ns() > deadline_ns)
			error = -ETIMEDOUT;
		usleep(1000);
	}
	if (error)
		log_error("redis-server does not answer on %s: %s", world->socket,
			  strerror(-error));
	return error;
}

int bench_world_make(struct bench_world *world)
{
	int error;

	*world = (struct bench_world){ .netns_fd = -1 };
	snprintf(world->name, sizeof(world->name), "nt-bench-%d", getpid());
	raise_limits(world);
	error = schema_init(&world->schema, "");
	if (!error)
		error = make_redis(world);
	if (!error)
		error = make_netns(world);
	return error;
}

void bench_world_free(struct bench_world *world)
{
	bench_world_stop_daemon(world);
	pins_forget(world->name);
	instance_forget(world->name);
	if (world->connection)
		redisFree(world->connection);
	bench_process_stop(&world->redis);
	if (world->folder[0]) {
		unlink(world->socket);
		rmdir(world->folder);
	}
	bench_generator_free(world->generator);
	if (world->netns_fd >= 0) {
		close(world->netns_fd);
		run_ip("netns", "del", world->name, NULL);
	}
	restore_limits(world);
}

/* The daemon that was built and installed with this tool. */
static int find_daemon(char *path, size_t bytes)
{
	ssize_t used = readlink("/proc/self/exe", path, bytes);
	char *slash;

	if (used < 0 || (size_t)used >= bytes)
		return -ENAMETOOLONG;
	path[used] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/neightrackd") > bytes)
		return -ENAMETOOLONG;
	strcpy(slash, "/neightrackd");
	if (!access(path, X_OK))
		return 0;
	snprintf(path, bytes, "neightrackd");	/* on the PATH, then */
	return 0;
}

int bench_world_start_daemon(struct bench_world *world, char *const *extra, double *seconds)
{
	char url[128], path[PATH_MAX];
	char *arguments[MOST_WORDS] = { path, (char *)"--netns", world->name, (char *)"--instance",
					world->name, (char *)"--redis", url };
	uint64_t start_ns = clock_now_ns();
	int count = 7, error;

	snprintf(url, sizeof(url), "unix://%s", world->socket);
	while (*extra && count < MOST_WORDS - 1)
		arguments[count++] = *extra++;
	error = find_daemon(path, sizeof(path));
	if (!error)
		error = bench_process_start(&world->daemon, arguments);
	if (!error)
		error = bench_process_await(&world->daemon, "ready: ", START_MS);
	*seconds = (double)(clock_now_ns() - start_ns) / 1e9;
	if (error)
		log_error("neightrackd is not ready: %s: %.*s", strerror(-error),
			  (int)world->daemon.used, world->daemon.log);
	return error;
}

int bench_world_stop_daemon(struct bench_world *world)
{
	return bench_process_stop(&world->daemon) ? -EIO : 0;
}

int bench_world_reset(struct bench_world *world)
{
	redisReply *reply;
	int error;

	bench_generator_free(world->generator);
	world->generator = NULL;
	error = run_ip("-n", world->name, "link", "del", BENCH_INTERFACE, NULL);
	if (!error)
		error = make_interface(world);
	reply = redisCommand(world->connection, "FLUSHALL");
	if (!reply)
		return -EIO;
	freeReplyObject(reply);
	return error;
}

int64_t bench_world_statistic(struct bench_world *world, const char *name)
{
	char words[64];
	const char *at;
	int error;

	if (kill(world->daemon.pid, SIGUSR1))
		return -errno;
	error = bench_process_await(&world->daemon, "statistics: ", START_MS);
	if (error)
		return error;
	snprintf(words, sizeof(words), " %s=", name);
	at = strstr(world->daemon.log, words);
	return at ? strtoll(at + strlen(words), NULL, 10) : -ENOENT;
}

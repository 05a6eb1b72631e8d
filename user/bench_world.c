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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_limits.h"
#include "bench_pace.h"
#include "bench_packets.h"
#include "bench_programs.h"
#include "bench_redis.h"
#include "clock.h"
#include "instance_lock.h"
#include "log.h"
#include "netns.h"
#include "pins.h"
#include "redis_blocking.h"

#define MOST_WORDS 64
#define START_MS 60000u
#define DEFAULT_LIMIT 131072u		/* neightrackd's own max_neighbours */
#define PEER "peer0"

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

struct interfaces {
	uint32_t bench, peer;
};

static int find_interfaces(void *context)
{
	struct interfaces *found = context;

	found->bench = if_nametoindex(BENCH_INTERFACE);
	found->peer = if_nametoindex(PEER);
	return found->bench && found->peer ? 0 : -errno;
}

static int write_setting(const char *path, const char *value)
{
	FILE *file = fopen(path, "we");
	int error = 0;

	if (!file)
		return -errno;
	if (fputs(value, file) < 0)
		error = -EIO;
	if (fclose(file))
		error = -errno;
	return error;
}

/* From gratuitous ARP, and at once again. Who solicits is answered, and would be probed
 * soon after. /proc/sys/net shows the namespace of the process that opens a file. */
static int allow_learning(void *context)
{
	static const struct {
		const char *path;
		const char *value;
	} settings[] = {
		{ "/proc/sys/net/ipv4/conf/" BENCH_INTERFACE "/arp_accept", "1" },
		{ "/proc/sys/net/ipv4/neigh/" BENCH_INTERFACE "/locktime", "0" },
		{ "/proc/sys/net/ipv6/neigh/" BENCH_INTERFACE "/delay_first_probe_time", "86400" },
	};
	int error = 0;

	(void)context;
	for (size_t i = 0; !error && i < sizeof(settings) / sizeof(*settings); i++)
		error = write_setting(settings[i].path, settings[i].value);
	return error;
}

static int make_learner(struct bench_world *world)
{
	int error = run_ip("-n", world->name, "addr", "add", BENCH_ADDRESS_IPV4, "dev",
			   BENCH_INTERFACE, NULL);

	/* nobody else has it: to find that out would take a second */
	if (!error)
		error = run_ip("-n", world->name, "addr", "add", BENCH_ADDRESS_IPV6, "dev",
			       BENCH_INTERFACE, "nodad", NULL);
	return error ? error : netns_call(world->netns_fd, allow_learning, NULL);
}

static int make_interface(struct bench_world *world)
{
	struct interfaces found = { 0 };
	int error = run_ip("-n", world->name, "link", "add", BENCH_INTERFACE, "up", "type", "veth",
			   "peer", "name", PEER, NULL);

	if (!error)
		error = run_ip("-n", world->name, "link", "set", PEER, "up", NULL);
	if (!error && world->setup.real_packets)
		error = make_learner(world);
	if (!error)
		error = netns_call(world->netns_fd, find_interfaces, &found);
	world->peer_ifindex = found.peer;
	if (!error)
		error = bench_generator_new(&world->generator, world->netns_fd, found.bench,
					    world->setup.real_packets ? found.peer : 0,
					    world->setup.ipv6);
	return error;
}

/* Behind the one that matters, which a list is walked to the end for. */
static int make_more_interfaces(struct bench_world *world)
{
	char path[sizeof(world->folder) + sizeof("/links")];
	FILE *file;
	int error;

	snprintf(path, sizeof(path), "%s/links", world->folder);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	for (uint32_t i = 0; i < world->setup.interfaces; i += 2)
		fprintf(file, "link add more%u type veth peer name more%u\n", i, i + 1);
	error = fclose(file) ? -errno : 0;
	if (!error)
		error = run_ip("-n", world->name, "-batch", path, NULL);
	unlink(path);
	return error;
}

static int make_netns(struct bench_world *world)
{
	int error = run_ip("netns", "add", world->name, NULL);

	if (error)
		return error;
	world->netns_fd = netns_open(world->name);
	error = world->netns_fd < 0 ? world->netns_fd : make_interface(world);
	if (!error && world->setup.interfaces)
		error = make_more_interfaces(world);
	return error;
}

static int start_redis(struct bench_world *world, const char *socket)
{
	char *arguments[] = { (char *)"redis-server", (char *)"--port", (char *)"0",
			      (char *)"--unixsocket", (char *)socket, (char *)"--save", (char *)"",
			      (char *)"--dir", world->folder, NULL };
	uint64_t deadline_ns = clock_now_ns() + START_MS * NS_PER_MS;
	int error = bench_process_start(&world->redis, arguments);
	redisContext *probe = NULL;

	world->redis_pid = world->redis.pid;
	while (!error && (!probe || probe->err)) {
		if (probe)
			redisFree(probe);
		probe = redisConnectUnix(socket);
		if (bench_is_interrupted())
			error = -EINTR;
		else if (clock_now_ns() > deadline_ns)
			error = -ETIMEDOUT;
		usleep(1000);
	}
	if (probe)
		redisFree(probe);
	if (error && error != -EINTR)
		log_error("redis-server does not answer on %s: %s", socket, strerror(-error));
	return error;
}

redisContext *bench_world_connect(const struct bench_world *world)
{
	redisContext *connection = NULL;

	return redis_blocking_connect(&connection, &world->options, world->options.redis, "x") ?
	       NULL : connection;
}

/* One that the user names must have nothing in it that could be taken for ours. */
static int adopt_redis(struct bench_world *world)
{
	socklen_t bytes = sizeof(struct ucred);
	struct ucred peer;
	int64_t count = bench_redis_count(world->connection, &world->schema);

	if (count < 0)
		return (int)count;
	if (count) {
		log_error("%s has %lld keys: benchmarks use an empty database only",
			  world->setup.redis, (long long)count);
		return -ENOTEMPTY;
	}
	if (!getsockopt(world->connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) &&
	    peer.pid > 0)
		world->redis_pid = peer.pid;
	return 0;
}

static int make_redis(struct bench_world *world)
{
	char socket[sizeof(world->folder) + sizeof("/redis.sock")];
	int error = 0;

	snprintf(socket, sizeof(socket), "%s/redis.sock", world->folder);
	free(world->options.redis);
	world->options.redis = NULL;
	if (world->setup.redis)
		world->options.redis = strdup(world->setup.redis);
	else if (asprintf(&world->options.redis, "unix://%s", socket) < 0)
		world->options.redis = NULL;
	if (!world->options.redis)
		return -ENOMEM;
	if (!world->setup.redis)
		error = start_redis(world, socket);
	if (error)
		return error;
	world->connection = bench_world_connect(world);
	if (!world->connection)
		return -ECONNREFUSED;
	if (world->setup.redis)
		error = adopt_redis(world);
	world->may_clear_redis = !error;
	return error;
}

int bench_world_make(struct bench_world *world, const struct bench_setup *setup)
{
	int error;

	*world = (struct bench_world){ .setup = *setup, .netns_fd = -1, .statistics_fd = -1 };
	snprintf(world->name, sizeof(world->name), "nt-bench-%d", getpid());
	bench_limits_raise(world->limits);
	error = options_init(&world->options);
	if (!error)
		error = schema_init(&world->schema, setup->schema, "", 0);
	world->population = (struct bench_population){ BENCH_INTERFACE, setup->ipv6 };
	snprintf(world->folder, sizeof(world->folder), "/tmp/neightrack-bench-XXXXXX");
	if (!error && !mkdtemp(world->folder)) {
		error = -errno;
		world->folder[0] = '\0';
	}
	if (!error && setup->program_statistics) {
		world->statistics_fd = bench_programs_count();
		error = world->statistics_fd < 0 ? world->statistics_fd : 0;
	}
	if (!error)
		error = make_redis(world);
	if (!error)
		error = make_netns(world);
	return error;
}

void bench_world_free(struct bench_world *world)
{
	char socket[sizeof(world->folder) + sizeof("/redis.sock")];

	bench_world_stop_daemon(world);
	pins_forget(world->name);
	instance_forget(world->name);
	if (world->may_clear_redis && world->setup.redis)
		bench_redis_clear(world->connection);
	if (world->connection)
		redisFree(world->connection);
	bench_process_stop(&world->redis);
	bench_allocations_free(&world->allocations);
	if (world->folder[0]) {
		snprintf(socket, sizeof(socket), "%s/redis.sock", world->folder);
		unlink(socket);
		rmdir(world->folder);
	}
	bench_generator_free(world->generator);
	if (world->statistics_fd >= 0)
		close(world->statistics_fd);
	if (world->netns_fd >= 0) {
		close(world->netns_fd);
		run_ip("netns", "del", world->name, NULL);
	}
	options_free(&world->options);
	bench_limits_restore(world->limits);
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

/* The words before the user's own. limit: 16 bytes. Returns how many. */
static int put_words(struct bench_world *world, uint32_t neighbours, char *path, char *limit,
		     char **words)
{
	char *const first[] = { path, (char *)"--netns", world->name, (char *)"--instance",
				world->name, (char *)"--redis", world->options.redis,
				(char *)"--ignore", (char *)"lo," PEER };
	int count = 0;

	if (world->allocations.counts) {
		words[count++] = (char *)"env";
		words[count++] = world->allocations.preload;
		words[count++] = world->allocations.variable;
	}
	memcpy(words + count, first, sizeof(first));
	count += (int)(sizeof(first) / sizeof(*first));
	/* a larger table than needed would be paid for at each start */
	if (neighbours > DEFAULT_LIMIT) {
		snprintf(limit, 16, "%u", neighbours);
		words[count++] = (char *)"--max-neighbours";
		words[count++] = limit;
	}
	return count;
}

int bench_world_start_daemon(struct bench_world *world, uint32_t neighbours, double *seconds)
{
	char *const *extra = world->setup.daemon_words;
	char path[PATH_MAX], limit[16], *words[MOST_WORDS] = { NULL };
	uint64_t start_ns = clock_now_ns();
	int count = put_words(world, neighbours, path, limit, words);
	int error = find_daemon(path, sizeof(path));

	while (*extra && count < MOST_WORDS - 1)
		words[count++] = *extra++;
	if (*extra)
		error = -E2BIG;
	if (!error)
		error = bench_process_start(&world->daemon, words);
	if (!error)
		error = bench_process_await(&world->daemon, "ready: ", START_MS);
	if (seconds)
		*seconds = bench_since(start_ns);
	if (error && error != -EINTR)
		log_error("neightrackd is not ready: %s: %.*s", strerror(-error),
			  (int)world->daemon.used, world->daemon.log);
	return error;
}

int bench_world_stop_daemon(struct bench_world *world)
{
	return bench_process_stop(&world->daemon) ? -EIO : 0;
}

bool bench_daemon_takes(const char *const *words)
{
	char path[PATH_MAX], *arguments[MOST_WORDS] = { path, (char *)"--check-config" };
	struct bench_process process;
	int count = 2, status = -1;

	while (*words && count < MOST_WORDS - 1)
		arguments[count++] = (char *)*words++;
	if (find_daemon(path, sizeof(path)) || bench_process_start(&process, arguments))
		return false;
	bench_process_await(&process, "\001", START_MS);
	waitpid(process.pid, &status, 0);
	close(process.log_fd);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

int bench_world_reset(struct bench_world *world)
{
	int error;

	bench_generator_free(world->generator);
	world->generator = NULL;
	error = run_ip("-n", world->name, "link", "del", BENCH_INTERFACE, NULL);
	if (!error)
		error = make_interface(world);
	return error ? error : bench_redis_clear(world->connection);
}

int bench_world_ask(struct bench_world *world)
{
	if (kill(world->daemon.pid, SIGUSR1))
		return -errno;
	return bench_process_await(&world->daemon, "statistics: ", START_MS);
}

int64_t bench_world_count(const struct bench_world *world, const char *name)
{
	char words[64];
	const char *at;

	snprintf(words, sizeof(words), " %s=", name);
	at = strstr(world->daemon.log, words);
	return at ? strtoll(at + strlen(words), NULL, 10) : -ENOENT;
}

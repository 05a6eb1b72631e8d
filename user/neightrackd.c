/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrackd: the daemon. Reads what the user asked for, makes the mirror, and
 * runs the loop until a signal ends it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "mirror.h"
#include "monitor.h"
#include "netns.h"
#include "options.h"
#include "privileges.h"
#include "service_manager.h"
#include "syscall_filter.h"
#include "version.h"

enum {
	EXIT_USAGE = 2,		/* as for a bad configuration: nothing was started */
};

#define LOOK_NS (200 * NS_PER_MS)

struct daemon {
	int argc;
	char **argv;
	struct options options;
	const char *config_file;	/* the default one need not be there */
	struct privileges privileges;
	struct loop *loop;
	struct mirror *mirror;
	struct monitor *monitor;
	struct service_manager *manager;
	struct loop_watch signals;
	struct loop_timer look;		/* for a namespace that is waited for */
	bool is_started;
	bool ending;
};

static void say_unchangeable(void *context, const char *name)
{
	(void)context;
	log_message(MESSAGE_OPTION_FIXED, "%s cannot change while neightrackd runs: restart it for "
		    "that", name);
}

static void reload(struct daemon *daemon)
{
	struct command_line line;
	struct options fresh;
	char *problem = NULL;
	size_t problem_bytes;
	FILE *errors = open_memstream(&problem, &problem_bytes);
	int error = options_init(&fresh);

	service_manager_reloading(daemon->manager);
	if (!error)
		error = options_parse(&fresh, &line, daemon->argc, daemon->argv,
				      errors ? errors : stderr);
	if (errors)
		fclose(errors);
	if (error) {
		if (problem)
			problem[strcspn(problem, "\n")] = '\0';
		log_message(MESSAGE_CONFIGURATION_REFUSED, "the configuration was not read again, "
			    "nothing has changed: %s",
			    problem && problem[0] ? problem : strerror(-error));
	} else {
		int changed = options_take_over(&daemon->options, &fresh, say_unchangeable, NULL);

		if (changed)
			log_set_level(daemon->options.log_level);
		log_message(MESSAGE_CONFIGURATION_READ, "the configuration was read again: %d "
			    "options changed", changed);
		if (changed && daemon->mirror)
			mirror_reconfigure(daemon->mirror);
	}
	options_free(&fresh);
	free(problem);
	service_manager_reloaded(daemon->manager);
}

static void handle_signal(struct daemon *daemon, int number)
{
	switch (number) {
	case SIGHUP:
		reload(daemon);
		break;
	case SIGUSR1:
		if (daemon->mirror)
			mirror_log_statistics(daemon->mirror);
		break;
	case SIGUSR2:
		if (daemon->mirror)
			mirror_audit(daemon->mirror);
		break;
	default:
		log_message(MESSAGE_ENDING, "%s: ending", strsignal(number));
		daemon->ending = true;
		service_manager_stopping(daemon->manager);
		if (daemon->mirror)
			mirror_shut_down(daemon->mirror);
		else
			loop_stop(daemon->loop);
		break;
	}
}

static void on_signal(void *context, uint32_t epoll_events)
{
	struct daemon *daemon = context;
	struct signalfd_siginfo info;

	(void)epoll_events;
	while (read(daemon->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		handle_signal(daemon, (int)info.ssi_signo);
}

static int open_signals(struct daemon *daemon)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	daemon->signals = (struct loop_watch){ .ready = on_signal, .context = daemon };
	daemon->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return daemon->signals.fd < 0 ? -errno : 0;
}

static void print_help(void)
{
	puts("Usage: neightrackd [OPTION]...\n"
	     "Mirrors the kernel's neighbour table into Redis, and keeps the two equal.\n\n"
	     "  --config FILE            read options from FILE (default " OPTIONS_DEFAULT_FILE ")\n"
	     "  --check-config           check the options, say what is wrong, and end\n"
	     "  --help, --version\n\n"
	     "Options, each also a key of the configuration file:\n");
	options_print_help(stdout);
}

static void on_look(void *context)
{
	struct daemon *daemon = context;
	int fd = netns_open(daemon->options.netns);

	if (fd < 0) {
		loop_timer_arm(&daemon->look, LOOK_NS);
		return;
	}
	close(fd);
	loop_stop(daemon->loop);
}

/* From here on nothing is opened that needs a privilege. */
static int drop_privileges(struct daemon *daemon)
{
	const struct privileges *privileges = &daemon->privileges;
	int error = 0;

	if (privileges->changes_ids) {
		error = mirror_give(daemon->mirror, privileges->uid, privileges->gid);
		if (!error)
			error = monitor_give(daemon->monitor, privileges->uid, privileges->gid);
	}
	if (!error)
		error = privileges_drop(privileges);
	if (!error && daemon->options.seccomp == OPTION_SECCOMP_ON)
		/* a kernel without it is no reason not to mirror */
		syscall_filter_load(daemon->options.netns_gone == OPTION_NETNS_GONE_WAIT);
	return error;
}

/* Until a signal ends the daemon (0), the namespace is gone (-ENONET), or it fails. */
static int run_mirror(struct daemon *daemon)
{
	int error = mirror_new(&daemon->mirror, daemon->loop, &daemon->options,
			       daemon->privileges.uid);

	if (error)
		return error;
	if (!daemon->is_started) {
		error = monitor_new(&daemon->monitor, daemon->loop, &daemon->options);
		if (!error)
			error = drop_privileges(daemon);
		daemon->is_started = true;
	}
	monitor_set_mirror(daemon->monitor, daemon->mirror);
	if (!error) {
		error = loop_run(daemon->loop);
		if (error)
			log_error("the event loop failed: %s", strerror(-error));
	}
	if (!error && mirror_netns_is_gone(daemon->mirror) && !daemon->ending)
		error = -ENONET;
	monitor_set_mirror(daemon->monitor, NULL);
	mirror_free(daemon->mirror);
	daemon->mirror = NULL;
	return error;
}

/* Metrics are served meanwhile, and signals taken. */
static int wait_for_netns(struct daemon *daemon)
{
	int error;

	log_message(MESSAGE_NETNS_AWAITED, "waiting for network namespace %s",
		    daemon->options.netns);
	loop_timer_arm(&daemon->look, LOOK_NS);
	error = loop_run(daemon->loop);
	if (error)
		log_error("the event loop failed: %s", strerror(-error));
	return error;
}

static void look_at_mirror(void *context, struct service_state *state)
{
	const struct daemon *daemon = context;

	if (daemon->mirror)
		mirror_look(daemon->mirror, state);
	else
		state->why_not_ready = "the network namespace is waited for";
}

static int start_service_manager(struct daemon *daemon)
{
	const struct service_manager_config config = {
		.loop = daemon->loop,
		.look = look_at_mirror,
		.context = daemon,
	};
	int error = service_manager_new(&daemon->manager, &config);

	if (error)
		log_error("no memory");
	return error;
}

static int run_loop(struct daemon *daemon)
{
	int error = loop_add(daemon->loop, &daemon->signals, EPOLLIN);

	if (error) {
		log_error("cannot watch signals: %s", strerror(-error));
		return error;
	}
	loop_timer_init(daemon->loop, &daemon->look, on_look, daemon);
	error = start_service_manager(daemon);
	if (!error)
		error = run_mirror(daemon);
	while (error == -ENONET && daemon->options.netns_gone == OPTION_NETNS_GONE_WAIT) {
		error = wait_for_netns(daemon);
		if (!error && !daemon->ending)
			error = run_mirror(daemon);
	}
	service_manager_free(daemon->manager);
	monitor_free(daemon->monitor);
	return error;
}

static int run(struct daemon *daemon)
{
	int error = open_signals(daemon);

	if (error) {
		log_error("cannot watch signals: %s", strerror(-error));
		return error;
	}
	error = privileges_prepare(&daemon->privileges, &daemon->options, daemon->config_file);
	if (error)
		goto out;
	daemon->loop = loop_new();
	if (!daemon->loop) {
		error = -errno;
		log_error("cannot make an event loop: %s", strerror(-error));
		goto out;
	}
	error = run_loop(daemon);
	loop_free(daemon->loop);
out:
	close(daemon->signals.fd);
	return error;
}

/* In SONiC's syslog it has the name that people look for there. */
static void set_up_log(const struct options *options)
{
	bool is_syslog = options->log_format == LOG_FORMAT_SYSLOG;

	log_set_syslog(options->syslog_socket);
	log_setup(is_syslog ? options->application : "neightrackd", options->log_level,
		  options->log_format);
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .argc = argc, .argv = argv };
	struct command_line line = { 0 };
	int status = EXIT_FAILURE;

	log_setup("neightrackd", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	if (options_init(&daemon.options)) {
		log_error("no memory");
		return EXIT_FAILURE;
	}
	if (options_parse(&daemon.options, &line, argc, argv, stderr)) {
		status = EXIT_USAGE;
	} else if (line.help) {
		print_help();
		status = EXIT_SUCCESS;
	} else if (line.version) {
		puts("neightrackd " NEIGHTRACK_VERSION);
		status = EXIT_SUCCESS;
	} else if (line.first_operand < argc) {
		fprintf(stderr, "neightrackd: '%s': an option was expected (--help lists them)\n",
			argv[line.first_operand]);
		status = EXIT_USAGE;
	} else if (line.check_config) {
		status = EXIT_SUCCESS;
	} else {
		set_up_log(&daemon.options);
		daemon.config_file = line.config_file ? line.config_file : OPTIONS_DEFAULT_FILE;
		status = run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	options_free(&daemon.options);
	return status;
}

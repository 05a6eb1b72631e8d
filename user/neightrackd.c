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

#include "log.h"
#include "loop.h"
#include "mirror.h"
#include "options.h"
#include "version.h"

enum {
	EXIT_USAGE = 2,		/* as for a bad configuration: nothing was started */
};

struct daemon {
	int argc;
	char **argv;
	struct options options;
	struct loop *loop;
	struct mirror *mirror;
	struct loop_watch signals;
};

static void say_unchangeable(void *context, const char *name)
{
	(void)context;
	log_warning("%s cannot change while neightrackd runs: restart it for that", name);
}

static void reload(struct daemon *daemon)
{
	struct command_line line;
	struct options fresh;
	char *problem = NULL;
	size_t problem_bytes;
	FILE *errors = open_memstream(&problem, &problem_bytes);
	int error = options_init(&fresh);

	if (!error)
		error = options_parse(&fresh, &line, daemon->argc, daemon->argv,
				      errors ? errors : stderr);
	if (errors)
		fclose(errors);
	if (error) {
		if (problem)
			problem[strcspn(problem, "\n")] = '\0';
		log_error("the configuration was not read again, nothing has changed: %s",
			  problem && problem[0] ? problem : strerror(-error));
	} else {
		int changed = options_take_over(&daemon->options, &fresh, say_unchangeable, NULL);

		log_set_level(daemon->options.log_level);
		log_notice("the configuration was read again: %d options changed", changed);
		if (changed)
			mirror_reconfigure(daemon->mirror);
	}
	options_free(&fresh);
	free(problem);
}

static void on_signal(void *context, uint32_t epoll_events)
{
	struct daemon *daemon = context;
	struct signalfd_siginfo info;

	(void)epoll_events;
	while (read(daemon->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload(daemon);
			continue;
		}
		log_notice("%s: ending", strsignal((int)info.ssi_signo));
		mirror_shut_down(daemon->mirror);
	}
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	daemon->signals = (struct loop_watch){ .ready = on_signal, .context = daemon };
	daemon->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (daemon->signals.fd < 0)
		return -errno;
	return loop_add(daemon->loop, &daemon->signals, EPOLLIN);
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

static int run(struct daemon *daemon)
{
	int error;

	daemon->loop = loop_new();
	if (!daemon->loop) {
		error = -errno;
		log_error("cannot make an event loop: %s", strerror(-error));
		return error;
	}
	error = watch_signals(daemon);
	if (error) {
		log_error("cannot watch signals: %s", strerror(-error));
		goto out;
	}
	error = mirror_new(&daemon->mirror, daemon->loop, &daemon->options);
	if (error)
		goto out;
	error = loop_run(daemon->loop);
	if (error)
		log_error("the event loop failed: %s", strerror(-error));
out:
	mirror_free(daemon->mirror);
	loop_free(daemon->loop);
	return error;
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
		log_setup("neightrackd", daemon.options.log_level, daemon.options.log_format);
		status = run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	options_free(&daemon.options);
	return status;
}

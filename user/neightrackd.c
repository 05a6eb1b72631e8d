/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrackd: the daemon. Reads what the user asked for, makes the mirrors, and
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

#include "configuration.h"
#include "log.h"
#include "loop.h"
#include "mirrors.h"
#include "monitor.h"
#include "privileges.h"
#include "service_manager.h"
#include "syscall_filter.h"
#include "version.h"

enum {
	EXIT_USAGE = 2,		/* as for a bad configuration: nothing was started */
};

struct daemon {
	int argc;
	char **argv;
	struct configuration configuration;
	const char *config_file;	/* the default one need not be there */
	struct privileges privileges;
	struct loop *loop;
	struct mirrors *mirrors;
	struct monitor *monitor;
	struct service_manager *manager;
	struct loop_watch signals;
};

/* What is the daemon's own is the same in all of them. */
static const struct options *common_options(const struct daemon *daemon)
{
	return &daemon->configuration.mirrors[0];
}

static void say_unchangeable(void *context, const char *name)
{
	(void)context;
	log_message(MESSAGE_OPTION_FIXED, "%s cannot change while neightrackd runs: restart it for "
		    "that", name);
}

static void take_over(struct daemon *daemon, struct configuration *fresh)
{
	int changed = configuration_take_over(&daemon->configuration, fresh, say_unchangeable, NULL);

	if (changed < 0) {
		log_message(MESSAGE_CONFIGURATION_REFUSED, "the configuration was not read again, "
			    "nothing has changed: other [instance] sections than before need a "
			    "restart");
		return;
	}
	if (changed)
		log_set_level(common_options(daemon)->log_level);
	log_message(MESSAGE_CONFIGURATION_READ, "the configuration was read again: %d options "
		    "changed", changed);
	if (changed)
		mirrors_reconfigure(daemon->mirrors);
}

static void reload(struct daemon *daemon)
{
	struct command_line line;
	struct configuration fresh;
	char *problem = NULL;
	size_t problem_bytes;
	FILE *errors = open_memstream(&problem, &problem_bytes);
	int error;

	service_manager_reloading(daemon->manager);
	error = configuration_parse(&fresh, &line, daemon->argc, daemon->argv,
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
		take_over(daemon, &fresh);
	}
	configuration_free(&fresh);
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
		mirrors_log_statistics(daemon->mirrors);
		break;
	case SIGUSR2:
		mirrors_audit(daemon->mirrors);
		break;
	default:
		log_message(MESSAGE_ENDING, "%s: ending", strsignal(number));
		service_manager_stopping(daemon->manager);
		mirrors_shut_down(daemon->mirrors);
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

static bool one_waits_for_netns(const struct daemon *daemon)
{
	for (uint32_t i = 0; i < daemon->configuration.count; i++)
		if (daemon->configuration.mirrors[i].netns_gone == OPTION_NETNS_GONE_WAIT)
			return true;
	return false;
}

/* Tries out what each of the instances will need. */
static int prepare_privileges(struct daemon *daemon)
{
	uint64_t kept = 0;
	int error = 0;

	for (uint32_t i = 0; !error && i < daemon->configuration.count; i++) {
		error = privileges_prepare(&daemon->privileges, &daemon->configuration.mirrors[i],
					   daemon->config_file);
		kept |= daemon->privileges.kept;
	}
	daemon->privileges.kept = kept;
	return error;
}

/* From here on nothing is opened that needs a privilege. */
static int drop_privileges(struct daemon *daemon)
{
	const struct privileges *privileges = &daemon->privileges;
	int error = 0;

	if (privileges->changes_ids) {
		error = mirrors_give(daemon->mirrors, privileges->uid, privileges->gid);
		if (!error)
			error = monitor_give(daemon->monitor, privileges->uid, privileges->gid);
	}
	if (!error)
		error = privileges_drop(privileges);
	if (!error && common_options(daemon)->seccomp == OPTION_SECCOMP_ON)
		/* a kernel without it is no reason not to mirror */
		syscall_filter_load(one_waits_for_netns(daemon));
	return error;
}

static void look_at_mirrors(void *context, struct service_state *state)
{
	const struct daemon *daemon = context;

	mirrors_look(daemon->mirrors, state);
}

static int start_service_manager(struct daemon *daemon)
{
	const struct service_manager_config config = {
		.loop = daemon->loop,
		.look = look_at_mirrors,
		.context = daemon,
	};
	int error = service_manager_new(&daemon->manager, &config);

	if (error)
		log_error("no memory");
	return error;
}

/* Until a signal ends the daemon (0), a namespace is gone (-ENONET), or it fails. */
static int run_loop(struct daemon *daemon)
{
	int error = start_service_manager(daemon);

	if (!error)
		error = mirrors_new(&daemon->mirrors, daemon->loop, &daemon->configuration,
				    daemon->privileges.uid);
	if (!error)
		error = monitor_new(&daemon->monitor, daemon->loop, common_options(daemon),
				    daemon->mirrors);
	if (!error)
		error = drop_privileges(daemon);
	if (error)
		goto out;
	error = loop_add(daemon->loop, &daemon->signals, EPOLLIN);
	if (error) {
		log_error("cannot watch signals: %s", strerror(-error));
		goto out;
	}
	error = loop_run(daemon->loop);
	if (error)
		log_error("the event loop failed: %s", strerror(-error));
	else
		error = mirrors_error(daemon->mirrors);
out:
	service_manager_free(daemon->manager);
	monitor_free(daemon->monitor);
	mirrors_free(daemon->mirrors);
	return error;
}

static int run(struct daemon *daemon)
{
	int error = open_signals(daemon);

	if (error) {
		log_error("cannot watch signals: %s", strerror(-error));
		return error;
	}
	error = prepare_privileges(daemon);
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
	if (configuration_parse(&daemon.configuration, &line, argc, argv, stderr)) {
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
		set_up_log(common_options(&daemon));
		daemon.config_file = line.config_file ? line.config_file : OPTIONS_DEFAULT_FILE;
		status = run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	configuration_free(&daemon.configuration);
	return status;
}

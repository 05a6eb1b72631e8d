/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack monitor: a line or a JSON object for each change, as it happens. */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"
#include "listing_switch.h"
#include "log.h"
#include "neigh_text.h"
#include "output.h"
#include "selection.h"

struct monitor_view {
	const struct command_arguments *arguments;
	struct selection selection;
	struct loop *loop;
	struct loop_watch reader;	/* of stdout: whether it is still there */
	int status;
};

static const char *const op_names[] = {
	[FEED_START] = "start", [FEED_ADD] = "add", [FEED_CHANGE] = "change",
	[FEED_DELETE] = "delete", [FEED_LOST] = "lost", [FEED_END] = "end",
};

static bool is_of_neighbour(enum feed_op op)
{
	return op == FEED_ADD || op == FEED_CHANGE || op == FEED_DELETE;
}

static void print_text(const struct command_arguments *arguments, const struct feed_event *event)
{
	static const enum paint paints[] = { [FEED_ADD] = PAINT_GOOD, [FEED_DELETE] = PAINT_BAD,
					     [FEED_LOST] = PAINT_BAD, [FEED_END] = PAINT_BAD };
	time_t seconds = (time_t)(event->time_ms / 1000);
	char text[80];
	struct tm local;

	localtime_r(&seconds, &local);
	strftime(text, sizeof(text), "%F %T", &local);
	printf("%s.%03u ", text, (unsigned int)(event->time_ms % 1000));
	output_text(arguments, paints[event->op], 7, op_names[event->op]);
	if (!is_of_neighbour(event->op)) {
		if (event->op == FEED_START)
			printf("%llu neighbours\n", (unsigned long long)event->count);
		else if (event->op == FEED_LOST)
			printf("notifications were lost: what a dump finds follows\n");
		else
			printf("the network namespace is gone\n");
		return;
	}
	ip_to_text(event->family, event->addr, text);
	output_text(arguments, PAINT_ADDRESS, 0, text);
	fputs(" dev ", stdout);
	output_text(arguments, PAINT_INTERFACE, 0, event->interface);
	for (int i = 0; i < 2; i++) {
		const uint8_t *mac = i ? event->old_mac : event->mac;

		if (!mac)
			continue;
		fputs(i ? " was " : " lladdr ", stdout);
		mac_to_text(mac, text);
		output_text(arguments, PAINT_MAC, 0, text);
	}
	printf(" (%s)\n", event->reason);
}

static void print_json(const struct command_arguments *arguments, const struct feed_event *event)
{
	json_object *object = json_object_new_object();
	char ip[IP_TEXT_BYTES];

	output_add_number(object, "time", event->time_ms);
	output_add_text(object, "op", op_names[event->op]);
	if (is_of_neighbour(event->op)) {
		ip_to_text(event->family, event->addr, ip);
		output_add_text(object, "interface", event->interface);
		output_add_text(object, "ip", ip);
		output_add_mac(object, "mac", event->mac);
		output_add_mac(object, "old_mac", event->old_mac);
		output_add_text(object, "reason", event->reason);
	} else if (event->op != FEED_END) {
		output_add_number(object, "count", event->count);
	}
	output_json(arguments, object);
}

static void stop(struct monitor_view *view, int status)
{
	view->status = status;
	loop_stop(view->loop);
}

static void on_event(void *context, const struct feed_event *event)
{
	struct monitor_view *view = context;

	if (is_of_neighbour(event->op) &&
	    !selection_has(&view->selection, event->interface, event->family, event->addr))
		return;
	if (view->arguments->json)
		print_json(view->arguments, event);
	else
		print_text(view->arguments, event);
	/* each line for itself, in a pipe too */
	if (fflush(stdout)) {
		if (errno != EPIPE)
			log_error("cannot write to stdout: %s", strerror(errno));
		stop(view, errno == EPIPE ? COMMAND_OK : COMMAND_FAILED);
		clearerr(stdout);
	} else if (event->op == FEED_END) {
		stop(view, COMMAND_FAILED);
	}
}

/* At once, as the reader of a pipe may be what has this wait: every line is written whole
 * before the next, and the kernel takes care of all else. */
static void on_signal(int number)
{
	(void)number;
	_exit(COMMAND_OK);
}

/* Nobody reads any more: told without a change to write, too. */
static void on_reader(void *context, uint32_t epoll_events)
{
	if (epoll_events & (EPOLLERR | EPOLLHUP))
		stop(context, COMMAND_OK);
}

static int watch(struct monitor_view *view)
{
	int error;

	if (signal(SIGINT, on_signal) == SIG_ERR || signal(SIGTERM, on_signal) == SIG_ERR ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	view->reader = (struct loop_watch){ .fd = STDOUT_FILENO, .ready = on_reader,
					    .context = view };
	error = loop_add(view->loop, &view->reader, 0);
	/* a file has no reader */
	return error == -EPERM ? 0 : error;
}

static void run(struct monitor_view *view, const struct options *options)
{
	struct switch_config switch_config;
	struct feed *feed = NULL;
	int error = listing_switch_config(&switch_config, options);

	if (!error)
		error = watch(view);
	if (!error)
		error = feed_new(&feed, view->loop, options, &switch_config, on_event, view);
	if (!error) {
		view->status = COMMAND_OK;
		error = loop_run(view->loop);
	}
	if (error) {
		view->status = COMMAND_FAILED;
		log_error("cannot monitor neighbours: %s", strerror(-error));
	}
	feed_free(feed);
	switch_config_free(&switch_config);
}

int command_monitor(const struct options *options, const struct command_arguments *arguments)
{
	struct monitor_view view = { .arguments = arguments, .status = COMMAND_FAILED };

	if (selection_read(&view.selection, arguments, "monitor", NULL, NULL))
		return COMMAND_FAILED;
	view.loop = loop_new();
	if (!view.loop) {
		log_error("cannot make an event loop: %s", strerror(errno));
		return COMMAND_FAILED;
	}
	run(&view, options);
	loop_free(view.loop);
	return view.status;
}

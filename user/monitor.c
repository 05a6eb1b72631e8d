/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "listen_address.h"
#include "log.h"
#include "metrics.h"
#include "mirror.h"
#include "mirrors.h"

#define PLAIN_TEXT "text/plain; charset=utf-8"

struct monitor {
	const struct options *options;
	const struct mirrors *mirrors;
	struct listen_address address;
	struct http_server *server;
};

static void look_at(struct metrics_mirror *view, const struct mirrors *mirrors, size_t i)
{
	const struct mirror *mirror = mirrors_at(mirrors, i);

	view->name = mirrors_name(mirrors, i);
	view->is_ready = mirror && !mirror_why_not_ready(mirror);
	view->is_there = mirror;
	if (mirror)
		mirror_statistics(mirror, &view->statistics);
}

static int print_metrics(const struct monitor *monitor, const char *accept,
			 struct http_answer *answer)
{
	bool openmetrics = strstr(accept, "application/openmetrics-text");
	FILE *file = open_memstream(&answer->body, &answer->body_bytes);
	struct metrics_view view = {
		.http = http_server_stats(monitor->server),
		.interfaces = monitor->options->metrics_interfaces,
		.count = mirrors_count(monitor->mirrors),
	};
	bool failed;

	if (!file)
		return -ENOMEM;
	view.mirrors = calloc(view.count, sizeof(*view.mirrors));
	for (size_t i = 0; view.mirrors && i < view.count; i++)
		look_at(&view.mirrors[i], monitor->mirrors, i);
	failed = !view.mirrors || metrics_print(file, &view, openmetrics);
	free(view.mirrors);
	answer->content_type = openmetrics ? METRICS_OPENMETRICS_TYPE : METRICS_TEXT_TYPE;
	failed |= ferror(file) != 0;
	if (fclose(file) || failed) {
		free(answer->body);
		return -ENOMEM;
	}
	return 0;
}

/* why: what is wrong; NULL: nothing. */
static int print_state(const char *why, struct http_answer *answer)
{
	int bytes = asprintf(&answer->body, "%s\n", why ? why : "ok");

	if (bytes < 0)
		return -ENOMEM;
	answer->body_bytes = (size_t)bytes;
	answer->content_type = PLAIN_TEXT;
	answer->status = why ? 503 : 200;
	return 0;
}

static int answer_request(void *context, const char *path, const char *accept,
			  struct http_answer *answer)
{
	const struct monitor *monitor = context;
	char why[128];

	if (!strcmp(path, "/metrics"))
		return print_metrics(monitor, accept, answer);
	/* whoever gets an answer knows that the loop turns */
	if (!strcmp(path, "/healthz"))
		return print_state(NULL, answer);
	if (!strcmp(path, "/readyz"))
		return print_state(mirrors_are_ready(monitor->mirrors, why, sizeof(why)) ? NULL : why,
				   answer);
	return -ENOENT;
}

static int start_server(struct monitor *monitor, struct loop *loop)
{
	const struct options *options = monitor->options;
	const struct http_server_config config = {
		.loop = loop,
		.address = &monitor->address,
		.text = options->metrics,
		.certificate = options->metrics_cert,
		.key = options->metrics_key,
		.client_ca = options->metrics_client_ca,
		.answer = answer_request,
		.context = monitor,
	};
	int error = http_server_new(&monitor->server, &config);

	if (error)
		return error;
	log_info("metrics are at %s%s", options->metrics, options->metrics_cert[0] ?
		 ", by TLS" : "");
	if (!listen_address_is_local(&monitor->address) && !options->metrics_client_ca[0])
		log_message(MESSAGE_METRICS_OPEN, "metrics = %s: whoever reaches this address can "
			    "read the metrics; with metrics_client_ca only clients with a "
			    "certificate can", options->metrics);
	return 0;
}

int monitor_new(struct monitor **result, struct loop *loop, const struct options *options,
		const struct mirrors *mirrors)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	const char *why;
	int error;

	*result = NULL;
	if (!monitor) {
		log_error("no memory");
		return -ENOMEM;
	}
	monitor->options = options;
	monitor->mirrors = mirrors;
	error = listen_address_parse(&monitor->address, options->metrics, &why);
	if (error)
		log_error("metrics = %s: %s", options->metrics, why);
	else if (monitor->address.any.sa_family != AF_UNSPEC)
		error = start_server(monitor, loop);
	if (error || !monitor->server) {
		monitor_free(monitor);
		return error;
	}
	*result = monitor;
	return 0;
}

int monitor_give(const struct monitor *monitor, uid_t uid, gid_t gid)
{
	int error = monitor ? listen_address_give(&monitor->address, uid, gid) : 0;

	if (error)
		log_error("cannot make the socket of metrics = %s that of user %u: %s",
			  monitor->options->metrics, uid, strerror(-error));
	return error;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	http_server_free(monitor->server);
	free(monitor);
}

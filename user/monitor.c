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

#define PLAIN_TEXT "text/plain; charset=utf-8"

struct monitor {
	const struct options *options;
	const struct mirror *mirror;
	struct listen_address address;
	struct http_server *server;
};

static const char *why_not_ready(const struct monitor *monitor)
{
	return monitor->mirror ? mirror_why_not_ready(monitor->mirror) :
				 "the network namespace is waited for";
}

static int print_metrics(const struct monitor *monitor, const char *accept,
			 struct http_answer *answer)
{
	bool openmetrics = strstr(accept, "application/openmetrics-text");
	FILE *file = open_memstream(&answer->body, &answer->body_bytes);
	struct statistics statistics;
	struct metrics_view view = {
		.http = http_server_stats(monitor->server),
		.is_ready = !why_not_ready(monitor),
		.interfaces = monitor->options->metrics_interfaces,
	};
	bool failed;

	if (!file)
		return -ENOMEM;
	if (monitor->mirror) {
		mirror_statistics(monitor->mirror, &statistics);
		view.statistics = &statistics;
	}
	metrics_print(file, &view, openmetrics);
	answer->content_type = openmetrics ? METRICS_OPENMETRICS_TYPE : METRICS_TEXT_TYPE;
	failed = ferror(file);
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

	if (!strcmp(path, "/metrics"))
		return print_metrics(monitor, accept, answer);
	/* whoever gets an answer knows that the loop turns */
	if (!strcmp(path, "/healthz"))
		return print_state(NULL, answer);
	if (!strcmp(path, "/readyz"))
		return print_state(why_not_ready(monitor), answer);
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

int monitor_new(struct monitor **result, struct loop *loop, const struct options *options)
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

void monitor_set_mirror(struct monitor *monitor, const struct mirror *mirror)
{
	if (monitor)
		monitor->mirror = mirror;
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

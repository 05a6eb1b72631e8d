/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request a connection, and no more of HTTP than that takes: a library for it would
 * load two dozen others into each run of the tool.
 */
#include "metrics_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "listen_address.h"

#define PATIENCE_NS NS_PER_S
#define MOST_BYTES (8u << 20)
#define ROOM_BYTES 65536u

static const char request[] =
	"GET /metrics HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* Waits until the socket is ready. */
static int await(int fd, short events, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	struct pollfd waiting = { .fd = fd, .events = events };

	if (now_ns >= deadline_ns ||
	    poll(&waiting, 1, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1) <= 0)
		return -ETIMEDOUT;
	return 0;
}

static int open_connection(const struct listen_address *address, uint64_t deadline_ns)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t bytes = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &address->any, address->bytes))
		error = -errno;
	if (error == -EINPROGRESS) {
		error = await(fd, POLLOUT, deadline_ns);
		if (!error && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes))
			error = -error;
	}
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* All that comes until the other end closes. */
static int read_all(int fd, char **text, uint64_t deadline_ns)
{
	size_t used = 0, room = 0;

	while (true) {
		ssize_t count;
		int error;

		if (used + 1 >= room) {
			char *more = used < MOST_BYTES ? realloc(*text, room + ROOM_BYTES) : NULL;

			if (!more)
				return -ENOMEM;
			*text = more;
			room += ROOM_BYTES;
		}
		error = await(fd, POLLIN, deadline_ns);
		if (error)
			return error;
		count = read(fd, *text + used, room - used - 1);
		if (count < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		used += count > 0 ? (size_t)count : 0;
		(*text)[used] = '\0';
		if (!count)
			return 0;
	}
}

char *metrics_body(char *response)
{
	char *body = strstr(response, "\r\n\r\n");

	/* HTTP/1.N 200 */
	if (!body || strncmp(response, "HTTP/1.", 7) || !response[7] ||
	    strncmp(response + 8, " 200", 4))
		return NULL;
	return body + 4;
}

static int ask(struct metrics_answer *answer, const struct listen_address *address)
{
	uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	int fd = open_connection(address, deadline_ns);
	int error = fd < 0 ? fd : 0;
	char *body;

	if (fd < 0)
		return error;
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		error = -errno;
	if (!error)
		error = read_all(fd, &answer->text, deadline_ns);
	close(fd);
	if (error)
		return error;
	body = metrics_body(answer->text);
	if (!body)
		return -EBADMSG;
	memmove(answer->text, body, strlen(body) + 1);
	return 0;
}

void metrics_keep_mirror(char *text, const char *mirror)
{
	char label[OPTIONS_MIRROR_BYTES + sizeof("mirror=\"\"")];
	char *to = text;

	snprintf(label, sizeof(label), "mirror=\"%s\"", mirror);
	for (char *line = text, *next; *line; line = next) {
		size_t bytes = strcspn(line, "\n");

		bytes += line[bytes] == '\n';
		next = line + bytes;
		/* a quote within an interface's name has a backslash before it */
		if (memmem(line, bytes, "mirror=\"", strlen("mirror=\"")) &&
		    !memmem(line, bytes, label, strlen(label)))
			continue;
		memmove(to, line, bytes);
		to += bytes;
	}
	*to = '\0';
}

int metrics_fetch(struct metrics_answer *answer, const struct options *options)
{
	struct listen_address address;
	const char *why;
	int error;

	*answer = (struct metrics_answer){ 0 };
	error = listen_address_parse(&address, options->metrics, &why);
	if (error || address.any.sa_family == AF_UNSPEC) {
		snprintf(answer->why, sizeof(answer->why), "metrics = off");
		return -ENOENT;
	}
	if (options->metrics_cert[0]) {
		snprintf(answer->why, sizeof(answer->why),
			 "metrics are served by TLS, which this does not speak");
		return -EPROTONOSUPPORT;
	}
	error = ask(answer, &address);
	if (error) {
		snprintf(answer->why, sizeof(answer->why), "metrics at %.100s: %s",
			 options->metrics, error == -EBADMSG ? "no metrics are answered there" :
							       strerror(-error));
		metrics_answer_free(answer);
	} else if (options->mirror[0]) {
		metrics_keep_mirror(answer->text, options->mirror);
	}
	return error;
}

void metrics_answer_free(struct metrics_answer *answer)
{
	free(answer->text);
	answer->text = NULL;
}

static bool has_label(const char *labels, size_t bytes, const char *label)
{
	return memmem(labels, bytes, label, strlen(label)) != NULL;
}

/* Up to the brace that ends them, which may be in an interface's name too. 0: there are none. */
static size_t labels_bytes(const char *labels)
{
	bool is_quoted = false;
	size_t i = 0;

	if (labels[0] != '{')
		return 0;
	for (; labels[i] && labels[i] != '\n' && (is_quoted || labels[i] != '}'); i++) {
		if (labels[i] == '\\' && labels[i + 1])
			i++;
		else if (labels[i] == '"')
			is_quoted = !is_quoted;
	}
	return i;
}

bool metrics_value(const char *text, const char *name, const char *label, double *value)
{
	size_t name_bytes = strlen(name);
	bool is_found = false;

	*value = 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *labels, *end;
		size_t bytes;

		line += *line == '\n';
		if (strncmp(line, name, name_bytes))
			continue;
		labels = line + name_bytes;
		bytes = labels_bytes(labels);
		end = labels + bytes + (labels[bytes] == '}');
		if (*end != ' ' || !has_label(labels, bytes, label))
			continue;
		*value += strtod(end, NULL);
		is_found = true;
	}
	return is_found;
}

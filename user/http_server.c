/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd parses and answers; its epoll descriptor is one watch of the loop. The
 * listening socket is ours, so that what is beyond the bound is refused and counted:
 * libmicrohttpd would leave it waiting. So is the limit of time, as its own starts anew
 * with each byte that trickles in.
 */
#include "http_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "http_library.h"
#include "log.h"

#define ACCEPTS_A_TURN 16
#define CONNECTION_MEMORY_BYTES 16384u	/* of the request and of the answer's header */
#define PEM_BYTES (1u << 20)
#define FULL_NS NS_PER_S		/* without a descriptor to spare: the next try */
#define TLS_PRIORITIES "SECURE128:+SECURE192:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3"

struct connection {
	int fd;				/* -1: none */
	uint64_t due_ns;		/* when it has lasted too long; 0: it was told so */
};

struct http_server {
	struct http_server_config config;
	struct http_library mhd;
	struct MHD_Daemon *daemon;
	struct loop_watch listening;
	struct loop_watch running;
	struct loop_timer again;	/* libmicrohttpd has more to do */
	struct loop_timer expiry;
	struct loop_timer accepting;	/* accept again */
	struct connection connections[HTTP_CONNECTIONS];
	unsigned int connection_count;
	struct http_server_stats stats;
};

static void run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	server->mhd.MHD_run(server->daemon);
	if (server->mhd.MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
		loop_timer_arm(&server->again, timeout_ms * NS_PER_MS);
	else
		loop_timer_disarm(&server->again);
}

static void on_again(void *context)
{
	run(context);
}

static void on_running(void *context, uint32_t epoll_events)
{
	(void)epoll_events;
	run(context);
}

static void arm_expiry(struct http_server *server, uint64_t now_ns)
{
	uint64_t earliest_ns = UINT64_MAX;

	for (unsigned int i = 0; i < HTTP_CONNECTIONS; i++) {
		const struct connection *connection = &server->connections[i];

		if (connection->fd >= 0 && connection->due_ns && connection->due_ns < earliest_ns)
			earliest_ns = connection->due_ns;
	}
	if (earliest_ns == UINT64_MAX)
		loop_timer_disarm(&server->expiry);
	else
		loop_timer_arm(&server->expiry, earliest_ns > now_ns ? earliest_ns - now_ns : 0);
}

static void on_expiry(void *context)
{
	struct http_server *server = context;
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < HTTP_CONNECTIONS; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->fd < 0 || !connection->due_ns || connection->due_ns > now_ns)
			continue;
		/* libmicrohttpd, whose socket it is, sees that and closes it */
		shutdown(connection->fd, SHUT_RDWR);
		connection->due_ns = 0;
		server->stats.expired++;
	}
	run(server);
	arm_expiry(server, now_ns);
}

static int socket_of(const struct http_server *server, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		server->mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	struct connection *connection = *slot;
	uint64_t now_ns = clock_now_ns();

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!connection)
			return;
		connection->fd = -1;
		server->connection_count--;
	} else {
		connection = server->connections;
		while (connection->fd >= 0)
			connection++;	/* there is one: on_listening() has seen to that */
		connection->fd = socket_of(server, mhd);
		connection->due_ns = now_ns + HTTP_CONNECTION_S * NS_PER_S;
		server->connection_count++;
		*slot = connection;
	}
	arm_expiry(server, now_ns);
}

static void on_accepting(void *context)
{
	struct http_server *server = context;

	loop_modify(server->config.loop, &server->listening, EPOLLIN);
}

/* What waits stays readable: without a rest the loop would only turn round it. */
static void rest(struct http_server *server, int error)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };

	log_message_limited(&limit, MESSAGE_METRICS_UNREACHABLE, "metrics = %s: cannot take a "
			    "connection: %s", server->config.text, strerror(error));
	loop_modify(server->config.loop, &server->listening, 0);
	loop_timer_arm(&server->accepting, FULL_NS);
}

static void on_listening(void *context, uint32_t epoll_events)
{
	struct http_server *server = context;
	struct sockaddr_storage from;

	(void)epoll_events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t bytes = sizeof(from);
		int fd = accept4(server->listening.fd, (struct sockaddr *)&from, &bytes,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				rest(server, errno);
			break;
		}
		if (server->connection_count == HTTP_CONNECTIONS) {
			server->stats.refused++;
			close(fd);
			continue;
		}
		server->stats.accepted++;
		/* which closes it if it fails */
		server->mhd.MHD_add_connection(server->daemon, fd, (struct sockaddr *)&from,
					       bytes);
	}
	run(server);
}

static enum MHD_Result respond(struct http_server *server, struct MHD_Connection *connection,
			       struct http_answer *answer)
{
	enum MHD_Result result;
	struct MHD_Response *response =
		server->mhd.MHD_create_response_from_buffer(answer->body_bytes, answer->body,
							    MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(answer->body);
		return MHD_NO;
	}
	server->mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					    answer->content_type);
	server->mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		server->mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = server->mhd.MHD_queue_response(connection, answer->status, response);
	server->mhd.MHD_destroy_response(response);
	server->stats.answered++;
	return result;
}

static enum MHD_Result respond_text(struct http_server *server, struct MHD_Connection *connection,
				    unsigned int status, const char *text)
{
	struct http_answer answer = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.body = strdup(text),
		.body_bytes = strlen(text),
	};

	return answer.body ? respond(server, connection, &answer) : MHD_NO;
}

/* By the CA that is configured. */
static bool is_trusted(const struct http_server *server, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;
	unsigned int status = 0;

	if (!server->config.client_ca[0])
		return true;
	info = server->mhd.MHD_get_connection_info(connection,
						   MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info &&
	       !server->mhd.gnutls_certificate_verify_peers2((gnutls_session_t)info->tls_session,
							     &status) && !status;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_bytes, void **request)
{
	struct http_server *server = context;
	struct http_answer answer = { .status = MHD_HTTP_OK };
	const char *accept;
	int error;

	(void)version;
	(void)upload;
	(void)upload_bytes;
	(void)request;
	if (!is_trusted(server, connection))
		return respond_text(server, connection, MHD_HTTP_FORBIDDEN,
				    "a client certificate of this server's CA is needed\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return respond_text(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "GET and HEAD are what is answered\n");
	accept = server->mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	error = server->config.answer(server->config.context, url, accept ? accept : "", &answer);
	if (error)
		return respond_text(server, connection, error == -ENOENT ? MHD_HTTP_NOT_FOUND :
				    MHD_HTTP_INTERNAL_SERVER_ERROR, error == -ENOENT ?
				    "there are /metrics, /healthz and /readyz\n" : "no memory\n");
	return respond(server, connection, &answer);
}

/* What libmicrohttpd has to say is what clients have done wrong. */
static void on_message(void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void on_message(void *context, const char *format, va_list arguments)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 60000 };
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_limited(&limit, LOG_LEVEL_DEBUG, "libmicrohttpd: %s", text);
}

/* The whole file as a text, from malloc(); *text is NULL for "". */
static int read_pem(const char *option, const char *path, char **text)
{
	FILE *file;
	struct stat status;
	size_t bytes;
	int error = 0;

	*text = NULL;
	if (!path[0])
		return 0;
	file = fopen(path, "re");
	if (!file || fstat(fileno(file), &status))
		error = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size <= 0 || status.st_size > PEM_BYTES)
		error = -EINVAL;
	else if (!(*text = calloc(1, (size_t)status.st_size + 1)))
		error = -ENOMEM;
	if (!error) {
		bytes = fread(*text, 1, (size_t)status.st_size, file);
		if (bytes != (size_t)status.st_size)
			error = -EIO;
	}
	if (file)
		fclose(file);
	if (error)
		log_error("%s = %s: cannot read it: %s (a file in PEM form is needed)", option,
			  path, strerror(-error));
	return error;
}

static void start_daemon(struct http_server *server, const char *certificate, const char *key,
			 const char *client_ca)
{
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  (void *)(uintptr_t)client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem no_tls[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
			     (certificate ? MHD_USE_TLS : 0);

	server->daemon = server->mhd.MHD_start_daemon(flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_ARRAY, certificate ? tls : no_tls,
		MHD_OPTION_END);
}

/* Not in the portable binary: static/no_tls.c. */
static bool has_tls(const struct http_server *server)
{
	if (server->mhd.MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES ||
	    server->mhd.gnutls_global_init() < 0)
		return false;
	server->mhd.gnutls_global_deinit();
	return true;
}

/* libmicrohttpd, with the files that it needs. */
static int make_daemon(struct http_server *server)
{
	const struct http_server_config *config = &server->config;
	char *certificate, *key = NULL, *client_ca = NULL;
	int error = read_pem("metrics_cert", config->certificate, &certificate);

	if (!error)
		error = read_pem("metrics_key", config->key, &key);
	if (!error)
		error = read_pem("metrics_client_ca", config->client_ca, &client_ca);
	if (error)
		goto out;
	if (certificate && !has_tls(server)) {
		log_error("metrics_cert: this neightrackd was built without TLS: listen at "
			  "unix:/path or on 127.0.0.1, or use one that is linked with GnuTLS");
		error = -EOPNOTSUPP;
		goto out;
	}
	start_daemon(server, certificate, key, client_ca);
	if (!server->daemon) {
		error = -EINVAL;
		log_error("metrics = %s: libmicrohttpd cannot start%s", config->text, certificate ?
			  ": are metrics_cert, metrics_key and metrics_client_ca in PEM form, and "
			  "do the first two belong together?" : "");
	}
out:
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	free(client_ca);
	free(certificate);
	return error;
}

static int watch(struct http_server *server)
{
	const union MHD_DaemonInfo *info =
		server->mhd.MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int error;

	server->running.fd = info ? info->epoll_fd : -1;
	error = loop_add(server->config.loop, &server->running, EPOLLIN);
	if (error)
		server->running.fd = -1;
	else
		error = listen_address_open(server->config.address);
	if (error < 0)
		return error;
	server->listening.fd = error;
	return loop_add(server->config.loop, &server->listening, EPOLLIN);
}

int http_server_new(struct http_server **result, const struct http_server_config *config)
{
	struct http_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	server->listening = (struct loop_watch){ .fd = -1, .ready = on_listening,
						 .context = server };
	server->running = (struct loop_watch){ .fd = -1, .ready = on_running, .context = server };
	loop_timer_init(config->loop, &server->again, on_again, server);
	loop_timer_init(config->loop, &server->expiry, on_expiry, server);
	loop_timer_init(config->loop, &server->accepting, on_accepting, server);
	for (unsigned int i = 0; i < HTTP_CONNECTIONS; i++)
		server->connections[i].fd = -1;
	error = http_library_load(&server->mhd);
	if (!error)
		error = make_daemon(server);
	if (error)
		goto fail;
	error = watch(server);
	if (error) {
		log_error("metrics = %s: cannot listen there: %s%s", config->text, strerror(-error),
			  error == -EADDRINUSE ? " (another process does; choose another port or "
						 "path)" : "");
		goto fail;
	}
	*result = server;
	return 0;
fail:
	http_server_free(server);
	return error;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	if (server->listening.fd >= 0) {
		loop_remove(server->config.loop, &server->listening);
		close(server->listening.fd);
		listen_address_clean_up(server->config.address);
	}
	if (server->running.fd >= 0)
		loop_remove(server->config.loop, &server->running);
	if (server->daemon)
		server->mhd.MHD_stop_daemon(server->daemon);
	loop_timer_remove(server->config.loop, &server->again);
	loop_timer_remove(server->config.loop, &server->expiry);
	loop_timer_remove(server->config.loop, &server->accepting);
	free(server);
}

const struct http_server_stats *http_server_stats(const struct http_server *server)
{
	return &server->stats;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection as a small state machine:
 *
 *   waiting --timer--> connecting --writable--> greeting --replies--> connected
 *      ^                   |                       |                     |
 *      +-------------------+----- any failure -----+---------------------+
 *
 * hiredis opens the socket and parses what comes back; reading and writing it
 * are here, as its own buffers would mean a copy and an allocation a command.
 */
#include "redis_client.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define FIRST_DELAY_NS (50 * NS_PER_MS)
#define LAST_DELAY_NS (5 * NS_PER_S)
#define READ_BYTES 65536u
#define READS_A_TURN 16

enum state {
	STATE_WAITING,
	STATE_CONNECTING,
	STATE_GREETING,
	STATE_CONNECTED,
};

struct expected {
	void (*on_reply)(void *context, const struct reply *reply);
	void *context;
};

struct redis_client {
	struct loop *loop;
	const struct redis_address *address;
	const char *text;
	const char *name;
	const struct redis_client_events *events;
	void *context;
	enum state state;
	redisContext *connection;
	struct loop_watch watch;
	bool watches_writable;
	struct loop_timer retry;
	uint64_t delay_ns;
	uint64_t connected_ns;		/* when it was, last */
	uint64_t away_since_ns;		/* 0 = it is not away */
	bool away_was_said;
	struct reply_reader *reader;
	struct resp_buffer output;
	size_t output_sent;
	struct expected *expected;	/* a ring of a power of two */
	size_t expected_size;
	size_t expected_first;
	size_t expected_count;
	bool in_reply;			/* a drop waits until on_reply has returned */
	char drop_reason[200];		/* "" = no drop is due */
	struct redis_client_stats stats;
	char read_buffer[READ_BYTES];
};

static void begin_connecting(void *context);
static void on_ready(void *context, uint32_t epoll_events);

struct redis_client *redis_client_new(struct loop *loop, const struct redis_address *address,
				      const char *text, const char *client_name,
				      const struct redis_client_events *events, void *context)
{
	struct redis_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->loop = loop;
	client->address = address;
	client->text = text;
	client->name = client_name;
	client->events = events;
	client->context = context;
	client->delay_ns = FIRST_DELAY_NS;
	client->away_since_ns = clock_now_ns();
	client->watch = (struct loop_watch){ .fd = -1, .ready = on_ready, .context = client };
	loop_timer_init(loop, &client->retry, begin_connecting, client);
	loop_timer_arm(&client->retry, 0);
	return client;
}

static void close_connection(struct redis_client *client)
{
	if (client->connection) {
		loop_remove(client->loop, &client->watch);
		redisFree(client->connection);
		client->connection = NULL;
	}
	reply_reader_free(client->reader);
	client->reader = NULL;
	client->output.used = 0;
	client->output.failed = false;
	client->output_sent = 0;
	client->expected_count = 0;
	client->watches_writable = false;
	client->state = STATE_WAITING;
}

void redis_client_free(struct redis_client *client)
{
	if (!client)
		return;
	close_connection(client);
	loop_timer_disarm(&client->retry);
	resp_buffer_free(&client->output);
	free(client->expected);
	free(client);
}

bool redis_client_is_connected(const struct redis_client *client)
{
	return client->state == STATE_CONNECTED;
}

const struct redis_client_stats *redis_client_stats(const struct redis_client *client)
{
	return &client->stats;
}

struct resp_buffer *redis_client_output(struct redis_client *client)
{
	return &client->output;
}

size_t redis_client_in_flight(const struct redis_client *client)
{
	return client->expected_count;
}

/* A quarter more or less, so that a thousand hosts do not return at once. */
static uint64_t jittered(uint64_t delay_ns)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		return delay_ns;
	return delay_ns - delay_ns / 4 + delay_ns / 2 * (random % 1024) / 1024;
}

static void give_up(struct redis_client *client)
{
	bool was_connected = client->state == STATE_CONNECTED;
	uint64_t now_ns = clock_now_ns();

	if (!client->away_since_ns)
		client->away_since_ns = now_ns;
	/* one that is lost as soon as it stands is not tried ever faster */
	if (was_connected && now_ns - client->connected_ns > LAST_DELAY_NS)
		client->delay_ns = FIRST_DELAY_NS;
	if (!client->away_was_said) {
		log_warning("Redis at %s is away: %s; the neighbours are kept, trying again",
			    client->text, client->drop_reason);
		client->away_was_said = true;
	} else {
		log_debug("Redis at %s: %s", client->text, client->drop_reason);
	}
	client->drop_reason[0] = '\0';
	close_connection(client);
	loop_timer_arm(&client->retry, jittered(client->delay_ns));
	client->delay_ns *= 2;
	if (client->delay_ns > LAST_DELAY_NS)
		client->delay_ns = LAST_DELAY_NS;
	if (was_connected)
		client->events->disconnected(client->context);
}

void redis_client_drop(struct redis_client *client, const char *format, ...)
{
	va_list arguments;

	if (client->state == STATE_WAITING || client->drop_reason[0])
		return;
	va_start(arguments, format);
	vsnprintf(client->drop_reason, sizeof(client->drop_reason), format, arguments);
	va_end(arguments);
	/* readers above on the stack still use the connection */
	if (!client->in_reply)
		give_up(client);
}

int redis_client_expect(struct redis_client *client,
			void (*on_reply)(void *context, const struct reply *reply), void *context)
{
	if (client->expected_count == client->expected_size) {
		size_t size = client->expected_size ? client->expected_size * 2 : 1024;
		struct expected *grown = malloc(size * sizeof(*grown));

		if (!grown) {
			/* the caller is in the midst of its commands: flush drops it */
			client->output.failed = true;
			return -ENOMEM;
		}
		for (size_t i = 0; i < client->expected_count; i++)
			grown[i] = client->expected[(client->expected_first + i) &
						    (client->expected_size - 1)];
		free(client->expected);
		client->expected = grown;
		client->expected_size = size;
		client->expected_first = 0;
	}
	client->expected[(client->expected_first + client->expected_count++) &
			 (client->expected_size - 1)] =
		(struct expected){ .on_reply = on_reply, .context = context };
	client->stats.commands++;
	return 0;
}

static void watch_writable(struct redis_client *client, bool writable)
{
	if (client->watches_writable == writable)
		return;
	client->watches_writable = writable;
	loop_modify(client->loop, &client->watch, writable ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void redis_client_flush(struct redis_client *client)
{
	struct resp_buffer *output = &client->output;

	if (client->state < STATE_GREETING || client->drop_reason[0])
		return;
	if (output->failed) {
		redis_client_drop(client, "no memory for the commands to send");
		return;
	}
	while (client->output_sent < output->used) {
		ssize_t sent = send(client->connection->fd, output->bytes + client->output_sent,
				    output->used - client->output_sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0) {
			redis_client_drop(client, "cannot send: %s", strerror(errno));
			return;
		}
		client->output_sent += (size_t)sent;
		client->stats.bytes_sent += (uint64_t)sent;
	}
	if (client->output_sent == output->used) {
		client->output_sent = 0;
		output->used = 0;
	}
	watch_writable(client, output->used > 0);
}

static void on_named(void *context, const struct reply *reply)
{
	struct redis_client *client = context;

	/* the name is a courtesy to whoever reads CLIENT LIST, but a server that
	 * refuses everything says so here first */
	if (reply->type == REPLY_ERROR && (!strncmp(reply->text, "NOAUTH", 6) ||
					   !strncmp(reply->text, "LOADING", 7)))
		redis_client_drop(client, "it answers: %s", reply->text);
}

static void on_selected(void *context, const struct reply *reply)
{
	struct redis_client *client = context;

	if (!reply_is_status(reply, "OK")) {
		redis_client_drop(client, "SELECT %u: it answers: %s", client->address->database,
				  reply->type == REPLY_ERROR ? reply->text : "not OK");
		return;
	}
	client->state = STATE_CONNECTED;
	client->connected_ns = clock_now_ns();
	client->stats.connects++;
	client->events->connected(client->context);
}

void redis_client_settled(struct redis_client *client)
{
	if (client->away_was_said)
		log_notice("Redis at %s is back after %.1f s", client->text,
			   (double)(clock_now_ns() - client->away_since_ns) / 1e9);
	client->away_since_ns = 0;
	client->away_was_said = false;
}

static void greet(struct redis_client *client)
{
	char database[12];

	client->reader = reply_reader_new();
	if (!client->reader) {
		redis_client_drop(client, "no memory for a reader of replies");
		return;
	}
	client->state = STATE_GREETING;
	/* what was appended after the last connection was lost belongs to nobody */
	client->output.failed = false;
	client->output.used = 0;
	client->output_sent = 0;
	client->expected_count = 0;
	loop_modify(client->loop, &client->watch, EPOLLIN);
	snprintf(database, sizeof(database), "%u", client->address->database);
	resp_command(&client->output, (const char *const[]){ "CLIENT", "SETNAME", client->name,
							      NULL });
	redis_client_expect(client, on_named, client);
	resp_command(&client->output, (const char *const[]){ "SELECT", database, NULL });
	redis_client_expect(client, on_selected, client);
	redis_client_flush(client);
}

static void begin_connecting(void *context)
{
	struct redis_client *client = context;
	const struct redis_address *address = client->address;
	int error;

	client->connection = address->is_unix ? redisConnectUnixNonBlock(address->host) :
						redisConnectNonBlock(address->host, address->port);
	client->state = STATE_CONNECTING;
	if (!client->connection || client->connection->err) {
		redis_client_drop(client, "%s",
				  client->connection ? client->connection->errstr : "no memory");
		return;
	}
	client->watch.fd = client->connection->fd;
	error = loop_add(client->loop, &client->watch, EPOLLOUT);
	if (error)
		redis_client_drop(client, "cannot watch its socket: %s", strerror(-error));
}

static void handle_replies(struct redis_client *client)
{
	const struct reply *reply;
	const char *why = "";
	int found;

	while (!client->drop_reason[0] &&
	       (found = reply_reader_next(client->reader, &reply, &why)) != 0) {
		struct expected expected;

		if (found < 0) {
			redis_client_drop(client, "it answers what is not RESP: %s", why);
			return;
		}
		if (!client->expected_count) {
			redis_client_drop(client, "it answers what was not asked");
			return;
		}
		expected = client->expected[client->expected_first];
		client->expected_first = (client->expected_first + 1) & (client->expected_size - 1);
		client->expected_count--;
		client->stats.errors += reply->type == REPLY_ERROR;
		expected.on_reply(expected.context, reply);
	}
}

static void read_replies(struct redis_client *client)
{
	for (int i = 0; i < READS_A_TURN && !client->drop_reason[0]; i++) {
		ssize_t count = recv(client->connection->fd, client->read_buffer, READ_BYTES, 0);
		int error;

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return;
		if (count <= 0) {
			redis_client_drop(client, count ? "cannot receive: %s" :
				"it closed the connection%s", count ? strerror(errno) : "");
			return;
		}
		error = reply_reader_feed(client->reader, client->read_buffer, (size_t)count);
		if (error) {
			redis_client_drop(client, "one of its replies is too long: %s",
					  strerror(-error));
			return;
		}
		handle_replies(client);
		if ((size_t)count < READ_BYTES)
			return;
	}
}

static void on_ready(void *context, uint32_t epoll_events)
{
	struct redis_client *client = context;

	client->in_reply = true;
	if (client->state == STATE_CONNECTING) {
		int error = 0;
		socklen_t bytes = sizeof(error);

		if (getsockopt(client->connection->fd, SOL_SOCKET, SO_ERROR, &error, &bytes))
			error = errno;
		if (error)
			redis_client_drop(client, "cannot connect: %s", strerror(error));
		else
			greet(client);
	} else {
		if (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			read_replies(client);
		if (epoll_events & EPOLLOUT)
			redis_client_flush(client);
	}
	client->in_reply = false;
	if (client->drop_reason[0])
		give_up(client);
}

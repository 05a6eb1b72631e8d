/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection as a small state machine:
 *
 *   waiting --timer--> resolving --> connecting --writable--> greeting --> connected
 *      ^                  |              |                       |             |
 *      +------------------+------- any failure, or time out -----+-------------+
 *
 * By way of a sentinel it goes round twice: the second time to the master. Where
 * to is the route's to say. hiredis parses what comes back; the sockets are here,
 * as its own buffers would mean a copy and an allocation a command.
 */
#include "redis_client.h"

#include <errno.h>
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
#include "redis_greeting.h"
#include "redis_route.h"
#include "redis_socket.h"
#include "resolver.h"

#define FIRST_DELAY_NS (50 * NS_PER_MS)
#define LAST_DELAY_NS (5 * NS_PER_S)
#define READ_BYTES 65536u
#define READS_A_TURN 16

enum state {
	STATE_WAITING,
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_GREETING,
	STATE_CONNECTED,
};

struct expected {
	void (*on_reply)(void *context, const struct reply *reply);
	void *context;
};

struct redis_client {
	struct redis_client_config config;
	struct redis_route route;
	struct redis_greeting greeting;
	struct resolver *resolver;
	struct addrinfo *addresses;	/* of the host that is being connected to */
	struct addrinfo *next_address;
	enum state state;
	int fd;
	struct loop_watch watch;
	bool watches_writable;
	struct loop_timer retry;
	struct loop_timer patience;
	uint64_t progress_ns;		/* when something was last heard, or first waited for */
	uint64_t delay_ns;
	uint64_t connected_ns;		/* when it was, last */
	uint64_t away_since_ns;		/* 0 = it is not away */
	bool away_was_said;
	bool goes_on;			/* to where the route points now, at once */
	struct reply_reader *reader;
	struct resp_buffer output;
	size_t output_sent;
	struct expected *expected;	/* a ring of a power of two */
	size_t expected_size;
	size_t expected_first;
	size_t expected_count;
	bool in_reply;			/* a drop waits until on_reply has returned */
	char drop_reason[300];		/* "" = no drop is due */
	struct redis_client_stats stats;
	char read_buffer[READ_BYTES];
};

static void begin_connecting(void *context);
static void on_resolved(void *context, struct addrinfo *addresses, const char *why);
static void on_ready(void *context, uint32_t epoll_events);
static void on_patience_ended(void *context);
static void on_greeted(void *context);
static void on_master(void *context, const char *name, const char *port);

struct redis_client *redis_client_new(const struct redis_client_config *config)
{
	struct redis_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->resolver = resolver_new(config->loop, on_resolved, client);
	if (!client->resolver) {
		free(client);
		return NULL;
	}
	client->config = *config;
	redis_route_init(&client->route, config->address);
	client->greeting = (struct redis_greeting){
		.client = client,
		.address = config->address,
		.user = config->user,
		.password_file = config->password_file,
		.client_name = config->client_name,
		.probe_key = config->probe_key,
		.ready = on_greeted,
		.master = on_master,
		.context = client,
	};
	client->fd = -1;
	client->delay_ns = FIRST_DELAY_NS;
	client->away_since_ns = clock_now_ns();
	client->watch = (struct loop_watch){ .fd = -1, .ready = on_ready, .context = client };
	loop_timer_init(config->loop, &client->retry, begin_connecting, client);
	loop_timer_init(config->loop, &client->patience, on_patience_ended, client);
	loop_timer_arm(&client->retry, 0);
	return client;
}

static void close_socket(struct redis_client *client)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (client->fd < 0)
		return;
	/* What the kernel still holds of commands whose replies nobody waits for any
	 * more must not reach Redis after the next connection has read it. */
	if (client->expected_count)
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	loop_remove(client->config.loop, &client->watch);
	close(client->fd);
	client->fd = -1;
}

static void close_connection(struct redis_client *client)
{
	close_socket(client);
	resolver_cancel(client->resolver);
	if (client->addresses)
		freeaddrinfo(client->addresses);
	client->addresses = NULL;
	loop_timer_disarm(&client->patience);
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
	loop_timer_remove(client->config.loop, &client->retry);
	loop_timer_remove(client->config.loop, &client->patience);
	resolver_free(client->resolver);
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

static void say_away(struct redis_client *client, uint64_t now_ns)
{
	if (!client->away_since_ns)
		client->away_since_ns = now_ns;
	if (!client->away_was_said && client->config.kept) {
		log_message(MESSAGE_REDIS_AWAY, "Redis at %s is away: %s; %s, trying again",
			    client->config.text, client->drop_reason, client->config.kept);
		client->away_was_said = true;
	} else {
		log_debug("Redis at %s: %s", client->config.text, client->drop_reason);
	}
}

static void give_up(struct redis_client *client)
{
	bool was_connected = client->state == STATE_CONNECTED;
	uint64_t now_ns = clock_now_ns();

	/* one that is lost as soon as it stands is not tried ever faster */
	if (was_connected && now_ns - client->connected_ns > LAST_DELAY_NS)
		client->delay_ns = FIRST_DELAY_NS;
	close_connection(client);
	if (client->goes_on) {
		log_info("Redis at %s: %s", client->config.text, client->drop_reason);
		loop_timer_arm(&client->retry, 0);
	} else {
		client->stats.failures++;
		say_away(client, now_ns);
		redis_route_failed(&client->route);
		loop_timer_arm(&client->retry, jittered(client->delay_ns));
		client->delay_ns *= 2;
		if (client->delay_ns > LAST_DELAY_NS)
			client->delay_ns = LAST_DELAY_NS;
	}
	client->goes_on = false;
	client->drop_reason[0] = '\0';
	if (was_connected)
		client->config.events->disconnected(client->config.context);
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

/* From now on something is waited for: a name, a connection, or a reply. */
static void wait_patiently(struct redis_client *client)
{
	client->progress_ns = clock_now_ns();
	loop_timer_arm(&client->patience, client->config.timeout_ms * NS_PER_MS);
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
	if (client->expected_count == 1)
		client->progress_ns = clock_now_ns();
	if (!client->patience.due_ns)
		wait_patiently(client);
	return 0;
}

static void watch_writable(struct redis_client *client, bool writable)
{
	if (client->watches_writable == writable)
		return;
	client->watches_writable = writable;
	loop_modify(client->config.loop, &client->watch, writable ? EPOLLIN | EPOLLOUT : EPOLLIN);
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
		ssize_t sent = send(client->fd, output->bytes + client->output_sent,
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
		if (client->config.frees_output)
			resp_buffer_free(output);
	}
	watch_writable(client, output->used > 0);
}

static void on_greeted(void *context)
{
	struct redis_client *client = context;

	client->state = STATE_CONNECTED;
	client->connected_ns = clock_now_ns();
	client->stats.connects++;
	redis_route_succeeded(&client->route);
	client->config.events->connected(client->config.context);
}

/* Leaves this host for another one, which somebody who knows has named. */
static void go_on(struct redis_client *client, const char *who, const char *name,
		  const char *port)
{
	int error = redis_route_point(&client->route, name, port);

	if (error) {
		redis_client_drop(client, "%s names %s:%s: %s", who, name, port, strerror(-error));
		return;
	}
	client->goes_on = true;
	redis_client_drop(client, "%s names %s port %s", who, name, port);
}

static void on_master(void *context, const char *name, const char *port)
{
	go_on(context, "a sentinel", name, port);
}

void redis_client_moved(struct redis_client *client, const char *answer)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };
	char name[256], port[8];

	if (client->drop_reason[0])
		return;
	if (!client->config.one_slot) {
		log_message_limited(&limit, MESSAGE_REDIS_IS_CLUSTER, "Redis at %s is a cluster, "
				    "whose nodes share the keys among them: key_prefix needs a "
				    "{tag} that keeps ours together, such as {neightrack}:",
				    client->config.text);
		redis_client_drop(client, "it answers: %s", answer);
	} else if (redis_route_parse_redirection(answer, name, port)) {
		redis_client_drop(client, "it answers: %s", answer);
	} else {
		client->stats.moved++;
		go_on(client, "the cluster", name, port);
	}
}

bool redis_client_leaves(struct redis_client *client, const char *answer)
{
	static const char *const kinds[] = { "LOADING", "READONLY", "NOAUTH", "MASTERDOWN",
					     "CLUSTERDOWN" };

	if (!strncmp(answer, "MOVED", 5)) {
		redis_client_moved(client, answer);
		return true;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(answer, kinds[i], strlen(kinds[i]))) {
			redis_client_drop(client, "it answers: %s", answer);
			return true;
		}
	}
	return false;
}

void redis_client_returned(struct redis_client *client, const char *outcome)
{
	if (client->away_was_said)
		log_message(MESSAGE_REDIS_BACK, "Redis at %s is back after %.1f s: %s",
			    client->config.text,
			    (double)(clock_now_ns() - client->away_since_ns) / 1e9, outcome);
	client->away_since_ns = 0;
	client->away_was_said = false;
}

void redis_client_settled(struct redis_client *client, uint64_t repaired)
{
	char outcome[64];

	snprintf(outcome, sizeof(outcome), "%llu neighbours were repaired",
		 (unsigned long long)repaired);
	redis_client_returned(client, outcome);
}

static void greet(struct redis_client *client)
{
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
	loop_modify(client->config.loop, &client->watch, EPOLLIN);
	redis_greeting_send(&client->greeting, redis_route_is_sentinel(&client->route));
}

/* fd: of a socket that is being connected, or -errno. */
static int watch_socket(struct redis_client *client, int fd)
{
	int error;

	if (fd < 0)
		return fd;
	client->fd = fd;
	client->watch.fd = fd;
	client->state = STATE_CONNECTING;
	error = loop_add(client->config.loop, &client->watch, EPOLLOUT);
	if (error) {
		close(fd);
		client->fd = -1;
	}
	return error;
}

/* The next of the host's addresses that can be tried. why: of the one before. */
static void try_next_address(struct redis_client *client, int why)
{
	close_socket(client);
	while (client->next_address) {
		const struct addrinfo *address = client->next_address;

		client->next_address = address->ai_next;
		why = watch_socket(client, redis_socket_tcp(address, client->config.timeout_ms));
		if (!why) {
			wait_patiently(client);
			return;
		}
	}
	redis_client_drop(client, "cannot connect to %s: %s",
			  redis_route_host(&client->route)->name, strerror(-why));
}

static void on_resolved(void *context, struct addrinfo *addresses, const char *why)
{
	struct redis_client *client = context;

	if (!addresses) {
		redis_client_drop(client, "cannot resolve %s: %s",
				  redis_route_host(&client->route)->name, why);
		return;
	}
	client->addresses = addresses;
	client->next_address = addresses;
	try_next_address(client, -EHOSTUNREACH);
}

static void begin_connecting(void *context)
{
	struct redis_client *client = context;
	const struct redis_host *host = redis_route_host(&client->route);
	int error;

	wait_patiently(client);
	if (client->config.address->kind == REDIS_UNIX && !host->port) {
		client->state = STATE_CONNECTING;
		error = watch_socket(client, redis_socket_unix(host->name));
		if (error)
			redis_client_drop(client, "cannot connect: %s", strerror(-error));
	} else {
		client->state = STATE_RESOLVING;
		resolver_start(client->resolver, host->name, host->port,
			       client->config.timeout_ms);
	}
}

/* Messages come between the replies, whenever there is one. */
static bool is_message(const struct redis_client *client, const struct reply *reply)
{
	return client->config.events->message && reply->type == REPLY_ARRAY &&
	       reply->element_count == 4 && reply->elements[0].type == REPLY_STRING &&
	       !strcmp(reply->elements[0].text, "pmessage");
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
		if (is_message(client, reply)) {
			client->config.events->message(client->config.context, reply);
			continue;
		}
		if (!client->expected_count) {
			redis_client_drop(client, "it answers what was not asked");
			return;
		}
		expected = client->expected[client->expected_first];
		client->expected_first = (client->expected_first + 1) & (client->expected_size - 1);
		client->expected_count--;
		if (reply->type == REPLY_ERROR) {
			client->stats.errors++;
			client->stats.errors_of_kind[redis_error_of(reply->text)]++;
		}
		expected.on_reply(expected.context, reply);
	}
}

static void read_replies(struct redis_client *client)
{
	for (int i = 0; i < READS_A_TURN && !client->drop_reason[0]; i++) {
		ssize_t count = recv(client->fd, client->read_buffer, READ_BYTES, 0);
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
		client->progress_ns = clock_now_ns();
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

static void on_connected(struct redis_client *client)
{
	int error = redis_socket_error(client->fd);

	if (!error)
		greet(client);
	else if (client->next_address)
		try_next_address(client, error);
	else
		redis_client_drop(client, "cannot connect: %s", strerror(-error));
}

static void end_turn(struct redis_client *client)
{
	client->in_reply = false;
	if (client->drop_reason[0])
		give_up(client);
}

static void on_ready(void *context, uint32_t epoll_events)
{
	struct redis_client *client = context;

	client->in_reply = true;
	if (client->state == STATE_CONNECTING) {
		on_connected(client);
	} else {
		if (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			read_replies(client);
		if (epoll_events & EPOLLOUT)
			redis_client_flush(client);
	}
	/* who waits for nothing need not be woken to see that nothing came */
	if (client->state == STATE_CONNECTED && !client->expected_count)
		loop_timer_disarm(&client->patience);
	end_turn(client);
}

static void on_patience_ended(void *context)
{
	struct redis_client *client = context;
	uint64_t timeout_ns = client->config.timeout_ms * NS_PER_MS;
	uint64_t waited_ns;

	client->in_reply = true;
	/* if it was this process that stood still, the answer is there already */
	if (client->state >= STATE_GREETING)
		read_replies(client);
	waited_ns = clock_now_ns() - client->progress_ns;
	if (client->state >= STATE_GREETING && !client->expected_count) {
		/* nothing is waited for */
	} else if (waited_ns < timeout_ns) {
		loop_timer_arm(&client->patience, timeout_ns - waited_ns);
	} else {
		client->stats.timeouts++;
		redis_client_drop(client, "no answer within %u ms%s", client->config.timeout_ms,
				  client->state < STATE_GREETING ? " to connecting" : "");
	}
	end_turn(client);
}

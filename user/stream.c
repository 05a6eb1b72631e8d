/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue is a ring: what was sent and not acknowledged lies at its beginning, and is
 * sent again after a lost connection, so an event may come twice (its sequence number
 * tells) but none is missing without a `cut`.
 */
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "neigh_text.h"
#include "redis_address.h"

#define MOST_IN_FLIGHT 1024u
#define FIRST_PAUSE_NS (100 * NS_PER_MS)
#define LAST_PAUSE_NS (5 * NS_PER_S)
#define NUMBER_BYTES 21

struct stream {
	const struct options *options;
	struct loop *loop;
	struct redis_address address;
	struct redis_client *client;
	struct loop_timer resume;
	uint64_t pause_ns;
	struct utsname host;
	char client_name[OPTIONS_CLIENT_NAME_BYTES];
	char *text;			/* the address, for messages */
	char length[NUMBER_BYTES];
	struct stream_event *events;	/* options->stream_queue of them */
	uint32_t first;
	uint32_t count;
	uint32_t sent;			/* of these */
	uint64_t sequence;
	uint64_t missing;		/* since the last event that was taken */
	struct stream_stats stats;
};

static const char *op_name(enum stream_op op)
{
	static const char *const names[] = {
		[STREAM_START] = "start",
		[STREAM_ADD] = "add",
		[STREAM_CHANGE] = "change",
		[STREAM_DELETE] = "delete",
		[STREAM_CUT] = "cut",
		[STREAM_MAC_MOVES] = "mac_moves",
		[STREAM_DUPLICATE] = "duplicate",
		[STREAM_MANY_ADDRESSES] = "many_addresses",
	};

	return names[op];
}

static void on_connected(void *context)
{
	struct stream *stream = context;

	redis_client_settled(stream->client, 0);
	stream_run(stream);
}

static void on_disconnected(void *context)
{
	struct stream *stream = context;

	stream->sent = 0;
}

static const struct redis_client_events client_events = {
	.connected = on_connected,
	.disconnected = on_disconnected,
};

static void on_resume(void *context)
{
	stream_run(context);
}

static int make_client(struct stream *stream)
{
	const struct options *options = stream->options;
	struct redis_client_config config = {
		.loop = stream->loop,
		.address = &stream->address,
		.user = options->redis_user,
		.password_file = options->redis_password_file,
		.client_name = stream->client_name,
		.probe_key = options->stream,
		.one_slot = true,	/* it is one key */
		.timeout_ms = options->redis_timeout_ms,
		.events = &client_events,
		.context = stream,
	};
	const char *why;
	int error = redis_address_parse(&stream->address, options->redis, &why);

	if (error) {
		log_error("redis = %s: %s", options->redis, why);
		return error;
	}
	if (asprintf(&stream->text, "%s (for stream %s)", options->redis, options->stream) < 0) {
		stream->text = NULL;
		return -ENOMEM;
	}
	options_client_name(options, "-s", stream->client_name);
	config.text = stream->text;
	stream->client = redis_client_new(&config);
	return stream->client ? 0 : -ENOMEM;
}

int stream_new(struct stream **result, struct loop *loop, const struct options *options)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int error = -ENOMEM;

	if (!stream)
		return error;
	stream->options = options;
	stream->loop = loop;
	stream->pause_ns = FIRST_PAUSE_NS;
	loop_timer_init(loop, &stream->resume, on_resume, stream);
	snprintf(stream->length, sizeof(stream->length), "%u", options->stream_length);
	uname(&stream->host);
	stream->events = calloc(options->stream_queue, sizeof(*stream->events));
	if (stream->events)
		error = make_client(stream);
	if (error) {
		stream_free(stream);
		return error;
	}
	*result = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	loop_timer_remove(stream->loop, &stream->resume);
	redis_client_free(stream->client);
	free(stream->events);
	free(stream->text);
	free(stream);
}

static uint64_t wall_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static struct stream_event *at(const struct stream *stream, uint32_t i)
{
	return &stream->events[(stream->first + i) % stream->options->stream_queue];
}

static void push(struct stream *stream, const struct stream_event *event)
{
	struct stream_event *place = at(stream, stream->count++);

	*place = *event;
	place->sequence = ++stream->sequence;
	place->time_ms = wall_clock_ms();
}

/* After a cut, events are taken again when half of the queue is free: one `cut` for all
 * that was missed, and not one for each event. */
static void end_cut(struct stream *stream)
{
	struct stream_event cut = { .op = STREAM_CUT };

	if (!stream->missing || stream->count > stream->options->stream_queue / 2)
		return;
	cut.count = stream->missing > UINT32_MAX ? UINT32_MAX : (uint32_t)stream->missing;
	stream->missing = 0;
	push(stream, &cut);
}

void stream_add(struct stream *stream, const struct stream_event *event)
{
	end_cut(stream);
	if (stream->missing || stream->count == stream->options->stream_queue) {
		stream->missing++;
		stream->stats.cut++;
		return;
	}
	push(stream, event);
}

/* Redis is there and does not want it: the event is gone, and a `cut` will say so. */
static void refuse(struct stream *stream, const char *answer)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 60000 };

	const struct stream_event *event = at(stream, 0);

	log_message_limited(&limit, MESSAGE_STREAM_REFUSED, "Redis refuses an event for stream %s: "
			    "%s", stream->options->stream, answer);
	stream->stats.refused += event->op != STREAM_CUT;
	stream->missing += event->op == STREAM_CUT ? event->count : 1;
	if (stream->resume.due_ns)
		return;
	loop_timer_arm(&stream->resume, stream->pause_ns);
	stream->pause_ns *= 2;
	if (stream->pause_ns > LAST_PAUSE_NS)
		stream->pause_ns = LAST_PAUSE_NS;
}

static void on_reply(void *context, const struct reply *reply)
{
	struct stream *stream = context;

	/* what is in the queue is then sent to where the connection goes next */
	if (reply->type == REPLY_ERROR && redis_client_leaves(stream->client, reply->text))
		return;
	if (reply->type == REPLY_ERROR) {
		refuse(stream, reply->text);
	} else {
		stream->stats.appended++;
		stream->pause_ns = FIRST_PAUSE_NS;
	}
	stream->first = (stream->first + 1) % stream->options->stream_queue;
	stream->count--;
	stream->sent--;
}

static void write_field(struct resp_buffer *output, const char *name, const char *text)
{
	resp_text(output, name);
	resp_text(output, text);
}

static void write_number(struct resp_buffer *output, const char *name, uint64_t number)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	write_field(output, name, text);
}

static void write_mac(struct resp_buffer *output, const char *name, const uint8_t *mac)
{
	char text[MAC_TEXT_BYTES];

	mac_to_text(mac, text);
	write_field(output, name, text);
}

static void write_event(struct stream *stream, const struct stream_event *event)
{
	struct resp_buffer *output = redis_client_output(stream->client);
	uint32_t fields = 5u + (event->interface[0] != '\0') + (event->family != 0) +
			  event->has_mac + event->has_old_mac + (event->count != 0);
	char ip[IP_TEXT_BYTES];

	resp_begin(output, 6 + 2 * fields);
	resp_text(output, "XADD");
	resp_text(output, stream->options->stream);
	resp_text(output, "MAXLEN");
	resp_text(output, "~");
	resp_text(output, stream->length);
	resp_text(output, "*");
	write_field(output, "op", op_name((enum stream_op)event->op));
	write_number(output, "time", event->time_ms);
	write_field(output, "host", stream->host.nodename);
	write_field(output, "instance", stream->options->mirror[0] ? stream->options->mirror :
		    stream->options->instance);
	write_number(output, "seq", event->sequence);
	if (event->interface[0])
		write_field(output, "interface", event->interface);
	if (event->family) {
		ip_to_text(event->family, event->addr, ip);
		write_field(output, "ip", ip);
	}
	if (event->has_mac)
		write_mac(output, "mac", event->mac);
	if (event->has_old_mac)
		write_mac(output, "old_mac", event->old_mac);
	if (event->count)
		write_number(output, "count", event->count);
	redis_client_expect(stream->client, on_reply, stream);
}

void stream_run(struct stream *stream)
{
	uint32_t before = stream->sent;

	end_cut(stream);
	if (!redis_client_is_connected(stream->client) || stream->resume.due_ns)
		return;
	while (stream->sent < stream->count && stream->sent < MOST_IN_FLIGHT)
		write_event(stream, at(stream, stream->sent++));
	if (stream->sent != before)
		redis_client_flush(stream->client);
}

bool stream_is_idle(const struct stream *stream)
{
	return !stream->count || stream->resume.due_ns || !redis_client_is_connected(stream->client);
}

void stream_statistics(const struct stream *stream, struct stream_stats *stats)
{
	*stats = stream->stats;
	stats->queued = stream->count;
	stats->is_connected = redis_client_is_connected(stream->client);
	stats->redis = redis_client_stats(stream->client);
}

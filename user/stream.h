/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes of the table, as events in a Redis Stream, for whoever wants to follow them
 * (docs/STREAM.md). Events go by a connection of their own, and wait in a queue of fixed
 * size: they are never in the way of the table. What finds the queue full is cut, counted,
 * and an event `cut` stands in its place.
 */
#ifndef NEIGHTRACK_STREAM_H
#define NEIGHTRACK_STREAM_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "options.h"
#include "redis_client.h"

enum stream_op {
	STREAM_START,		/* the table stands: count neighbours */
	STREAM_ADD,
	STREAM_CHANGE,		/* another MAC */
	STREAM_DELETE,
	STREAM_CUT,		/* count events are missing here */
	STREAM_MAC_MOVES,	/* these three as in anomalies.h */
	STREAM_DUPLICATE,
	STREAM_MANY_ADDRESSES,
};

/* Absent: interface "", family 0, count 0. */
struct stream_event {
	uint64_t sequence;	/* these two are filled in by stream_add() */
	uint64_t time_ms;	/* since 1970 */
	uint32_t count;
	uint8_t op;		/* enum stream_op */
	uint8_t family;
	uint8_t addr[16];
	bool has_mac;
	bool has_old_mac;
	uint8_t mac[6];
	uint8_t old_mac[6];
	char interface[IFNAMSIZ];
};

struct stream_stats {
	uint64_t appended;	/* acknowledged */
	uint64_t cut;		/* found the queue full */
	uint64_t refused;	/* answered with an error, and not tried again */
	size_t queued;		/* now: not acknowledged yet */
	bool is_connected;
	const struct redis_client_stats *redis;
};

struct stream;

/* options->stream is not empty; all must outlive the stream. Says on stderr what failed.
 * 0 or -errno. */
int stream_new(struct stream **stream, struct loop *loop, const struct options *options);
void stream_free(struct stream *stream);

void stream_add(struct stream *stream, const struct stream_event *event);

/* Sends what waits. To be called before the loop sleeps. */
void stream_run(struct stream *stream);

/* Nothing waits, or nothing can be sent now. */
bool stream_is_idle(const struct stream *stream);

void stream_statistics(const struct stream *stream, struct stream_stats *stats);

#endif

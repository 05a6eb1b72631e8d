/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redis replies, parsed by hiredis' reader into our own values: no allocation a
 * reply, as they live in memory that is used again for the next one.
 */
#ifndef NEIGHTRACK_REPLY_H
#define NEIGHTRACK_REPLY_H

#include <stddef.h>

enum reply_type {
	REPLY_STATUS,
	REPLY_ERROR,
	REPLY_STRING,
	REPLY_INTEGER,
	REPLY_NIL,
	REPLY_ARRAY,
};

struct reply {
	enum reply_type type;
	long long integer;
	const char *text;		/* status, error, string: zero-terminated copy */
	size_t text_bytes;
	struct reply *elements;		/* of an array */
	size_t element_count;
};

struct reply_reader;

/* NULL: no memory. */
struct reply_reader *reply_reader_new(void);
void reply_reader_free(struct reply_reader *reader);

/* Returns 0, -ENOMEM, or -EMSGSIZE if one reply grows beyond what Redis has any
 * reason to send. */
int reply_reader_feed(struct reply_reader *reader, const char *bytes, size_t count);

/*
 * The next whole reply: 1 and *reply, valid until the next call; 0 if more
 * bytes are needed; -EPROTO if what was fed is not RESP (*why: hiredis' word).
 */
int reply_reader_next(struct reply_reader *reader, const struct reply **reply, const char **why);

/* Whether it is a status with this text, such as "OK". */
int reply_is_status(const struct reply *reply, const char *text);

#endif

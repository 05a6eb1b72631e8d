/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands for Redis, written straight into one growing buffer as RESP arrays
 * of bulk strings (https://redis.io/docs/reference/protocol-spec/). This is the
 * hot path: no printf, no allocation once the buffer has grown.
 */
#ifndef NEIGHTRACK_RESP_H
#define NEIGHTRACK_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. After a lack of memory `failed` is set and stays, and what
 * is in the buffer must not be sent. */
struct resp_buffer {
	char *bytes;
	size_t used;
	size_t size;
	bool failed;
};

void resp_buffer_free(struct resp_buffer *buffer);

/* A command begins with the number of its words, and then has exactly as many. */
void resp_begin(struct resp_buffer *buffer, uint32_t words);
void resp_word(struct resp_buffer *buffer, const char *bytes, size_t count);
void resp_text(struct resp_buffer *buffer, const char *text);

/* The words of a command from zero-terminated texts, up to a NULL. */
void resp_command(struct resp_buffer *buffer, const char *const *words);

#endif

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
#include <string.h>

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

/*
 * For commands that are written by the thousand: room for a whole one is taken, it is put
 * there piece by piece, and ended. Each put returns the end of what it has written.
 */
#define RESP_LENGTH_BYTES 16u			/* "$4294967295\r\n" and room to spare */
#define RESP_WORD_BYTES (RESP_LENGTH_BYTES + 8u)	/* a word, beside its own bytes */

/* NULL after a lack of memory: then nothing may be put. */
char *resp_room(struct resp_buffer *buffer, size_t bytes);

static inline void resp_end(struct resp_buffer *buffer, const char *end)
{
	buffer->used = (size_t)(end - buffer->bytes);
}

static inline char *resp_put(char *at, const char *bytes, size_t count)
{
	memcpy(at, bytes, count);
	return at + count;
}

#define RESP_PUT(at, literal) resp_put(at, literal, sizeof(literal) - 1)

/* mark, number, CR LF */
char *resp_put_length(char *at, char mark, size_t number);

static inline char *resp_put_word(char *at, const char *bytes, size_t count)
{
	return RESP_PUT(resp_put(resp_put_length(at, '$', count), bytes, count), "\r\n");
}

/* The words of a command from zero-terminated texts, up to a NULL. */
void resp_command(struct resp_buffer *buffer, const char *const *words);

#endif

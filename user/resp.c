/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats RESP into a buffer. */
#include "resp.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 16384u
#define LENGTH_BYTES 16u	/* "$4294967295\r\n" and room to spare */

void resp_buffer_free(struct resp_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct resp_buffer){ 0 };
}

/* Room for `count` more bytes; NULL after a lack of memory. */
static char *room(struct resp_buffer *buffer, size_t count)
{
	size_t size = buffer->size ? buffer->size : FIRST_BYTES;
	char *bytes;

	if (buffer->failed)
		return NULL;
	if (buffer->size - buffer->used >= count)
		return buffer->bytes + buffer->used;
	while (size - buffer->used < count)
		size *= 2;
	bytes = realloc(buffer->bytes, size);
	if (!bytes) {
		buffer->failed = true;
		return NULL;
	}
	buffer->bytes = bytes;
	buffer->size = size;
	return bytes + buffer->used;
}

/* Writes mark, number, CR LF; returns the end. */
static char *put_length(char *at, char mark, size_t number)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	*at++ = mark;
	while (count)
		*at++ = digits[--count];
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

void resp_begin(struct resp_buffer *buffer, uint32_t words)
{
	char *at = room(buffer, LENGTH_BYTES);

	if (at)
		buffer->used = (size_t)(put_length(at, '*', words) - buffer->bytes);
}

void resp_word(struct resp_buffer *buffer, const char *bytes, size_t count)
{
	char *at = room(buffer, LENGTH_BYTES + 8 + count);

	if (!at)
		return;
	at = put_length(at, '$', count);
	memcpy(at, bytes, count);
	at += count;
	*at++ = '\r';
	*at++ = '\n';
	buffer->used = (size_t)(at - buffer->bytes);
}

void resp_text(struct resp_buffer *buffer, const char *text)
{
	resp_word(buffer, text, strlen(text));
}

void resp_command(struct resp_buffer *buffer, const char *const *words)
{
	uint32_t count = 0;

	while (words[count])
		count++;
	resp_begin(buffer, count);
	for (uint32_t i = 0; i < count; i++)
		resp_text(buffer, words[i]);
}

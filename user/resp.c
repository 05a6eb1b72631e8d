/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats RESP into a buffer. */
#include "resp.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 16384u

void resp_buffer_free(struct resp_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct resp_buffer){ 0 };
}

char *resp_room(struct resp_buffer *buffer, size_t count)
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

char *resp_put_length(char *at, char mark, size_t number)
{
	char digits[20];
	size_t count = 0;

	/* nearly all lengths: without a loop of divisions */
	if (number < 100) {
		*at++ = mark;
		if (number >= 10)
			*at++ = (char)('0' + number / 10);
		*at++ = (char)('0' + number % 10);
		*at++ = '\r';
		*at++ = '\n';
		return at;
	}
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
	char *at = resp_room(buffer, RESP_LENGTH_BYTES);

	if (at)
		resp_end(buffer, resp_put_length(at, '*', words));
}

void resp_word(struct resp_buffer *buffer, const char *bytes, size_t count)
{
	char *at = resp_room(buffer, RESP_WORD_BYTES + count);

	if (!at)
		return;
	resp_end(buffer, resp_put_word(at, bytes, count));
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

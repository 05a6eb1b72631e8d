/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hiredis' reader with constructors of our own. A reply is built in an arena: a
 * list of blocks that are filled one after the other and all emptied at once
 * when the next reply begins. Blocks never move, so parents may point into them.
 */
#include "reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536u
#define MAX_ELEMENTS 65536		/* SCAN's pages and EXEC's results are smaller by far */
#define MAX_REPLY_BYTES (16u << 20)

/* hiredis 1.0 changed a type, and knows more kinds of replies (of RESP3, which
 * nobody asks for): without constructors of ours it would hand out no object. */
#if HIREDIS_MAJOR >= 1
typedef size_t array_size;
#else
typedef int array_size;
#endif

struct block {
	struct block *next;
	size_t size_bytes;
	size_t used_bytes;
	_Alignas(16) char memory[];
};

struct reply_reader {
	redisReader *reader;
	struct block *first;
	struct block *current;
};

static void *arena_take(struct reply_reader *arena, size_t bytes)
{
	struct block *block;
	void *memory;

	bytes = (bytes + 15) & ~(size_t)15;
	while (arena->current && arena->current->size_bytes - arena->current->used_bytes < bytes) {
		if (!arena->current->next)
			break;
		arena->current = arena->current->next;
		arena->current->used_bytes = 0;
	}
	block = arena->current;
	if (!block || block->size_bytes - block->used_bytes < bytes) {
		size_t size_bytes = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

		block = malloc(sizeof(*block) + size_bytes);
		if (!block)
			return NULL;
		*block = (struct block){ .size_bytes = size_bytes };
		if (arena->current)
			arena->current->next = block;
		else
			arena->first = block;
		arena->current = block;
	}
	memory = block->memory + block->used_bytes;
	block->used_bytes += bytes;
	return memory;
}

static void arena_empty(struct reply_reader *arena)
{
	arena->current = arena->first;
	if (arena->first)
		arena->first->used_bytes = 0;
}

/* The place of a new value: in its parent array, or, for a whole reply, fresh. */
static struct reply *place(const redisReadTask *task)
{
	struct reply_reader *arena = task->privdata;
	struct reply *reply;

	if (task->parent) {
		struct reply *parent = task->parent->obj;

		reply = &parent->elements[task->idx];
	} else {
		reply = arena_take(arena, sizeof(*reply));
	}
	if (reply)
		memset(reply, 0, sizeof(*reply));
	return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t bytes)
{
	struct reply *reply = place(task);
	char *copy = arena_take(task->privdata, bytes + 1);

	if (!reply || !copy)
		return NULL;
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	reply->text = copy;
	reply->text_bytes = bytes;
	reply->type = task->type == REDIS_REPLY_ERROR ? REPLY_ERROR :
		      task->type == REDIS_REPLY_STATUS ? REPLY_STATUS : REPLY_STRING;
	return reply;
}

static void *create_array(const redisReadTask *task, array_size elements)
{
	struct reply *reply = place(task);

	if (!reply || (long long)elements < 0 || (long long)elements > MAX_ELEMENTS)
		return NULL;
	reply->type = REPLY_ARRAY;
	if (elements > 0) {
		size_t bytes = (size_t)elements * sizeof(*reply->elements);

		reply->elements = arena_take(task->privdata, bytes);
		if (!reply->elements)
			return NULL;
		memset(reply->elements, 0, bytes);
		reply->element_count = (size_t)elements;
	}
	return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	struct reply *reply = place(task);

	if (!reply)
		return NULL;
	reply->type = REPLY_INTEGER;
	reply->integer = value;
	return reply;
}

static void *create_nil(const redisReadTask *task)
{
	struct reply *reply = place(task);

	if (reply)
		reply->type = REPLY_NIL;
	return reply;
}

#if HIREDIS_MAJOR >= 1
static void *refuse_double(const redisReadTask *task, double value, char *text, size_t bytes)
{
	(void)task;
	(void)value;
	(void)text;
	(void)bytes;
	return NULL;
}

static void *refuse_boolean(const redisReadTask *task, int value)
{
	(void)task;
	(void)value;
	return NULL;
}
#endif

static void free_nothing(void *reply)
{
	(void)reply;	/* it lives in the arena */
}

static redisReplyObjectFunctions constructors = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = refuse_double,
	.createBool = refuse_boolean,
#endif
	.freeObject = free_nothing,
};

struct reply_reader *reply_reader_new(void)
{
	struct reply_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->reader = redisReaderCreateWithFunctions(&constructors);
	if (!reader->reader) {
		free(reader);
		return NULL;
	}
	reader->reader->privdata = reader;
	return reader;
}

void reply_reader_free(struct reply_reader *reader)
{
	if (!reader)
		return;
	redisReaderFree(reader->reader);
	while (reader->first) {
		struct block *next = reader->first->next;

		free(reader->first);
		reader->first = next;
	}
	free(reader);
}

int reply_reader_feed(struct reply_reader *reader, const char *bytes, size_t count)
{
	if (reader->reader->len - reader->reader->pos + count > MAX_REPLY_BYTES)
		return -EMSGSIZE;
	return redisReaderFeed(reader->reader, bytes, count) == REDIS_OK ? 0 : -ENOMEM;
}

int reply_reader_next(struct reply_reader *reader, const struct reply **reply, const char **why)
{
	void *object = NULL;

	/* only between two replies: what is half parsed lives in the arena */
	if (reader->reader->ridx < 0)
		arena_empty(reader);
	if (redisReaderGetReply(reader->reader, &object) != REDIS_OK) {
		*why = reader->reader->errstr;
		return -EPROTO;
	}
	if (!object)
		return 0;
	*reply = object;
	return 1;
}

int reply_is_status(const struct reply *reply, const char *text)
{
	return reply->type == REPLY_STATUS && !strcmp(reply->text, text);
}

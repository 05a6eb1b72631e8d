/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/types.h>
#include "neightrack/record.h"

#include "bench_generator.h"
#include "bench_pace.h"
#include "clock.h"
#include "producer.h"
#include "resp.h"

#define KEYS_A_PIPELINE 1000u
#define NEIGHBOURS_A_TRANSACTION 100u	/* batch_size */

int bench_redis_run(redisContext *redis, const char *command)
{
	redisReply *reply = redisCommand(redis, command);
	int error = reply && reply->type != REDIS_REPLY_ERROR ? 0 : -EIO;

	if (reply)
		freeReplyObject(reply);
	return error;
}

static int64_t take_number(redisReply *reply)
{
	int64_t number = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -EIO;

	if (reply)
		freeReplyObject(reply);
	return number;
}

int64_t bench_redis_count(redisContext *redis, const struct schema *schema)
{
	int64_t count = take_number(redisCommand(redis, "DBSIZE")), sets;

	if (schema->kind == SCHEMA_PLAIN)
		return count;
	sets = take_number(redisCommand(redis, "EXISTS %s %s", schema->key_set,
						schema->del_set));

	return count < 0 ? count : sets < 0 ? sets : count - sets;
}

/* All that is pending, in one go. */
int bench_redis_consume(redisContext *redis, const struct schema *schema)
{
	static const char script[] =
		"local keys = redis.call('SMEMBERS', KEYS[1])\n"
		"for _, key in ipairs(keys) do\n"
		"  local fields = redis.call('HGETALL', ARGV[1] .. key)\n"
		"  redis.call('DEL', ARGV[2] .. key, ARGV[1] .. key)\n"
		"  if #fields > 0 then redis.call('HSET', ARGV[2] .. key, unpack(fields)) end\n"
		"end\n"
		"return redis.call('DEL', KEYS[1], KEYS[2])";
	int64_t deleted = take_number(redisCommand(redis, "EVAL %s 2 %s %s _%s %s", script,
						   schema->key_set, schema->del_set,
						   schema->table, schema->table));

	return deleted < 0 ? (int)deleted : 0;
}

static int unlink_keys(redisContext *redis, const redisReply *keys)
{
	for (size_t i = 0; i < keys->elements; i++)
		redisAppendCommand(redis, "UNLINK %b", keys->element[i]->str,
				   (size_t)keys->element[i]->len);
	for (size_t i = 0; i < keys->elements; i++) {
		redisReply *reply = NULL;

		if (redisGetReply(redis, (void **)&reply) || !reply)
			return -EIO;
		freeReplyObject(reply);
	}
	return 0;
}

/* By name, as the server may be somebody else's. */
int bench_redis_clear(redisContext *redis)
{
	char cursor[32] = "0";
	int error = 0;

	do {
		redisReply *reply = redisCommand(redis, "SCAN %s MATCH *NEIGH_TABLE* COUNT 1000",
						 cursor);

		if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		    reply->element[0]->type == REDIS_REPLY_STRING &&
		    reply->element[1]->type == REDIS_REPLY_ARRAY) {
			snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
			error = unlink_keys(redis, reply->element[1]);
		} else {
			error = -EIO;
		}
		if (reply)
			freeReplyObject(reply);
	} while (!error && strcmp(cursor, "0") != 0);
	return error;
}

static uint8_t family_of(const struct bench_population *population)
{
	return population->ipv6 ? NEIGHTRACK_FAMILY_IPV6 : NEIGHTRACK_FAMILY_IPV4;
}

static void compare_one(const redisReply *reply, uint32_t number, uint8_t generation,
			struct bench_difference *difference)
{
	uint8_t addr[16], mac[6];
	char text[MAC_TEXT_BYTES];

	bench_neighbour(false, number, generation, addr, mac);	/* the MAC alone */
	text[mac_to_text(mac, text)] = '\0';
	if (reply->type == REDIS_REPLY_NIL)
		difference->missing++;
	else if (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, text) != 0)
		difference->wrong++;
}

/* What is pending, or else the table's; NULL: no answer. */
static redisReply *take_value(redisContext *redis, const struct schema *schema)
{
	redisReply *reply = NULL, *table = NULL;

	if (redisGetReply(redis, (void **)&reply))
		return NULL;
	if (!reply || schema->kind != SCHEMA_SONIC)
		return reply;
	if (redisGetReply(redis, (void **)&table) || !table) {
		freeReplyObject(reply);
		return NULL;
	}
	if (reply->type != REDIS_REPLY_NIL) {
		freeReplyObject(table);
		return reply;
	}
	freeReplyObject(reply);
	return table;
}

int bench_redis_compare(redisContext *redis, const struct schema *schema,
			const struct bench_population *population, uint32_t first,
			uint32_t count, uint8_t generation,
			struct bench_difference *difference)
{
	uint32_t last = first + count;
	char key[SCHEMA_KEY_BYTES];
	uint8_t addr[16], mac[6];
	size_t bytes;

	for (; first < last; first += KEYS_A_PIPELINE) {
		uint32_t end = last - first < KEYS_A_PIPELINE ? last : first + KEYS_A_PIPELINE;

		for (uint32_t i = first; i < end; i++) {
			bench_neighbour(population->ipv6, i, generation, addr, mac);
			bytes = schema_pending_key(schema, population->interface,
						   family_of(population), addr, key);
			if (schema->kind == SCHEMA_SONIC)
				redisAppendCommand(redis, "HGET %b neigh", key, bytes);
			redisAppendCommand(redis, "HGET %b neigh", key + 1, bytes - 1);
		}
		for (uint32_t i = first; i < end; i++) {
			redisReply *reply = take_value(redis, schema);

			if (!reply)
				return -EIO;
			compare_one(reply, i, generation, difference);
			freeReplyObject(reply);
		}
	}
	return 0;
}

static uint64_t number_behind(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

int bench_redis_writes(redisContext *redis, uint64_t *writes)
{
	redisReply *reply = redisCommand(redis, "INFO commandstats");

	if (!reply || reply->type != REDIS_REPLY_STRING) {
		if (reply)
			freeReplyObject(reply);
		return -EIO;
	}
	*writes = number_behind(reply->str, "cmdstat_hset:calls=") +
		  number_behind(reply->str, "cmdstat_del:calls=");
	freeReplyObject(reply);
	return 0;
}

void bench_redis_version(redisContext *redis, char *version, size_t bytes)
{
	static const char name[] = "redis_version:";
	redisReply *reply = redisCommand(redis, "INFO server");
	const char *at = NULL;

	version[0] = '\0';
	if (reply && reply->type == REDIS_REPLY_STRING)
		at = strstr(reply->str, name);
	if (at) {
		snprintf(version, bytes, "%s", at + strlen(name));
		version[strcspn(version, "\r\n")] = '\0';
	}
	if (reply)
		freeReplyObject(reply);
}

/* Each reply is a line of its own. A '-' stands in it only if it is an error. */
static int count_replies(const char *text, size_t bytes, uint32_t *count)
{
	if (memchr(text, '-', bytes))
		return -EIO;
	for (size_t i = 0; i < bytes; i++)
		*count += text[i] == '\n';
	return 0;
}

static int send_all(int fd, const struct resp_buffer *commands, uint32_t expected)
{
	char replies[65536];
	uint32_t received = 0;
	size_t sent = 0;
	int error = 0;

	while (!error && received < expected) {
		struct pollfd both = { .fd = fd, .events = POLLIN };
		ssize_t bytes;

		if (sent < commands->used)
			both.events |= POLLOUT;
		if (poll(&both, 1, 60000) <= 0)
			return -ETIMEDOUT;
		if (both.revents & POLLOUT) {
			bytes = send(fd, commands->bytes + sent, commands->used - sent,
				     MSG_NOSIGNAL);
			if (bytes > 0)
				sent += (size_t)bytes;
		}
		if (both.revents & (POLLIN | POLLHUP)) {
			bytes = recv(fd, replies, sizeof(replies), 0);
			if (!bytes)
				return -ECONNRESET;
			if (bytes > 0)
				error = count_replies(replies, (size_t)bytes, &received);
		}
	}
	return error;
}

/* A command for each, as the schema plain has it. Returns the number of replies' lines. */
static uint32_t put_plainly(const struct schema *schema, struct resp_buffer *commands,
			    const struct bench_population *population, bool is_delete,
			    uint32_t count)
{
	uint8_t addr[16], mac[6];

	for (uint32_t i = 0; i < count; i++) {
		bench_neighbour(population->ipv6, i, 0, addr, mac);
		if (is_delete)
			schema_write_delete(schema, commands, population->interface,
					    family_of(population), addr);
		else
			schema_write_set(schema, commands, population->interface,
					 family_of(population), addr, mac);
	}
	return count;
}

/* In transactions of the size that the daemon's flushes have at most. */
static uint32_t produce(const struct schema *schema, struct resp_buffer *commands,
			const struct bench_population *population, bool is_delete, uint32_t count)
{
	struct producer_change changes[NEIGHBOURS_A_TRANSACTION];
	uint8_t addr[NEIGHBOURS_A_TRANSACTION][16], mac[NEIGHBOURS_A_TRANSACTION][6];
	uint32_t lines = 0, used = 0;

	for (uint32_t i = 0; i < count; i++) {
		bench_neighbour(population->ipv6, i, 0, addr[used], mac[used]);
		changes[used] = (struct producer_change){
			.interface = population->interface,
			.family = family_of(population),
			.addr = addr[used],
			.mac = is_delete ? NULL : mac[used],
			.vrf = "",
		};
		if (++used < NEIGHBOURS_A_TRANSACTION && i + 1 < count)
			continue;
		/* OK, QUEUED of each, and an array of as many */
		lines += 2 + 2 * producer_write(schema, commands, changes, used);
		used = 0;
	}
	return lines;
}

int bench_redis_floor(redisContext *redis, const struct schema *schema,
		      const struct bench_population *population, bool is_delete,
		      uint32_t count, double *seconds)
{
	int flags = fcntl(redis->fd, F_GETFL), error;
	struct resp_buffer commands = { 0 };
	uint64_t start_ns;
	uint32_t lines;

	if (schema->kind == SCHEMA_SONIC)
		lines = produce(schema, &commands, population, is_delete, count);
	else
		lines = put_plainly(schema, &commands, population, is_delete, count);
	if (commands.failed || flags < 0) {
		resp_buffer_free(&commands);
		return -ENOMEM;
	}
	fcntl(redis->fd, F_SETFL, flags | O_NONBLOCK);
	start_ns = clock_now_ns();
	error = send_all(redis->fd, &commands, lines);
	*seconds = bench_since(start_ns);
	fcntl(redis->fd, F_SETFL, flags);
	resp_buffer_free(&commands);
	return error;
}

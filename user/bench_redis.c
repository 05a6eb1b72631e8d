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
#include "resp.h"

#define KEYS_A_PIPELINE 1000u

int bench_redis_run(redisContext *redis, const char *command)
{
	redisReply *reply = redisCommand(redis, command);
	int error = reply && reply->type != REDIS_REPLY_ERROR ? 0 : -EIO;

	if (reply)
		freeReplyObject(reply);
	return error;
}

int64_t bench_redis_count(redisContext *redis)
{
	redisReply *reply = redisCommand(redis, "DBSIZE");
	int64_t count = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -EIO;

	if (reply)
		freeReplyObject(reply);
	return count;
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
			bytes = schema_key(schema, population->interface,
					   family_of(population), addr, key);
			redisAppendCommand(redis, "HGET %b neigh", key, bytes);
		}
		for (uint32_t i = first; i < end; i++) {
			redisReply *reply = NULL;

			if (redisGetReply(redis, (void **)&reply) || !reply)
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

int bench_redis_commands(redisContext *redis, struct bench_commands *commands)
{
	redisReply *reply = redisCommand(redis, "INFO all");

	if (!reply || reply->type != REDIS_REPLY_STRING) {
		if (reply)
			freeReplyObject(reply);
		return -EIO;
	}
	commands->commands = number_behind(reply->str, "total_commands_processed:");
	commands->bytes = number_behind(reply->str, "total_net_input_bytes:");
	commands->writes = number_behind(reply->str, "cmdstat_hset:calls=") +
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

int bench_redis_floor(redisContext *redis, const struct schema *schema,
		      const struct bench_population *population, bool is_delete,
		      uint32_t count, double *seconds)
{
	int flags = fcntl(redis->fd, F_GETFL), error;
	struct resp_buffer commands = { 0 };
	uint8_t addr[16], mac[6];
	uint64_t start_ns;

	for (uint32_t i = 0; i < count; i++) {
		bench_neighbour(population->ipv6, i, 0, addr, mac);
		if (is_delete)
			schema_write_delete(schema, &commands, population->interface,
					    family_of(population), addr);
		else
			schema_write_set(schema, &commands, population->interface,
					 family_of(population), addr, mac);
	}
	if (commands.failed || flags < 0) {
		resp_buffer_free(&commands);
		return -ENOMEM;
	}
	fcntl(redis->fd, F_SETFL, flags | O_NONBLOCK);
	start_ns = clock_now_ns();
	error = send_all(redis->fd, &commands, count);
	*seconds = bench_since(start_ns);
	fcntl(redis->fd, F_SETFL, flags);
	resp_buffer_free(&commands);
	return error;
}

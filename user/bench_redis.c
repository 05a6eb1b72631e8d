/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_redis.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/types.h>
#include "neightrack/record.h"

#include "bench_generator.h"
#include "clock.h"
#include "redis_socket.h"
#include "resp.h"

#define KEYS_A_PIPELINE 1000u

int64_t bench_redis_count(redisContext *redis)
{
	redisReply *reply = redisCommand(redis, "DBSIZE");
	int64_t count = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -EIO;

	if (reply)
		freeReplyObject(reply);
	return count;
}

static void compare_one(const redisReply *reply, uint32_t number, uint8_t generation,
			struct bench_difference *difference)
{
	uint8_t addr[16], mac[6];
	char text[MAC_TEXT_BYTES];

	bench_neighbour(number, generation, addr, mac);
	text[mac_to_text(mac, text)] = '\0';
	if (reply->type == REDIS_REPLY_NIL)
		difference->missing++;
	else if (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, text) != 0)
		difference->wrong++;
}

int bench_redis_compare(redisContext *redis, const struct schema *schema, const char *interface,
			uint32_t count, uint8_t generation, struct bench_difference *difference)
{
	int64_t there = bench_redis_count(redis);
	char key[SCHEMA_KEY_BYTES];
	uint8_t addr[16], mac[6];

	*difference = (struct bench_difference){ 0 };
	for (uint32_t first = 0; first < count; first += KEYS_A_PIPELINE) {
		uint32_t end = count - first < KEYS_A_PIPELINE ? count : first + KEYS_A_PIPELINE;

		for (uint32_t i = first; i < end; i++) {
			bench_neighbour(i, generation, addr, mac);
			key[schema_key(schema, interface, NEIGHTRACK_FAMILY_IPV4, addr, key)] = '\0';
			redisAppendCommand(redis, "HGET %s neigh", key);
		}
		for (uint32_t i = first; i < end; i++) {
			redisReply *reply = NULL;

			if (redisGetReply(redis, (void **)&reply) || !reply)
				return -EIO;
			compare_one(reply, i, generation, difference);
			freeReplyObject(reply);
		}
	}
	if (there > (int64_t)count)
		difference->wrong += (uint64_t)(there - (int64_t)count);
	return there < 0 ? (int)there : 0;
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

/* Replies to HSET are ":2\r\n", all of four bytes: counting bytes is enough. */
static int send_all(int fd, const struct resp_buffer *commands, uint32_t count)
{
	size_t sent = 0, received = 0, expected = count * strlen(":2\r\n");
	char replies[65536];

	while (received < expected) {
		struct pollfd both = { .fd = fd, .events = POLLIN };
		ssize_t bytes;

		if (sent < commands->used)
			both.events |= POLLOUT;
		if (poll(&both, 1, 60000) <= 0)
			return -ETIMEDOUT;
		if (both.revents & POLLOUT) {
			bytes = send(fd, commands->bytes + sent, commands->used - sent, MSG_NOSIGNAL);
			if (bytes > 0)
				sent += (size_t)bytes;
		}
		if (both.revents & (POLLIN | POLLHUP)) {
			bytes = recv(fd, replies, sizeof(replies), 0);
			if (!bytes || (bytes > 0 && replies[0] == '-'))
				return -EIO;
			if (bytes > 0)
				received += (size_t)bytes;
		}
	}
	return 0;
}

int bench_redis_floor(const char *path, const struct schema *schema, const char *interface,
		      uint32_t count, double *seconds)
{
	struct resp_buffer commands = { 0 };
	uint8_t addr[16], mac[6];
	uint64_t start_ns;
	int fd, error;

	for (uint32_t i = 0; i < count; i++) {
		bench_neighbour(i, 0, addr, mac);
		schema_write_set(schema, &commands, interface, NEIGHTRACK_FAMILY_IPV4, addr, mac);
	}
	if (commands.failed) {
		resp_buffer_free(&commands);
		return -ENOMEM;
	}
	fd = redis_socket_unix(path);
	if (fd < 0) {
		resp_buffer_free(&commands);
		return fd;
	}
	start_ns = clock_now_ns();
	error = send_all(fd, &commands, count);
	*seconds = (double)(clock_now_ns() - start_ns) / 1e9;
	close(fd);
	resp_buffer_free(&commands);
	return error;
}

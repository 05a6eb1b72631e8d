/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Redis answers, by way of a real socket, into the client, the reading
 * back and the writer. The first byte is the size of the pieces in which the
 * rest arrives; a second connection gets nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "interface.h"
#include "log.h"
#include "publisher.h"

#define TURNS 60
#define NEIGHBOURS 16

static int listener = -1;
static char folder[] = "/tmp/fuzz-replies-XXXXXX";
static char url[64];
static char socket_path[48];

struct server {
	struct loop *loop;
	struct loop_prepare prepare;
	struct publisher *publisher;
	const uint8_t *data;
	size_t size;
	size_t piece;
	int fd;
	int turns;
};

static void clean_up(void)
{
	unlink(socket_path);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)argc;
	(void)argv;
	log_setup("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	EXPECT(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/redis", folder);
	snprintf(url, sizeof(url), "unix://%s", socket_path);
	strcpy(address.sun_path, socket_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	EXPECT(!bind(listener, (const struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(listener, 8));
	atexit(clean_up);
	return 0;
}

/* One turn of the server, while the daemon's side waits for nothing. */
static bool serve(void *context)
{
	struct server *server = context;
	char asked[65536];
	size_t bytes = server->size < server->piece ? server->size : server->piece;

	if (server->fd < 0)
		server->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (server->fd >= 0) {
		while (recv(server->fd, asked, sizeof(asked), 0) > 0)
			;
		if (bytes && send(server->fd, server->data, bytes, MSG_NOSIGNAL) > 0) {
			server->data += bytes;
			server->size -= bytes;
		}
	}
	publisher_run(server->publisher);
	if (++server->turns > TURNS)
		loop_stop(server->loop);
	return false;
}

static bool is_ignored(void *context, const char *interface)
{
	(void)context;
	return !strcmp(interface, "ignored0");
}

static void unwanted(void *context, struct neigh_entry *entry)
{
	(void)context;
	(void)entry;
}

static void was_read(void *context)
{
	struct server *server = context;

	publisher_start(server->publisher);
	publisher_audit(server->publisher);
}

static void check_entry(void *context, struct neigh_entry *entry)
{
	const struct server *server = context;

	EXPECT(!entry->on_dirty_list || !entry->in_flight);
	EXPECT(entry->published <= PUBLISHED_OTHER);
	if (!publisher_is_connected(server->publisher))
		EXPECT(!entry->in_flight && entry->published == PUBLISHED_NOTHING);
}

static void fill(struct neigh_table *table, struct interface_set *interfaces)
{
	struct interface *eth0 = interface_get_by_name(interfaces, "eth0");
	uint8_t address[16] = { 10, 0, 0, 0 }, mac[6] = { 2 };

	interface_set_index(interfaces, eth0, 1);
	for (uint8_t i = 0; i < NEIGHBOURS; i++) {
		address[3] = i;
		mac[5] = i;
		neigh_table_want(table, neigh_table_get(table, eth0, NEIGHTRACK_FAMILY_IPV4, address),
				 mac);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct interface_set *interfaces = interface_set_new();
	struct neigh_table *table = neigh_table_new(interfaces, 64);
	struct options options;
	struct server server = { .fd = -1 };
	struct publisher_config config = {
		.options = &options,
		.table = table,
		.interfaces = interfaces,
		.is_ignored = is_ignored,
		.unwanted = unwanted,
		.was_read = was_read,
		.context = &server,
	};

	if (size < 2)
		goto out;
	EXPECT(!options_init(&options));
	free(options.redis);
	options.redis = strdup(url);
	options.transaction = data[0] & 1;
	options.batch_size = 4;
	server.piece = (size_t)(data[0] >> 1) * 8 + 1;
	server.data = data + 1;
	server.size = size - 1;
	server.loop = config.loop = loop_new();
	EXPECT(!publisher_new(&server.publisher, &config));
	fill(table, interfaces);
	server.prepare = (struct loop_prepare){ .prepare = serve, .context = &server };
	loop_add_prepare(server.loop, &server.prepare);
	EXPECT(!loop_run(server.loop));
	neigh_table_for_each(table, check_entry, &server);
	publisher_free(server.publisher);
	loop_free(server.loop);
	options_free(&options);
	if (server.fd >= 0)
		close(server.fd);
	/* connections that nobody accepted must not pile up */
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;)
		close(fd);
out:
	neigh_table_free(table);
	interface_set_free(interfaces);
	return 0;
}

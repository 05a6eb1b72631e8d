/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address of a Redis, from text: strict, so that a mistyped address fails
 * at start with a sentence and not later with a connection that never comes.
 */
#include "redis_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_SCHEME "unix://"
#define TCP_SCHEME "tcp://"
#define SENTINEL_SCHEME "sentinel://"
#define DEFAULT_PORT 6379
#define DEFAULT_SENTINEL_PORT 26379
#define MAX_DATABASE 65535
#define MAX_UNIX_PATH (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define MAX_HOST_NAME 253		/* RFC 1035, without the last dot */

#define HOST_NAME_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789.-_"

_Static_assert(MAX_UNIX_PATH == 107, "the error texts say 107");

#define ALL_FORMS "unix:///path[?db=N], tcp://host[:port][,host...][/db] and " \
		  "sentinel://host[:port][,host...]/name[/db]"

static const char why_scheme[] = "allowed are " ALL_FORMS;
static const char why_user[] =
	"no user or password may stand in it, as others can read the command line "
	"(redis_user and redis_password_file are for that); allowed are " ALL_FORMS;
static const char why_path[] =
	"allowed is an absolute path of 2 to 107 bytes without control characters: "
	"unix:///path[?db=N]";
static const char why_query[] = "allowed behind the path is ?db=N alone, N from 0 to 65535";
static const char why_host[] =
	"allowed are a host name, an IPv4 address, or an IPv6 address in brackets: "
	"tcp://[::1]:6379";
static const char why_port[] =
	"the port is a number from 1 to 65535, and an IPv6 address stands in brackets: "
	"tcp://[::1]:6379";
static const char why_database[] = "the database is a number from 0 to 65535: tcp://host:port/db";
static const char why_hosts[] = "allowed are at most 8 hosts";
static const char why_service[] =
	"allowed behind the hosts is the master's name, of 1 to 63 of A-Z a-z 0-9 . - _, and "
	"perhaps the database: sentinel://host:port/name/db";

_Static_assert(REDIS_HOSTS == 8, "the error texts say 8");

/* Decimal digits alone, up to max; false otherwise. */
static bool parse_number(const char *text, size_t bytes, uint32_t max, uint32_t *number)
{
	uint32_t value = 0;

	if (bytes == 0)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text[i] - '0');
		if (value > max)
			return false;
	}
	*number = value;
	return true;
}

static bool has_control_characters(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

/* In a socket's path an @ is a character like others; before it, it ends a user. */
static bool has_user(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at)
		return false;
	if (strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
		return at < text + strlen(UNIX_SCHEME) + strcspn(text + strlen(UNIX_SCHEME), "/");
	return true;
}

/* rest: what follows unix:// */
static const char *parse_unix(struct redis_address *address, const char *rest)
{
	size_t bytes = strcspn(rest, "?");
	const char *query = rest + bytes;

	if (rest[0] != '/' || bytes < 2 || bytes > MAX_UNIX_PATH || has_control_characters(rest))
		return why_path;
	if (*query) {
		if (strncmp(query, "?db=", 4) != 0 ||
		    !parse_number(query + 4, strlen(query + 4), MAX_DATABASE, &address->database))
			return why_query;
	}
	memcpy(address->hosts[0].name, rest, bytes);
	address->host_count = 1;
	address->kind = REDIS_UNIX;
	return NULL;
}

static bool host_is_valid(const char *host)
{
	struct in_addr ipv4;
	size_t bytes = strlen(host);

	if (bytes == 0 || bytes > MAX_HOST_NAME || strspn(host, HOST_NAME_CHARACTERS) != bytes)
		return false;
	if (host[0] == '-' || host[0] == '.')
		return false;
	/* resolvers read 10.1 as 10.0.0.1, which nobody means */
	if (strspn(host, "0123456789.") == bytes)
		return inet_pton(AF_INET, host, &ipv4) == 1;
	return true;
}

/* Copies the host without brackets; *rest moves behind it. */
static const char *parse_name(struct redis_host *host, const char **rest)
{
	struct in6_addr ipv6;
	bool in_brackets = **rest == '[';
	const char *name = *rest + in_brackets;
	size_t bytes = strcspn(name, in_brackets ? "]" : ":/,");

	if (bytes >= sizeof(host->name) || (in_brackets && name[bytes] != ']'))
		return why_host;
	memcpy(host->name, name, bytes);
	host->name[bytes] = '\0';
	*rest = name + bytes + in_brackets;
	if (in_brackets)
		return inet_pton(AF_INET6, host->name, &ipv6) == 1 ? NULL : why_host;
	return host_is_valid(host->name) ? NULL : why_host;
}

/* host[:port][,host[:port]...]; *rest moves behind them. */
static const char *parse_hosts(struct redis_address *address, const char **rest,
			       uint32_t default_port)
{
	bool more = true;

	while (more) {
		struct redis_host *host = &address->hosts[address->host_count];
		uint32_t port = default_port;
		const char *why;

		if (address->host_count++ == REDIS_HOSTS)
			return why_hosts;
		why = parse_name(host, rest);
		if (why)
			return why;
		if (**rest == ':') {
			size_t bytes = strcspn(++*rest, "/,");

			if (!parse_number(*rest, bytes, UINT16_MAX, &port) || port == 0)
				return why_port;
			*rest += bytes;
		}
		host->port = (uint16_t)port;
		more = **rest == ',';
		*rest += more;
	}
	return **rest == '\0' || **rest == '/' ? NULL : why_host;
}

/* rest: "" or /db */
static const char *parse_database(struct redis_address *address, const char *rest)
{
	if (*rest == '\0' ||
	    parse_number(rest + 1, strlen(rest + 1), MAX_DATABASE, &address->database))
		return NULL;
	return why_database;
}

/* rest: what follows tcp:// */
static const char *parse_tcp(struct redis_address *address, const char *rest)
{
	const char *why = parse_hosts(address, &rest, DEFAULT_PORT);

	address->kind = REDIS_TCP;
	return why ? why : parse_database(address, rest);
}

/* rest: what follows sentinel:// */
static const char *parse_sentinel(struct redis_address *address, const char *rest)
{
	const char *why = parse_hosts(address, &rest, DEFAULT_SENTINEL_PORT);
	size_t bytes;

	address->kind = REDIS_SENTINEL;
	if (why)
		return why;
	if (*rest == '/')
		rest++;
	/* sentinel.c: a master's name is made of these */
	bytes = strspn(rest, HOST_NAME_CHARACTERS);
	if (!bytes || bytes >= sizeof(address->service) || (rest[bytes] && rest[bytes] != '/'))
		return why_service;
	memcpy(address->service, rest, bytes);
	return parse_database(address, rest + bytes);
}

int redis_address_parse(struct redis_address *address, const char *text, const char **why)
{
	struct redis_address parsed = { 0 };

	if (has_user(text))
		*why = why_user;
	else if (strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
		*why = parse_unix(&parsed, text + strlen(UNIX_SCHEME));
	else if (strncmp(text, TCP_SCHEME, strlen(TCP_SCHEME)) == 0)
		*why = parse_tcp(&parsed, text + strlen(TCP_SCHEME));
	else if (strncmp(text, SENTINEL_SCHEME, strlen(SENTINEL_SCHEME)) == 0)
		*why = parse_sentinel(&parsed, text + strlen(SENTINEL_SCHEME));
	else
		*why = why_scheme;
	if (*why)
		return -EINVAL;
	*address = parsed;
	return 0;
}

bool redis_address_is_same(const struct redis_address *one, const struct redis_address *other)
{
	if (one->kind != other->kind || one->database != other->database ||
	    strcmp(one->service, other->service) != 0)
		return false;
	for (uint32_t i = 0; i < one->host_count; i++)
		for (uint32_t j = 0; j < other->host_count; j++)
			if (one->hosts[i].port == other->hosts[j].port &&
			    strcasecmp(one->hosts[i].name, other->hosts[j].name) == 0)
				return true;
	return false;
}

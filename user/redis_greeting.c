/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "redis_greeting.h"

#include <stdio.h>
#include <string.h>

#include "redis_client.h"
#include "redis_password.h"

static bool starts_with(const struct reply *reply, const char *word)
{
	return reply->type == REPLY_ERROR && !strncmp(reply->text, word, strlen(word));
}

static void ask_for_master(struct redis_greeting *greeting);

static void on_authenticated(void *context, const struct reply *reply)
{
	struct redis_greeting *greeting = context;

	/* a sentinel's next answer tells */
	if (reply_is_status(reply, "OK") || greeting->is_sentinel)
		return;
	redis_client_drop(greeting->client, "AUTH: it answers: %s (look at redis_user and "
			  "redis_password_file)", reply->type == REPLY_ERROR ? reply->text :
			  "not OK");
}

/* Read at each connection, so that a new password needs no restart. */
static int authenticate(struct redis_greeting *greeting)
{
	struct resp_buffer *output = redis_client_output(greeting->client);
	bool has_user = greeting->user[0];
	char password[REDIS_PASSWORD_BYTES];
	int error;

	if (!greeting->password_file[0])
		return 0;
	error = redis_password_read(greeting->password_file, password);
	if (error) {
		redis_client_drop(greeting->client, "redis_password_file %s: %s",
				  greeting->password_file, strerror(-error));
		return error;
	}
	resp_begin(output, has_user ? 3 : 2);
	resp_text(output, "AUTH");
	if (has_user)
		resp_text(output, greeting->user);
	resp_text(output, password);
	explicit_bzero(password, sizeof(password));
	return redis_client_expect(greeting->client, on_authenticated, greeting);
}

static void on_master(void *context, const struct reply *reply)
{
	struct redis_greeting *greeting = context;
	struct redis_client *client = greeting->client;

	if (reply->type == REPLY_ARRAY && reply->element_count == 2 &&
	    reply->elements[0].type == REPLY_STRING && reply->elements[1].type == REPLY_STRING) {
		greeting->master(greeting->context, reply->elements[0].text,
				 reply->elements[1].text);
	} else if (starts_with(reply, "NOAUTH") && greeting->password_file[0] &&
		   !greeting->sentinel_was_told) {
		greeting->sentinel_was_told = true;
		if (!authenticate(greeting))
			ask_for_master(greeting);
	} else {
		redis_client_drop(client, "a sentinel answers for the master %s: %s",
				  greeting->address->service, reply->type == REPLY_ERROR ?
				  reply->text : "not known");
	}
}

static void ask_for_master(struct redis_greeting *greeting)
{
	resp_command(redis_client_output(greeting->client),
		     (const char *const[]){ "SENTINEL", "get-master-addr-by-name",
					    greeting->address->service, NULL });
	redis_client_expect(greeting->client, on_master, greeting);
	redis_client_flush(greeting->client);
}

static void on_named(void *context, const struct reply *reply)
{
	struct redis_greeting *greeting = context;

	/* the name is a courtesy to whoever reads CLIENT LIST, but a server that
	 * refuses everything says so here first */
	if (starts_with(reply, "NOAUTH") || starts_with(reply, "LOADING") ||
	    starts_with(reply, "ERR max number of clients"))
		redis_client_drop(greeting->client, "it answers: %s%s", reply->text,
				  starts_with(reply, "NOAUTH") ?
				  " (redis_password_file is for that)" : "");
}

static void on_selected(void *context, const struct reply *reply)
{
	struct redis_greeting *greeting = context;

	if (!reply_is_status(reply, "OK"))
		redis_client_drop(greeting->client, "SELECT %u: it answers: %s",
				  greeting->address->database,
				  reply->type == REPLY_ERROR ? reply->text : "not OK");
}

/* A sentinel may not have noticed yet that the master is another one. */
static void on_role(void *context, const struct reply *reply)
{
	struct redis_greeting *greeting = context;

	if (reply->type == REPLY_ARRAY && reply->element_count &&
	    reply->elements[0].type == REPLY_STRING && strcmp(reply->elements[0].text, "master"))
		redis_client_drop(greeting->client, "the sentinels' master is a %s",
				  reply->elements[0].text);
}

static void on_probed(void *context, const struct reply *reply)
{
	static const char *const kinds[] = { "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH" };
	struct redis_greeting *greeting = context;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (starts_with(reply, kinds[i])) {
			redis_client_drop(greeting->client, "it answers: %s", reply->text);
			return;
		}
	}
	if (starts_with(reply, "MOVED"))
		redis_client_moved(greeting->client, reply->text);
	else
		greeting->ready(greeting->context);
}

void redis_greeting_send(struct redis_greeting *greeting, bool to_sentinel)
{
	struct redis_client *client = greeting->client;
	struct resp_buffer *output = redis_client_output(client);
	char database[12];

	greeting->is_sentinel = to_sentinel;
	greeting->sentinel_was_told = false;
	if (to_sentinel) {
		ask_for_master(greeting);
		return;
	}
	if (authenticate(greeting))
		return;
	resp_command(output, (const char *const[]){ "CLIENT", "SETNAME", greeting->client_name,
						    NULL });
	redis_client_expect(client, on_named, greeting);
	/* a user who may do little is not asked to allow what is not needed */
	if (greeting->address->database) {
		snprintf(database, sizeof(database), "%u", greeting->address->database);
		resp_command(output, (const char *const[]){ "SELECT", database, NULL });
		redis_client_expect(client, on_selected, greeting);
	}
	if (greeting->address->kind == REDIS_SENTINEL) {
		resp_command(output, (const char *const[]){ "ROLE", NULL });
		redis_client_expect(client, on_role, greeting);
	}
	/* the node of a cluster that has our keys answers this one without MOVED */
	if (greeting->probe_key)
		resp_command(output, (const char *const[]){ "TYPE", greeting->probe_key, NULL });
	else
		resp_command(output, (const char *const[]){ "PING", NULL });
	redis_client_expect(client, on_probed, greeting);
	redis_client_flush(client);
}

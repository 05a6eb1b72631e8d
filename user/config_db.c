/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two connections, as one that listens may not ask (RESP2):
 *
 *   listener   PSUBSCRIBE __keyspace@4__:INTERFACE|* ...   --"look"--+
 *                                                                    v
 *   reader     CONFIG GET/SET notify-keyspace-events, SCAN + HGET, HMGET LOGGER|...
 *
 * A reading begins with the flags of notifications, on the connection that then reads:
 * so a row that changes behind the reader's back is notified of, or read.
 */
#include "config_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "options.h"
#include "redis_client.h"

#define PAGE_KEYS "1000"
#define FLAGS "notify-keyspace-events"
#define MOST_FLAGS 32
/* Rows are often replaced in two steps (DEL, HSET), of which the first is no news. */
#define SETTLE_NS (50 * NS_PER_MS)
#define REST_FACTOR 10			/* readings take at most this part of the time */
#define LONGEST_REST_NS (5 * NS_PER_S)
#define REREAD_NS (60 * NS_PER_S)
#define REREAD_UNTOLD_NS (10 * NS_PER_S)	/* while nothing tells of changes */
#define SUBSCRIPTIONS (SWITCH_TABLES + 1)	/* the tables, and LOGGER's row */

typedef char interface_name[IFNAMSIZ];

struct config_db {
	struct config_db_config config;
	struct redis_address address;
	char reader_name[OPTIONS_CLIENT_NAME_BYTES + 8];
	char listener_name[OPTIONS_CLIENT_NAME_BYTES + 8];
	char pattern[32];		/* of SCAN */
	char logger_key[64];
	struct redis_client *reader;
	struct redis_client *listener;
	struct loop_timer due;		/* the next reading */
	uint32_t subscriptions;		/* that stand */
	bool notifies;			/* Redis has the flags that it takes */
	bool refusal_was_said;
	bool logger_was_made;		/* since the last connect */

	bool reading;
	bool again;			/* something has changed since the reading began */
	bool failed;			/* an answer of this reading was of no use */
	uint64_t start_ns;
	uint64_t earliest_ns;		/* of the next reading */
	struct switch_config fresh;	/* what it has found so far */
	interface_name *names;		/* of the current page, whose fields come next */
	size_t name_size, name_count, next_field;

	struct switch_config known;
	bool is_known;
	bool has_log_level;
	enum log_level log_level;
};

static const struct {
	const char *word;
	enum log_level level;
} log_levels[] = {
	/* the first of each level is the one that is written */
	{ "ERROR", LOG_LEVEL_ERROR }, { "WARN", LOG_LEVEL_WARNING },
	{ "NOTICE", LOG_LEVEL_NOTICE }, { "INFO", LOG_LEVEL_INFO }, { "DEBUG", LOG_LEVEL_DEBUG },
	{ "CRIT", LOG_LEVEL_ERROR }, { "ALERT", LOG_LEVEL_ERROR }, { "EMERG", LOG_LEVEL_ERROR },
};

/* Changes come as messages, and none can go unseen. */
static bool is_told(const struct config_db *db)
{
	return db->notifies && db->subscriptions == SUBSCRIPTIONS;
}

/* --- a reading ----------------------------------------------------------------- */

static void request(struct config_db *db, uint64_t delay_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t due_ns;

	if (!redis_client_is_connected(db->reader))
		return;			/* it reads when it is */
	if (db->reading) {
		db->again = true;
		return;
	}
	due_ns = now_ns + delay_ns < db->earliest_ns ? db->earliest_ns : now_ns + delay_ns;
	if (!db->due.due_ns || db->due.due_ns > due_ns)
		loop_timer_arm(&db->due, due_ns - now_ns);
}

static void stop_reading(struct config_db *db)
{
	db->reading = false;
	db->again = false;
	db->name_count = 0;
	db->next_field = 0;
	switch_config_free(&db->fresh);
	loop_timer_disarm(&db->due);
}

/* An answer that cannot be used: the reading goes on to its end, for nothing. */
static void fail(struct config_db *db, const char *what, const struct reply *reply)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };
	const char *answer = reply->type == REPLY_ERROR ? reply->text : "another kind of reply";

	db->failed = true;
	if (redis_client_leaves(db->reader, answer))
		return;
	log_message_limited(&limit, MESSAGE_CONFIG_DB_REFUSES, "CONFIG_DB at %s: %s: it answers: "
			    "%s; what is known of the switch stays as it is", db->config.address,
			    what, answer);
}

static void take_over(struct config_db *db)
{
	const struct config_db_events *events = db->config.events;
	bool was_known = db->is_known;
	struct switch_config old = db->known;
	bool differs;

	switch_config_sort(&db->fresh);
	differs = !switch_config_equals(&db->fresh, &old);
	db->known = db->fresh;
	db->fresh = (struct switch_config){ 0 };
	db->is_known = true;
	switch_config_free(&old);
	if (differs) {
		log_notice("CONFIG_DB: dual-ToR %s, EVPN %s, IPv6 link-local neighbours count on "
			   "%zu interfaces", db->known.dual_tor ? "yes" : "no",
			   db->known.evpn ? "yes" : "no", db->known.link_local_count);
		events->changed(db->config.context);
	}
	if (!was_known)
		events->known(db->config.context);
}

static void on_pong(void *context, const struct reply *reply)
{
	(void)context;
	(void)reply;
}

static void end_reading(struct config_db *db)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t rest_ns = REST_FACTOR * (now_ns - db->start_ns);
	bool again = db->again;

	if (!db->failed) {
		take_over(db);
		redis_client_returned(db->reader, "its configuration was read again");
	}
	stop_reading(db);
	db->earliest_ns = now_ns + (rest_ns > LONGEST_REST_NS ? LONGEST_REST_NS : rest_ns);
	if (again)
		request(db, SETTLE_NS);
	else
		request(db, is_told(db) ? REREAD_NS : REREAD_UNTOLD_NS);
	/* who only listens would not notice that the other end is gone */
	if (redis_client_is_connected(db->listener)) {
		resp_command(redis_client_output(db->listener),
			     (const char *const[]){ "PING", NULL });
		redis_client_expect(db->listener, on_pong, db);
		redis_client_flush(db->listener);
	}
}

/* --- LOGGER -------------------------------------------------------------------- */

static void on_logger_made(void *context, const struct reply *reply)
{
	const struct config_db *db = context;

	if (reply->type == REPLY_ERROR)
		log_debug("CONFIG_DB: cannot write %s: it answers: %s", db->logger_key,
			  reply->text);
}

/* As the row is what an operator looks for, it is made; only ever where it is missing. */
static void make_logger_field(struct config_db *db, const char *field, const char *value)
{
	resp_command(redis_client_output(db->reader),
		     (const char *const[]){ "HSETNX", db->logger_key, field, value, NULL });
	redis_client_expect(db->reader, on_logger_made, db);
}

static const char *level_word(enum log_level level)
{
	size_t i = 0;

	while (log_levels[i].level != level)
		i++;
	return log_levels[i].word;
}

static void take_log_output(struct config_db *db, const char *word)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };
	static const char *const words[] = {
		[LOG_OUTPUT_SYSLOG] = "SYSLOG",
		[LOG_OUTPUT_STDOUT] = "STDOUT",
		[LOG_OUTPUT_STDERR] = "STDERR",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(word, words[i]))
			continue;
		db->config.events->log_output(db->config.context, (enum log_output)i);
		return;
	}
	log_limited(&limit, LOG_LEVEL_WARNING, "CONFIG_DB: LOGOUTPUT of %s is '%s': allowed are "
		    "SYSLOG, STDOUT and STDERR", db->logger_key, word);
}

static void take_log_level(struct config_db *db, const char *word)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };

	for (size_t i = 0; i < sizeof(log_levels) / sizeof(*log_levels); i++) {
		if (strcmp(word, log_levels[i].word))
			continue;
		if (db->has_log_level && db->log_level == log_levels[i].level)
			return;
		db->has_log_level = true;
		db->log_level = log_levels[i].level;
		db->config.events->log_level(db->config.context, db->log_level);
		return;
	}
	log_limited(&limit, LOG_LEVEL_WARNING, "CONFIG_DB: LOGLEVEL of %s is '%s': allowed are "
		    "EMERG, ALERT, CRIT, ERROR, WARN, NOTICE, INFO and DEBUG", db->logger_key, word);
}

/* The end of a reading. */
static void on_logger(void *context, const struct reply *reply)
{
	struct config_db *db = context;

	if (reply->type == REPLY_ERROR && redis_client_leaves(db->reader, reply->text)) {
		db->failed = true;
	} else if (reply->type != REPLY_ARRAY || reply->element_count != 2) {
		/* which neighbours count does not depend on it */
		log_debug("CONFIG_DB: cannot read %s: it answers: %s", db->logger_key,
			  reply->type == REPLY_ERROR ? reply->text : "no array of two");
	} else {
		const struct reply *level = &reply->elements[0], *output = &reply->elements[1];

		if (level->type == REPLY_STRING)
			take_log_level(db, level->text);
		if (output->type == REPLY_STRING)
			take_log_output(db, output->text);
		if (!db->logger_was_made && level->type == REPLY_NIL)
			make_logger_field(db, "LOGLEVEL", level_word(db->config.log_level));
		if (!db->logger_was_made && output->type == REPLY_NIL)
			make_logger_field(db, "LOGOUTPUT", "SYSLOG");
		db->logger_was_made = true;
	}
	end_reading(db);
	redis_client_flush(db->reader);
}

/* --- rows ---------------------------------------------------------------------- */

static void on_field(void *context, const struct reply *reply)
{
	struct config_db *db = context;
	const char *name = db->names[db->next_field++];

	/* a row that is no hash has no such field */
	if (reply->type == REPLY_ERROR && strncmp(reply->text, "WRONGTYPE", 9)) {
		fail(db, "HGET", reply);
		return;
	}
	if (reply->type == REPLY_STRING && !strcmp(reply->text, SWITCH_LINK_LOCAL_VALUE) &&
	    switch_config_add_link_local(&db->fresh, name))
		redis_client_drop(db->reader, "no memory for its configuration");
}

static void take_key(struct config_db *db, const struct reply *key)
{
	char *name = db->names[db->name_count];
	struct resp_buffer *output = redis_client_output(db->reader);

	if (key->type != REPLY_STRING || strlen(key->text) != key->text_bytes)
		return;
	switch (switch_config_parse_key(key->text, db->config.separator, name)) {
	case SWITCH_ROW_PEER:
		db->fresh.dual_tor = true;
		break;
	case SWITCH_ROW_EVPN:
		db->fresh.evpn = true;
		break;
	case SWITCH_ROW_INTERFACE:
		resp_command(output, (const char *const[]){ "HGET", key->text,
							    SWITCH_LINK_LOCAL_FIELD, NULL });
		if (!redis_client_expect(db->reader, on_field, db))
			db->name_count++;
		break;
	case SWITCH_ROW_OTHER:
		break;
	}
}

static void scan(struct config_db *db, const char *cursor);

static void on_page(void *context, const struct reply *reply)
{
	struct config_db *db = context;
	const struct reply *keys, *cursor;

	if (reply->type != REPLY_ARRAY || reply->element_count != 2 ||
	    reply->elements[0].type != REPLY_STRING || reply->elements[1].type != REPLY_ARRAY) {
		fail(db, "SCAN", reply);
		scan(db, NULL);
		return;
	}
	cursor = &reply->elements[0];
	keys = &reply->elements[1];
	/* the fields of the page before have all come by now */
	db->name_count = 0;
	db->next_field = 0;
	if (keys->element_count > db->name_size) {
		free(db->names);
		db->names = calloc(keys->element_count, sizeof(*db->names));
		db->name_size = db->names ? keys->element_count : 0;
		if (!db->names) {
			redis_client_drop(db->reader, "no memory for a page of its keys");
			return;
		}
	}
	for (size_t i = 0; i < keys->element_count; i++)
		take_key(db, &keys->elements[i]);
	scan(db, strcmp(cursor->text, "0") ? cursor->text : NULL);
}

/* cursor NULL: there are no more pages. */
static void scan(struct config_db *db, const char *cursor)
{
	struct resp_buffer *output = redis_client_output(db->reader);

	if (cursor)
		resp_command(output, (const char *const[]){ "SCAN", cursor, "MATCH", db->pattern,
							    "COUNT", PAGE_KEYS, NULL });
	else
		resp_command(output, (const char *const[]){ "HMGET", db->logger_key, "LOGLEVEL",
							    "LOGOUTPUT", NULL });
	redis_client_expect(db->reader, cursor ? on_page : on_logger, db);
	redis_client_flush(db->reader);
}

/* --- the flags of notifications ------------------------------------------------ */

static void say_refusal(struct config_db *db, const char *what, const struct reply *reply)
{
	db->notifies = false;
	if (db->refusal_was_said)
		return;
	db->refusal_was_said = true;
	log_warning("CONFIG_DB at %s: %s: it answers: %s; changes of it are found by reading it "
		    "every %llu s", db->config.address, what,
		    reply->type == REPLY_ERROR ? reply->text : "another kind of reply",
		    REREAD_UNTOLD_NS / NS_PER_S);
}

static void on_flags_set(void *context, const struct reply *reply)
{
	struct config_db *db = context;

	db->notifies = reply_is_status(reply, "OK");
	if (db->notifies)
		log_info("CONFIG_DB at %s: what was missing of K, g and h has been added to "
			 FLAGS, db->config.address);
	else
		say_refusal(db, "CONFIG SET " FLAGS, reply);
}

/* K: messages by key. g: DEL and the like; h: of hashes; A stands for both. */
static void add_missing_flags(const char *flags, char wanted[MOST_FLAGS + 4])
{
	bool all = strchr(flags, 'A');

	snprintf(wanted, MOST_FLAGS + 4, "%s%s%s%s", flags, strchr(flags, 'K') ? "" : "K",
		 all || strchr(flags, 'g') ? "" : "g", all || strchr(flags, 'h') ? "" : "h");
}

static void on_flags(void *context, const struct reply *reply)
{
	struct config_db *db = context;
	char wanted[MOST_FLAGS + 4];
	const char *flags;

	if (reply->type != REPLY_ARRAY || reply->element_count != 2 ||
	    reply->elements[1].type != REPLY_STRING ||
	    reply->elements[1].text_bytes > MOST_FLAGS) {
		if (reply->type == REPLY_ERROR && redis_client_leaves(db->reader, reply->text))
			return;
		say_refusal(db, "CONFIG GET " FLAGS, reply);
		scan(db, "0");
		return;
	}
	flags = reply->elements[1].text;
	add_missing_flags(flags, wanted);
	db->notifies = !strcmp(flags, wanted);
	if (!db->notifies) {
		resp_command(redis_client_output(db->reader),
			     (const char *const[]){ "CONFIG", "SET", FLAGS, wanted, NULL });
		redis_client_expect(db->reader, on_flags_set, db);
	}
	scan(db, "0");
}

static void start_reading(void *context)
{
	struct config_db *db = context;

	if (db->reading || !redis_client_is_connected(db->reader))
		return;
	db->reading = true;
	db->again = false;
	db->failed = false;
	db->start_ns = clock_now_ns();
	resp_command(redis_client_output(db->reader),
		     (const char *const[]){ "CONFIG", "GET", FLAGS, NULL });
	redis_client_expect(db->reader, on_flags, db);
	redis_client_flush(db->reader);
}

static void on_reader_connected(void *context)
{
	struct config_db *db = context;

	db->logger_was_made = false;
	db->earliest_ns = 0;
	start_reading(db);
}

static void on_reader_disconnected(void *context)
{
	stop_reading(context);
}

/* --- the listener -------------------------------------------------------------- */

static void on_subscribed(void *context, const struct reply *reply)
{
	struct config_db *db = context;

	if (reply->type == REPLY_ARRAY) {
		/* whatever changed before is to be read now, the rest will be told */
		if (++db->subscriptions == SUBSCRIPTIONS)
			request(db, 0);
	} else if (reply->type != REPLY_ERROR ||
		   !redis_client_leaves(db->listener, reply->text)) {
		say_refusal(db, "PSUBSCRIBE", reply);
	}
}

static void subscribe(struct config_db *db, const char *key_pattern)
{
	char channel[128];

	snprintf(channel, sizeof(channel), "__keyspace@%u__:%s", db->address.database,
		 key_pattern);
	/* each by a command of its own: all of them or none would be refused by one reply */
	resp_command(redis_client_output(db->listener),
		     (const char *const[]){ "PSUBSCRIBE", channel, NULL });
	redis_client_expect(db->listener, on_subscribed, db);
}

static void on_listener_connected(void *context)
{
	struct config_db *db = context;
	char pattern[64];

	db->subscriptions = 0;
	for (unsigned int i = 0; i < SWITCH_TABLES; i++) {
		snprintf(pattern, sizeof(pattern), "%s%c*", switch_config_table(i),
			 db->config.separator);
		subscribe(db, pattern);
	}
	subscribe(db, db->logger_key);
	redis_client_flush(db->listener);
	redis_client_returned(db->listener, "it is listened to");
}

static void on_listener_disconnected(void *context)
{
	struct config_db *db = context;

	db->subscriptions = 0;
	request(db, REREAD_UNTOLD_NS);
}

static void on_message(void *context, const struct reply *reply)
{
	struct config_db *db = context;
	const char *channel = reply->elements[2].type == REPLY_STRING ? reply->elements[2].text : "";
	const char *key = strchr(channel, ':');
	interface_name name;

	/* addresses come and go without any bearing */
	if (key && (!strcmp(key + 1, db->logger_key) ||
		    switch_config_parse_key(key + 1, db->config.separator, name)))
		request(db, SETTLE_NS);
}

static const struct redis_client_events reader_events = {
	.connected = on_reader_connected,
	.disconnected = on_reader_disconnected,
};

static const struct redis_client_events listener_events = {
	.connected = on_listener_connected,
	.disconnected = on_listener_disconnected,
	.message = on_message,
};

/* --- its life ------------------------------------------------------------------ */

static int make_clients(struct config_db *db)
{
	struct redis_client_config client = {
		.loop = db->config.loop,
		.address = &db->address,
		.text = db->config.address,
		.kept = "what is known of the switch stays as it is",
		.user = db->config.user,
		.password_file = db->config.password_file,
		.client_name = db->reader_name,
		.timeout_ms = db->config.timeout_ms,
		.events = &reader_events,
		.context = db,
	};

	snprintf(db->reader_name, sizeof(db->reader_name), "%s-config", db->config.client_name);
	snprintf(db->listener_name, sizeof(db->listener_name), "%s-listen",
		 db->config.client_name);
	db->reader = redis_client_new(&client);
	client.kept = NULL;
	client.client_name = db->listener_name;
	client.events = &listener_events;
	db->listener = redis_client_new(&client);
	return db->reader && db->listener ? 0 : -ENOMEM;
}

int config_db_new(struct config_db **result, const struct config_db_config *config)
{
	struct config_db *db = calloc(1, sizeof(*db));
	const char *why;
	int error;

	if (!db)
		return -ENOMEM;
	db->config = *config;
	loop_timer_init(config->loop, &db->due, start_reading, db);
	snprintf(db->pattern, sizeof(db->pattern), SWITCH_TABLES_PATTERN "%c*", config->separator);
	snprintf(db->logger_key, sizeof(db->logger_key), "LOGGER%c%s", config->separator,
		 config->program);
	error = redis_address_parse(&db->address, config->address, &why);
	if (error)
		log_error("CONFIG_DB at %s: %s", config->address, why);
	else
		error = make_clients(db);
	if (error) {
		config_db_free(db);
		return error;
	}
	*result = db;
	return 0;
}

void config_db_free(struct config_db *db)
{
	if (!db)
		return;
	loop_timer_remove(db->config.loop, &db->due);
	redis_client_free(db->listener);
	redis_client_free(db->reader);
	switch_config_free(&db->fresh);
	switch_config_free(&db->known);
	free(db->names);
	free(db);
}

const struct switch_config *config_db_switch(const struct config_db *db)
{
	return &db->known;
}

int config_db_log_level(const struct config_db *db, enum log_level *level)
{
	if (db->has_log_level)
		*level = db->log_level;
	return db->has_log_level ? 0 : -ENODATA;
}

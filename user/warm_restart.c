/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step after the other; each sends what it has to when it begins, and again when
 * STATE_DB comes back. The kernel is followed all the while: only writing has to wait.
 */
#include "warm_restart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "redis_client.h"

#define POLL_NS NS_PER_S
#define DEFAULT_TIMER_S 5u
#define MOST_TIMER_S 9999u
#define KEY_BYTES 96

enum step {
	STEP_ASK,		/* is it enabled, and how often before */
	STEP_COUNT,		/* restore_count, and initialized */
	STEP_TABLE,		/* until our table is read back */
	STEP_RESTORED,		/* restored */
	STEP_KERNEL,		/* until its neighbours are restored */
	STEP_TIMER,
	STEP_WRITE,		/* the daemon writes */
	STEP_RECONCILED,	/* reconciled */
	STEP_NONE,
};

struct warm_restart {
	struct warm_restart_config config;
	struct redis_address state_address, config_address;
	char row[KEY_BYTES];		/* the application's */
	struct redis_client *state_db;
	struct redis_client *config_db;
	struct loop_timer poll, limit, timer;
	enum step step;
	bool is_warm;
	bool is_enabled;
	bool table_was_read;
	bool all_is_written;
	uint64_t timer_start_ns;	/* 0: it does not run */
	uint32_t timer_s;
	uint32_t restore_count;
};

static void go_on(struct warm_restart *warm);

static void begin(struct warm_restart *warm, enum step step)
{
	warm->step = step;
	go_on(warm);
}

static void put_key(const struct warm_restart *warm, enum sonic_database_name database,
		    const char *table, const char *row, char key[KEY_BYTES])
{
	snprintf(key, KEY_BYTES, "%s%c%s", table,
		 warm->config.databases->databases[database].separator, row);
}

/* An answer that is of no use: STATE_DB is asked again after a while. */
static void give_up(struct warm_restart *warm, struct redis_client *client,
		    const struct reply *reply)
{
	const char *answer = reply->type == REPLY_ERROR ? reply->text : "another kind of reply";

	(void)warm;
	if (!redis_client_leaves(client, answer))
		redis_client_drop(client, "warm restart: it answers: %s", answer);
}

/* --- the steps ------------------------------------------------------------------- */

static bool is_text(const struct reply *reply, const char *text)
{
	return reply->type == REPLY_STRING && !strcmp(reply->text, text);
}

static void on_enable(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;

	if (reply->type == REPLY_STRING || reply->type == REPLY_NIL)
		warm->is_enabled |= is_text(reply, "true");
	else
		give_up(warm, warm->state_db, reply);
}

static void on_count(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;

	if (reply->type != REPLY_STRING && reply->type != REPLY_NIL) {
		give_up(warm, warm->state_db, reply);
		return;
	}
	warm->is_warm = warm->is_enabled && reply->type == REPLY_STRING;
	if (warm->is_warm)
		warm->restore_count = (uint32_t)strtoul(reply->text, NULL, 10) + 1;
	if (warm->is_warm)
		log_notice("warm restart: the %u. of %s", warm->restore_count,
			   warm->config.application);
	else
		log_notice("cold start: warm restart is %s", warm->is_enabled ?
			   "enabled, but there was no start of this application before" :
			   "not enabled");
	begin(warm, STEP_COUNT);
}

static void ask_field(struct redis_client *client, const char *key, const char *field,
		      void (*on_reply)(void *context, const struct reply *reply), void *context)
{
	resp_command(redis_client_output(client),
		     (const char *const[]){ "HGET", key, field, NULL });
	redis_client_expect(client, on_reply, context);
}

static void ask_whether_enabled(struct warm_restart *warm)
{
	static const char table[] = "WARM_RESTART_ENABLE_TABLE";
	char key[KEY_BYTES];

	warm->is_enabled = false;
	put_key(warm, SONIC_STATE_DB, table, "system", key);
	ask_field(warm->state_db, key, "enable", on_enable, warm);
	put_key(warm, SONIC_STATE_DB, table, "swss", key);
	ask_field(warm->state_db, key, "enable", on_enable, warm);
	ask_field(warm->state_db, warm->row, "restore_count", on_count, warm);
}

static void on_counted(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;

	if (reply->type != REPLY_INTEGER)
		give_up(warm, warm->state_db, reply);
	else if (warm->is_warm)
		begin(warm, STEP_TABLE);
	else
		begin(warm, STEP_WRITE);
}

static void write_count(struct warm_restart *warm)
{
	struct resp_buffer *output = redis_client_output(warm->state_db);
	char count[12];

	snprintf(count, sizeof(count), "%u", warm->restore_count);
	if (warm->is_warm)
		resp_command(output, (const char *const[]){ "HSET", warm->row, "restore_count",
							    count, "state", "initialized", NULL });
	else
		resp_command(output, (const char *const[]){ "HSET", warm->row, "restore_count",
							    "0", NULL });
	redis_client_expect(warm->state_db, on_counted, warm);
}

static void on_state_written(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;

	if (reply->type != REPLY_INTEGER)
		give_up(warm, warm->state_db, reply);
	else if (warm->step == STEP_RESTORED)
		begin(warm, STEP_KERNEL);
	else if (warm->step == STEP_RECONCILED)
		begin(warm, STEP_NONE);
}

static void write_state(struct warm_restart *warm, const char *state)
{
	log_notice("warm restart: %s is %s", warm->config.application, state);
	resp_command(redis_client_output(warm->state_db),
		     (const char *const[]){ "HSET", warm->row, "state", state, NULL });
	redis_client_expect(warm->state_db, on_state_written, warm);
}

static void on_restored_flag(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;

	if (warm->step != STEP_KERNEL)
		return;			/* the limit is over */
	if (reply->type != REPLY_STRING && reply->type != REPLY_NIL)
		give_up(warm, warm->state_db, reply);
	else if (!is_text(reply, "true"))
		loop_timer_arm(&warm->poll, POLL_NS);
	else
		begin(warm, STEP_TIMER);
}

static void ask_whether_restored(struct warm_restart *warm)
{
	char key[KEY_BYTES];

	if (!warm->limit.due_ns)
		loop_timer_arm(&warm->limit, warm->config.restore_timeout_ms * NS_PER_MS);
	put_key(warm, SONIC_STATE_DB, "NEIGH_RESTORE_TABLE", "Flags", key);
	ask_field(warm->state_db, key, "restored", on_restored_flag, warm);
}

static void on_poll(void *context)
{
	struct warm_restart *warm = context;

	if (warm->step == STEP_KERNEL && redis_client_is_connected(warm->state_db))
		go_on(warm);
}

static void on_limit(void *context)
{
	struct warm_restart *warm = context;

	log_message(MESSAGE_NOT_RESTORED, "warm restart: NEIGH_RESTORE_TABLE|Flags says after %u s "
		    "still not that the kernel's neighbours are restored (restore_timeout); going "
		    "on with those that it has", warm->config.restore_timeout_ms / 1000);
	loop_timer_disarm(&warm->poll);
	begin(warm, STEP_TIMER);
}

static void on_timer(void *context)
{
	begin(context, STEP_WRITE);
}

static void start_timer(struct warm_restart *warm)
{
	uint64_t end_ns, now_ns = clock_now_ns();

	loop_timer_disarm(&warm->limit);
	if (warm->config.is_fast) {
		begin(warm, STEP_WRITE);
		return;
	}
	if (!warm->timer_start_ns)
		warm->timer_start_ns = now_ns;
	/* (SONiC's test suites take the last word of the line with that name) */
	log_notice("warm restart: getWarmStartTimer: seconds until %s reconciles: %u",
		   warm->config.application, warm->timer_s);
	end_ns = warm->timer_start_ns + warm->timer_s * NS_PER_S;
	loop_timer_arm(&warm->timer, end_ns > now_ns ? end_ns - now_ns : 0);
}

static void let_write(struct warm_restart *warm)
{
	warm->config.over(warm->config.context);
	redis_client_free(warm->config_db);
	warm->config_db = NULL;
	begin(warm, warm->is_warm ? STEP_RECONCILED : STEP_NONE);
}

/* Sends or starts what the step has to wait for. */
static void go_on(struct warm_restart *warm)
{
	bool is_there = redis_client_is_connected(warm->state_db);

	switch (warm->step) {
	case STEP_ASK:
		if (is_there)
			ask_whether_enabled(warm);
		break;
	case STEP_COUNT:
		if (is_there)
			write_count(warm);
		break;
	case STEP_TABLE:
		if (warm->table_was_read)
			begin(warm, STEP_RESTORED);
		break;
	case STEP_RESTORED:
		if (is_there)
			write_state(warm, "restored");
		break;
	case STEP_KERNEL:
		if (is_there)
			ask_whether_restored(warm);
		break;
	case STEP_TIMER:
		start_timer(warm);
		break;
	case STEP_WRITE:
		let_write(warm);
		break;
	case STEP_RECONCILED:
		if (is_there && warm->all_is_written)
			write_state(warm, "reconciled");
		break;
	case STEP_NONE:
		break;
	}
	if (is_there)
		redis_client_flush(warm->state_db);
}

void warm_restart_table_was_read(struct warm_restart *warm)
{
	if (warm->table_was_read)
		return;
	warm->table_was_read = true;
	if (warm->step == STEP_TABLE)
		go_on(warm);
}

void warm_restart_all_is_written(struct warm_restart *warm)
{
	if (warm->all_is_written)
		return;
	warm->all_is_written = true;
	if (warm->step == STEP_RECONCILED)
		go_on(warm);
}

bool warm_restart_is_over(const struct warm_restart *warm)
{
	return warm->step >= STEP_WRITE;
}

bool warm_restart_is_warm(const struct warm_restart *warm)
{
	return warm->is_warm;
}

bool warm_restart_is_done(const struct warm_restart *warm)
{
	return warm->step == STEP_NONE;
}

/* --- the connections -------------------------------------------------------------- */

static void on_state_connected(void *context)
{
	struct warm_restart *warm = context;

	redis_client_returned(warm->state_db, "the warm restart goes on");
	/* those two wait for something else, and have nothing to send */
	if (warm->step != STEP_TIMER && warm->step != STEP_WRITE)
		go_on(warm);
}

static void on_disconnected(void *context)
{
	struct warm_restart *warm = context;

	loop_timer_disarm(&warm->poll);
}

static void on_timer_length(void *context, const struct reply *reply)
{
	struct warm_restart *warm = context;
	char *end;
	unsigned long seconds;

	if (reply->type == REPLY_NIL)
		return;
	if (reply->type != REPLY_STRING) {
		give_up(warm, warm->config_db, reply);
		return;
	}
	seconds = strtoul(reply->text, &end, 10);
	if (end == reply->text || *end || seconds < 1 || seconds > MOST_TIMER_S) {
		log_warning("CONFIG_DB: neighsyncd_timer of WARM_RESTART|swss is '%s': allowed "
			    "are 1 to %u s; it is %u s", reply->text, MOST_TIMER_S,
			    DEFAULT_TIMER_S);
		return;
	}
	warm->timer_s = (uint32_t)seconds;
	if (warm->timer_start_ns && warm->step == STEP_TIMER)
		go_on(warm);
}

static void on_config_connected(void *context)
{
	struct warm_restart *warm = context;
	char key[KEY_BYTES];

	redis_client_returned(warm->config_db, "the warm restart goes on");
	put_key(warm, SONIC_CONFIG_DB, "WARM_RESTART", "swss", key);
	ask_field(warm->config_db, key, "neighsyncd_timer", on_timer_length, warm);
	redis_client_flush(warm->config_db);
}

static void on_config_disconnected(void *context)
{
	(void)context;
}

static const struct redis_client_events state_events = {
	.connected = on_state_connected,
	.disconnected = on_disconnected,
};

static const struct redis_client_events config_events = {
	.connected = on_config_connected,
	.disconnected = on_config_disconnected,
};

static struct redis_client *make_client(struct warm_restart *warm,
					enum sonic_database_name database,
					struct redis_address *address,
					const struct redis_client_events *events)
{
	const char *text = warm->config.databases->databases[database].address;
	struct redis_client_config client = {
		.loop = warm->config.loop,
		.address = address,
		.text = text,
		.kept = "the warm restart waits",
		.user = warm->config.user,
		.password_file = warm->config.password_file,
		.client_name = warm->config.client_name,
		.timeout_ms = warm->config.timeout_ms,
		.events = events,
		.context = warm,
	};
	const char *why;

	if (!redis_address_parse(address, text, &why))
		return redis_client_new(&client);
	log_error("database_config: %s: %s", text, why);
	return NULL;
}

int warm_restart_new(struct warm_restart **result, const struct warm_restart_config *config)
{
	struct warm_restart *warm = calloc(1, sizeof(*warm));

	if (!warm)
		return -ENOMEM;
	warm->config = *config;
	warm->timer_s = DEFAULT_TIMER_S;
	loop_timer_init(config->loop, &warm->poll, on_poll, warm);
	loop_timer_init(config->loop, &warm->limit, on_limit, warm);
	loop_timer_init(config->loop, &warm->timer, on_timer, warm);
	put_key(warm, SONIC_STATE_DB, "WARM_RESTART_TABLE", config->application, warm->row);
	warm->state_db = make_client(warm, SONIC_STATE_DB, &warm->state_address, &state_events);
	if (warm->state_db)
		warm->config_db = make_client(warm, SONIC_CONFIG_DB, &warm->config_address,
					      &config_events);
	if (!warm->config_db) {
		warm_restart_free(warm);
		return -ENOMEM;
	}
	*result = warm;
	return 0;
}

void warm_restart_free(struct warm_restart *warm)
{
	if (!warm)
		return;
	redis_client_free(warm->config_db);
	redis_client_free(warm->state_db);
	loop_timer_remove(warm->config.loop, &warm->poll);
	loop_timer_remove(warm->config.loop, &warm->limit);
	loop_timer_remove(warm->config.loop, &warm->timer);
	free(warm);
}

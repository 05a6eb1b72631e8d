/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switch_side.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "config_db.h"
#include "log.h"
#include "warm_restart.h"

/* Nothing is written, above all nothing removed, before it is known which neighbours
 * count; but neighbours without CONFIG_DB are better than none. */
#define CONFIG_PATIENCE_NS (10 * NS_PER_S)

struct switch_side {
	struct switch_side_config config;
	struct warm_restart *warm_restart;	/* NULL: none, or done */
	struct config_db *config_db;		/* NULL: the policy needs none */
	char client_name[OPTIONS_CLIENT_NAME_BYTES];
	struct loop_timer config_patience;
	bool config_is_awaited;
};

static void on_config_known(void *context)
{
	struct switch_side *side = context;

	side->config_is_awaited = false;
	loop_timer_disarm(&side->config_patience);
	side->config.lets_write(side->config.context);
}

static void on_config_patience_ended(void *context)
{
	struct switch_side *side = context;

	log_message(MESSAGE_CONFIG_DB_UNKNOWN, "CONFIG_DB at %s could not be read so far: going on "
		    "as if it were empty", side->config.options->config_db);
	on_config_known(side);
}

static void on_config_changed(void *context)
{
	const struct switch_side *side = context;

	side->config.changed(side->config.context);
}

static void on_config_log_level(void *context, enum log_level level)
{
	(void)context;
	log_set_level(level);
}

static void on_config_log_output(void *context, enum log_output output)
{
	(void)context;
	log_set_output(output);
}

static const struct config_db_events config_events = {
	.known = on_config_known,
	.changed = on_config_changed,
	.log_level = on_config_log_level,
	.log_output = on_config_log_output,
};

/* What a switch's configuration says, if the policy asks for it. */
static int follow_config(struct switch_side *side)
{
	const struct options *options = side->config.options;
	const struct config_db_config config = {
		.loop = side->config.loop,
		.address = options->config_db,
		.separator = options->databases.databases[SONIC_CONFIG_DB].separator,
		.user = options->redis_user,
		.password_file = options->redis_password_file,
		.timeout_ms = options->redis_timeout_ms,
		.client_name = side->client_name,
		.program = options->application,
		.log_level = options->log_level,
		.events = &config_events,
		.context = side,
	};

	if (options->policy != OPTION_POLICY_SONIC)
		return 0;
	options_client_name(options, "", side->client_name);
	side->config_is_awaited = true;
	loop_timer_arm(&side->config_patience, CONFIG_PATIENCE_NS);
	return config_db_new(&side->config_db, &config);
}

static void on_warm_restart_over(void *context)
{
	struct switch_side *side = context;

	if (warm_restart_is_warm(side->warm_restart))
		side->config.reconciles(side->config.context);
	side->config.lets_write(side->config.context);
}

static int begin_warm_restart(struct switch_side *side)
{
	const struct options *options = side->config.options;
	const struct warm_restart_config config = {
		.loop = side->config.loop,
		.databases = &options->databases,
		.user = options->redis_user,
		.password_file = options->redis_password_file,
		.client_name = options->application,
		.application = options->application,
		.timeout_ms = options->redis_timeout_ms,
		.restore_timeout_ms = options->restore_timeout_ms,
		.is_fast = options->reconcile == OPTION_RECONCILE_FAST,
		.over = on_warm_restart_over,
		.context = side,
	};

	return options->warm_restart ? warm_restart_new(&side->warm_restart, &config) : 0;
}

int switch_side_new(struct switch_side **result, const struct switch_side_config *config)
{
	struct switch_side *side = calloc(1, sizeof(*side));
	int error;

	*result = NULL;
	if (!side)
		return -ENOMEM;
	side->config = *config;
	loop_timer_init(config->loop, &side->config_patience, on_config_patience_ended, side);
	error = begin_warm_restart(side);
	if (!error)
		error = follow_config(side);
	if (error) {
		switch_side_free(side);
		return error;
	}
	*result = side;
	return 0;
}

void switch_side_free(struct switch_side *side)
{
	if (!side)
		return;
	config_db_free(side->config_db);
	warm_restart_free(side->warm_restart);
	loop_timer_remove(side->config.loop, &side->config_patience);
	free(side);
}

const struct switch_config *switch_side_policy(const struct switch_side *side)
{
	return side->config_db ? config_db_switch(side->config_db) : NULL;
}

bool switch_side_may_write(const struct switch_side *side)
{
	return !side->config_is_awaited &&
	       (!side->warm_restart || warm_restart_is_over(side->warm_restart));
}

void switch_side_table_was_read(struct switch_side *side)
{
	if (side->warm_restart)
		warm_restart_table_was_read(side->warm_restart);
}

void switch_side_run(struct switch_side *side, bool all_is_written)
{
	if (!side->warm_restart)
		return;
	if (all_is_written)
		warm_restart_all_is_written(side->warm_restart);
	if (warm_restart_is_done(side->warm_restart)) {
		warm_restart_free(side->warm_restart);
		side->warm_restart = NULL;
	}
}

void switch_side_reconfigure(const struct switch_side *side)
{
	enum log_level level;

	if (side->config_db && !config_db_log_level(side->config_db, &level))
		log_set_level(level);
}

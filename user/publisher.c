/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wiring of what talks to Redis: connect, read back, write, and audit. */
#include "publisher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ablation.h"
#include "clock.h"
#include "log.h"
#include "readback.h"
#include "redis_address.h"
#include "redis_client.h"
#include "schema.h"
#include "writer.h"

/* An audit that something other than the clock asks for. */
#define SURPRISE_NS (200 * NS_PER_MS)
#define SURPRISE_GAP_NS (5 * NS_PER_S)

struct publisher {
	struct publisher_config config;
	struct redis_address address;
	struct schema schema;
	char client_name[OPTIONS_CLIENT_NAME_BYTES];
	struct redis_client *redis;
	struct readback *readback;
	struct writer *writer;
	struct loop_timer audit;
	uint64_t last_audit_ns;		/* when it ended */
	uint64_t repaired;		/* keys that audits found changed by somebody else */
	uint64_t writes_before;		/* when Redis had been read */
	bool redis_was_read;
	bool was_ever_read;		/* over any connection */
	bool is_settled;		/* and everything written since it was */
};

static uint64_t writes(const struct publisher *publisher)
{
	const struct writer_stats *stats = writer_stats(publisher->writer);

	return stats->sets + stats->deletes;
}

/* Redis holds all that it was to hold since it was connected to. */
static void settle(struct publisher *publisher)
{
	if (publisher->is_settled || !writer_is_idle(publisher->writer))
		return;
	publisher->is_settled = true;
	redis_client_settled(publisher->redis, writes(publisher) - publisher->writes_before);
}

static void start_audit(void *context)
{
	publisher_audit(context);
}

void publisher_audit(struct publisher *publisher)
{
	/* what has not been read yet will be, before the writer starts */
	if (publisher->redis_was_read && !readback_is_running(publisher->readback))
		readback_start(publisher->readback, READBACK_AUDIT);
}

/* Somebody else writes to our keys: look soon, but not all the time. */
static void on_surprise(void *context)
{
	struct publisher *publisher = context;
	uint64_t now_ns = clock_now_ns();
	uint64_t earliest_ns = publisher->last_audit_ns + SURPRISE_GAP_NS;

	if (publisher->audit.due_ns || readback_is_running(publisher->readback))
		return;
	loop_timer_arm(&publisher->audit, publisher->last_audit_ns && earliest_ns > now_ns ?
		       earliest_ns - now_ns : SURPRISE_NS);
}

static void on_audited(struct publisher *publisher, const struct readback_result *result)
{
	publisher->last_audit_ns = clock_now_ns();
	publisher->repaired += result->wrong;
	log_info("audit: Redis holds %zu keys of %s*", result->keys, publisher->schema.table);
	if (result->wrong)
		log_message(MESSAGE_REDIS_REPAIRED, "audit: %zu keys of %s* in Redis were not as "
			    "they had been written, and are repaired", result->wrong,
			    publisher->schema.table);
}

static void on_redis_read(void *context, const struct readback_result *result)
{
	struct publisher *publisher = context;

	if (result->is_audit) {
		on_audited(publisher, result);
	} else {
		log_info("Redis holds %zu keys of %s*", result->keys, publisher->schema.table);
		publisher->redis_was_read = true;
		publisher->was_ever_read = true;
		publisher->writes_before = writes(publisher);
		publisher->config.was_read(publisher->config.context);
	}
	if (result->left_out) {
		log_message(MESSAGE_KEYS_LEFT_OUT, "%zu keys in Redis could not be looked at this "
			    "time; they will be in %llu s", result->left_out,
			    SURPRISE_GAP_NS / NS_PER_S);
		loop_timer_arm(&publisher->audit, SURPRISE_GAP_NS);
	}
}

static void on_connected(void *context)
{
	struct publisher *publisher = context;

	neigh_table_forget_published(publisher->config.table);
	readback_start(publisher->readback, publisher->was_ever_read ? READBACK_AGAIN :
							       READBACK_FIRST);
}

static void on_disconnected(void *context)
{
	struct publisher *publisher = context;

	publisher->redis_was_read = false;
	publisher->is_settled = false;
	readback_stop(publisher->readback);
	writer_disable(publisher->writer);
	neigh_table_forget_published(publisher->config.table);
}

static bool is_ignored(void *context, const char *interface)
{
	const struct publisher *publisher = context;

	return publisher->config.is_ignored(publisher->config.context, interface);
}

static void on_unwanted(void *context, struct neigh_entry *entry)
{
	const struct publisher *publisher = context;

	publisher->config.unwanted(publisher->config.context, entry);
}

static const char *vrf(void *context, const struct interface *interface)
{
	const struct publisher *publisher = context;

	return publisher->config.vrf(publisher->config.context, interface);
}

static bool is_partial(void *context)
{
	const struct publisher *publisher = context;

	return writer_makes_detours(publisher->writer);
}

static const struct redis_client_events redis_events = {
	.connected = on_connected,
	.disconnected = on_disconnected,
};

static int configure_writer(struct publisher *publisher)
{
	const struct writer_config config = {
		.batch_size = publisher->config.options->batch_size,
		.batch_timeout_ms = publisher->config.options->batch_timeout_ms,
		.transaction = publisher->config.options->transaction,
		.without = ablation_mask(publisher->config.options->without),
	};

	return writer_configure(publisher->writer, &config);
}

static int make_writer(struct publisher *publisher)
{
	const struct options *options = publisher->config.options;
	const struct redis_client_config config = {
		.loop = publisher->config.loop,
		.address = &publisher->address,
		.text = options->redis,
		.kept = "the neighbours are kept",
		.user = options->redis_user,
		.password_file = options->redis_password_file,
		.client_name = publisher->client_name,
		.probe_key = publisher->schema.table,
		.one_slot = schema_has_hash_tag(&publisher->schema),
		.timeout_ms = options->redis_timeout_ms,
		.frees_output = ablation_mask(options->without) & ABLATION_PREALLOCATION,
		.events = &redis_events,
		.context = publisher,
	};
	struct writer_parts parts = {
		.loop = publisher->config.loop,
		.client_config = &config,
		.schema = &publisher->schema,
		.table = publisher->config.table,
		.surprised = on_surprise,
		.vrf = vrf,
		.context = publisher,
	};

	options_client_name(options, "", publisher->client_name);
	publisher->redis = redis_client_new(&config);
	parts.client = publisher->redis;
	if (publisher->redis)
		publisher->writer = writer_new(&parts);
	return publisher->writer ? configure_writer(publisher) : -ENOMEM;
}

static int make_readback(struct publisher *publisher)
{
	const struct publisher_config *config = &publisher->config;
	const struct readback_config readback = {
		.client = publisher->redis,
		.schema = &publisher->schema,
		.table = config->table,
		.interfaces = config->interfaces,
		.is_ignored = is_ignored,
		.unwanted = on_unwanted,
		.is_partial = is_partial,
		.done = on_redis_read,
		.context = publisher,
	};

	publisher->readback = readback_new(&readback);
	return publisher->readback ? 0 : -ENOMEM;
}

int publisher_new(struct publisher **result, const struct publisher_config *config)
{
	const struct options *options = config->options;
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	const char *why;
	int error;

	if (!publisher)
		return -ENOMEM;
	publisher->config = *config;
	loop_timer_init(config->loop, &publisher->audit, start_audit, publisher);
	error = redis_address_parse(&publisher->address, options->redis, &why);
	if (error) {
		log_error("redis = %s: %s", options->redis, why);
		goto fail;
	}
	error = schema_init(&publisher->schema, (enum schema_kind)options->schema,
			    options->key_prefix, publisher->address.database);
	if (error) {
		log_error("key_prefix is too long: allowed are %d bytes", SCHEMA_PREFIX_BYTES);
		goto fail;
	}
	error = make_writer(publisher);
	if (!error)
		error = make_readback(publisher);
	if (error)
		goto fail;
	*result = publisher;
	return 0;
fail:
	publisher_free(publisher);
	return error;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	loop_timer_remove(publisher->config.loop, &publisher->audit);
	writer_free(publisher->writer);
	readback_free(publisher->readback);
	redis_client_free(publisher->redis);
	free(publisher);
}

int publisher_reconfigure(struct publisher *publisher)
{
	return configure_writer(publisher);
}

const char *publisher_table(const struct publisher *publisher)
{
	return publisher->schema.table;
}

bool publisher_redis_was_read(const struct publisher *publisher)
{
	return publisher->redis_was_read;
}

void publisher_start(struct publisher *publisher)
{
	writer_enable(publisher->writer);
}

void publisher_run(struct publisher *publisher)
{
	writer_run(publisher->writer);
	settle(publisher);
}

bool publisher_is_idle(const struct publisher *publisher)
{
	return writer_is_idle(publisher->writer);
}

bool publisher_is_connected(const struct publisher *publisher)
{
	return redis_client_is_connected(publisher->redis);
}

bool publisher_is_settled(const struct publisher *publisher)
{
	return publisher->is_settled;
}

void publisher_statistics(const struct publisher *publisher,
			  struct publisher_statistics *statistics)
{
	*statistics = (struct publisher_statistics){
		.writer = writer_stats(publisher->writer),
		.redis = redis_client_stats(publisher->redis),
		.is_connected = redis_client_is_connected(publisher->redis),
		.in_flight = redis_client_in_flight(publisher->redis),
		.repaired = publisher->repaired,
	};
}

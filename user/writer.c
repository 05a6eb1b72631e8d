/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While one flush is in flight others follow it only if they are full, up to
 * MAX_FLUSHES: enough for Redis to go on with while this process rests or waits
 * for its turn. With batch_size = 1 there is one, which is the round trip a
 * neighbour that other daemons pay.
 */
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ablation.h"
#include "clock.h"
#include "detour.h"
#include "log.h"
#include "producer.h"

#define MAX_FLUSHES 16u
#define ANSWERS_AHEAD 8u
#define FIRST_PAUSE_NS (100 * NS_PER_MS)
#define LAST_PAUSE_NS (5 * NS_PER_S)
/* After an ASK: keys may be on either node, and a transaction cannot have both. */
#define DETOUR_MEMORY_NS (10 * NS_PER_S)

/* One command of a flush. Without an entry: a DEL that makes place for the SET
 * behind it. */
struct write {
	struct neigh_entry *entry;
};

struct flush {
	struct write *writes;
	uint32_t size;
	uint32_t count;
	uint32_t commands;		/* that a producer's transaction has */
	uint32_t answered;
	bool in_transaction;
	uint64_t oldest_record_ns;	/* of its first neighbour; 0: no record brought it */
	char why[160];		/* the first refusal within a transaction; "" = none */
};

struct writer {
	struct loop *loop;
	struct redis_client *client;
	const struct schema *schema;
	struct neigh_table *table;
	void (*surprised)(void *context);
	const char *(*vrf)(void *context, const struct interface *interface);
	void *context;
	struct detour *detour;
	uint64_t last_detour_ns;	/* 0 = none of this connection */
	struct writer_config config;
	struct flush flushes[MAX_FLUSHES];
	struct producer_change *changes;	/* of the flush that is put together */
	uint32_t first_flush;
	uint32_t flush_count;
	bool enabled;
	bool paused;
	uint64_t pause_ns;
	struct loop_timer resume;
	struct loop_timer batch;
	uint64_t last_flush_ns;
	struct writer_stats stats;
};

static void on_resume(void *context)
{
	struct writer *writer = context;

	writer->paused = false;
	writer_run(writer);
}

static void on_batch_timeout(void *context)
{
	writer_run(context);
}

static void pause_writing(struct writer *writer, const char *answer);

static void on_detour_refused(void *context, const char *answer)
{
	pause_writing(context, answer);
}

struct writer *writer_new(const struct writer_parts *parts)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->loop = parts->loop;
	writer->client = parts->client;
	writer->schema = parts->schema;
	writer->table = parts->table;
	writer->surprised = parts->surprised;
	writer->vrf = parts->vrf;
	writer->context = parts->context;
	writer->pause_ns = FIRST_PAUSE_NS;
	writer->detour = detour_new(parts->client_config, parts->schema, parts->table,
				    on_detour_refused, writer);
	if (!writer->detour) {
		free(writer);
		return NULL;
	}
	loop_timer_init(parts->loop, &writer->resume, on_resume, writer);
	loop_timer_init(parts->loop, &writer->batch, on_batch_timeout, writer);
	return writer;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	loop_timer_remove(writer->loop, &writer->resume);
	loop_timer_remove(writer->loop, &writer->batch);
	detour_free(writer->detour);
	for (uint32_t i = 0; i < MAX_FLUSHES; i++)
		free(writer->flushes[i].writes);
	free(writer->changes);
	free(writer);
}

static int make_changes(struct writer *writer, uint32_t count)
{
	struct producer_change *changes = realloc(writer->changes, count * sizeof(*changes));

	if (!changes)
		return -ENOMEM;
	writer->changes = changes;
	return 0;
}

int writer_configure(struct writer *writer, const struct writer_config *config)
{
	if (writer->schema->kind == SCHEMA_SONIC && make_changes(writer, config->batch_size))
		return -ENOMEM;
	for (uint32_t i = 0; i < MAX_FLUSHES; i++) {
		struct flush *flush = &writer->flushes[i];
		/* each neighbour may need a DEL before its SET */
		uint32_t size = 2 * config->batch_size;
		struct write *writes;

		if (size <= flush->size)
			continue;
		writes = realloc(flush->writes, size * sizeof(*writes));
		if (!writes)
			return -ENOMEM;
		flush->writes = writes;
		flush->size = size;
	}
	writer->config = *config;
	return 0;
}

void writer_enable(struct writer *writer)
{
	writer->enabled = true;
	writer->pause_ns = FIRST_PAUSE_NS;
}

void writer_disable(struct writer *writer)
{
	writer->enabled = false;
	writer->flush_count = 0;
	detour_stop(writer->detour);
	writer->last_detour_ns = 0;
	writer->paused = false;
	loop_timer_disarm(&writer->resume);
	loop_timer_disarm(&writer->batch);
}

bool writer_is_idle(const struct writer *writer)
{
	return writer->enabled && !writer->flush_count && !detour_count(writer->detour) &&
	       !neigh_table_dirty_count(writer->table);
}

bool writer_makes_detours(const struct writer *writer)
{
	return writer->last_detour_ns &&
	       clock_now_ns() - writer->last_detour_ns < DETOUR_MEMORY_NS;
}

const struct writer_stats *writer_stats(const struct writer *writer)
{
	return &writer->stats;
}

/* Redis is there but refuses: wait before the next try, longer each time. */
static void pause_writing(struct writer *writer, const char *answer)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 10000 };

	writer->stats.refused++;
	if (writer->paused)
		return;
	log_message_limited(&limit, MESSAGE_REDIS_REFUSES, "Redis refuses a write: %s; it is kept "
			    "and tried again", answer);
	writer->paused = true;
	loop_timer_arm(&writer->resume, writer->pause_ns);
	writer->pause_ns *= 2;
	if (writer->pause_ns > LAST_PAUSE_NS)
		writer->pause_ns = LAST_PAUSE_NS;
}

static struct flush *oldest(struct writer *writer)
{
	return &writer->flushes[writer->first_flush];
}

/* Returns whether the entry is on its way to another node. */
static bool write_elsewhere(struct writer *writer, struct neigh_entry *entry, const char *answer)
{
	if (strncmp(answer, "ASK ", 4))
		return false;
	writer->last_detour_ns = clock_now_ns();
	if (detour_write(writer->detour, answer, entry))
		return false;
	writer->stats.asked++;
	return true;
}

static void refuse(struct writer *writer, struct neigh_entry *entry, const char *answer)
{
	if (!strncmp(answer, "WRONGTYPE", 9)) {
		/* somebody put something else at our key: replace it as a whole */
		writer->stats.refused++;
		neigh_table_refuse(writer->table, entry, PUBLISHED_OTHER);
		return;
	}
	/* before the entry is given back: a drop forgets all that is in flight */
	if (redis_client_leaves(writer->client, answer) ||
	    write_elsewhere(writer, entry, answer))
		return;
	oldest(writer)->oldest_record_ns = 0;
	pause_writing(writer, answer);
	neigh_table_refuse(writer->table, entry, (enum neigh_published)entry->published);
}

/* HSET answers how many fields are new, DEL how many keys there were. */
static bool is_surprising(const struct neigh_entry *entry, long long number)
{
	switch ((enum neigh_published)entry->published) {
	case PUBLISHED_NOTHING:
		return entry->in_flight_wanted && number != SCHEMA_FIELDS;
	case PUBLISHED_MAC:
		return number != (entry->in_flight_wanted ? 0 : 1);
	default:
		return false;
	}
}

static void handle_answer(struct writer *writer, const struct write *write,
			  const struct reply *reply)
{
	if (!write->entry)
		return;
	if (reply->type == REPLY_INTEGER) {
		writer->pause_ns = FIRST_PAUSE_NS;
		if (is_surprising(write->entry, reply->integer))
			writer->surprised(writer->context);
		if (write->entry->in_flight_wanted)
			writer->stats.sets++;
		else
			writer->stats.deletes++;
		neigh_table_acknowledge(writer->table, write->entry);
	} else if (reply->type == REPLY_ERROR) {
		refuse(writer, write->entry, reply->text);
	} else {
		redis_client_drop(writer->client, "it answers a write with what is no number");
	}
}

static void end_flush(struct writer *writer)
{
	uint64_t record_ns = oldest(writer)->oldest_record_ns;

	if (record_ns)
		histogram_add(&writer->stats.latency, clock_now_ns() - record_ns);
	writer->first_flush = (writer->first_flush + 1) % MAX_FLUSHES;
	writer->flush_count--;
	writer_run(writer);
}

/* The entry of an answer some answers ahead, which may be in no cache of the CPU any more. */
static void expect_answers(const struct flush *flush, uint32_t answered)
{
	uint32_t ahead = answered + ANSWERS_AHEAD;

	if (ahead < flush->count)
		neigh_table_expect_entry(flush->writes[ahead].entry);
}

static void on_answer(void *context, const struct reply *reply)
{
	struct writer *writer = context;
	struct flush *flush = oldest(writer);

	expect_answers(flush, flush->answered);
	handle_answer(writer, &flush->writes[flush->answered++], reply);
	if (flush->answered == flush->count)
		end_flush(writer);
}

static void on_queued(void *context, const struct reply *reply)
{
	struct writer *writer = context;
	struct flush *flush = oldest(writer);

	/* EXEC will only answer that there was an error, not which */
	if (reply->type == REPLY_ERROR && !redis_client_leaves(writer->client, reply->text) &&
	    !flush->why[0])
		snprintf(flush->why, sizeof(flush->why), "%s", reply->text);
}

/* is_in_part: some of its commands were executed. */
static void refuse_transaction(struct writer *writer, struct flush *flush, const char *answer,
			       bool is_in_part)
{
	if (redis_client_leaves(writer->client, answer))
		return;
	/* which of the keys are on the other node is not known: they are tried one
	 * by one, which writer_makes_detours() sees to */
	if (!strncmp(answer, "ASK ", 4))
		writer->last_detour_ns = clock_now_ns();
	else
		pause_writing(writer, answer);
	for (uint32_t i = 0; i < flush->count; i++) {
		struct neigh_entry *entry = flush->writes[i].entry;

		if (entry)
			neigh_table_refuse(writer->table, entry, is_in_part ? PUBLISHED_OTHER :
					   (enum neigh_published)entry->published);
	}
	flush->oldest_record_ns = 0;
	end_flush(writer);
}

static void on_executed(void *context, const struct reply *reply)
{
	struct writer *writer = context;
	struct flush *flush = oldest(writer);

	if (reply->type == REPLY_ERROR) {
		refuse_transaction(writer, flush, flush->why[0] ? flush->why : reply->text,
				   false);
		return;
	}
	if (reply->type != REPLY_ARRAY || reply->element_count != flush->count) {
		redis_client_drop(writer->client, "it answers EXEC with something else than the "
				  "outcome of %u commands", flush->count);
		return;
	}
	for (uint32_t i = 0; i < flush->count; i++) {
		expect_answers(flush, i);
		handle_answer(writer, &flush->writes[i], &reply->elements[i]);
	}
	end_flush(writer);
}

static void acknowledge_produced(struct writer *writer, struct flush *flush)
{
	writer->pause_ns = FIRST_PAUSE_NS;
	for (uint32_t i = 0; i < flush->count; i++) {
		struct neigh_entry *entry = flush->writes[i].entry;

		expect_answers(flush, i);
		if (entry->in_flight_wanted)
			writer->stats.sets++;
		else
			writer->stats.deletes++;
		neigh_table_acknowledge(writer->table, entry);
	}
	end_flush(writer);
}

/* What a producer wrote is where the consumer will find it. Its replies do not tell
 * whose hand was there before, as the consumer's is. */
static void on_produced(void *context, const struct reply *reply)
{
	struct writer *writer = context;
	struct flush *flush = oldest(writer);

	if (reply->type == REPLY_ERROR) {
		refuse_transaction(writer, flush, flush->why[0] ? flush->why : reply->text,
				   false);
		return;
	}
	if (reply->type != REPLY_ARRAY || reply->element_count != flush->commands) {
		redis_client_drop(writer->client, "it answers EXEC with something else than the "
				  "outcome of %u commands", flush->commands);
		return;
	}
	for (uint32_t i = 0; i < flush->commands; i++) {
		const struct reply *element = &reply->elements[i];

		if (element->type == REPLY_INTEGER)
			continue;
		refuse_transaction(writer, flush, element->type == REPLY_ERROR ? element->text :
				   "something else than a number", true);
		return;
	}
	acknowledge_produced(writer, flush);
}

static void expect(struct writer *writer, struct flush *flush, struct neigh_entry *entry)
{
	if (entry)
		entry->is_news = false;
	flush->writes[flush->count++].entry = entry;
	redis_client_expect(writer->client, flush->in_transaction ? on_queued : on_answer,
			    writer);
}

static void on_configuration(void *context, const struct reply *reply)
{
	(void)context;
	(void)reply;
}

/* What a daemon without a cache of its configuration asks for, of each neighbour. */
static void ask_for_configuration(struct writer *writer, const char *interface)
{
	char key[sizeof("INTERFACE|") + IFNAMSIZ];

	snprintf(key, sizeof(key), "INTERFACE|%s", interface);
	resp_command(redis_client_output(writer->client),
		     (const char *const[]){ "HGET", key, "ipv6_use_link_local_only", NULL });
	redis_client_expect(writer->client, on_configuration, writer);
}

static void append(struct writer *writer, struct flush *flush, struct neigh_entry *entry)
{
	struct resp_buffer *output = redis_client_output(writer->client);
	const char *interface = entry->interface->name;

	if (writer->config.without & ABLATION_CONFIGURATION_CACHE && !flush->in_transaction)
		ask_for_configuration(writer, interface);
	if (!entry->wanted || entry->published == PUBLISHED_OTHER) {
		schema_write_delete(writer->schema, output, interface, entry->family, entry->addr);
		expect(writer, flush, entry->wanted ? NULL : entry);
	}
	if (entry->wanted) {
		schema_write_set(writer->schema, output, interface, entry->family, entry->addr,
				 entry->in_flight_mac);
		expect(writer, flush, entry);
	}
}

static void count_flush(struct writer_stats *stats, uint32_t neighbours)
{
	unsigned int size = neighbours > 1 ? 32u - (unsigned int)__builtin_clz(neighbours - 1) : 0;

	stats->flushes++;
	stats->flushes_of_size[size < WRITER_FLUSH_SIZES ? size : WRITER_FLUSH_SIZES - 1]++;
	stats->flushed += neighbours;
}

/* The schema sonic: all that is dirty, up to `most`, in one transaction. */
static void produce(struct writer *writer, struct flush *flush, struct neigh_entry *entry,
		    uint32_t most)
{
	do {
		writer->changes[flush->count] = (struct producer_change){
			.interface = entry->interface->name,
			.family = entry->family,
			.addr = entry->addr,
			.mac = entry->wanted ? entry->in_flight_mac : NULL,
			.replaces = entry->published == PUBLISHED_OTHER,
			.vrf = writer->vrf(writer->context, entry->interface),
		};
		entry->is_news = false;
		flush->writes[flush->count++].entry = entry;
	} while (flush->count < most && (entry = neigh_table_take_dirty(writer->table)));
	count_flush(&writer->stats, flush->count);

	flush->in_transaction = true;
	flush->commands = producer_write(writer->schema, redis_client_output(writer->client),
					 writer->changes, flush->count);
	for (uint32_t i = 0; i < flush->commands + 1; i++)	/* MULTI too */
		redis_client_expect(writer->client, on_queued, writer);
	redis_client_expect(writer->client, on_produced, writer);
	redis_client_flush(writer->client);
}

/* The schema plain: a command a neighbour, or two. */
static void write_plainly(struct writer *writer, struct flush *flush, struct neigh_entry *entry,
			  uint32_t most)
{
	uint32_t neighbours = 0;

	flush->in_transaction = writer->config.transaction && !writer_makes_detours(writer);
	if (flush->in_transaction) {
		resp_command(redis_client_output(writer->client),
			     (const char *const[]){ "MULTI", NULL });
		redis_client_expect(writer->client, on_queued, writer);
	}
	do {
		append(writer, flush, entry);
	} while (++neighbours < most &&
		 (entry = neigh_table_take_dirty(writer->table)));
	count_flush(&writer->stats, neighbours);
	if (flush->in_transaction) {
		resp_command(redis_client_output(writer->client),
			     (const char *const[]){ "EXEC", NULL });
		redis_client_expect(writer->client, on_executed, writer);
	}
	redis_client_flush(writer->client);
}

static void start_flush(struct writer *writer)
{
	struct flush *flush = &writer->flushes[(writer->first_flush + writer->flush_count) %
					       MAX_FLUSHES];
	struct neigh_entry *entry = neigh_table_take_dirty(writer->table);
	uint32_t most = writer->config.without & ABLATION_BATCHING ? 1 : writer->config.batch_size;

	if (!entry)
		return;
	flush->count = 0;
	flush->answered = 0;
	flush->why[0] = '\0';
	/* the first neighbour of a flush has waited longest */
	flush->oldest_record_ns = entry->is_news ? entry->record_time_ns : 0;
	writer->flush_count++;
	writer->last_flush_ns = clock_now_ns();
	if (writer->schema->kind == SCHEMA_SONIC)
		produce(writer, flush, entry, most);
	else
		write_plainly(writer, flush, entry, most);
}

/* Whether a flush may start although another one is in flight. */
static bool is_due(struct writer *writer, uint64_t now_ns)
{
	uint64_t timeout_ns = writer->config.batch_timeout_ms * NS_PER_MS;

	if (neigh_table_dirty_count(writer->table) >= writer->config.batch_size ||
	    now_ns - writer->last_flush_ns >= timeout_ns)
		return true;
	if (!writer->batch.due_ns)
		loop_timer_arm(&writer->batch, timeout_ns - (now_ns - writer->last_flush_ns));
	return false;
}

void writer_run(struct writer *writer)
{
	uint32_t most = writer->config.batch_size == 1 ? 1 : MAX_FLUSHES;

	while (writer->enabled && !writer->paused && neigh_table_dirty_count(writer->table) &&
	       writer->flush_count < most) {
		if (writer->flush_count && !is_due(writer, clock_now_ns()))
			break;
		start_flush(writer);
	}
}

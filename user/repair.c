/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One dump at a time:
 *
 *   request --rate limit--> dump --merged--> look-ups --none left--> settled
 *
 * A resync (after a possible loss) believes the dump's entries at once; an
 * audit puts the differing ones on the list of look-ups, and counts those that
 * turn out to be real. Both put what the dump did not tell of on that list.
 */
#include "repair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "neigh_dump.h"
#include "neightrack/policy.h"
#include "netlink.h"

#define NUD_STATES ((1 << (REPAIR_NUD_STATES - 1)) - 1)
#define LOOK_UPS_A_TURN 256
#define INTERRUPTED_RETRIES 3
#define FOLLOW_UPS 3
#define FOLLOW_UP_NS NS_PER_S
#define FIRST_GAP_NS (20 * NS_PER_MS)	/* between two resyncs while losses go on */
#define LAST_GAP_NS (5 * NS_PER_S)
#define QUIET_NS (10 * NS_PER_S)	/* without a resync: the gap is short again */
#define FAILED_RETRY_NS (500 * NS_PER_MS)

struct repair {
	struct repair_config config;
	struct neigh_dump *dump;
	struct netlink_socket lookups;
	struct loop_timer start;
	struct loop_timer audit;
	struct loop_timer follow_up;
	enum repair_cause cause;	/* of the dump that is due or under way */
	enum repair_cause next_cause;	/* of one asked for while another is under way */
	bool due;
	bool dumping;
	bool stopped;
	bool keeps_tombstones;		/* for look-ups */
	bool has_picture;
	bool redis_was_read;
	uint64_t start_ns;
	uint64_t deletions_at_start;
	uint64_t end_ns;
	uint64_t gap_ns;
	uint32_t retries;
	uint32_t follow_ups;
	struct source_losses repaired;	/* losses that the last resync covers */
	uint64_t left_out;		/* before the last dump */
	struct neigh_entry *first_held;
	struct neigh_entry **last_held;
	size_t held_count;
	size_t told;
	uint32_t in_state[2][REPAIR_NUD_STATES];
	uint64_t repaired_since_dump;
	struct repair_stats stats;
};

static void start_dump(void *context);

const char *repair_cause_name(enum repair_cause cause)
{
	static const char *const names[REPAIR_CAUSES] = {
		[REPAIR_START] = "start",
		[REPAIR_RING_FULL] = "ring full",
		[REPAIR_MISSED] = "missed runs",
		[REPAIR_LINKS] = "lost link notifications",
		[REPAIR_RENAMED] = "renamed interface",
		[REPAIR_CONFIGURATION] = "changed configuration",
		[REPAIR_MEMORY] = "lack of memory",
		[REPAIR_ROOM] = "room for more neighbours",
		[REPAIR_AUDIT] = "audit",
	};

	return names[cause];
}

static void keep_tombstones(struct repair *repair)
{
	repair->keeps_tombstones = true;
	source_keep_tombstones(repair->config.source);
}

static void hold(struct repair *repair, struct neigh_entry *entry)
{
	if (entry->held)
		return;
	/* from before the look-up until its outcome is in the kernel side's map */
	keep_tombstones(repair);
	neigh_table_hold(entry);
	entry->next_held = NULL;
	*repair->last_held = entry;
	repair->last_held = &entry->next_held;
	repair->held_count++;
}

static struct neigh_entry *take_held(struct repair *repair)
{
	struct neigh_entry *entry = repair->first_held;

	repair->first_held = entry->next_held;
	if (!repair->first_held)
		repair->last_held = &repair->first_held;
	repair->held_count--;
	return entry;
}

static void on_chunk(void *context)
{
	struct repair *repair = context;

	if (repair->stopped)
		return;
	/* so that a change which the chunk shows is known already, if it was told */
	repair->config.drain(repair->config.context);
}

static void count_state(struct repair *repair, const struct neigh_observation *observation)
{
	bool is_ipv6 = observation->key.family == AF_INET6;

	repair->in_state[is_ipv6][ffs(observation->nud_state & NUD_STATES)]++;
}

static void on_neighbour(void *context, const struct neigh_observation *observation)
{
	struct repair *repair = context;
	struct neigh_entry *entry;
	const uint8_t *mac;
	bool differs;

	if (repair->stopped)
		return;
	repair->told++;
	count_state(repair, observation);
	entry = picture_place(repair->config.picture, observation, &mac);
	if (!entry)
		return;
	differs = entry->wanted != (mac != NULL) ||
		  (mac && memcmp(mac, entry->wanted_mac, sizeof(entry->wanted_mac)) != 0);
	if (differs && repair->cause == REPAIR_AUDIT)
		hold(repair, entry);
	else
		picture_observe(repair->config.picture, entry, mac, repair->start_ns);
}

static void look_for_absent(void *context, struct neigh_entry *entry)
{
	struct repair *repair = context;
	bool in_redis = repair->redis_was_read && entry->published != PUBLISHED_NOTHING;

	if (entry->seen_in_dump || entry->record_time_ns > repair->start_ns)
		return;
	/* (a link that is gone has no neighbours: what is left of it goes as well) */
	if (entry->wanted || (in_redis && entry->interface->ifindex))
		hold(repair, entry);
}

static void seed_entry(void *context, struct neigh_entry *entry)
{
	struct repair *repair = context;
	struct neigh_key key;

	if (!entry->wanted || entry->held || !entry->interface->ifindex)
		return;
	picture_key(entry, &key);
	source_seed(repair->config.source, &key, entry->wanted_mac);
}

static bool is_wanted(void *context, const struct neigh_key *key)
{
	const struct repair *repair = context;

	return picture_wants(repair->config.picture, key);
}

/* Unless they are of use still. */
static void drop_tombstones(struct repair *repair)
{
	if (!repair->keeps_tombstones || repair->first_held || repair->dumping)
		return;
	repair->keeps_tombstones = false;
	source_end_snapshot(repair->config.source, is_wanted, repair);
}

/* The dump may be inconsistent although it does not say so: look again soon. */
static void follow_up(struct repair *repair, bool interrupted)
{
	bool quiet = !interrupted &&
		     source_deletions(repair->config.source) == repair->deletions_at_start;

	if (quiet || repair->follow_ups >= FOLLOW_UPS) {
		repair->follow_ups = 0;
		return;
	}
	repair->follow_ups++;
	loop_timer_arm(&repair->follow_up, FOLLOW_UP_NS);
}

static void arm_audit(struct repair *repair)
{
	if (repair->config.audit_interval_s)
		loop_timer_arm(&repair->audit, repair->config.audit_interval_s * NS_PER_S);
	else
		loop_timer_disarm(&repair->audit);
}

static void merge(struct repair *repair, bool interrupted)
{
	size_t held_before = repair->held_count;

	repair->config.drain(repair->config.context);
	neigh_table_for_each(repair->config.table, look_for_absent, repair);
	picture_end_dump(repair->config.picture);
	if (repair->cause != REPAIR_AUDIT) {
		neigh_table_for_each(repair->config.table, seed_entry, repair);
		source_end_snapshot(repair->config.source, is_wanted, repair);
		if (repair->first_held)
			keep_tombstones(repair);
	} else if (repair->held_count > held_before) {
		/* a claim may be what hides a difference from us */
		source_invalidate_claims(repair->config.source);
	}
	drop_tombstones(repair);
	repair->stats.dumped = repair->told;
	memcpy(repair->stats.in_state, repair->in_state, sizeof(repair->in_state));
	repair->stats.dumped_ns = clock_now_ns();
	log_info("%s: the kernel has %zu neighbours, %zu of them are published; %zu to be looked "
		 "up",
		 repair_cause_name(repair->cause), repair->told,
		 neigh_table_wanted_count(repair->config.table), repair->held_count);
	follow_up(repair, interrupted);
	if (!repair->has_picture) {
		repair->has_picture = true;
		arm_audit(repair);
		repair->config.first_picture(repair->config.context);
	}
}

static void on_done(void *context, bool interrupted, int error)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 10000 };
	struct repair *repair = context;
	bool again = repair->due;	/* asked for while this one was under way */

	if (repair->stopped)
		return;
	repair->dumping = false;
	repair->end_ns = clock_now_ns();
	if (error || (interrupted && repair->retries < INTERRUPTED_RETRIES)) {
		repair->stats.interrupted++;
		repair->retries++;
		picture_end_dump(repair->config.picture);
		repair->stats.failed += error != 0;
		if (error)
			log_message_limited(&limit, MESSAGE_DUMP_FAILED, "the dump of neighbours "
					    "failed: %s; trying again", strerror(-error));
		/* a resync that was asked for meanwhile is more than an audit */
		if (again && repair->cause == REPAIR_AUDIT)
			repair->cause = repair->next_cause;
		repair->due = true;
		loop_timer_arm(&repair->start, error ? FAILED_RETRY_NS : 0);
		return;
	}
	repair->retries = 0;
	repair->due = false;
	merge(repair, interrupted);
	if (again)
		repair_request(repair, repair->next_cause);
	else
		repair_check_losses(repair);
}

static void start_dump(void *context)
{
	struct repair *repair = context;
	int error;

	if (repair->dumping)
		return;
	repair->due = false;
	repair->dumping = true;
	repair->told = 0;
	memset(repair->in_state, 0, sizeof(repair->in_state));
	repair->stats.dumps[repair->cause]++;
	/* a source without a clock of the kernel's stamps what it reads: let what
	 * is older than the dump be stamped so */
	repair->config.drain(repair->config.context);
	source_losses(repair->config.source, &repair->repaired);
	repair->left_out = picture_left_out(repair->config.picture);
	repair->deletions_at_start = source_deletions(repair->config.source);
	if (repair->cause != REPAIR_AUDIT)
		source_begin_snapshot(repair->config.source);
	repair->start_ns = clock_now_ns();
	picture_begin_dump(repair->config.picture, repair->start_ns);
	error = neigh_dump_start(repair->dump);
	if (error)
		on_done(repair, false, error);
}

static void on_follow_up(void *context)
{
	repair_request(context, REPAIR_AUDIT);
}

void repair_audit(struct repair *repair)
{
	arm_audit(repair);
	repair_request(repair, REPAIR_AUDIT);
	repair->config.audit_begins(repair->config.context);
}

static void on_audit(void *context)
{
	repair_audit(context);
}

static const struct neigh_dump_events dump_events = {
	.chunk = on_chunk,
	.neighbour = on_neighbour,
	.done = on_done,
};

int repair_new(struct repair **result, const struct repair_config *config)
{
	struct repair *repair = calloc(1, sizeof(*repair));
	int error;

	if (!repair)
		return -ENOMEM;
	repair->config = *config;
	repair->gap_ns = FIRST_GAP_NS;
	repair->last_held = &repair->first_held;
	error = netlink_open(&repair->lookups, config->netns_fd, 0);
	if (!error)
		error = neigh_dump_new(&repair->dump, config->loop, config->netns_fd, &dump_events,
				       repair);
	if (error) {
		netlink_close(&repair->lookups);
		free(repair);
		return error;
	}
	loop_timer_init(config->loop, &repair->start, start_dump, repair);
	loop_timer_init(config->loop, &repair->audit, on_audit, repair);
	loop_timer_init(config->loop, &repair->follow_up, on_follow_up, repair);
	*result = repair;
	return 0;
}

void repair_free(struct repair *repair)
{
	if (!repair)
		return;
	loop_timer_remove(repair->config.loop, &repair->start);
	loop_timer_remove(repair->config.loop, &repair->audit);
	loop_timer_remove(repair->config.loop, &repair->follow_up);
	neigh_dump_free(repair->dump);
	netlink_close(&repair->lookups);
	free(repair);
}

void repair_stop(struct repair *repair)
{
	repair->stopped = true;
	loop_timer_disarm(&repair->start);
	loop_timer_disarm(&repair->audit);
	loop_timer_disarm(&repair->follow_up);
	while (repair->first_held)
		neigh_table_release(repair->config.table, take_held(repair));
}

void repair_request(struct repair *repair, enum repair_cause cause)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t earliest_ns;

	if (repair->stopped)
		return;
	if (repair->due) {
		/* a resync repairs what an audit would find, not the other way round */
		if (repair->cause == REPAIR_AUDIT && !repair->dumping)
			repair->cause = cause;
		return;
	}
	if (cause == REPAIR_AUDIT && repair->dumping)
		return;
	repair->due = true;
	repair->next_cause = cause;
	if (repair->dumping)
		return;
	repair->cause = cause;
	if (cause == REPAIR_AUDIT || cause == REPAIR_START) {
		loop_timer_arm(&repair->start, 0);
		return;
	}
	log_message(MESSAGE_RESYNC, "resync: %s", repair_cause_name(cause));
	if (now_ns - repair->end_ns > QUIET_NS)
		repair->gap_ns = FIRST_GAP_NS;
	earliest_ns = repair->end_ns + repair->gap_ns;
	repair->gap_ns = repair->gap_ns * 2 > LAST_GAP_NS ? LAST_GAP_NS : repair->gap_ns * 2;
	loop_timer_arm(&repair->start, earliest_ns > now_ns ? earliest_ns - now_ns : 0);
}

void repair_set_audit_interval(struct repair *repair, uint32_t audit_interval_s)
{
	repair->config.audit_interval_s = audit_interval_s;
	arm_audit(repair);
}

void repair_check_losses(struct repair *repair)
{
	struct source_losses losses;

	if (repair->due)
		return;
	source_losses(repair->config.source, &losses);
	if (losses.lost != repair->repaired.lost)
		repair_request(repair, REPAIR_RING_FULL);
	else if (losses.missed != repair->repaired.missed)
		repair_request(repair, REPAIR_MISSED);
	else if (picture_left_out(repair->config.picture) != repair->left_out &&
		 !neigh_table_is_full(repair->config.table))
		repair_request(repair, REPAIR_ROOM);
}

void repair_confirm(struct repair *repair, struct neigh_entry *entry)
{
	if (entry->interface->ifindex)
		hold(repair, entry);
}

static void hold_if_unknown(void *context, struct neigh_entry *entry)
{
	if (!entry->wanted && entry->published != PUBLISHED_NOTHING && !entry->in_flight &&
	    entry->interface->ifindex)
		hold(context, entry);
}

void repair_confirm_published(struct repair *repair)
{
	repair->redis_was_read = true;
	if (repair->has_picture)
		neigh_table_for_each(repair->config.table, hold_if_unknown, repair);
}

/* What the kernel says of the entry now, under the policy: 0 and *mac (NULL: it is
 * not to be in Redis), or -errno. */
static int ask_kernel(struct repair *repair, const struct neigh_key *key,
		      struct neigh_observation *observation, const uint8_t **mac)
{
	int error = key->ifindex ? neigh_lookup(&repair->lookups, key, observation) : -ENOENT;

	*mac = error ? NULL : picture_judge(repair->config.picture, observation);
	return error == -ENOENT ? 0 : error;
}

/* On dual-ToR such a neighbour is published, but no hook tells of it before it has been
 * looked for in vain for a second: that an audit is quicker is no fault. */
static bool is_just_looked_for(const struct neigh_observation *observation)
{
	return observation->nud_state & NEIGH_NUD_INCOMPLETE;
}

/* Ends the entry's wait: with the truth, or, if that cannot be had, as it is. */
static void look_up(struct repair *repair, struct neigh_entry *entry)
{
	static struct log_limit limit = { .burst = 3, .interval_ms = 10000 };
	struct neigh_observation observation = { 0 };
	uint64_t start_ns = clock_now_ns();
	const uint8_t *mac;
	struct neigh_key key;
	int error;

	picture_key(entry, &key);
	repair->stats.looked_up++;
	error = ask_kernel(repair, &key, &observation, &mac);
	if (error) {
		log_message_limited(&limit, MESSAGE_LOOK_UP_FAILED, "cannot ask the kernel for a "
				    "neighbour: %s; an audit will", strerror(-error));
		repair->stats.failed++;
		loop_timer_arm(&repair->follow_up, FOLLOW_UP_NS);
	} else if (!entry->interface->ignored) {
		if (picture_observe(repair->config.picture, entry, mac, start_ns) &&
		    repair->cause == REPAIR_AUDIT && !is_just_looked_for(&observation)) {
			repair->stats.audit_repaired++;
			repair->repaired_since_dump++;
		}
		/* or its deletion would look to the kernel side as if nobody knew it */
		if (mac && entry->wanted && entry->record_time_ns <= start_ns)
			source_seed(repair->config.source, &key, mac);
	}
	neigh_table_release(repair->config.table, entry);
}

/* All look-ups are done. */
static void end_look_ups(struct repair *repair)
{
	drop_tombstones(repair);
	if (!repair->repaired_since_dump)
		return;
	log_message(MESSAGE_KERNEL_REPAIRED, "audit: %llu neighbours were wrong and have been "
		    "repaired", (unsigned long long)repair->repaired_since_dump);
	repair->repaired_since_dump = 0;
}

bool repair_work(struct repair *repair)
{
	if (!repair->first_held)
		return false;
	/* what is on the ring is older than what a look-up will say */
	repair->config.drain(repair->config.context);
	for (int i = 0; i < LOOK_UPS_A_TURN && repair->first_held; i++)
		look_up(repair, take_held(repair));
	if (!repair->first_held)
		end_look_ups(repair);
	return repair->first_held != NULL;
}

bool repair_has_picture(const struct repair *repair)
{
	return repair->has_picture;
}

bool repair_is_settled(const struct repair *repair)
{
	return repair->has_picture && !repair->due && !repair->dumping && !repair->first_held;
}

const struct repair_stats *repair_stats(const struct repair *repair)
{
	return &repair->stats;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wiring: no decision about a neighbour is taken here. */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ablation.h"
#include "changes.h"
#include "clock.h"
#include "links.h"
#include "log.h"
#include "moderation.h"
#include "neigh_table.h"
#include "netns.h"
#include "netns_watch.h"
#include "picture.h"
#include "publisher.h"
#include "reconciliation.h"
#include "repair.h"
#include "service_manager.h"
#include "source.h"
#include "statistics.h"
#include "switch_side.h"

/* Records taken in before the writer and Redis get their turn again. */
#define RECORDS_A_TURN 4096
/* A drain before a dump is merged ends even if the kernel never pauses. */
#define RECORDS_A_DRAIN 262144
#define SHUT_DOWN_NS (2 * NS_PER_S)

struct mirror {
	struct mirror_config config;
	struct loop *loop;
	struct options *options;
	int netns_fd;
	struct netns_watch *netns_watch;
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct source *source;
	struct picture *picture;
	struct links *links;
	struct repair *repair;
	struct publisher *publisher;
	struct changes *changes;
	struct switch_side *switch_side;
	struct loop_prepare prepare;
	struct loop_watch source_watch;
	struct moderation moderation;
	struct loop_timer deadline;
	bool links_are_known;
	bool ready_was_said;
	bool shutting_down;
	bool netns_is_gone;
	bool has_ended;
};

static void end(struct mirror *mirror)
{
	if (!mirror->has_ended)
		mirror->config.ended(mirror->config.context);
	mirror->has_ended = true;
}

static bool apply_record(void *context, const struct neigh_record *record)
{
	struct mirror *mirror = context;
	int changed = picture_apply_record(mirror->picture, record);

	if (changed < 0)
		repair_request(mirror->repair, REPAIR_MEMORY);
	return changed != 0;
}

static void expect_record(void *context, const struct neigh_record *record, bool again)
{
	const struct mirror *mirror = context;

	picture_expect_record(mirror->picture, record, again);
}

/* Misses cost a system call each to ask for: once a second, and only while there is
 * anything that could have been missed, or made room for what was left out. */
static void check_losses_soon(struct mirror *mirror)
{
	mirror->config.may_have_lost(mirror->config.context);
}

static size_t take_records(struct mirror *mirror, size_t limit)
{
	size_t count = source_consume(mirror->source, limit, apply_record, mirror);

	if (count)
		check_losses_soon(mirror);
	return count;
}

static void drain(void *context)
{
	struct mirror *mirror = context;
	size_t left = RECORDS_A_DRAIN;

	while (left >= RECORDS_A_TURN) {
		if (take_records(mirror, RECORDS_A_TURN) < RECORDS_A_TURN)
			return;
		left -= RECORDS_A_TURN;
	}
}

static void on_source_ready(void *context, uint32_t epoll_events)
{
	(void)context;
	(void)epoll_events;	/* the wakeup was all: before_sleep() takes the records */
}

static void say_ready(struct mirror *mirror)
{
	size_t count = neigh_table_wanted_count(mirror->table);

	if (mirror->ready_was_said || !repair_is_settled(mirror->repair) ||
	    !publisher_is_idle(mirror->publisher))
		return;
	mirror->ready_was_said = true;
	log_message(MESSAGE_READY, "ready: %zu neighbours are in Redis at %s, under %s*", count,
		    mirror->options->redis, publisher_table(mirror->publisher));
}

static void stop_if_written(struct mirror *mirror)
{
	/* what cannot be written now is repaired by the next start */
	bool is_written = publisher_is_idle(mirror->publisher) ||
			  !publisher_is_connected(mirror->publisher) ||
			  !repair_has_picture(mirror->repair) ||
			  !switch_side_may_write(mirror->switch_side);

	if (is_written && changes_are_sent(mirror->changes))
		end(mirror);
}

/* While changes come quickly they are waited for without asking for a wakeup. */
static bool rest(struct mirror *mirror, size_t records_taken)
{
	uint64_t rest_ns = moderation_rest_ns(&mirror->moderation, records_taken,
						clock_now_ns());

	loop_rest(mirror->loop, rest_ns);
	return rest_ns;
}

static bool before_sleep(void *context)
{
	struct mirror *mirror = context;
	size_t count;
	bool more;

	if (mirror->has_ended)
		return true;
	if (mirror->netns_is_gone) {
		publisher_run(mirror->publisher);
		changes_run(mirror->changes);
		stop_if_written(mirror);
		return true;
	}
	count = source_blocks(mirror->source) ? 0 : take_records(mirror, RECORDS_A_TURN);
	more = count >= RECORDS_A_TURN;
	more |= repair_work(mirror->repair);
	publisher_run(mirror->publisher);
	changes_run(mirror->changes);
	say_ready(mirror);
	switch_side_run(mirror->switch_side, repair_is_settled(mirror->repair) &&
			publisher_is_idle(mirror->publisher));
	if (mirror->shutting_down)
		stop_if_written(mirror);
	if (more)
		return false;
	if (source_blocks(mirror->source)) {
		source_wait(mirror->source, apply_record, mirror);
		return false;
	}
	return !rest(mirror, count) && source_may_sleep(mirror->source);
}

static void configure_moderation(struct mirror *mirror)
{
	moderation_configure(&mirror->moderation, mirror->options->moderation_us,
			     source_capacity(mirror->source));
	mirror->prepare.longest_rest_ns = mirror->moderation.longest_rest_ns;
}

static void start_writing(struct mirror *mirror)
{
	if (!publisher_redis_was_read(mirror->publisher) ||
	    !repair_has_picture(mirror->repair) || !switch_side_may_write(mirror->switch_side))
		return;
	if (!mirror->netns_is_gone)
		repair_confirm_published(mirror->repair);
	publisher_start(mirror->publisher);
}

static void on_first_picture(void *context)
{
	struct mirror *mirror = context;

	log_message(MESSAGE_SNAPSHOT, "snapshot: the kernel has %zu neighbours, of which %zu are "
		    "to be in Redis", repair_stats(mirror->repair)->dumped,
		    neigh_table_wanted_count(mirror->table));
	changes_begin(mirror->changes);
	start_writing(mirror);
}

static void on_unwanted(void *context, struct neigh_entry *entry)
{
	struct mirror *mirror = context;

	if (!mirror->netns_is_gone)
		repair_confirm(mirror->repair, entry);
}

static void on_redis_read(void *context)
{
	struct mirror *mirror = context;

	switch_side_table_was_read(mirror->switch_side);
	start_writing(mirror);
}

static void on_switch_lets_write(void *context)
{
	start_writing(context);
}

static void on_switch_reconciles(void *context)
{
	const struct mirror *mirror = context;

	if (mirror->options->log_format == LOG_FORMAT_SYSLOG)
		reconciliation_log(mirror->table);
}

/* Neighbours that exist already come and go as the switch's configuration wants. */
static void on_switch_changed(void *context)
{
	struct mirror *mirror = context;

	if (mirror->netns_is_gone)
		return;
	picture_review(mirror->picture);
	/* the first dump is under the new policy anyway */
	if (mirror->links_are_known)
		repair_request(mirror->repair, REPAIR_CONFIGURATION);
}

/* neighsyncd's rule for EVPN: the neighbour takes the place of the host route. */
static const char *vrf_of_routes(void *context, const struct interface *interface)
{
	struct mirror *mirror = context;
	const struct switch_config *policy = switch_side_policy(mirror->switch_side);

	if (!policy || !policy->evpn)
		return "";
	return interface_vrf(mirror->interfaces, interface);
}

static bool is_ignored(void *context, const char *interface)
{
	const struct mirror *mirror = context;

	return picture_ignores(mirror->options, interface);
}

static void on_links_begin(void *context)
{
	struct mirror *mirror = context;

	if (mirror->netns_is_gone)
		return;
	picture_begin_links(mirror->picture);
}

static void on_link(void *context, uint32_t ifindex, const char *name, uint32_t master_ifindex)
{
	struct mirror *mirror = context;

	if (mirror->netns_is_gone)
		return;
	/* also while the first dump is under way, which may have told of it before */
	if (picture_link(mirror->picture, ifindex, name, master_ifindex) &&
	    mirror->links_are_known)
		repair_request(mirror->repair, REPAIR_RENAMED);
	check_losses_soon(mirror);
}

static void on_link_gone(void *context, uint32_t ifindex)
{
	struct mirror *mirror = context;

	if (mirror->netns_is_gone)
		return;
	/* what is on the ring of it would else be taken in for a link that is gone */
	drain(mirror);
	picture_link_gone(mirror->picture, ifindex);
	check_losses_soon(mirror);
}

static void on_links_end(void *context, bool after_loss)
{
	struct mirror *mirror = context;

	if (mirror->netns_is_gone)
		return;
	drain(mirror);
	picture_end_links(mirror->picture);
	check_losses_soon(mirror);
	mirror->links_are_known = true;
	if (!repair_has_picture(mirror->repair))
		repair_request(mirror->repair, REPAIR_START);
	else if (after_loss)
		repair_request(mirror->repair, REPAIR_LINKS);
}

static void on_deadline(void *context)
{
	struct mirror *mirror = context;

	log_message(MESSAGE_NOT_ALL_WRITTEN, "Redis did not take everything in time: %zu "
		    "neighbours are left to the next start",
		    neigh_table_dirty_count(mirror->table));
	end(mirror);
}

static void on_netns_gone(void *context)
{
	struct mirror *mirror = context;
	bool keep = mirror->options->netns_gone_keys == OPTION_NETNS_GONE_KEEP;

	log_message(MESSAGE_NETNS_GONE, "network namespace %s is gone; its keys in Redis are %s",
		    mirror->options->netns, keep ? "kept" : "removed");
	mirror->netns_is_gone = true;
	repair_stop(mirror->repair);
	if (keep) {
		end(mirror);
		return;
	}
	picture_clear(mirror->picture);
	mirror_shut_down(mirror);
}

static void on_audit_begins(void *context)
{
	struct mirror *mirror = context;

	publisher_audit(mirror->publisher);
}

static const struct links_events links_events = {
	.dump_begins = on_links_begin,
	.link = on_link,
	.link_gone = on_link_gone,
	.dump_ends = on_links_end,
};

static int open_netns(struct mirror *mirror, uint32_t *inum)
{
	const char *netns = mirror->options->netns;
	int error;

	mirror->netns_fd = netns_open(netns);
	error = mirror->netns_fd < 0 ? mirror->netns_fd : netns_inum(mirror->netns_fd, inum);
	if (error)
		log_error("cannot open network namespace %s: %s (ip netns list shows the named "
			  "ones; a path such as /proc/1/ns/net will do too)",
			  netns[0] ? netns : "of this process", strerror(-error));
	return error;
}

static int watch_netns(struct mirror *mirror, uint32_t inum)
{
	const char *netns = mirror->options->netns;
	int error;

	/* the own one cannot go before this process does */
	if (!netns[0])
		return 0;
	error = netns_watch_new(&mirror->netns_watch, mirror->loop, netns, inum, on_netns_gone,
				mirror);
	if (error)
		log_error("cannot watch network namespace %s: %s", netns, strerror(-error));
	return error;
}

/* The kernel's side, in the order of the design: attach first, then dump. */
static int make_kernel_side(struct mirror *mirror)
{
	struct source_config source_config = {
		.hooks = mirror->config.hooks,
		.slot = mirror->config.slot,
		.netlink_buffer_bytes = mirror->options->netlink_buffer_bytes,
		.netlink_no_enobufs = mirror->options->netlink_no_enobufs,
		.policy = picture_policy(mirror->options, switch_side_policy(mirror->switch_side)),
		.without = ablation_mask(mirror->options->without),
		.interfaces = mirror->interfaces,
	};
	struct repair_config repair_config = {
		.loop = mirror->loop,
		.table = mirror->table,
		.audit_interval_s = mirror->options->audit_interval_s,
		.drain = drain,
		.first_picture = on_first_picture,
		.audit_begins = on_audit_begins,
		.context = mirror,
	};
	int error;

	error = open_netns(mirror, &source_config.netns_inum);
	source_config.netns_fd = mirror->netns_fd;
	if (!error)
		error = watch_netns(mirror, source_config.netns_inum);
	if (!error)
		error = source_new(&mirror->source, &source_config);
	if (error == -EEXIST)
		log_error("network namespace %s is another instance's: each needs a netns of its "
			  "own", mirror->options->netns);
	if (error)
		return error;
	configure_moderation(mirror);

	mirror->source_watch = (struct loop_watch){ .fd = source_fd(mirror->source),
						    .ready = on_source_ready, .context = mirror };
	/* edge-triggered: each wakeup is one event, whatever is left on the ring */
	error = loop_add(mirror->loop, &mirror->source_watch, EPOLLIN | (uint32_t)EPOLLET);
	mirror->picture = picture_new(mirror->options, switch_side_policy(mirror->switch_side),
				      mirror->interfaces, mirror->table, mirror->source);
	if (!error && !mirror->picture)
		error = -ENOMEM;
	if (error)
		return error;

	source_expect(mirror->source, expect_record, mirror);

	repair_config.netns_fd = mirror->netns_fd;
	repair_config.picture = mirror->picture;
	repair_config.source = mirror->source;
	error = repair_new(&mirror->repair, &repair_config);
	if (!error)
		error = links_new(&mirror->links, mirror->loop, mirror->netns_fd, &links_events,
				  mirror);
	if (error)
		log_error("cannot open a netlink socket in the network namespace: %s%s",
			  strerror(-error), error == -EPERM ? " (--netns needs CAP_SYS_ADMIN)" : "");
	return error;
}

static int make_redis_side(struct mirror *mirror)
{
	const struct publisher_config config = {
		.loop = mirror->loop,
		.options = mirror->options,
		.table = mirror->table,
		.interfaces = mirror->interfaces,
		.is_ignored = is_ignored,
		.unwanted = on_unwanted,
		.was_read = on_redis_read,
		.vrf = vrf_of_routes,
		.context = mirror,
	};

	return publisher_new(&mirror->publisher, &config);
}

static int make_switch_side(struct mirror *mirror)
{
	const struct switch_side_config config = {
		.loop = mirror->loop,
		.options = mirror->options,
		.lets_write = on_switch_lets_write,
		.changed = on_switch_changed,
		.reconciles = on_switch_reconciles,
		.context = mirror,
	};

	return switch_side_new(&mirror->switch_side, &config);
}

int mirror_new(struct mirror **result, const struct mirror_config *config)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));
	struct options *options = config->options;
	struct loop *loop = config->loop;
	int error = -ENOMEM;

	if (!mirror)
		return -ENOMEM;
	mirror->config = *config;
	mirror->loop = loop;
	mirror->options = options;
	mirror->netns_fd = -1;
	loop_timer_init(loop, &mirror->deadline, on_deadline, mirror);
	mirror->interfaces = interface_set_new();
	if (mirror->interfaces && ablation_mask(options->without) & ABLATION_INTERFACE_HASH)
		interface_set_use_list(mirror->interfaces);
	if (mirror->interfaces)
		mirror->table = neigh_table_new(mirror->interfaces, options->max_neighbours);
	if (!mirror->table)
		goto fail;
	error = make_redis_side(mirror);
	if (!error)
		error = changes_new(&mirror->changes, loop, options, mirror->table);
	if (!error)
		error = make_switch_side(mirror);
	if (!error)
		error = make_kernel_side(mirror);
	if (error)
		goto fail;
	mirror->prepare.prepare = before_sleep;
	mirror->prepare.context = mirror;
	loop_add_prepare(loop, &mirror->prepare);
	*result = mirror;
	return 0;
fail:
	if (error == -ENOMEM)
		log_error("no memory");
	mirror_free(mirror);
	return error;
}

void mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	loop_remove_prepare(mirror->loop, &mirror->prepare);
	links_free(mirror->links);
	repair_free(mirror->repair);
	picture_free(mirror->picture);
	if (mirror->source)
		loop_remove(mirror->loop, &mirror->source_watch);
	source_free(mirror->source);
	changes_free(mirror->changes);
	switch_side_free(mirror->switch_side);
	publisher_free(mirror->publisher);
	neigh_table_free(mirror->table);
	interface_set_free(mirror->interfaces);
	netns_watch_free(mirror->netns_watch);
	loop_timer_remove(mirror->loop, &mirror->deadline);
	if (mirror->netns_fd >= 0)
		close(mirror->netns_fd);
	free(mirror);
}

void mirror_check_losses(struct mirror *mirror)
{
	if (!mirror->netns_is_gone)
		repair_check_losses(mirror->repair);
}

void mirror_reconfigure(struct mirror *mirror)
{
	int error = publisher_reconfigure(mirror->publisher);

	switch_side_reconfigure(mirror->switch_side);
	if (error)
		log_error("cannot take over batch_size: %s", strerror(-error));
	if (mirror->netns_is_gone)
		return;
	configure_moderation(mirror);
	repair_set_audit_interval(mirror->repair, mirror->options->audit_interval_s);
	picture_review(mirror->picture);
	/* keys of interfaces that were not ours to touch may be now */
	publisher_audit(mirror->publisher);
	repair_request(mirror->repair, REPAIR_CONFIGURATION);
}

void mirror_audit(struct mirror *mirror)
{
	if (!mirror->netns_is_gone)
		repair_audit(mirror->repair);
}

void mirror_statistics(const struct mirror *mirror, struct statistics *statistics)
{
	*statistics = (struct statistics){
		.source = source_name(mirror->source),
		.wanted = neigh_table_wanted_count(mirror->table),
		.entries = neigh_table_count(mirror->table),
		.dirty = neigh_table_dirty_count(mirror->table),
		.lag_ns = neigh_table_lag_ns(mirror->table),
		.interfaces = mirror->interfaces,
		.repair = repair_stats(mirror->repair),
		.over_limit = picture_left_out(mirror->picture),
	};

	publisher_statistics(mirror->publisher, &statistics->publisher);
	changes_statistics(mirror->changes, &statistics->changes);
	source_totals(mirror->source, &statistics->totals);
	source_losses(mirror->source, &statistics->losses);
}

const char *mirror_why_not_ready(const struct mirror *mirror)
{
	if (mirror->netns_is_gone)
		return "the network namespace is gone";
	if (mirror->shutting_down)
		return "neightrackd is ending";
	if (!repair_has_picture(mirror->repair))
		return "the kernel's table has not been read yet";
	if (!publisher_is_connected(mirror->publisher))
		return "Redis is away";
	if (!mirror->ready_was_said || !publisher_is_settled(mirror->publisher))
		return "Redis does not hold all neighbours yet";
	return NULL;
}

void mirror_look(const struct mirror *mirror, struct service_state *state)
{
	*state = (struct service_state){
		.why_not_ready = mirror_why_not_ready(mirror),
		.source = source_name(mirror->source),
		.neighbours = neigh_table_wanted_count(mirror->table),
		.lag_ns = neigh_table_lag_ns(mirror->table),
	};
}

void mirror_log_statistics(struct mirror *mirror)
{
	struct statistics statistics;
	char text[2048];

	mirror_statistics(mirror, &statistics);
	statistics_print(&statistics, text, sizeof(text));
	log_notice("statistics: %s", text);
}

void mirror_shut_down(struct mirror *mirror)
{
	mirror->shutting_down = true;
	loop_timer_arm(&mirror->deadline, SHUT_DOWN_NS);
}

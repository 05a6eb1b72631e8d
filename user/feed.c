/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "links.h"
#include "log.h"
#include "neigh_reason.h"
#include "neigh_text.h"
#include "neightrack/policy.h"
#include "netns.h"
#include "netns_watch.h"
#include "picture.h"
#include "repair.h"
#include "source.h"

#define RECORDS_A_TURN 4096

struct feed {
	struct loop *loop;
	const struct options *options;
	uint32_t policy;
	int netns_fd;
	struct netns_watch *netns_watch;
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct source *source;
	struct picture *picture;
	struct links *links;
	struct repair *repair;
	struct loop_watch source_watch;
	struct loop_prepare prepare;
	const struct neigh_record *record;	/* that is being applied */
	bool link_is_told;			/* a link is being told of */
	bool begun;
	uint64_t lost;				/* that was told of */
	char reason[NUD_TEXT_BYTES];
	void (*event)(void *context, const struct feed_event *event);
	void *context;
};

static void tell(struct feed *feed, struct feed_event event)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	feed->event(feed->context, &event);
}

static const char *reason_of_record(struct feed *feed)
{
	const struct neigh_record *record = feed->record;
	enum neigh_reason reason;

	if (record->hook == NEIGH_HOOK_CLEANUP)
		return "deleted";
	nud_state_to_text(record->nud_state, feed->reason);
	if (record->kind == NEIGH_RECORD_SET)
		return feed->reason;
	reason = neigh_policy_state(feed->policy, record->nud_state, record->ntf_flags,
				    NEIGH_MAC_BYTES, record->mac);
	if (reason == NEIGH_ABSENT_STATE)
		return feed->reason;
	/* with a link-layer address of the right length it would be published */
	return neigh_reason_name(reason == NEIGH_PUBLISH ? NEIGH_ABSENT_LLADDR : reason);
}

static void on_change(void *context, const struct neigh_entry *entry, const uint8_t *old_mac)
{
	struct feed *feed = context;
	const uint8_t *mac = entry->wanted ? entry->wanted_mac : NULL;

	/* until its name is known; then its neighbours come under that */
	if (!feed->begun || !entry->interface->name[0])
		return;
	tell(feed, (struct feed_event){
		.op = !old_mac ? FEED_ADD : !mac ? FEED_DELETE : FEED_CHANGE,
		.interface = entry->interface->name,
		.family = entry->family,
		.addr = entry->addr,
		.mac = mac,
		.old_mac = old_mac,
		.reason = feed->record ? reason_of_record(feed) :
			  feed->link_is_told ? "interface" : "dump",
	});
}

static bool apply_record(void *context, const struct neigh_record *record)
{
	struct feed *feed = context;
	int changed;

	feed->record = record;
	changed = picture_apply_record(feed->picture, record);
	feed->record = NULL;
	if (changed < 0)
		repair_request(feed->repair, REPAIR_MEMORY);
	return changed != 0;
}

static void drain(void *context)
{
	struct feed *feed = context;

	source_consume(feed->source, RECORDS_A_TURN, apply_record, feed);
}

static void check_losses(struct feed *feed)
{
	struct source_losses losses;

	source_losses(feed->source, &losses);
	if (losses.lost == feed->lost)
		return;
	if (feed->begun)
		tell(feed, (struct feed_event){ .op = FEED_LOST,
						.count = losses.lost - feed->lost });
	feed->lost = losses.lost;
	repair_check_losses(feed->repair);
}

static bool before_sleep(void *context)
{
	struct feed *feed = context;
	size_t count = source_consume(feed->source, RECORDS_A_TURN, apply_record, feed);
	bool more = repair_work(feed->repair);

	check_losses(feed);
	return !more && count < RECORDS_A_TURN;
}

static void on_source_ready(void *context, uint32_t epoll_events)
{
	(void)context;
	(void)epoll_events;	/* before_sleep() reads it */
}

static void on_first_picture(void *context)
{
	struct feed *feed = context;

	feed->begun = true;
	tell(feed, (struct feed_event){ .op = FEED_START,
					.count = neigh_table_wanted_count(feed->table) });
}

static void on_audit_begins(void *context)
{
	(void)context;	/* there is no Redis to look at */
}

static void on_links_begin(void *context)
{
	struct feed *feed = context;

	picture_begin_links(feed->picture);
}

static void on_link(void *context, uint32_t ifindex, const char *name, uint32_t master_ifindex)
{
	struct feed *feed = context;

	feed->link_is_told = true;
	if (picture_link(feed->picture, ifindex, name, master_ifindex) && feed->begun)
		repair_request(feed->repair, REPAIR_RENAMED);
	feed->link_is_told = false;
}

static void on_link_gone(void *context, uint32_t ifindex)
{
	struct feed *feed = context;

	drain(feed);
	feed->link_is_told = true;
	picture_link_gone(feed->picture, ifindex);
	feed->link_is_told = false;
}

static void on_links_end(void *context, bool after_loss)
{
	struct feed *feed = context;

	drain(feed);
	feed->link_is_told = true;
	picture_end_links(feed->picture);
	feed->link_is_told = false;
	if (!repair_has_picture(feed->repair))
		repair_request(feed->repair, REPAIR_START);
	else if (after_loss)
		repair_request(feed->repair, REPAIR_LINKS);
}

static void on_netns_gone(void *context)
{
	struct feed *feed = context;

	repair_stop(feed->repair);
	tell(feed, (struct feed_event){ .op = FEED_END });
}

static const struct links_events links_events = {
	.dump_begins = on_links_begin,
	.link = on_link,
	.link_gone = on_link_gone,
	.dump_ends = on_links_end,
};

static int open_netns(struct feed *feed)
{
	const char *netns = feed->options->netns;
	uint32_t inum;
	int error;

	feed->netns_fd = netns_open(netns);
	error = feed->netns_fd < 0 ? feed->netns_fd : netns_inum(feed->netns_fd, &inum);
	/* the own one cannot go before this process does */
	if (!error && netns[0])
		error = netns_watch_new(&feed->netns_watch, feed->loop, netns, inum, on_netns_gone,
					feed);
	if (error)
		log_error("cannot watch network namespace %s: %s",
			  netns[0] ? netns : "of this process", strerror(-error));
	return error;
}

static int make_source(struct feed *feed)
{
	const struct source_config config = {
		.netns_fd = feed->netns_fd,
		.netlink_buffer_bytes = feed->options->netlink_buffer_bytes,
		.policy = feed->policy,
		.interfaces = feed->interfaces,
	};
	int error = source_new(&feed->source, &config);

	if (error)
		return error;
	feed->source_watch = (struct loop_watch){ .fd = source_fd(feed->source),
						  .ready = on_source_ready, .context = feed };
	return loop_add(feed->loop, &feed->source_watch, EPOLLIN | (uint32_t)EPOLLET);
}

/* Subscribe, then dump. */
static int make_parts(struct feed *feed, const struct switch_config *switch_config)
{
	const struct options *options = feed->options;
	struct repair_config config = {
		.loop = feed->loop,
		.table = feed->table,
		.audit_interval_s = options->audit_interval_s,
		.drain = drain,
		.first_picture = on_first_picture,
		.audit_begins = on_audit_begins,
		.context = feed,
	};
	int error = open_netns(feed);

	if (!error)
		error = make_source(feed);
	if (error)
		return error;
	feed->picture = picture_new(options, switch_config, feed->interfaces, feed->table,
				    feed->source);
	if (!feed->picture)
		return -ENOMEM;
	config.netns_fd = feed->netns_fd;
	config.picture = feed->picture;
	config.source = feed->source;
	error = repair_new(&feed->repair, &config);
	if (!error)
		error = links_new(&feed->links, feed->loop, feed->netns_fd, &links_events, feed);
	if (error)
		log_error("cannot open a netlink socket in the network namespace: %s",
			  strerror(-error));
	return error;
}

int feed_new(struct feed **result, struct loop *loop, const struct options *options,
	     const struct switch_config *switch_config,
	     void (*event)(void *context, const struct feed_event *event), void *context)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int error = -ENOMEM;

	if (!feed)
		return -ENOMEM;
	feed->loop = loop;
	feed->options = options;
	feed->policy = picture_policy(options, switch_config);
	feed->netns_fd = -1;
	feed->event = event;
	feed->context = context;
	feed->interfaces = interface_set_new();
	if (feed->interfaces)
		feed->table = neigh_table_new(feed->interfaces, options->max_neighbours);
	if (feed->table) {
		neigh_table_observe(feed->table, on_change, feed);
		error = make_parts(feed, switch_config);
	}
	if (error) {
		feed_free(feed);
		return error;
	}
	feed->prepare = (struct loop_prepare){ .prepare = before_sleep, .context = feed };
	loop_add_prepare(loop, &feed->prepare);
	*result = feed;
	return 0;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	loop_remove_prepare(feed->loop, &feed->prepare);
	links_free(feed->links);
	repair_free(feed->repair);
	picture_free(feed->picture);
	source_free(feed->source);
	neigh_table_free(feed->table);
	interface_set_free(feed->interfaces);
	netns_watch_free(feed->netns_watch);
	if (feed->netns_fd >= 0)
		close(feed->netns_fd);
	free(feed);
}

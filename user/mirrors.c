/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mirrors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ablation.h"
#include "clock.h"
#include "instance_lock.h"
#include "kernel_hooks.h"
#include "log.h"
#include "mirror.h"
#include "netns.h"
#include "service_manager.h"

#define LOSS_CHECK_NS NS_PER_S
#define LOOK_NS (200 * NS_PER_MS)	/* for a namespace that is waited for */
#define RETRY_NS (5 * NS_PER_S)
#define MAP_SIZE_MOST (1u << 24)	/* of the option */

_Static_assert(OPTIONS_INSTANCES == NEIGH_INSTANCES, "each instance has a slot");

struct place {
	struct mirrors *mirrors;
	struct options *options;
	struct log_subject subject;
	struct mirror *mirror;		/* NULL: its namespace is waited for, or all ends */
	bool has_ended;			/* and is to be freed, or done with */
	struct loop_timer step;		/* to free it, or to look for its namespace */
};

struct mirrors {
	struct loop *loop;
	struct kernel_hooks *hooks;	/* NULL: netlink is listened to */
	int lock_fd;
	size_t count;
	struct place places[NEIGH_INSTANCES];
	struct loop_timer loss_check;
	bool shutting_down;
	int error;
	char why[128];			/* it is not ready, as mirrors_look() told */
};

/* One alone has no name, and log lines are the process'. */
static void tell_of(struct place *place)
{
	log_tell_of(place->options->mirror[0] ? &place->subject : NULL);
}

static const struct options *common_options(const struct mirrors *mirrors)
{
	return mirrors->places[0].options;
}

static void stop_if_all_ended(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->count; i++)
		if (mirrors->places[i].mirror && !mirrors->places[i].has_ended)
			return;
	loop_stop(mirrors->loop);
}

static void fail(struct mirrors *mirrors, int error)
{
	if (!mirrors->error)
		mirrors->error = error;
	mirrors_shut_down(mirrors);
}

static void on_ended(void *context)
{
	struct place *place = context;
	struct mirrors *mirrors = place->mirrors;

	place->has_ended = true;
	if (mirrors->shutting_down)
		stop_if_all_ended(mirrors);
	else if (place->options->netns_gone == OPTION_NETNS_GONE_WAIT)
		loop_timer_arm(&place->step, 0);	/* not in the midst of its own work */
	else
		fail(mirrors, -ENONET);
}

/* Misses cost a system call each to ask for: once a second, and only while there is
 * anything that could have been missed, or made room for what was left out. What the
 * kernel has skipped may have been any of the mirrors'. */
static void on_may_have_lost(void *context)
{
	const struct place *place = context;

	if (!place->mirrors->loss_check.due_ns)
		loop_timer_arm(&place->mirrors->loss_check, LOSS_CHECK_NS);
}

static void for_each(struct mirrors *mirrors, void (*call)(struct mirror *mirror))
{
	struct log_subject *told_of = log_subject();

	for (size_t i = 0; i < mirrors->count; i++) {
		tell_of(&mirrors->places[i]);
		if (mirrors->places[i].mirror)
			call(mirrors->places[i].mirror);
	}
	log_tell_of(told_of);
}

static void on_loss_check(void *context)
{
	for_each(context, mirror_check_losses);
}

static int make_mirror(struct place *place)
{
	const struct mirror_config config = {
		.loop = place->mirrors->loop,
		.options = place->options,
		.hooks = place->mirrors->hooks,
		.slot = (uint32_t)(place - place->mirrors->places),
		.ended = on_ended,
		.may_have_lost = on_may_have_lost,
		.context = place,
	};
	int error = mirror_new(&place->mirror, &config);

	if (error)
		place->mirror = NULL;
	return error;
}

static bool netns_exists(const struct place *place)
{
	int fd = netns_open(place->options->netns);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void wait_for_netns(struct place *place)
{
	log_message(MESSAGE_NETNS_AWAITED, "waiting for network namespace %s",
		    place->options->netns);
	loop_timer_arm(&place->step, LOOK_NS);
}

static void on_step(void *context)
{
	struct place *place = context;
	struct mirrors *mirrors = place->mirrors;
	int error;

	if (mirrors->shutting_down)
		return;
	if (place->has_ended) {
		mirror_free(place->mirror);
		place->mirror = NULL;
		place->has_ended = false;
		wait_for_netns(place);
		return;
	}
	if (!netns_exists(place)) {
		loop_timer_arm(&place->step, LOOK_NS);
		return;
	}
	error = make_mirror(place);
	if (!error)
		return;
	if (mirrors->count == 1)
		fail(mirrors, error);
	else
		loop_timer_arm(&place->step, RETRY_NS);
}

static uint32_t map_size(const struct mirrors *mirrors)
{
	uint64_t sum = 0;

	if (common_options(mirrors)->map_size)
		return common_options(mirrors)->map_size;
	for (size_t i = 0; i < mirrors->count; i++)
		sum += mirrors->places[i].options->max_neighbours;
	return sum < MAP_SIZE_MOST ? (uint32_t)sum : MAP_SIZE_MOST;
}

static int attach(struct mirrors *mirrors, uid_t owner)
{
	const struct options *options = common_options(mirrors);
	const struct kernel_hooks_config config = {
		.kind = options->source,
		.instance = options->instance,
		.owner = owner,
		.btf = options->btf,
		.instances = (uint32_t)mirrors->count,
		.ring_size_bytes = options->ring_size_bytes,
		.map_size = map_size(mirrors),
		.without = ablation_mask(options->without),
	};
	int error = kernel_hooks_new(&mirrors->hooks, &config);

	if (!error)
		log_message(MESSAGE_ATTACHED, "attached %s", mirrors->hooks ?
			    programs_description(kernel_hooks_kind(mirrors->hooks)) :
			    "netlink, RTNLGRP_NEIGH");
	return error;
}

static int start(struct mirrors *mirrors)
{
	int error = 0;

	for (size_t i = 0; !error && i < mirrors->count; i++) {
		struct place *place = &mirrors->places[i];

		tell_of(place);
		/* of several, those that are there need not wait for the others */
		if (mirrors->count > 1 && place->options->netns_gone == OPTION_NETNS_GONE_WAIT &&
		    !netns_exists(place))
			wait_for_netns(place);
		else
			error = make_mirror(place);
	}
	log_tell_of(NULL);
	return error;
}

int mirrors_new(struct mirrors **result, struct loop *loop, struct configuration *configuration,
		uid_t owner)
{
	struct mirrors *mirrors = calloc(1, sizeof(*mirrors));
	int error;

	if (!mirrors) {
		log_error("no memory");
		return -ENOMEM;
	}
	mirrors->loop = loop;
	mirrors->count = configuration->count;
	loop_timer_init(loop, &mirrors->loss_check, on_loss_check, mirrors);
	for (size_t i = 0; i < mirrors->count; i++) {
		struct place *place = &mirrors->places[i];

		place->mirrors = mirrors;
		place->options = &configuration->mirrors[i];
		log_subject_init(&place->subject, place->options->mirror);
		tell_of(place);
		loop_timer_init(loop, &place->step, on_step, place);
	}
	log_tell_of(NULL);
	mirrors->lock_fd = instance_lock(common_options(mirrors)->instance);
	error = mirrors->lock_fd == -EBUSY ? -EBUSY : attach(mirrors, owner);
	if (!error)
		error = start(mirrors);
	if (error) {
		mirrors_free(mirrors);
		return error;
	}
	*result = mirrors;
	return 0;
}

void mirrors_free(struct mirrors *mirrors)
{
	bool keep_pins;

	if (!mirrors)
		return;
	keep_pins = common_options(mirrors)->pins == OPTION_PINS_KEEP && mirrors->error != -ENONET;
	for (size_t i = 0; i < mirrors->count; i++) {
		tell_of(&mirrors->places[i]);
		mirror_free(mirrors->places[i].mirror);
		loop_timer_remove(mirrors->loop, &mirrors->places[i].step);
	}
	log_tell_of(NULL);
	loop_timer_remove(mirrors->loop, &mirrors->loss_check);
	kernel_hooks_free(mirrors->hooks, keep_pins);
	if (mirrors->lock_fd >= 0)
		close(mirrors->lock_fd);
	free(mirrors);
}

int mirrors_give(const struct mirrors *mirrors, uid_t uid, gid_t gid)
{
	int error = kernel_hooks_give(mirrors->hooks, uid, gid);

	if (!error && mirrors->lock_fd >= 0 && fchown(mirrors->lock_fd, uid, gid))
		error = -errno;
	if (error)
		log_error("cannot make the instance's lock and pins those of user %u: %s", uid,
			  strerror(-error));
	return error;
}

void mirrors_reconfigure(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->count; i++)
		mirrors->places[i].subject.level = common_options(mirrors)->log_level;
	for_each(mirrors, mirror_reconfigure);
}

void mirrors_audit(struct mirrors *mirrors)
{
	for_each(mirrors, mirror_audit);
}

void mirrors_log_statistics(struct mirrors *mirrors)
{
	for_each(mirrors, mirror_log_statistics);
}

void mirrors_shut_down(struct mirrors *mirrors)
{
	mirrors->shutting_down = true;
	for_each(mirrors, mirror_shut_down);
	stop_if_all_ended(mirrors);
}

int mirrors_error(const struct mirrors *mirrors)
{
	return mirrors->error;
}

bool mirrors_are_ready(const struct mirrors *mirrors, char *why, size_t bytes)
{
	for (size_t i = 0; i < mirrors->count; i++) {
		const struct place *place = &mirrors->places[i];
		const char *reason = place->mirror ? mirror_why_not_ready(place->mirror) :
						     "the network namespace is waited for";

		if (!reason)
			continue;
		snprintf(why, bytes, "%s%s%s", place->options->mirror,
			 place->options->mirror[0] ? ": " : "", reason);
		return false;
	}
	return true;
}

void mirrors_look(struct mirrors *mirrors, struct service_state *state)
{
	*state = (struct service_state){ 0 };
	if (!mirrors_are_ready(mirrors, mirrors->why, sizeof(mirrors->why)))
		state->why_not_ready = mirrors->why;
	for (size_t i = 0; i < mirrors->count; i++) {
		struct service_state one;

		if (!mirrors->places[i].mirror)
			continue;
		mirror_look(mirrors->places[i].mirror, &one);
		state->source = one.source;
		state->neighbours += one.neighbours;
		if (one.lag_ns > state->lag_ns)
			state->lag_ns = one.lag_ns;
	}
}

size_t mirrors_count(const struct mirrors *mirrors)
{
	return mirrors->count;
}

const struct mirror *mirrors_at(const struct mirrors *mirrors, size_t i)
{
	return mirrors->places[i].mirror;
}

const char *mirrors_name(const struct mirrors *mirrors, size_t i)
{
	return mirrors->places[i].options->mirror;
}

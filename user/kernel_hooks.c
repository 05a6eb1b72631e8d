/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"
#include "options_table.h"
#include "pins.h"

struct kernel_hooks {
	enum option_source kind;
	struct programs programs;
	struct pins pins;
	uint32_t ring_size_bytes;
};

/* Which source could not be had, and whose it is to say why. */
struct attempt {
	const struct kernel_hooks_config *config;
	enum option_source kind;
	bool is_hopeless;		/* for each of those by BPF */
};

/* What failed, what would help, and what is done now. */
static void complain(void *context, const char *what, int error)
{
	struct attempt *attempt = context;
	bool is_last = attempt->config->kind != OPTION_SOURCE_AUTO;
	enum option_source next = attempt->kind + 1;
	struct machine machine;
	char why[MACHINE_WHY_BYTES];

	machine_look(&machine);
	machine_explain(&machine, attempt->kind, attempt->config->btf, error, why);
	attempt->is_hopeless = machine_bpf_obstacle(&machine);
	if (attempt->is_hopeless)
		next = OPTION_SOURCE_NETLINK;
	log_message(is_last ? MESSAGE_SOURCE_FAILED : MESSAGE_SOURCE_SKIPPED,
		    "%s: cannot %s: %s (%s%s%s)", option_source_names[attempt->kind], what,
		    strerror(-error), why, is_last ? "" : "; trying ",
		    is_last ? "" : option_source_names[next]);
}

/* Loads, maps and attaches, and leaves nothing behind if it cannot. */
static int start(struct kernel_hooks *hooks, struct attempt *attempt)
{
	const struct kernel_hooks_config *config = attempt->config;
	const struct programs_config programs_config = {
		.kind = attempt->kind,
		.btf = config->btf,
		.pins = &hooks->pins,
		.instances = config->instances,
		.ring_size_bytes = config->ring_size_bytes,
		.map_size = config->map_size,
		.without = config->without & (NEIGH_WITHOUT_FILTER | NEIGH_WITHOUT_SUPPRESSION),
		.complain = complain,
		.context = attempt,
	};
	int error = programs_open(&hooks->programs, &programs_config);

	hooks->kind = attempt->kind;
	if (!error && hooks->programs.were_pinned)
		log_info("the BPF programs of the last daemon are used again");
	if (!error)
		error = programs_attach(&hooks->programs, &programs_config);
	if (error)
		programs_close(&hooks->programs);
	return error;
}

static int start_first(struct kernel_hooks *hooks, const struct kernel_hooks_config *config)
{
	bool is_free = config->kind == OPTION_SOURCE_AUTO;
	struct attempt attempt = {
		.config = config,
		.kind = is_free ? OPTION_SOURCE_TP_BTF : config->kind,
	};
	int error = start(hooks, &attempt);

	while (error && error != -ENOMEM && is_free && !attempt.is_hopeless &&
	       ++attempt.kind < OPTION_SOURCE_NETLINK)
		error = start(hooks, &attempt);
	/* whatever the kernel calls it, -EINVAL too: it is the kind that cannot be had */
	return !error || error == -ENOMEM ? error : -EOPNOTSUPP;
}

static int make(struct kernel_hooks *hooks, const struct kernel_hooks_config *config)
{
	const unsigned long page_bytes = (unsigned long)sysconf(_SC_PAGESIZE);
	int error;

	if (config->ring_size_bytes < page_bytes) {
		log_error("ring_size = %u: on this machine allowed are %lu bytes, a page, or more",
			  config->ring_size_bytes, page_bytes);
		return -EINVAL;
	}
	error = pins_open(&hooks->pins, config->instance, config->owner);
	if (!error)
		error = start_first(hooks, config);
	if (error)
		return error;
	if (!hooks->pins.are_usable)
		log_message(MESSAGE_NO_PINS, "%s; nothing is pinned, so the next start loads anew, "
			    "and bpftool finds no maps of this one", hooks->pins.why);
	if (hooks->kind == OPTION_SOURCE_KPROBE)
		log_message(MESSAGE_MISSES_UNSEEN, "kprobe: the kernel does not tell of every run "
			    "that it skips, and an audit alone finds what was missed so "
			    "(audit_interval)");
	return 0;
}

/* Failures that netlink would share, or that are the user's to solve. */
static bool is_final(int error)
{
	return error == -EBUSY || error == -EINVAL || error == -ENOMEM;
}

int kernel_hooks_new(struct kernel_hooks **result, const struct kernel_hooks_config *config)
{
	struct kernel_hooks *hooks;
	int error;

	*result = NULL;
	if (config->kind != OPTION_SOURCE_NETLINK) {
		hooks = calloc(1, sizeof(*hooks));
		if (!hooks)
			return -ENOMEM;
		hooks->pins.lock_fd = -1;
		hooks->ring_size_bytes = config->ring_size_bytes;
		programs_init(&hooks->programs);
		error = make(hooks, config);
		if (!error) {
			*result = hooks;
			return 0;
		}
		kernel_hooks_free(hooks, false);
		if (config->kind != OPTION_SOURCE_AUTO || is_final(error))
			return error;
	}
	/* of a daemon that could do better: nobody would keep it true now */
	pins_forget(config->instance);
	return 0;
}

void kernel_hooks_free(struct kernel_hooks *hooks, bool keep_pins)
{
	if (!hooks)
		return;
	programs_close(&hooks->programs);
	pins_close(&hooks->pins, keep_pins);
	free(hooks);
}

int kernel_hooks_give(const struct kernel_hooks *hooks, uid_t uid, gid_t gid)
{
	return hooks ? pins_give(&hooks->pins, uid, gid) : 0;
}

enum option_source kernel_hooks_kind(const struct kernel_hooks *hooks)
{
	return hooks->kind;
}

struct programs *kernel_hooks_programs(struct kernel_hooks *hooks)
{
	return &hooks->programs;
}

uint32_t kernel_hooks_ring_bytes(const struct kernel_hooks *hooks)
{
	return hooks->ring_size_bytes;
}

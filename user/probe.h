/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What neightrack probe finds: a row a check, of what this machine, this process and Redis
 * allow, and what would allow more. Nothing is left behind: programs are loaded and
 * attached for a moment, of no namespace's neighbours; Redis is asked within a transaction
 * that is discarded.
 */
#ifndef NEIGHTRACK_PROBE_H
#define NEIGHTRACK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "machine.h"
#include "options.h"

#define PROBE_ROWS 40u

enum probe_state {
	PROBE_GOOD,
	PROBE_LESS,		/* the daemon runs, with less */
	PROBE_BAD,		/* what needs it does not */
	PROBE_UNKNOWN,
};

struct probe_row {
	const char *name;
	enum probe_state state;
	char found[160];
	char hint[240];		/* "" = none is needed */
};

struct probe {
	const struct options *options;
	struct machine machine;
	struct probe_row rows[PROBE_ROWS];
	size_t count;
	enum option_source source;	/* that the daemon would take; OPTION_SOURCE_AUTO: none */
	bool redis_is_good;		/* it can be reached, and no needed right is missing */
};

/* hint: NULL = none. What was found may come from outside: it is made printable. */
void probe_add(struct probe *probe, const char *name, enum probe_state state, const char *hint,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Each adds some rows; in this order. */
void probe_kernel(struct probe *probe);
void probe_privileges(struct probe *probe);
void probe_folders(struct probe *probe);
void probe_sources(struct probe *probe);
void probe_redis(struct probe *probe);

#endif

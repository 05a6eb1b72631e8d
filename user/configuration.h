/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon was asked for: the options of each network namespace that it mirrors.
 * Without [instance NAME] sections there is one, which has no name. What is the daemon's
 * own (ring_size, metrics, ...) is the same in all of them.
 */
#ifndef NEIGHTRACK_CONFIGURATION_H
#define NEIGHTRACK_CONFIGURATION_H

#include <stdint.h>
#include <stdio.h>

#include "options.h"

struct configuration {
	uint32_t count;			/* 1 to OPTIONS_INSTANCES */
	struct options *mirrors;
};

/*
 * As options_parse(), for each instance; and looks for two that would be in each other's
 * way. 0; or -EINVAL or -ENOMEM after one line to `errors`. With --help or --version
 * nothing is read. configuration_free() is due either way.
 */
int configuration_parse(struct configuration *configuration, struct command_line *line, int argc,
			char **argv, FILE *errors);
void configuration_free(struct configuration *configuration);

/* As options_take_over(), for each instance. -EINVAL if the instances are others. */
int configuration_take_over(struct configuration *running, struct configuration *fresh,
			    void (*say)(void *context, const char *name), void *context);

#endif

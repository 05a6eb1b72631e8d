/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sub-commands of the tool, each in a file of its own. */
#ifndef NEIGHTRACK_COMMAND_H
#define NEIGHTRACK_COMMAND_H

#include <stdbool.h>

#include "options.h"

/* What stands on the command line beside the options. */
struct command_arguments {
	bool json;		/* -j */
	bool pretty;		/* -p */
	bool ipv4_only;		/* -4 */
	bool ipv6_only;		/* -6 */
	int count;		/* words behind the sub-command */
	char **words;
};

enum {
	COMMAND_OK = 0,
	COMMAND_DIFFERENT = 1,
	COMMAND_FAILED = 2,	/* or: could not tell */
};

/* Each returns the exit code. */
int command_show(const struct options *options, const struct command_arguments *arguments);
/* argv[0] is "bench"; it has options of its own. */
int command_bench(int argc, char **argv);
int command_probe(const struct options *options, const struct command_arguments *arguments);
int command_verify(const struct options *options, const struct command_arguments *arguments);

#endif

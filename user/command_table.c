/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tool can do, and the flags that its sub-commands share. */
#include "command.h"

#include <string.h>

#define SELECTION "[dev NAME] [ADDRESS[/LENGTH]]"

const struct command command_table[] = {
	{ .name = "show", .arguments = "[stats] " SELECTION, .words = "stats|dev",
	  .help = "list the neighbours that are in Redis",
	  .details = "stats lists what was published of each instead, from the pinned maps:\n"
		     "changes, MAC moves, first and last time. It needs root, and neither Redis\n"
		     "nor a daemon that runs.\n",
	  .run = command_show },
	{ .name = "monitor", .arguments = SELECTION, .words = "dev",
	  .help = "print changes as they happen, a line each",
	  .details = "It has a netlink socket of its own: the daemon need not run, and is not\n"
		     "disturbed.\n",
	  .run = command_monitor },
	{ .name = "top", .arguments = SELECTION, .words = "dev",
	  .help = "rates, and the busiest neighbours, live",
	  .details = "Keys: q ends; c, m, l and a sort by changes, MAC moves, last change and\n"
		     "address; space looks again at once.\n",
	  .run = command_top },
	{ .name = "stats", .arguments = "",
	  .help = "what is counted, by hook and reason, and by the daemon",
	  .details = "The counts of the hooks are in the pinned maps, which need root; those of\n"
		     "the daemon come from its metrics, if it serves them.\n",
	  .run = command_stats },
	{ .name = "explain", .arguments = "ADDRESS [dev NAME]", .words = "dev",
	  .help = "why a neighbour is in Redis, or is not",
	  .details = "Exit code: 0 Redis is as it should be, 1 it is not, 2 could not tell.\n",
	  .run = command_explain },
	{ .name = "verify", .arguments = "",
	  .help = "compare Redis with the kernel",
	  .details = "Exit code: 0 equal, 1 different, 2 could not tell.\n",
	  .run = command_verify },
	{ .name = "probe", .arguments = "",
	  .help = "tell what this machine, this process and Redis allow",
	  .details = "Exit code: 0 neightrackd can run, 1 it cannot, 2 wrong usage.\n",
	  .run = command_probe },
	{ .name = "bench", .arguments = "SCENARIO [OPTION]...",
	  .help = "measure how fast it is: neightrack bench --help",
	  .run_alone = command_bench },
	{ .name = "complete", .is_hidden = true, .run_alone = command_complete },
	{ 0 }
};

const struct command_flag command_flags[] = {
	{ 'j', "json", NULL, "JSON", NULL },
	{ 'p', "pretty", NULL, "JSON, with line breaks", NULL },
	{ '4', NULL, NULL, "IPv4 alone", NULL },
	{ '6', NULL, NULL, "IPv6 alone", NULL },
	{ 'c', "color", NULL, "colours, though stdout is no terminal", NULL },
	{ 'b', "batch", NULL, "lines instead of a screen", "top" },
	{ 'n', "rounds", "N", "end after N rounds", "top" },
	{ 'i', "interval", "SECONDS", "between two rounds (default 1)", "top" },
	{ 'h', "help", NULL, "print this", NULL },
	{ 'V', "version", NULL, "print the version", NULL },
	{ 0 }
};

const struct command *command_find(const char *word, bool *is_ambiguous)
{
	const struct command *found = NULL;
	size_t bytes = strlen(word);

	*is_ambiguous = false;
	for (const struct command *command = command_table; command->name; command++) {
		if (!strcmp(command->name, word)) {
			*is_ambiguous = false;
			return command;
		}
		if (!bytes || command->is_hidden || strncmp(command->name, word, bytes))
			continue;
		*is_ambiguous |= found != NULL;
		found = command;
	}
	return *is_ambiguous ? NULL : found;
}

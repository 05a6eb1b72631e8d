/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tool's command line, taken apart: flags and words for the sub-commands, and the
 * options of neightrackd, which may stand anywhere between them. */
#ifndef NEIGHTRACK_COMMAND_WORDS_H
#define NEIGHTRACK_COMMAND_WORDS_H

#include "command.h"

struct command_words {
	struct command_arguments arguments;
	char **options;		/* for options_parse(): argv[0], and the options */
	int option_count;
	char **memory;
};

/* Says on stderr what is wrong. 0 or -errno; command_words_free() is due either way. */
int command_words_read(struct command_words *words, int argc, char **argv);
void command_words_free(struct command_words *words);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sub-commands of the tool, each in a file of its own. One table (command_table.c)
 * declares each once, and one the flags that they share: parsing, help and the shells'
 * completion follow from the two.
 */
#ifndef NEIGHTRACK_COMMAND_H
#define NEIGHTRACK_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

/* What stands on the command line beside the options. */
struct command_arguments {
	bool json;		/* -j */
	bool pretty;		/* -p */
	bool ipv4_only;		/* -4 */
	bool ipv6_only;		/* -6 */
	bool colour;		/* stdout is a terminal, or -c */
	bool batch;		/* -b */
	uint32_t rounds;	/* -n; 0: without end */
	uint32_t interval_s;	/* -i */
	bool help;		/* -h */
	bool version;		/* -V */
	int count;		/* words behind the sub-command */
	char **words;
};

enum {
	COMMAND_OK = 0,
	COMMAND_DIFFERENT = 1,
	COMMAND_FAILED = 2,	/* or: could not tell */
};

struct command {
	const char *name;
	const char *arguments;	/* for its usage */
	const char *help;	/* one line */
	const char *details;	/* further lines of its own help; NULL: none */
	const char *words;	/* word|word that may stand behind it; NULL: none */
	bool is_hidden;		/* for programs, not for people */
	/* Returns the exit code. NULL: run_alone */
	int (*run)(const struct options *options, const struct command_arguments *arguments);
	/* argv[0] is the command; it has options of its own */
	int (*run_alone)(int argc, char **argv);
};

/* Ends with one without a name. */
extern const struct command command_table[];

/* By its name or the beginning of one; NULL: there is none, or *is_ambiguous. */
const struct command *command_find(const char *word, bool *is_ambiguous);

struct command_flag {
	char letter;
	const char *name;	/* behind --; NULL: it has none */
	const char *value;	/* word for what follows; NULL: nothing does */
	const char *help;
	const char *command;	/* the one that heeds it; NULL: all may */
};

/* Ends with one without a letter. */
extern const struct command_flag command_flags[];

int command_complete(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_explain(const struct options *options, const struct command_arguments *arguments);
int command_monitor(const struct options *options, const struct command_arguments *arguments);
int command_probe(const struct options *options, const struct command_arguments *arguments);
int command_show(const struct options *options, const struct command_arguments *arguments);
int command_stats(const struct options *options, const struct command_arguments *arguments);
int command_top(const struct options *options, const struct command_arguments *arguments);
int command_verify(const struct options *options, const struct command_arguments *arguments);

#endif

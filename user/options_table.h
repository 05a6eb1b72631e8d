/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table that declares each option once: name, type, bounds, unit,
 * default, help, and whether a running daemon can take a new value.
 */
#ifndef NEIGHTRACK_OPTIONS_TABLE_H
#define NEIGHTRACK_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_NAME_BYTES 20	/* the longest name, with its end */
#define OPTION_COUNT 60u	/* what a file may hold; these come first in the table */
#define OPTION_ENTRY_COUNT (OPTION_COUNT + 5)	/* and what only a command line may */

enum option_type {
	OPTION_TEXT,
	OPTION_BOOLEAN,
	OPTION_CHOICE,		/* an enum that counts the words of `values` */
	OPTION_NUMBER,
	OPTION_POWER_OF_TWO,
	COMMAND_WORD,		/* flags alone, in struct command_line */
	COMMAND_SWITCH,
};

struct option_entry {
	const char *name;
	enum option_type type;
	bool changeable;			/* by SIGHUP */
	bool is_common;				/* one value for all instances */
	size_t offset;				/* in struct options or command_line */
	const char *default_text;
	const char *help;
	const char *(*check)(const char *text);	/* of a text; NULL or what is allowed */
	const char *values;			/* word|word of a choice; else a word for --help */
	uint32_t low, high;
	const char *unit;			/* what a number counts */
};

extern const struct option_entry option_table[];

/* Whether it holds for all instances of a daemon. */
bool option_is_common(const char *name);

/* NULL, or what is allowed for names of instances. */
const char *option_check_instance(const char *text);

/* Whether error lines, which are logged, must not show this text. */
bool option_hides(const struct option_entry *entry, const char *text);

#endif

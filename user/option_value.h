/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of an option, from text: whatever the way in (default, file, flag), it goes
 * through option_set(), which alone knows the types.
 */
#ifndef NEIGHTRACK_OPTION_VALUE_H
#define NEIGHTRACK_OPTION_VALUE_H

#include <stdio.h>

#include "options.h"
#include "options_table.h"

#define OPTION_WHY_BYTES 256
#define OPTION_CONTROL_CHARACTERS \
	"\001\002\003\004\005\006\a\b\t\n\v\f\r\016\017\020\021\022\023\024" \
	"\025\026\027\030\031\032\033\034\035\036\037\177"

/* Prints one line, whatever bytes the arguments hold. Returns -EINVAL. */
int option_complain(FILE *errors, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where it is, in struct options or command_line. */
void *option_member(void *base, const struct option_entry *entry);

/* 0; or -EINVAL or -ENOMEM, with what is allowed in why, and the option as it was. */
int option_set(struct options *options, const struct option_entry *entry, const char *text,
	       char why[OPTION_WHY_BYTES]);

/* A value as error lines may show it: they are logged, and it may hold a password. */
const char *option_shown(const struct option_entry *entry, const char *text);

#endif

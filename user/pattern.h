/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of interface name patterns, e.g. "Ethernet*, Vlan1000, !docker0". */
#ifndef NEIGHTRACK_PATTERN_H
#define NEIGHTRACK_PATTERN_H

#include <stdbool.h>

/*
 * Whether a name matches a list: shell patterns (fnmatch(3): * ? [...])
 * separated by commas or blanks. A pattern that begins with ! takes out what
 * earlier ones let in; the last one that matches decides. An empty list
 * matches nothing.
 */
bool pattern_list_matches(const char *list, const char *name);

/* Returns 0, or -EINVAL if the list has a pattern longer than 63 bytes, an
 * unclosed bracket, or a ! with nothing behind it. */
int pattern_list_check(const char *list);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of interface name patterns: cut into words in place, each word checked
 * or matched on its own. Nothing is compiled or allocated: a list is read only
 * when an interface appears or is renamed.
 */
#include "pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#define PATTERN_MAX_BYTES 63
#define PATTERN_SEPARATORS ", \t\r\n"

struct pattern {
	bool takes_out;			/* begins with ! */
	size_t bytes;
	const char *text;		/* within the list, so not terminated */
};

/* Moves *list behind its next pattern; false at the end. */
static bool next_pattern(const char **list, struct pattern *pattern)
{
	const char *start = *list + strspn(*list, PATTERN_SEPARATORS);
	size_t bytes = strcspn(start, PATTERN_SEPARATORS);

	if (bytes == 0)
		return false;
	*list = start + bytes;
	pattern->takes_out = *start == '!';
	pattern->text = start + pattern->takes_out;
	pattern->bytes = bytes - pattern->takes_out;
	return true;
}

bool pattern_list_matches(const char *list, const char *name)
{
	char text[PATTERN_MAX_BYTES + 1];
	struct pattern pattern;
	bool matches = false;

	while (next_pattern(&list, &pattern)) {
		if (pattern.bytes > PATTERN_MAX_BYTES)
			continue;
		memcpy(text, pattern.text, pattern.bytes);
		text[pattern.bytes] = '\0';
		if (fnmatch(text, name, 0) == 0)
			matches = !pattern.takes_out;
	}
	return matches;
}

/* at: the [ of a [:class:] in a bracket. Returns its last character, or end. */
static const char *skip_class(const char *at, const char *end)
{
	const char kind = at[1];

	for (at += 2; at < end; at++) {
		if (*at == ']' && at[-1] == kind)
			return at;
	}
	return end;
}

/*
 * at: the character behind a bracket's [. Returns the one behind its ], or
 * NULL. A ] that comes first stands for itself.
 */
static const char *skip_bracket(const char *at, const char *end)
{
	const char *first;

	if (at < end && (*at == '!' || *at == '^'))
		at++;
	for (first = at; at < end; at++) {
		if (*at == ']' && at != first)
			return at + 1;
		if (*at == '\\')
			at++;
		else if (*at == '[' && end - at > 2 && strchr(":.=", at[1]))
			at = skip_class(at, end);
	}
	return NULL;
}

static bool brackets_are_closed(const struct pattern *pattern)
{
	const char *at = pattern->text;
	const char *end = at + pattern->bytes;

	while (at && at < end) {
		if (*at == '[')
			at = skip_bracket(at + 1, end);
		else
			at += *at == '\\' ? 2 : 1;
	}
	return at != NULL;
}

int pattern_list_check(const char *list)
{
	struct pattern pattern;

	while (next_pattern(&list, &pattern)) {
		/* "! name" would let in the very name that it was meant to take out */
		if (pattern.bytes == 0)
			return -EINVAL;
		if (pattern.bytes > PATTERN_MAX_BYTES || !brackets_are_closed(&pattern))
			return -EINVAL;
	}
	return 0;
}

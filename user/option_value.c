/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "option_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What may stand behind a number that counts `unit`. */
static const struct {
	const char *unit;
	const char *suffix;
	uint32_t factor;
} number_suffixes[] = {
	{ "us", "us", 1 }, { "us", "ms", 1000 }, { "ms", "ms", 1 }, { "ms", "s", 1000 },
	{ "s", "s", 1 }, { "s", "min", 60 }, { "s", "h", 3600 },
	{ "bytes", "K", 1u << 10 }, { "bytes", "M", 1u << 20 }, { "bytes", "G", 1u << 30 },
};

_Static_assert(sizeof(enum log_level) == sizeof(uint32_t), "enums are stored as uint32_t");

int option_complain(FILE *errors, const char *format, ...)
{
	char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		line = NULL;
	va_end(arguments);
	for (char *at = line; at && *at; at++)
		*at = strchr(OPTION_CONTROL_CHARACTERS, *at) ? '?' : *at;
	fprintf(errors, "%s\n", line ? line : "out of memory");
	free(line);
	return -EINVAL;
}

void *option_member(void *base, const struct option_entry *entry)
{
	return (char *)base + entry->offset;
}

static int set_choice(struct options *options, const struct option_entry *entry, const char *text,
		      char why[OPTION_WHY_BYTES])
{
	const char *word = entry->values;

	for (uint32_t i = 0; *word; i++) {
		size_t bytes = strcspn(word, "|");

		if (strlen(text) == bytes && memcmp(word, text, bytes) == 0) {
			if (entry->type == OPTION_BOOLEAN)
				*(bool *)option_member(options, entry) = i != 0;
			else
				*(uint32_t *)option_member(options, entry) = i;
			return 0;
		}
		word += bytes + (word[bytes] == '|');
	}
	snprintf(why, OPTION_WHY_BYTES, "allowed are %s", entry->values);
	return -EINVAL;
}

/* Digits, then perhaps blanks and a suffix that goes with the unit. */
static bool parse_number(const char *text, const char *unit, uint64_t *number)
{
	char *end;

	/* strtoull() would take blanks and signs too */
	if (!isdigit((unsigned char)*text))
		return false;
	*number = strtoull(text, &end, 10);
	if (*end == '\0' || *number > UINT32_MAX)
		return *end == '\0';
	end += strspn(end, " \t");
	for (size_t i = 0; i < sizeof(number_suffixes) / sizeof(number_suffixes[0]); i++) {
		if (strcmp(number_suffixes[i].unit, unit) == 0 &&
		    strcmp(number_suffixes[i].suffix, end) == 0) {
			*number *= number_suffixes[i].factor;
			return true;
		}
	}
	return false;
}

static int set_number(struct options *options, const struct option_entry *entry, const char *text,
		      char why[OPTION_WHY_BYTES])
{
	bool power_of_two = entry->type == OPTION_POWER_OF_TWO;
	uint64_t value;

	if (parse_number(text, entry->unit, &value) && value >= entry->low &&
	    value <= entry->high && !(power_of_two && (value & (value - 1)))) {
		*(uint32_t *)option_member(options, entry) = (uint32_t)value;
		return 0;
	}
	snprintf(why, OPTION_WHY_BYTES, "allowed are %s%u to %u %s",
		 power_of_two ? "powers of two from " : "", entry->low, entry->high, entry->unit);
	return -EINVAL;
}

static int set_text(struct options *options, const struct option_entry *entry, const char *text,
		    char why[OPTION_WHY_BYTES])
{
	const char *wrong = strpbrk(text, OPTION_CONTROL_CHARACTERS) ?
				    "no control character is allowed" : entry->check(text);
	char **member = option_member(options, entry);
	char *copy;

	if (wrong) {
		snprintf(why, OPTION_WHY_BYTES, "%s", wrong);
		return -EINVAL;
	}
	copy = strdup(text);
	if (!copy) {
		snprintf(why, OPTION_WHY_BYTES, "out of memory");
		return -ENOMEM;
	}
	free(*member);
	*member = copy;
	return 0;
}

int option_set(struct options *options, const struct option_entry *entry, const char *text,
	       char why[OPTION_WHY_BYTES])
{
	if (entry->type == OPTION_TEXT)
		return set_text(options, entry, text, why);
	if (entry->type == OPTION_BOOLEAN || entry->type == OPTION_CHOICE)
		return set_choice(options, entry, text, why);
	return set_number(options, entry, text, why);
}

const char *option_shown(const struct option_entry *entry, const char *text)
{
	return option_hides(entry, text) ? "(not shown)" : text;
}

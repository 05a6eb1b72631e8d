/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options_table.h"

#define MOST_ROUNDS 1000000000u
#define MOST_INTERVAL_S 3600u

static int take_number(char letter, const char *text, uint32_t most, uint32_t *number)
{
	char *end = NULL;
	unsigned long value = text ? strtoul(text, &end, 10) : 0;

	if (!text || end == text || *end || !value || value > most || text[0] == '-') {
		fprintf(stderr, "neightrack: -%c %s: allowed are 1 to %u\n", letter,
			text ? text : "without a number", most);
		return -EINVAL;
	}
	*number = (uint32_t)value;
	return 0;
}

static int take_flag(char letter, const char *value, struct command_arguments *arguments)
{
	switch (letter) {
	case 'p':
		arguments->pretty = true;
		arguments->json = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case '4':
		arguments->ipv4_only = true;
		return 0;
	case '6':
		arguments->ipv6_only = true;
		return 0;
	case 'c':
		arguments->colour = true;
		return 0;
	case 'b':
		arguments->batch = true;
		return 0;
	case 'n':
		return take_number(letter, value, MOST_ROUNDS, &arguments->rounds);
	case 'i':
		return take_number(letter, value, MOST_INTERVAL_S, &arguments->interval_s);
	case 'h':
		arguments->help = true;
		return 0;
	default:
		arguments->version = true;
		return 0;
	}
}

static const struct command_flag *find_letter(char letter)
{
	for (const struct command_flag *flag = command_flags; flag->letter; flag++)
		if (flag->letter == letter)
			return flag;
	return NULL;
}

/* name: what stands behind --, with =value or without. */
static const struct command_flag *find_name(const char *name)
{
	size_t bytes = strcspn(name, "=");

	for (const struct command_flag *flag = command_flags; flag->letter; flag++)
		if (flag->name && strlen(flag->name) == bytes && !strncmp(flag->name, name, bytes))
			return flag;
	return NULL;
}

/* One word of flags, such as -4j or -n3. next: the word behind it. Returns how many words
 * were taken, or -EINVAL. */
static int take_letters(const char *word, const char *next, struct command_arguments *arguments)
{
	for (const char *at = word + 1; *at; at++) {
		const struct command_flag *flag = find_letter(*at);
		const char *value;

		if (!flag) {
			fprintf(stderr, "neightrack: -%c is no flag; allowed are", *at);
			for (flag = command_flags; flag->letter; flag++)
				fprintf(stderr, " -%c", flag->letter);
			fputc('\n', stderr);
			return -EINVAL;
		}
		if (!flag->value) {
			if (take_flag(*at, NULL, arguments))
				return -EINVAL;
			continue;
		}
		value = at[1] ? at + 1 : next;
		if (take_flag(*at, value, arguments))
			return -EINVAL;
		return at[1] ? 1 : 2;
	}
	return 1;
}

static int take_name(const struct command_flag *flag, const char *word, const char *next,
		     struct command_arguments *arguments)
{
	const char *value = strchr(word, '=');

	if (!flag->value && value) {
		fprintf(stderr, "neightrack: --%s takes no value\n", flag->name);
		return -EINVAL;
	}
	if (take_flag(flag->letter, value ? value + 1 : next, arguments))
		return -EINVAL;
	return flag->value && !value ? 2 : 1;
}

/* Whether the value of an option of neightrackd is the next word. */
static bool takes_next(const char *word, const char *next)
{
	if (!next || strchr(word, '='))
		return false;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *name = option_table[i].name, *at = word + 2;

		if (option_table[i].type != OPTION_BOOLEAN)
			continue;
		while (*name && (*name == *at || (*name == '_' && *at == '-')))
			name++, at++;
		if (!*name && !*at)
			return !strcmp(next, "yes") || !strcmp(next, "no");
	}
	return true;
}

/* Returns how many words were taken, or -EINVAL. */
static int take_word(struct command_words *words, char **argv)
{
	struct command_arguments *arguments = &words->arguments;
	char *word = argv[0], *next = argv[1];

	if (!strncmp(word, "--", 2)) {
		const struct command_flag *flag = find_name(word + 2);

		if (flag)
			return take_name(flag, word, next, arguments);
		words->options[words->option_count++] = word;
		if (!takes_next(word, next))
			return 1;
		words->options[words->option_count++] = next;
		return 2;
	}
	if (word[0] == '-' && word[1])
		return take_letters(word, next, arguments);
	arguments->words[arguments->count++] = word;
	return 1;
}

/* NO_COLOR: see no-color.org. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

int command_words_read(struct command_words *words, int argc, char **argv)
{
	size_t room = (size_t)argc + 1;
	int taken;

	*words = (struct command_words){ .arguments = { .interval_s = 1 } };
	words->memory = calloc(2 * room, sizeof(*words->memory));
	if (!words->memory) {
		fputs("neightrack: no memory\n", stderr);
		return -ENOMEM;
	}
	words->arguments.words = words->memory;
	words->arguments.colour = wants_colour();
	words->options = words->memory + room;
	words->options[words->option_count++] = argv[0];
	for (int i = 1; i < argc; i += taken) {
		taken = take_word(words, argv + i);
		if (taken < 0)
			return taken;
	}
	return 0;
}

void command_words_free(struct command_words *words)
{
	free(words->memory);
	words->memory = NULL;
}

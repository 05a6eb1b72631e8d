/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrack complete PROGRAM WORD...: for the shells, what the last word may become, a line
 * each. It all comes from the tables that the programs themselves read, so that nothing
 * is offered that is not there. ":files" asks the shell for names of files.
 */
#include "command.h"

#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_scenario.h"
#include "netns.h"
#include "options_table.h"
#include "pins.h"

#define LOCKS "/run/neightrack"
#define NETNS "/run/netns"

struct completion {
	const char *program;
	char **words;
	int count;
	const char *word;	/* the last one */
};

static void offer(const struct completion *completion, const char *text)
{
	if (!strncmp(text, completion->word, strlen(completion->word)))
		puts(text);
}

/* list: word|word */
static void offer_list(const struct completion *completion, const char *list)
{
	char text[64];

	while (list && *list) {
		size_t bytes = strcspn(list, "|");

		snprintf(text, sizeof(text), "%.*s", (int)bytes, list);
		offer(completion, text);
		list += bytes + (list[bytes] == '|');
	}
}

/* The names in a folder, without the suffix that all must have. */
static void offer_folder(const struct completion *completion, const char *path, const char *suffix)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t bytes = strlen(entry->d_name), end = strlen(suffix);
		char name[NAME_MAX + 1];

		if (entry->d_name[0] == '.' || bytes <= end ||
		    strcmp(entry->d_name + bytes - end, suffix) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(bytes - end), entry->d_name);
		offer(completion, name);
	}
	if (folder)
		closedir(folder);
}

/* --- options --------------------------------------------------------------------- */

/* Whether word is --name of the option, with - or _. */
static bool is_option(const char *word, const char *name)
{
	if (strncmp(word, "--", 2))
		return false;
	for (word += 2; *name; name++, word++)
		if (*word != *name && !(*name == '_' && *word == '-'))
			return false;
	return !*word;
}

static const struct option_entry *find_option(const char *word)
{
	for (size_t i = 0; i < OPTION_ENTRY_COUNT; i++)
		if (is_option(word, option_table[i].name))
			return &option_table[i];
	return NULL;
}

static int offer_interfaces_here(void *context)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *one = all; one && one->if_name; one++)
		offer(context, one->if_name);
	if_freenameindex(all);
	return 0;
}

/* Those of the network namespace that the words before name. */
static void offer_interfaces(const struct completion *completion)
{
	const char *netns = "";
	int fd;

	for (int i = 0; i + 1 < completion->count; i++)
		if (is_option(completion->words[i], "netns"))
			netns = completion->words[i + 1];
	fd = netns_open(netns);
	if (fd < 0)
		return;
	netns_call(fd, offer_interfaces_here, (void *)(uintptr_t)completion);
	close(fd);
}

static void offer_value(const struct completion *completion, const struct option_entry *option)
{
	if (option->type == OPTION_CHOICE || option->type == OPTION_BOOLEAN)
		offer_list(completion, option->values);
	else if (!strcmp(option->name, "netns"))
		offer_folder(completion, NETNS, "");
	else if (!strcmp(option->name, "instance")) {
		offer_folder(completion, PINS_ROOT, "");
		offer_folder(completion, LOCKS, ".lock");
	} else if (option->values && !strcmp(option->values, "LIST"))
		offer_interfaces(completion);
	else if (option->values && !strcmp(option->values, "FILE"))
		puts(":files");
}

static void offer_flags(const struct completion *completion, bool is_tool)
{
	char text[64];

	for (size_t i = 0; i < OPTION_ENTRY_COUNT; i++) {
		/* the tool has these for itself, and starts nothing that is to be checked */
		if (is_tool && option_table[i].type == COMMAND_SWITCH)
			continue;
		snprintf(text, sizeof(text), "--%s", option_table[i].name);
		for (char *at = strchr(text, '_'); at; at = strchr(at, '_'))
			*at = '-';
		offer(completion, text);
	}
	for (const struct command_flag *flag = command_flags; is_tool && flag->letter; flag++) {
		snprintf(text, sizeof(text), "-%c", flag->letter);
		if (completion->word[1] != '-')
			offer(completion, text);
		snprintf(text, sizeof(text), "--%s", flag->name ? flag->name : "");
		if (flag->name)
			offer(completion, text);
	}
}

/* --- the tool's words ------------------------------------------------------------- */

static void offer_commands(const struct completion *completion)
{
	for (const struct command *command = command_table; command->name; command++)
		if (!command->is_hidden)
			offer(completion, command->name);
	offer(completion, "help");
}

static bool takes_value(const char *word)
{
	const struct option_entry *option = find_option(word);

	if (option)
		return option->type != OPTION_BOOLEAN && option->type != COMMAND_SWITCH;
	return !strcmp(word, "-n") || !strcmp(word, "-i") || !strcmp(word, "--rounds") ||
	       !strcmp(word, "--interval");
}

/* The sub-command among the words before the last; NULL: none yet. */
static const char *command_word(const struct completion *completion)
{
	for (int i = 0; i + 1 < completion->count; i++) {
		const char *word = completion->words[i];

		if (word[0] != '-')
			return word;
		i += takes_value(word) && !strchr(word, '=');
	}
	return NULL;
}

static void offer_scenarios(const struct completion *completion)
{
	const struct bench_scenario *scenario;

	for (unsigned int i = 0; (scenario = bench_scenario(i)); i++)
		offer(completion, scenario->name);
	offer_list(completion, "all|ablation");
}

static void offer_words(const struct completion *completion, const char *last)
{
	const char *word = command_word(completion);
	const struct command *command;
	bool is_ambiguous;

	if (!word || !strcmp(word, "help")) {
		offer_commands(completion);
		return;
	}
	command = command_find(word, &is_ambiguous);
	if (!command)
		return;
	if (!strcmp(last, "dev"))
		offer_interfaces(completion);
	else if (command->run == NULL && !strcmp(command->name, "bench"))
		offer_scenarios(completion);
	else
		offer_list(completion, command->words);
	if (!strcmp(last, word))
		offer(completion, "help");
}

static void complete(const struct completion *completion)
{
	const char *last = completion->count > 1 ? completion->words[completion->count - 2] : "";
	const struct option_entry *option = find_option(last);
	bool is_tool = strcmp(completion->program, "neightrackd") != 0;

	if (option && option->type != COMMAND_SWITCH) {
		offer_value(completion, option);
		if (option->type != OPTION_BOOLEAN)
			return;
	}
	if (takes_value(last))
		return;
	if (completion->word[0] == '-')
		offer_flags(completion, is_tool);
	else if (is_tool)
		offer_words(completion, last);
}

/* bash makes words of their own of the = in --name=value. */
static int drop_equals(char **words, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (strcmp(words[i], "=") != 0)
			words[kept++] = words[i];
	return kept;
}

int command_complete(int argc, char **argv)
{
	struct completion completion = { .word = "" };

	if (argc < 3) {
		fputs("Usage: neightrack complete PROGRAM WORD...\n", stderr);
		return COMMAND_FAILED;
	}
	completion.program = argv[1];
	completion.words = argv + 2;
	if (strcmp(argv[argc - 1], "=") != 0)
		completion.word = argv[argc - 1];
	else
		argv[argc - 1][0] = '\0';
	completion.count = drop_equals(completion.words, argc - 2);
	complete(&completion);
	return COMMAND_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack: the tool. Finds the sub-command that is meant, and runs it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "command_words.h"
#include "log.h"
#include "options.h"
#include "version.h"

static void print_flags(FILE *out, const char *command)
{
	for (const struct command_flag *flag = command_flags; flag->letter; flag++) {
		char left[32];

		if (flag->command && (!command || strcmp(flag->command, command)))
			continue;
		snprintf(left, sizeof(left), "-%c%s%s%s%s", flag->letter, flag->name ? ", --" : "",
			 flag->name ? flag->name : "", flag->value ? " " : "",
			 flag->value ? flag->value : "");
		fprintf(out, "  %-24s %s\n", left, flag->help);
	}
}

static void print_help(FILE *out)
{
	fputs("Usage: neightrack [FLAG]... [OPTION]... COMMAND [ARGUMENT]...\n"
	      "       neightrack COMMAND help\n\n"
	      "Commands, which may be shortened:\n", out);
	for (const struct command *command = command_table; command->name; command++)
		if (!command->is_hidden)
			fprintf(out, "  %-8s %s\n", command->name, command->help);
	fputs("  help     print this, or how to use COMMAND\n\nFlags:\n", out);
	print_flags(out, NULL);
	fputs("\nOptions are those of neightrackd (neightrackd --help), first of all --redis,\n"
	      "--netns, --instance and --config: give the same ones as the daemon has. Of a\n"
	      "file with several instances, --mirror NAME chooses one.\n", out);
}

static void print_command_help(const struct command *command)
{
	printf("Usage: neightrack [FLAG]... [OPTION]... %s%s%s\n\n%c%s.\n", command->name,
	       command->arguments[0] ? " " : "", command->arguments,
	       command->help[0] - 'a' + 'A', command->help + 1);
	if (command->details)
		fputs(command->details, stdout);
	fputs("\nFlags:\n", stdout);
	print_flags(stdout, command->name);
}

/* Says what is wrong with the word. */
static const struct command *find_command(const char *word)
{
	bool is_ambiguous;
	const struct command *command = command_find(word, &is_ambiguous);

	if (command)
		return command;
	if (!is_ambiguous) {
		fprintf(stderr, "neightrack: '%s' is no command\n", word);
		print_help(stderr);
		return NULL;
	}
	fprintf(stderr, "neightrack: '%s' may mean", word);
	for (command = command_table; command->name; command++)
		if (!command->is_hidden && !strncmp(command->name, word, strlen(word)))
			fprintf(stderr, " %s", command->name);
	fputs(": give more of it\n", stderr);
	return NULL;
}

static bool asks_for_help(const char *word)
{
	return strlen(word) > 1 && !strncmp("help", word, strlen(word));
}

/* Of a command with options of its own. */
static int print_help_alone(const struct command *command)
{
	char flag[] = "--help";
	char *words[] = { flag, flag, NULL };

	return command->run_alone(2, words);
}

/* help, help COMMAND, COMMAND help, COMMAND -h, -h. Returns an exit code, or -1: no help
 * is asked for. */
static int help(const struct command_arguments *arguments)
{
	const char *first = arguments->count ? arguments->words[0] : "";
	const char *second = arguments->count > 1 ? arguments->words[1] : "";
	const struct command *command;

	if (asks_for_help(first))
		first = second;
	else if (!arguments->help && !asks_for_help(second))
		return -1;
	if (!first[0]) {
		print_help(stdout);
		return COMMAND_OK;
	}
	command = find_command(first);
	if (!command)
		return COMMAND_FAILED;
	if (command->run_alone)
		return print_help_alone(command);
	print_command_help(command);
	return COMMAND_OK;
}

static int run_command(const struct command *command, struct command_words *words)
{
	struct command_line line = { 0 };
	char names[OPTIONS_INSTANCES * OPTIONS_MIRROR_BYTES];
	struct options options;
	int status = COMMAND_FAILED;

	if (options_init(&options) || options_parse(&options, &line, words->option_count,
						    words->options, stderr))
		goto out;
	/* whoever calls the tool reads what it says here */
	log_setup("neightrack", options.log_level, options.log_format == LOG_FORMAT_SYSLOG ?
		  LOG_FORMAT_TEXT : options.log_format);
	if (line.instances.count && !options.mirror[0]) {
		fprintf(stderr, "neightrack: %s has several instances: choose one with --mirror (%s)\n",
			line.config_file ? line.config_file : OPTIONS_DEFAULT_FILE,
			option_instances_text(&line.instances, names));
		goto out;
	}
	words->arguments.count--;
	words->arguments.words++;
	status = command->run(&options, &words->arguments);
out:
	options_free(&options);
	return status;
}

static int run(struct command_words *words)
{
	const struct command *command;
	int status = help(&words->arguments);

	if (status >= 0)
		return status;
	if (words->arguments.version) {
		puts("neightrack " NEIGHTRACK_VERSION);
		return COMMAND_OK;
	}
	if (!words->arguments.count) {
		print_help(stderr);
		return COMMAND_FAILED;
	}
	command = find_command(words->arguments.words[0]);
	if (!command)
		return COMMAND_FAILED;
	if (command->run_alone) {
		fprintf(stderr, "neightrack: %s has options of its own: it must be the first word\n",
			command->name);
		return COMMAND_FAILED;
	}
	return run_command(command, words);
}

int main(int argc, char **argv)
{
	const struct command *first = NULL;
	struct command_words words;
	bool is_ambiguous;
	int status = COMMAND_FAILED;

	log_setup("neightrack", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	if (argc > 1)
		first = command_find(argv[1], &is_ambiguous);
	if (first && first->run_alone)
		return argc > 2 && asks_for_help(argv[2]) ? print_help_alone(first) :
							    first->run_alone(argc - 1, argv + 1);
	if (!command_words_read(&words, argc, argv))
		status = run(&words);
	command_words_free(&words);
	/* whoever has read enough of a pipe has got what he wanted */
	if ((fflush(stdout) && errno != EPIPE) || ferror(stdout)) {
		log_error("cannot write to stdout");
		status = COMMAND_FAILED;
	}
	return status;
}

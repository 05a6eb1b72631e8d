/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack: the tool. One table of sub-commands, each in a file of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "log.h"
#include "options.h"
#include "version.h"

static const struct {
	const char *name;
	int (*run)(const struct options *options, const struct command_arguments *arguments);
	const char *help;
} commands[] = {
	{ "show", command_show, "[dev NAME]    list the neighbours that are in Redis" },
	{ "verify", command_verify, "            compare Redis with the kernel: exit 0 equal, "
				    "1 different, 2 could not tell" },
	{ "probe", command_probe, "            what this machine and Redis allow: exit 0 "
				  "neightrackd can run, 1 not" },
};

static void print_help(FILE *out)
{
	fputs("Usage: neightrack [-j] [-p] [-4] [-6] [OPTION]... COMMAND [ARGUMENT]...\n\n"
	      "Commands, which may be shortened:\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("  bench    SCENARIO      measure how fast it is: neightrack bench --help\n"
	      "\n"
	      "  -j  JSON        -p  pretty JSON\n"
	      "  -4  IPv4 only   -6  IPv6 only\n\n"
	      "Options are those of neightrackd (neightrackd --help), first of all --redis,\n"
	      "--netns, --instance and --config: give the same ones as the daemon has. Of a\n"
	      "file with several instances, --mirror NAME chooses one.\n", out);
}

/* An abbreviation stands for the first command that begins so. */
static int find_command(const char *word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (word[0] && !strncmp(commands[i].name, word, strlen(word)))
			return (int)i;
	return -1;
}

static int take_flags(const char *word, struct command_arguments *arguments)
{
	for (const char *flag = word + 1; *flag; flag++) {
		switch (*flag) {
		case 'j':
			arguments->json = true;
			break;
		case 'p':
			arguments->json = true;
			arguments->pretty = true;
			break;
		case '4':
			arguments->ipv4_only = true;
			break;
		case '6':
			arguments->ipv6_only = true;
			break;
		default:
			fprintf(stderr, "neightrack: -%c is no option (-j, -p, -4, -6)\n", *flag);
			return -1;
		}
	}
	return 0;
}

/* Whether the long option's value is the next word. */
static bool takes_next_word(const char *word)
{
	return !strchr(word, '=') && strcmp(word, "--help") && strcmp(word, "--version");
}

/*
 * Long options may stand before and behind the command: sorts the command line
 * into those (for options_parse()), flags, and words. The arrays have room for
 * argc + 1 pointers each.
 */
static int sort_words(int argc, char **argv, char **long_options, int *long_count,
		      struct command_arguments *arguments)
{
	*long_count = 0;
	long_options[(*long_count)++] = argv[0];
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--", 2)) {
			long_options[(*long_count)++] = argv[i];
			if (takes_next_word(argv[i]) && i + 1 < argc)
				long_options[(*long_count)++] = argv[++i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			if (take_flags(argv[i], arguments))
				return -1;
		} else {
			arguments->words[arguments->count++] = argv[i];
		}
	}
	long_options[*long_count] = NULL;
	return 0;
}

static int run(int argc, char **argv, struct command_arguments *arguments)
{
	struct command_line line = { 0 };
	char names[OPTIONS_INSTANCES * OPTIONS_MIRROR_BYTES];
	struct options options;
	int command, status = COMMAND_FAILED;

	if (options_init(&options) || options_parse(&options, &line, argc, argv, stderr))
		goto out;
	/* whoever calls the tool reads what it says here */
	log_setup("neightrack", options.log_level, options.log_format == LOG_FORMAT_SYSLOG ?
		  LOG_FORMAT_TEXT : options.log_format);
	if (line.instances.count && !options.mirror[0] && !line.help && !line.version) {
		fprintf(stderr, "neightrack: %s has several instances: choose one with --mirror (%s)\n",
			line.config_file ? line.config_file : OPTIONS_DEFAULT_FILE,
			option_instances_text(&line.instances, names));
		goto out;
	}
	command = arguments->count ? find_command(arguments->words[0]) : -1;
	if (line.help) {
		print_help(stdout);
		status = COMMAND_OK;
	} else if (line.version) {
		puts("neightrack " NEIGHTRACK_VERSION);
		status = COMMAND_OK;
	} else if (command < 0) {
		if (arguments->count)
			fprintf(stderr, "neightrack: '%s' is no command\n", arguments->words[0]);
		print_help(stderr);
	} else {
		arguments->count--;
		arguments->words++;
		status = commands[command].run(&options, arguments);
	}
out:
	options_free(&options);
	return status;
}

int main(int argc, char **argv)
{
	char **words = calloc(2 * ((size_t)argc + 1), sizeof(*words));
	struct command_arguments arguments = { .words = words };
	int long_count, status = COMMAND_FAILED;

	log_setup("neightrack", LOG_LEVEL_NOTICE, LOG_FORMAT_TEXT);
	if (argc > 1 && !strcmp(argv[1], "bench")) {
		free(words);
		return command_bench(argc - 1, argv + 1);
	}
	if (!words)
		log_error("no memory");
	else if (!sort_words(argc, argv, words + argc + 1, &long_count, &arguments))
		status = run(long_count, words + argc + 1, &arguments);
	free(words);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options as a whole: their defaults, what the command line says of them, and what
 * one means for others.
 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_value.h"

/* A complaint that names the instance, if there are several. */
#define complain_of(options, errors, format, ...) \
	option_complain(errors, "%s%s%s" format, (options)->mirror[0] ? "instance " : "", \
			(options)->mirror, (options)->mirror[0] ? ": " : "", ##__VA_ARGS__)

/* The name as it stands behind -- */
static const char *flag_name(const struct option_entry *entry, char name[OPTION_NAME_BYTES])
{
	snprintf(name, OPTION_NAME_BYTES, "%s", entry->name);
	for (char *at = strchr(name, '_'); at; at = strchr(at, '_'))
		*at = '-';
	return name;
}

int options_init(struct options *options)
{
	char why[OPTION_WHY_BYTES];

	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_set(options, &option_table[i], option_table[i].default_text, why) < 0) {
			options_free(options);
			return -ENOMEM;
		}
	}
	return 0;
}

void options_free(struct options *options)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_table[i].type == OPTION_TEXT)
			free(*(char **)option_member(options, &option_table[i]));
	}
	memset(options, 0, sizeof(*options));
}

struct words {
	int argc;
	char **argv;
	int next;
	FILE *errors;
	const struct option_entry *entry;	/* the flag last taken */
	const char *value;
};

/* word: without its two dashes; - and _ are one. */
static const struct option_entry *find_flag(const char *word, size_t bytes)
{
	char name[OPTION_NAME_BYTES] = "";

	if (bytes >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < bytes; i++)
		name[i] = word[i] == '-' ? '_' : word[i];
	for (size_t i = 0; i < OPTION_ENTRY_COUNT; i++) {
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	}
	return NULL;
}

/* Returns 1 with the next flag, 0 at the first operand, -EINVAL after a line to errors. */
static int next_flag(struct words *words)
{
	const char *word = words->next < words->argc ? words->argv[words->next] : "";
	size_t bytes = strcspn(word, "=");

	if (word[0] != '-' || word[1] == '\0')
		return 0;
	words->next++;
	if (strcmp(word, "--") == 0)
		return 0;
	words->entry = word[1] == '-' && bytes > 2 ? find_flag(word + 2, bytes - 2) : NULL;
	if (!words->entry)
		return option_complain(words->errors, "unknown flag '%.*s'; see --help", (int)bytes, word);
	words->value = word[bytes] ? word + bytes + 1 : NULL;
	if (words->entry->type == COMMAND_SWITCH && words->value)
		return option_complain(words->errors, "%.*s takes no value; see --help", (int)bytes, word);
	if (words->entry->type == COMMAND_SWITCH || words->value)
		return 1;
	if (words->next == words->argc || strncmp(words->argv[words->next], "--", 2) == 0) {
		if (words->entry->type == OPTION_BOOLEAN) {
			words->value = "yes";
			return 1;
		}
		/* a flag in the place of a value is rather a forgotten value */
		return option_complain(words->errors, "%s: a value is missing; see --help", word);
	}
	words->value = words->argv[words->next++];
	return 1;
}

/* Takes everything but the options, which wait until the file was read. */
static int scan_commands(struct command_line *line, struct words words)
{
	int status;

	while ((status = next_flag(&words)) > 0) {
		if (words.entry->type == COMMAND_SWITCH)
			*(bool *)option_member(line, words.entry) = true;
		else if (words.entry->type == COMMAND_WORD)
			*(const char **)option_member(line, words.entry) = words.value;
	}
	line->first_operand = words.next;
	return status;
}

static int apply_flags(struct options *options, struct words words)
{
	char why[OPTION_WHY_BYTES], name[OPTION_NAME_BYTES];
	int status;

	while ((status = next_flag(&words)) > 0) {
		if (words.entry >= option_table + OPTION_COUNT ||
		    option_set(options, words.entry, words.value, why) == 0)
			continue;
		return option_complain(words.errors, "--%s %s: %s", flag_name(words.entry, name),
				option_shown(words.entry, words.value), why);
	}
	return status;
}

static int replace_text(char **member, const char *text, FILE *errors)
{
	char *copy = strdup(text);

	if (!copy)
		return option_complain(errors, "out of memory");
	free(*member);
	*member = copy;
	return 0;
}

/* Takes from SONiC's own file where its databases are. */
static int read_database_config(struct options *options, FILE *errors)
{
	struct sonic_database *databases = options->databases.databases;
	char why[SONIC_WHY_BYTES];

	if (!options->database_config[0]) {
		if (options->database_namespace[0])
			return complain_of(options, errors,
					   "database_namespace = %s: it is looked for in "
					   "database_config, which is not set",
					   options->database_namespace);
		databases[SONIC_APPL_DB].separator = ':';
		databases[SONIC_CONFIG_DB].separator = '|';
		databases[SONIC_STATE_DB].separator = '|';
		return 0;
	}
	if (sonic_databases_read(&options->databases, options->database_config,
				 options->database_namespace, why))
		return complain_of(options, errors, "%s", why);
	if (!options->config_db[0] &&
	    replace_text(&options->config_db, databases[SONIC_CONFIG_DB].address, errors) < 0)
		return -EINVAL;
	return replace_text(&options->redis, databases[SONIC_APPL_DB].address, errors);
}

/* Whether the stream would lie among the neighbours. */
static bool is_of_table(const struct options *options)
{
	size_t bytes = strlen(options->key_prefix);
	const char *name = options->stream + bytes;

	return !strncmp(options->stream, options->key_prefix, bytes) &&
	       !strncmp(name + (name[0] == '_'), "NEIGH_TABLE", strlen("NEIGH_TABLE"));
}

/* What one option means for others, or does not go with. */
static int settle(struct options *options, FILE *errors)
{
	char prefix[sizeof(OPTIONS_SHADOW_PREFIX) + OPTION_WHY_BYTES];

	if (options->shadow) {
		/* the rows of a restart, and the consumer, are the original's */
		options->warm_restart = false;
		options->schema = OPTION_SCHEMA_PLAIN;
		snprintf(prefix, sizeof(prefix), OPTIONS_SHADOW_PREFIX "%s", options->key_prefix);
		if (replace_text(&options->key_prefix, prefix, errors) < 0)
			return -EINVAL;
	}
	if (options->warm_restart && !options->database_config[0])
		return complain_of(options, errors,
				   "warm_restart = yes: the databases of the switch are "
				   "looked for in database_config, which is not set");
	if (options->policy == OPTION_POLICY_SONIC && !options->config_db[0])
		return complain_of(options, errors,
				   "policy = sonic: the rules depend on CONFIG_DB; config_db "
				   "or database_config must say where that is");
	if (options->netlink_no_enobufs && !options->audit_interval_s)
		return complain_of(options, errors,
				   "netlink_no_enobufs = yes with audit_interval = 0: nothing "
				   "would ever find what is lost; allowed is an audit_interval above "
				   "0");
	if (is_of_table(options))
		return complain_of(options, errors,
				   "stream = %s: keys that begin with %sNEIGH_TABLE, "
				   "or that with a _ before it, are neighbours; allowed is any other",
				   options->stream, options->key_prefix);
	if (!options->metrics_cert[0] != !options->metrics_key[0])
		return complain_of(options, errors,
				   "metrics_cert = %s with metrics_key = %s: TLS needs both",
				   options->metrics_cert, options->metrics_key);
	if (options->metrics_client_ca[0] && !options->metrics_cert[0])
		return complain_of(options, errors,
				   "metrics_client_ca = %s without metrics_cert: clients show "
				   "certificates by TLS alone", options->metrics_client_ca);
	return 0;
}

/* Whether there is a file to read: the default one may be missing, a named one may not. */
static bool has_file(const struct command_line *line)
{
	return line->config_file || access(OPTIONS_DEFAULT_FILE, F_OK) == 0 || errno != ENOENT;
}

static int choose_mirror(struct options *options, const char *mirror, FILE *errors)
{
	const char *wrong = option_check_instance(mirror);

	if (wrong)
		return option_complain(errors, "--mirror %s: %s", mirror, wrong);
	snprintf(options->mirror, sizeof(options->mirror), "%s", mirror);
	return 0;
}

int options_parse(struct options *options, struct command_line *line, int argc, char **argv,
		  FILE *errors)
{
	struct words words = { .argc = argc, .argv = argv, .next = argc > 0, .errors = errors };

	memset(line, 0, sizeof(*line));
	if (scan_commands(line, words) < 0)
		return -EINVAL;
	/* whoever asks for help may do so because the file is wrong */
	if (line->help || line->version)
		return 0;
	if (line->mirror && choose_mirror(options, line->mirror, errors) < 0)
		return -EINVAL;
	if (has_file(line)) {
		if (options_read_file(options, line->config_file ? line->config_file :
				      OPTIONS_DEFAULT_FILE, &line->instances, errors) < 0)
			return -EINVAL;
	} else if (options->mirror[0]) {
		return option_complain(errors, "--mirror %s: there is no configuration file with "
				       "that [instance]; --config names one", options->mirror);
	}
	for (unsigned int i = 0; i < line->instances.count; i++)
		if (!strcmp(line->instances.names[i], options->mirror))
			options->slot = i;
	if (apply_flags(options, words) < 0)
		return -EINVAL;
	if (line->instances.count && !options->mirror[0])
		return 0;
	return read_database_config(options, errors) < 0 ? -EINVAL : settle(options, errors);
}

void options_client_name(const struct options *options, const char *suffix,
			 char name[OPTIONS_CLIENT_NAME_BYTES])
{
	snprintf(name, OPTIONS_CLIENT_NAME_BYTES, "neightrack-%s%s%s%s", options->instance,
		 options->mirror[0] ? "-" : "", options->mirror, suffix);
}

void options_print_help(FILE *out)
{
	char left[OPTION_WHY_BYTES], name[OPTION_NAME_BYTES];

	for (size_t i = 0; i < OPTION_ENTRY_COUNT; i++) {
		const struct option_entry *entry = &option_table[i];
		const char *initial = entry->default_text;

		flag_name(entry, name);
		if (entry->values)
			snprintf(left, sizeof(left), "--%s %s", name, entry->values);
		else
			snprintf(left, sizeof(left), "--%s %u..%u", name, entry->low, entry->high);
		fprintf(out, "  %-42s  %s", left, entry->help);
		if (initial)
			fprintf(out, " (default: %s)", initial[0] ? initial : "empty");
		fputc('\n', out);
	}
}

int options_take_over(struct options *running, struct options *fresh,
		      void (*say)(void *context, const char *name), void *context)
{
	char kept[sizeof(char *)];
	int changed = 0;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_entry *entry = &option_table[i];
		size_t bytes = entry->type == OPTION_TEXT ? sizeof(char *) :
			       entry->type == OPTION_BOOLEAN ? sizeof(bool) : sizeof(uint32_t);
		void *old = option_member(running, entry);
		void *new = option_member(fresh, entry);

		if (entry->type == OPTION_TEXT ? strcmp(*(char **)old, *(char **)new) == 0 :
						 memcmp(old, new, bytes) == 0)
			continue;
		if (!entry->changeable) {
			say(context, entry->name);
			continue;
		}
		/* swapped, so that options_free(fresh) frees the old text */
		memcpy(kept, old, bytes);
		memcpy(old, new, bytes);
		memcpy(new, kept, bytes);
		changed++;
	}
	return changed;
}

const char *options_name(unsigned int i)
{
	return i < OPTION_COUNT ? option_table[i].name : NULL;
}

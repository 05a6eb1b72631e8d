/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions that read the table of options.
 *
 * Whatever the way in (default, file, flag), a value goes as text through
 * set_value(), which alone knows the types. inih reads files, fed line by line
 * so that each error has its line: Debian's inih does not tell handlers where
 * they are, and would split lines that are too long for it without a word.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options_table.h"

#define SECTION "neightrackd"
#define WHY_BYTES 256
#define CONTROL_CHARACTERS \
	"\001\002\003\004\005\006\a\b\t\n\v\f\r\016\017\020\021\022\023\024" \
	"\025\026\027\030\031\032\033\034\035\036\037\177"

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

/* Prints one line, whatever bytes the arguments hold. Returns -EINVAL. */
static int __attribute__((format(printf, 2, 3)))
complain(FILE *errors, const char *format, ...)
{
	char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		line = NULL;
	va_end(arguments);
	for (char *at = line; at && *at; at++)
		*at = strchr(CONTROL_CHARACTERS, *at) ? '?' : *at;
	fprintf(errors, "%s\n", line ? line : "out of memory");
	free(line);
	return -EINVAL;
}

static void *member_of(void *base, const struct option_entry *entry)
{
	return (char *)base + entry->offset;
}

static int set_choice(struct options *options, const struct option_entry *entry, const char *text,
		      char why[WHY_BYTES])
{
	const char *word = entry->values;

	for (uint32_t i = 0; *word; i++) {
		size_t bytes = strcspn(word, "|");

		if (strlen(text) == bytes && memcmp(word, text, bytes) == 0) {
			if (entry->type == OPTION_BOOLEAN)
				*(bool *)member_of(options, entry) = i != 0;
			else
				*(uint32_t *)member_of(options, entry) = i;
			return 0;
		}
		word += bytes + (word[bytes] == '|');
	}
	snprintf(why, WHY_BYTES, "allowed are %s", entry->values);
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
		      char why[WHY_BYTES])
{
	bool power_of_two = entry->type == OPTION_POWER_OF_TWO;
	uint64_t value;

	if (parse_number(text, entry->unit, &value) && value >= entry->low &&
	    value <= entry->high && !(power_of_two && (value & (value - 1)))) {
		*(uint32_t *)member_of(options, entry) = (uint32_t)value;
		return 0;
	}
	snprintf(why, WHY_BYTES, "allowed are %s%u to %u %s",
		 power_of_two ? "powers of two from " : "", entry->low, entry->high, entry->unit);
	return -EINVAL;
}

static int set_text(struct options *options, const struct option_entry *entry, const char *text,
		    char why[WHY_BYTES])
{
	const char *wrong = strpbrk(text, CONTROL_CHARACTERS) ?
				    "no control character is allowed" : entry->check(text);
	char **member = member_of(options, entry);
	char *copy;

	if (wrong) {
		snprintf(why, WHY_BYTES, "%s", wrong);
		return -EINVAL;
	}
	copy = strdup(text);
	if (!copy) {
		snprintf(why, WHY_BYTES, "out of memory");
		return -ENOMEM;
	}
	free(*member);
	*member = copy;
	return 0;
}

/* On failure says in why what is allowed, and leaves the option as it was. */
static int set_value(struct options *options, const struct option_entry *entry, const char *text,
		     char why[WHY_BYTES])
{
	if (entry->type == OPTION_TEXT)
		return set_text(options, entry, text, why);
	if (entry->type == OPTION_BOOLEAN || entry->type == OPTION_CHOICE)
		return set_choice(options, entry, text, why);
	return set_number(options, entry, text, why);
}

/* A value as error lines may show it: they are logged, and it may hold a password. */
static const char *shown(const struct option_entry *entry, const char *text)
{
	return option_hides(entry, text) ? "(not shown)" : text;
}

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
	char why[WHY_BYTES];

	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (set_value(options, &option_table[i], option_table[i].default_text, why) < 0) {
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
			free(*(char **)member_of(options, &option_table[i]));
	}
	memset(options, 0, sizeof(*options));
}

/* What is being read, and whether something was wrong with it. */
struct config_reader {
	struct options *options;
	const char *path;
	FILE *file;
	FILE *errors;
	unsigned int line;
	unsigned int first_lines[OPTION_COUNT];		/* where each option was set; 0: not yet */
	int status;
};

#define config_complain(reader, format, ...) \
	((reader)->status = complain((reader)->errors, "%s:%u: " format, (reader)->path, \
				     (reader)->line, __VA_ARGS__))

static bool config_section(struct config_reader *reader, const char *name, size_t bytes)
{
	if (bytes == strlen(SECTION) && memcmp(name, SECTION, bytes) == 0)
		return true;
	config_complain(reader, "unknown section [%.*s]; allowed: [" SECTION "]", (int)bytes, name);
	return false;
}

/*
 * An ini_reader: NULL at the end, and once something is wrong. Blanks before a
 * line are left out, as inih would take it for a continuation of the one above.
 */
static char *config_line(char *text, int size, void *context)
{
	struct config_reader *reader = context;
	int used = 0;
	int c;

	if (reader->status < 0)
		return NULL;
	reader->line++;
	while ((c = getc(reader->file)) != EOF && c != '\n') {
		if (c == '\0' || used == size - 1) {
			config_complain(reader, "%s; allowed are %d bytes of text a line",
					c ? "line too long" : "zero byte", size - 1);
			return NULL;
		}
		if (used > 0 || (c != ' ' && c != '\t'))
			text[used++] = (char)c;
	}
	text[used] = '\0';
	if (c == EOF && (used == 0 || ferror(reader->file)))
		return NULL;
	/* inih is silent about a section without options */
	if (text[0] != '[' || !strchr(text, ']'))
		return text;
	return config_section(reader, text + 1, strcspn(text + 1, "]")) ? text : NULL;
}

static void config_unknown_key(struct config_reader *reader, const char *key)
{
	char allowed[OPTION_COUNT * OPTION_NAME_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
					 i ? ", " : "", option_table[i].name);
	config_complain(reader, "unknown key '%s'; allowed: %s", key, allowed);
}

/* An ini_handler: returns 0 for an error. */
static int config_key(void *context, const char *section, const char *key, const char *value)
{
	struct config_reader *reader = context;
	char why[WHY_BYTES];
	size_t i = 0;

	while (i < OPTION_COUNT && strcmp(option_table[i].name, key) != 0)
		i++;
	if (section[0] == '\0')
		config_complain(reader, "key '%s' outside a section; allowed: below [" SECTION "]",
				key);
	else if (!config_section(reader, section, strlen(section)))
		return 0;
	else if (i == OPTION_COUNT)
		config_unknown_key(reader, key);
	else if (reader->first_lines[i])
		config_complain(reader, "duplicate key '%s'; line %u has set it already", key,
				reader->first_lines[i]);
	else if (value[0] == '"')
		config_complain(reader, "%s: allowed are values without quotes", key);
	else if (set_value(reader->options, &option_table[i], value, why) < 0)
		config_complain(reader, "%s = %s: %s", key, shown(&option_table[i], value), why);
	else
		reader->first_lines[i] = reader->line;
	return reader->status == 0;
}

int options_read_file(struct options *options, const char *path, FILE *errors)
{
	struct config_reader reader = { .options = options, .path = path, .errors = errors };
	struct stat file_status;
	int inih_line = 0;
	int error = 0;

	reader.file = fopen(path, "re");
	if (!reader.file || fstat(fileno(reader.file), &file_status) < 0)
		error = errno;
	else if (S_ISDIR(file_status.st_mode))
		error = EISDIR;
	else
		inih_line = ini_parse_stream(config_line, &reader, config_key, &reader);
	if (!error && ferror(reader.file))
		error = EIO;

	if (error) {
		complain(errors, "%s: cannot read: %s", path, strerror(error));
		reader.status = -error;
	} else if (reader.status == 0 && inih_line > 0) {
		reader.line = (unsigned int)inih_line;
		config_complain(&reader, "%s", "neither key = value, [" SECTION "] nor # comment");
	}
	if (reader.file)
		fclose(reader.file);
	return reader.status;
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
		return complain(words->errors, "unknown flag '%.*s'; see --help", (int)bytes, word);
	words->value = word[bytes] ? word + bytes + 1 : NULL;
	if (words->entry->type == COMMAND_SWITCH && words->value)
		return complain(words->errors, "%.*s takes no value; see --help", (int)bytes, word);
	if (words->entry->type == COMMAND_SWITCH || words->value)
		return 1;
	if (words->next == words->argc || strncmp(words->argv[words->next], "--", 2) == 0) {
		if (words->entry->type == OPTION_BOOLEAN) {
			words->value = "yes";
			return 1;
		}
		/* a flag in the place of a value is rather a forgotten value */
		return complain(words->errors, "%s: a value is missing; see --help", word);
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
			*(bool *)member_of(line, words.entry) = true;
		else if (words.entry->type == COMMAND_FILE)
			*(const char **)member_of(line, words.entry) = words.value;
	}
	line->first_operand = words.next;
	return status;
}

static int apply_flags(struct options *options, struct words words)
{
	char why[WHY_BYTES], name[OPTION_NAME_BYTES];
	int status;

	while ((status = next_flag(&words)) > 0) {
		if (words.entry >= option_table + OPTION_COUNT ||
		    set_value(options, words.entry, words.value, why) == 0)
			continue;
		return complain(words.errors, "--%s %s: %s", flag_name(words.entry, name),
				shown(words.entry, words.value), why);
	}
	return status;
}

static int replace_text(char **member, const char *text, FILE *errors)
{
	char *copy = strdup(text);

	if (!copy)
		return complain(errors, "out of memory");
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
			return complain(errors, "database_namespace = %s: it is looked for in "
					"database_config, which is not set",
					options->database_namespace);
		databases[SONIC_APPL_DB].separator = ':';
		databases[SONIC_CONFIG_DB].separator = '|';
		databases[SONIC_STATE_DB].separator = '|';
		return 0;
	}
	if (sonic_databases_read(&options->databases, options->database_config,
				 options->database_namespace, why))
		return complain(errors, "%s", why);
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
	char prefix[sizeof(OPTIONS_SHADOW_PREFIX) + WHY_BYTES];

	if (options->shadow) {
		/* the rows of a restart, and the consumer, are the original's */
		options->warm_restart = false;
		options->schema = OPTION_SCHEMA_PLAIN;
		snprintf(prefix, sizeof(prefix), OPTIONS_SHADOW_PREFIX "%s", options->key_prefix);
		if (replace_text(&options->key_prefix, prefix, errors) < 0)
			return -EINVAL;
	}
	if (options->warm_restart && !options->database_config[0])
		return complain(errors, "warm_restart = yes: the databases of the switch are "
				"looked for in database_config, which is not set");
	if (options->policy == OPTION_POLICY_SONIC && !options->config_db[0])
		return complain(errors, "policy = sonic: the rules depend on CONFIG_DB; config_db "
				"or database_config must say where that is");
	if (options->netlink_no_enobufs && !options->audit_interval_s)
		return complain(errors, "netlink_no_enobufs = yes with audit_interval = 0: nothing "
				"would ever find what is lost; allowed is an audit_interval above "
				"0");
	if (is_of_table(options))
		return complain(errors, "stream = %s: keys that begin with %sNEIGH_TABLE, "
				"or that with a _ before it, are neighbours; allowed is any other",
				options->stream, options->key_prefix);
	if (!options->metrics_cert[0] != !options->metrics_key[0])
		return complain(errors, "metrics_cert = %s with metrics_key = %s: TLS needs both",
				options->metrics_cert, options->metrics_key);
	if (options->metrics_client_ca[0] && !options->metrics_cert[0])
		return complain(errors, "metrics_client_ca = %s without metrics_cert: clients show "
				"certificates by TLS alone", options->metrics_client_ca);
	return 0;
}

int options_parse(struct options *options, struct command_line *line, int argc, char **argv,
		  FILE *errors)
{
	struct words words = { .argc = argc, .argv = argv, .next = argc > 0, .errors = errors };
	const char *path;

	memset(line, 0, sizeof(*line));
	if (scan_commands(line, words) < 0)
		return -EINVAL;
	/* whoever asks for help may do so because the file is wrong */
	if (line->help || line->version)
		return 0;
	path = line->config_file ? line->config_file : OPTIONS_DEFAULT_FILE;
	if ((line->config_file || access(path, F_OK) == 0 || errno != ENOENT) &&
	    options_read_file(options, path, errors) < 0)
		return -EINVAL;
	if (apply_flags(options, words) < 0 || read_database_config(options, errors) < 0)
		return -EINVAL;
	return settle(options, errors);
}

void options_print_help(FILE *out)
{
	char left[WHY_BYTES], name[OPTION_NAME_BYTES];

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
		void *old = member_of(running, entry);
		void *new = member_of(fresh, entry);

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

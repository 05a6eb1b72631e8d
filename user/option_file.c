/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file. inih reads it, fed line by line so that each error has its
 * line: Debian's inih does not tell handlers where they are, and would split lines that
 * are too long for it without a word.
 *
 * What an [instance NAME] section says holds for that instance alone, and goes before
 * what [neightrackd] says, whichever comes first. Every value in the file is checked,
 * whoever it is for.
 */
#include <errno.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

#include "option_value.h"

#define SECTION "neightrackd"
#define INSTANCE "instance "

/* What is being read, and whether something was wrong with it. */
struct config_reader {
	struct options *options;
	struct options checked;			/* what is not for these */
	struct option_instances *instances;	/* found so far */
	unsigned int begins[OPTIONS_INSTANCES];	/* the lines of their sections */
	const char *path;
	FILE *file;
	FILE *errors;
	unsigned int line;
	char section[64];			/* begun last; inih has shorter ones */
	const char *instance;			/* whose section that is; NULL: none's */
	/* where each option was set; 0: not yet */
	unsigned int common_lines[OPTION_COUNT];
	unsigned int instance_lines[OPTION_COUNT];	/* in this instance's section */
	bool is_overridden[OPTION_COUNT];	/* by the section that is for `options` */
	int status;
};

#define config_complain(reader, format, ...) \
	((reader)->status = option_complain((reader)->errors, "%s:%u: " format, (reader)->path, \
					    (reader)->line, __VA_ARGS__))

static bool begin_instance(struct config_reader *reader, const char *name, size_t bytes)
{
	struct option_instances *instances = reader->instances;
	char *copy = instances->names[instances->count];
	const char *wrong = "allowed are at most 16 instances";

	for (unsigned int i = 0; i < instances->count; i++) {
		if (strlen(instances->names[i]) != bytes || memcmp(instances->names[i], name, bytes))
			continue;
		config_complain(reader, "[" INSTANCE "%.*s] again; line %u has begun it already",
				(int)bytes, name, reader->begins[i]);
		return false;
	}
	if (instances->count < OPTIONS_INSTANCES) {
		snprintf(copy, OPTIONS_MIRROR_BYTES, "%.*s", (int)bytes, name);
		wrong = bytes < OPTIONS_MIRROR_BYTES ? option_check_instance(copy) :
						       option_check_instance("");
	}
	if (wrong) {
		config_complain(reader, "[" INSTANCE "%.*s]: %s", (int)bytes, name, wrong);
		return false;
	}
	reader->begins[instances->count++] = reader->line;
	reader->instance = copy;
	memset(reader->instance_lines, 0, sizeof(reader->instance_lines));
	return true;
}

static bool begin_section(struct config_reader *reader, const char *name, size_t bytes)
{
	const size_t prefix_bytes = strlen(INSTANCE);

	snprintf(reader->section, sizeof(reader->section), "%.*s", (int)bytes, name);
	reader->instance = NULL;
	if (bytes == strlen(SECTION) && memcmp(name, SECTION, bytes) == 0)
		return true;
	if (bytes > prefix_bytes && memcmp(name, INSTANCE, prefix_bytes) == 0)
		return begin_instance(reader, name + prefix_bytes, bytes - prefix_bytes);
	config_complain(reader, "unknown section [%.*s]; allowed: [" SECTION "], [" INSTANCE "NAME]",
			(int)bytes, name);
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
	return begin_section(reader, text + 1, strcspn(text + 1, "]")) ? text : NULL;
}

static void config_unknown_key(struct config_reader *reader, const char *key)
{
	char allowed[OPTION_COUNT * OPTION_NAME_BYTES];
	const char *separator = "";
	size_t used = 0;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (reader->instance && option_table[i].is_common)
			continue;
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", separator,
					 option_table[i].name);
		separator = ", ";
	}
	config_complain(reader, "unknown key '%s'; allowed: %s", key, allowed);
}

static void config_value(struct config_reader *reader, size_t i, const char *value)
{
	unsigned int *lines = reader->instance ? reader->instance_lines : reader->common_lines;
	bool is_for_options = !reader->instance ? !reader->is_overridden[i] :
			      strcmp(reader->instance, reader->options->mirror) == 0;
	const struct option_entry *entry = &option_table[i];
	char why[OPTION_WHY_BYTES];

	if (lines[i]) {
		config_complain(reader, "duplicate key '%s'; line %u has set it already",
				entry->name, lines[i]);
	} else if (value[0] == '"') {
		config_complain(reader, "%s: allowed are values without quotes", entry->name);
	} else if (option_set(is_for_options ? reader->options : &reader->checked, entry, value,
			      why) < 0) {
		config_complain(reader, "%s = %s: %s", entry->name, option_shown(entry, value), why);
	} else {
		lines[i] = reader->line;
		reader->is_overridden[i] |= reader->instance && is_for_options;
	}
}

/* An ini_handler: returns 0 for an error. */
static int config_key(void *context, const char *section, const char *key, const char *value)
{
	struct config_reader *reader = context;
	size_t i = 0;

	while (i < OPTION_COUNT && strcmp(option_table[i].name, key) != 0)
		i++;
	if (section[0] == '\0')
		config_complain(reader, "key '%s' outside a section; allowed: below [" SECTION "]",
				key);
	else if (strcmp(section, reader->section) != 0 &&
		 !begin_section(reader, section, strlen(section)))
		return 0;	/* behind a byte order mark, which inih leaves out */
	else if (i == OPTION_COUNT)
		config_unknown_key(reader, key);
	else if (reader->instance && option_table[i].is_common)
		config_complain(reader, "'%s' is not an instance's own: it holds for all of them, "
				"below [" SECTION "]", key);
	else
		config_value(reader, i, value);
	return reader->status == 0;
}

static void check_mirror(struct config_reader *reader)
{
	const char *mirror = reader->options->mirror;
	char names[OPTIONS_INSTANCES * OPTIONS_MIRROR_BYTES];

	for (unsigned int i = 0; i < reader->instances->count; i++)
		if (!strcmp(reader->instances->names[i], mirror))
			return;
	if (mirror[0])
		reader->status = option_complain(reader->errors, "%s: there is no [" INSTANCE
						 "%s]; allowed: %s", reader->path, mirror,
						 option_instances_text(reader->instances, names));
}

char *option_instances_text(const struct option_instances *instances,
			    char text[OPTIONS_INSTANCES * OPTIONS_MIRROR_BYTES])
{
	size_t used = 0;

	strcpy(text, "none");
	for (unsigned int i = 0; i < instances->count; i++)
		used += (size_t)sprintf(text + used, "%s%s", i ? " " : "", instances->names[i]);
	return text;
}

static void read_lines(struct config_reader *reader)
{
	struct stat file_status;
	int inih_line = 0;
	int error = 0;

	reader->file = fopen(reader->path, "re");
	if (!reader->file || fstat(fileno(reader->file), &file_status) < 0)
		error = errno;
	else if (S_ISDIR(file_status.st_mode))
		error = EISDIR;
	else
		inih_line = ini_parse_stream(config_line, reader, config_key, reader);
	if (!error && ferror(reader->file))
		error = EIO;

	if (error) {
		option_complain(reader->errors, "%s: cannot read: %s", reader->path,
				strerror(error));
		reader->status = -error;
	} else if (reader->status == 0 && inih_line > 0) {
		reader->line = (unsigned int)inih_line;
		config_complain(reader, "%s", "neither key = value, [" SECTION "] nor # comment");
	}
	if (reader->file)
		fclose(reader->file);
}

int options_read_file(struct options *options, const char *path,
		      struct option_instances *instances, FILE *errors)
{
	struct option_instances unasked;
	struct config_reader reader = { .options = options, .path = path, .errors = errors,
					.instances = instances ? instances : &unasked };

	reader.instances->count = 0;
	if (options_init(&reader.checked) < 0)
		return option_complain(errors, "out of memory");
	read_lines(&reader);
	if (reader.status == 0)
		check_mirror(&reader);
	options_free(&reader.checked);
	return reader.status;
}

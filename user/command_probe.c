/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack probe: could the daemon run here, with which source, and what would it lack? */
#include "command.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

static void (*const checks[])(struct probe *probe) = {
	probe_kernel, probe_privileges, probe_folders, probe_sources, probe_redis,
};

static const char *const state_words[] = {
	[PROBE_GOOD] = "yes",
	[PROBE_LESS] = "less",
	[PROBE_BAD] = "no",
	[PROBE_UNKNOWN] = "unknown",
};

void probe_add(struct probe *probe, const char *name, enum probe_state state, const char *hint,
	       const char *format, ...)
{
	struct probe_row *row = &probe->rows[probe->count];
	va_list arguments;

	if (probe->count == PROBE_ROWS)
		return;
	probe->count++;
	row->name = name;
	row->state = state;
	snprintf(row->hint, sizeof(row->hint), "%s", hint ? hint : "");
	va_start(arguments, format);
	vsnprintf(row->found, sizeof(row->found), format, arguments);
	va_end(arguments);
	for (char *at = row->found; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '?';
}

static bool can_run(const struct probe *probe)
{
	return probe->source != OPTION_SOURCE_AUTO && probe->redis_is_good;
}

static void print_text(const struct probe *probe)
{
	int name_width = 0, found_width = 0;

	for (size_t i = 0; i < probe->count; i++) {
		int name = (int)strlen(probe->rows[i].name);
		int found = (int)strlen(probe->rows[i].found);

		name_width = name > name_width ? name : name_width;
		found_width = found > found_width && probe->rows[i].hint[0] ? found : found_width;
	}
	printf("%-*s  %-7s  %-*s  %s\n", name_width, "CHECK", "STATE", found_width, "FOUND",
	       "WHAT WOULD HELP");
	for (size_t i = 0; i < probe->count; i++) {
		const struct probe_row *row = &probe->rows[i];

		printf("%-*s  %-7s  ", name_width, row->name, state_words[row->state]);
		if (row->hint[0])
			printf("%-*s  %s\n", found_width, row->found, row->hint);
		else
			puts(row->found);
	}
	if (can_run(probe))
		printf("\nneightrackd can run here, with source %s\n",
		       option_source_names[probe->source]);
	else
		printf("\nneightrackd cannot run here: %s\n", probe->source == OPTION_SOURCE_AUTO ?
		       "there is no source" : "Redis is not as it must be");
}

static json_object *row_to_json(const struct probe_row *row)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "check", json_object_new_string(row->name));
	json_object_object_add(object, "state", json_object_new_string(state_words[row->state]));
	json_object_object_add(object, "found", json_object_new_string(row->found));
	if (row->hint[0])
		json_object_object_add(object, "hint", json_object_new_string(row->hint));
	return object;
}

static void print_json(const struct probe *probe, bool pretty)
{
	json_object *object = json_object_new_object();
	json_object *rows = json_object_new_array();

	json_object_object_add(object, "can_run", json_object_new_boolean(can_run(probe)));
	json_object_object_add(object, "source", probe->source == OPTION_SOURCE_AUTO ? NULL :
			       json_object_new_string(option_source_names[probe->source]));
	for (size_t i = 0; i < probe->count; i++)
		json_object_array_add(rows, row_to_json(&probe->rows[i]));
	json_object_object_add(object, "checks", rows);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE |
					    (pretty ? JSON_C_TO_STRING_PRETTY :
						      JSON_C_TO_STRING_PLAIN)));
	json_object_put(object);
}

int command_probe(const struct options *options, const struct command_arguments *arguments)
{
	struct probe probe = { .options = options };

	if (arguments->count) {
		fprintf(stderr, "neightrack probe: '%s': no argument is allowed\n",
			arguments->words[0]);
		return COMMAND_FAILED;
	}
	machine_look(&probe.machine);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](&probe);
	if (arguments->json)
		print_json(&probe, arguments->pretty);
	else
		print_text(&probe);
	return can_run(&probe) ? COMMAND_OK : COMMAND_DIFFERENT;
}

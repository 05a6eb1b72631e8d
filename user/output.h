/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tool writes to stdout: JSON in either form, and text with colours where a
 * person sees it. */
#ifndef NEIGHTRACK_OUTPUT_H
#define NEIGHTRACK_OUTPUT_H

#include <json-c/json.h>
#include <stdint.h>

#include "command.h"

enum paint {
	PAINT_NONE,
	PAINT_ADDRESS,
	PAINT_MAC,
	PAINT_INTERFACE,
	PAINT_GOOD,
	PAINT_BAD,
	PAINT_TITLE,
};

/* Prints text, left-justified in `width` columns, in the colour if there are any. */
void output_text(const struct command_arguments *arguments, enum paint paint, int width,
		 const char *text);
/* Of a NUD state: good, bad, or neither. */
enum paint output_state_paint(uint16_t nud_state);

/* Prints the object and a newline, and frees it. */
void output_json(const struct command_arguments *arguments, json_object *object);
void output_add_text(json_object *object, const char *key, const char *text);
void output_add_number(json_object *object, const char *key, uint64_t number);
void output_add_bool(json_object *object, const char *key, bool value);
/* With three digits behind the point. */
void output_add_seconds(json_object *object, const char *key, double seconds);
/* Nothing if it is NULL. */
void output_add_mac(json_object *object, const char *key, const uint8_t *mac);
void output_add_states(json_object *object, const char *key, uint16_t nud_state);

#endif

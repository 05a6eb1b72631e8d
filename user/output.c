/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"

#include <linux/types.h>
#include <stdio.h>
#include <string.h>

#include "neigh_text.h"
#include "neightrack/policy.h"

void output_text(const struct command_arguments *arguments, enum paint paint, int width,
		 const char *text)
{
	static const char *const codes[] = {
		[PAINT_ADDRESS] = "\033[35m", [PAINT_MAC] = "\033[33m",
		[PAINT_INTERFACE] = "\033[36m", [PAINT_GOOD] = "\033[32m",
		[PAINT_BAD] = "\033[31m", [PAINT_TITLE] = "\033[1m",
	};
	bool is_painted = arguments->colour && paint != PAINT_NONE;
	int bytes = (int)strlen(text);

	printf("%s%s%s%*s", is_painted ? codes[paint] : "", text, is_painted ? "\033[0m" : "",
	       bytes < width ? width - bytes : 0, "");
}

enum paint output_state_paint(uint16_t nud_state)
{
	if (nud_state & (NEIGH_NUD_REACHABLE | NEIGH_NUD_PERMANENT))
		return PAINT_GOOD;
	return nud_state & (NEIGH_NUD_FAILED | NEIGH_NUD_INCOMPLETE) ? PAINT_BAD : PAINT_NONE;
}

void output_json(const struct command_arguments *arguments, json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE |
		(arguments->pretty ? JSON_C_TO_STRING_PRETTY : JSON_C_TO_STRING_PLAIN)));
	json_object_put(object);
}

void output_add_text(json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void output_add_number(json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)number));
}

void output_add_seconds(json_object *object, const char *key, double seconds)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", seconds);
	json_object_object_add(object, key, json_object_new_double_s(seconds, text));
}

void output_add_bool(json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void output_add_mac(json_object *object, const char *key, const uint8_t *mac)
{
	char text[MAC_TEXT_BYTES];

	if (!mac)
		return;
	mac_to_text(mac, text);
	output_add_text(object, key, text);
}

void output_add_states(json_object *object, const char *key, uint16_t nud_state)
{
	json_object *states = json_object_new_array();
	const char *name;

	for (unsigned int i = 0; (name = nud_state_name(nud_state, i)); i++)
		json_object_array_add(states, json_object_new_string(name));
	json_object_object_add(object, key, states);
}

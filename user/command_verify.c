/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrack verify: does Redis equal the kernel's table under the policy? Or, with
 * --shadow: does neighsyncd's table equal the one that a shadow has written?
 *
 * Both are read while they change, so a difference counts only if the same key
 * differs each time that it is looked at, some time apart.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "listing.h"
#include "log.h"
#include "neigh_text.h"
#include "output.h"
#include "schema.h"

#define LOOKS 4
#define FIRST_PAUSE_NS 100000000L	/* doubled each time: 0.7 s in all */

struct difference {
	char *key;
	const char *what;
	char kernel[MAC_TEXT_BYTES];	/* "" = none; the shadow's, if it is compared */
	char redis[MAC_TEXT_BYTES];	/* ... with the original */
};

/* What is compared with what, in words. */
struct sides {
	const char *kernel, *redis;	/* keys of JSON */
	const char *no_kernel, *no_redis, *unreadable;
};

static const struct sides usual_sides = {
	"kernel", "redis", "not in the kernel", "not in Redis", "unreadable in Redis",
};

static const struct sides shadow_sides = {
	"shadow", "original", "not in the shadow", "not in the original",
	"unreadable in the original",
};

struct differences {
	struct difference *list;
	size_t count;
	size_t compared;
	bool failed;
	const struct sides *sides;
};

static void free_differences(struct differences *differences)
{
	for (size_t i = 0; i < differences->count; i++)
		free(differences->list[i].key);
	free(differences->list);
	*differences = (struct differences){ .sides = differences->sides };
}

static void add(struct differences *differences, const char *key, const char *what,
		const struct listing_row *kernel, const struct listing_row *redis)
{
	struct difference *list = realloc(differences->list,
					  (differences->count + 1) * sizeof(*list));
	struct difference difference = { .key = strdup(key), .what = what };

	if (list)
		differences->list = list;
	if (!list || !difference.key) {
		free(difference.key);
		differences->failed = true;
		return;
	}
	if (kernel)
		mac_to_text(kernel->mac, difference.kernel);
	if (redis && redis->value == LISTING_MAC)
		mac_to_text(redis->mac, difference.redis);
	list[differences->count++] = difference;
}

static void add_row(struct differences *differences, const struct schema *schema,
		    const struct listing_row *kernel, const struct listing_row *redis)
{
	const struct listing_row *row = kernel ? kernel : redis;
	char key[SCHEMA_KEY_BYTES];
	size_t bytes = schema_key(schema, row->interface, row->family, row->addr, key);
	const char *what = "another MAC";

	key[bytes] = '\0';
	if (!kernel)
		what = differences->sides->no_kernel;
	else if (!redis)
		what = differences->sides->no_redis;
	else if (redis->value != LISTING_MAC)
		what = differences->sides->unreadable;
	add(differences, key, what, kernel, redis);
}

/* Both lists are sorted: one walk finds all differences. */
static void compare(struct differences *differences, const struct schema *schema,
		    const struct listing *kernel, const struct listing *redis)
{
	size_t i = 0, j = 0;

	while (i < kernel->count || j < redis->count) {
		const struct listing_row *left = i < kernel->count ? &kernel->rows[i] : NULL;
		const struct listing_row *right = j < redis->count ? &redis->rows[j] : NULL;
		int order = !left ? 1 : !right ? -1 : listing_compare(left, right);

		differences->compared++;
		if (order || right->value != LISTING_MAC ||
		    memcmp(left->mac, right->mac, sizeof(left->mac)))
			add_row(differences, schema, order > 0 ? NULL : left,
				order < 0 ? NULL : right);
		i += order <= 0;
		j += order >= 0;
	}
	for (j = 0; j < redis->foreign_count; j++)
		add(differences, redis->foreign[j], "not a neighbour's key", NULL, NULL);
}

static int look(struct differences *differences, const struct options *options)
{
	struct listing kernel = { 0 }, redis = { 0 };
	struct schema schema;
	int error = schema_init(&schema, (enum schema_kind)options->schema, options->key_prefix, 0);

	differences->sides = options->shadow ? &shadow_sides : &usual_sides;
	if (!error)
		error = options->shadow ? listing_from_redis(&kernel, options) :
					  listing_from_kernel(&kernel, options);
	if (!error)
		error = options->shadow ? listing_from_original(&redis, options) :
					  listing_from_redis(&redis, options);
	if (!error)
		compare(differences, &schema, &kernel, &redis);
	listing_free(&redis);
	listing_free(&kernel);
	return error || differences->failed ? -1 : 0;
}

/* Keeps of `differences` those that are in `earlier` too. */
static void keep_lasting(struct differences *differences, const struct differences *earlier)
{
	size_t kept = 0, from = 0;

	/* both are in the order of their listings, so one walk would do but for
	 * keys that come and go: look ahead from where the last was found */
	for (size_t i = 0; i < differences->count; i++) {
		struct difference *difference = &differences->list[i];
		size_t j = from;

		while (j < earlier->count && strcmp(earlier->list[j].key, difference->key))
			j++;
		if (j < earlier->count) {
			from = j + 1;
			differences->list[kept++] = *difference;
		} else {
			free(difference->key);
		}
	}
	differences->count = kept;
}

static void print_json(const struct differences *differences,
		       const struct command_arguments *arguments)
{
	json_object *object = json_object_new_object();
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < differences->count; i++) {
		const struct difference *difference = &differences->list[i];
		json_object *row = json_object_new_object();

		output_add_text(row, "key", difference->key);
		output_add_text(row, "difference", difference->what);
		if (difference->kernel[0])
			output_add_text(row, differences->sides->kernel, difference->kernel);
		if (difference->redis[0])
			output_add_text(row, differences->sides->redis, difference->redis);
		json_object_array_add(array, row);
	}
	output_add_bool(object, "equal", !differences->count);
	output_add_number(object, "compared", differences->compared);
	json_object_object_add(object, "differences", array);
	output_json(arguments, object);
}

static void print_text(const struct differences *differences)
{
	for (size_t i = 0; i < differences->count; i++) {
		const struct difference *difference = &differences->list[i];

		printf("%s: %s (%s %s, %s %s)\n", difference->key, difference->what,
		       differences->sides->kernel,
		       difference->kernel[0] ? difference->kernel : "-",
		       differences->sides == &shadow_sides ? "original" : "Redis",
		       difference->redis[0] ? difference->redis : "-");
	}
	if (differences->count)
		printf("different: %zu of %zu neighbours\n", differences->count,
		       differences->compared);
	else
		printf("equal: %zu neighbours\n", differences->compared);
}

int command_verify(const struct options *options, const struct command_arguments *arguments)
{
	struct timespec pause = { .tv_nsec = FIRST_PAUSE_NS };
	struct differences lasting = { 0 };
	int status = COMMAND_FAILED;

	if (arguments->count) {
		fprintf(stderr, "neightrack verify: '%s': no argument is allowed\n",
			arguments->words[0]);
		return COMMAND_FAILED;
	}
	if (look(&lasting, options))
		goto out;
	for (int i = 1; i < LOOKS && lasting.count; i++) {
		struct differences again = { 0 };

		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		if (look(&again, options)) {
			free_differences(&again);
			goto out;
		}
		keep_lasting(&again, &lasting);
		free_differences(&lasting);
		lasting = again;
	}
	if (arguments->json)
		print_json(&lasting, arguments);
	else
		print_text(&lasting);
	status = lasting.count ? COMMAND_DIFFERENT : COMMAND_OK;
out:
	free_differences(&lasting);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configuration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"
#include "redis_address.h"

/* Addresses were checked when they were read. */
static bool is_same_redis(const char *one, const char *other)
{
	struct redis_address addresses[2];
	const char *why;

	return !redis_address_parse(&addresses[0], one, &why) &&
	       !redis_address_parse(&addresses[1], other, &why) &&
	       redis_address_is_same(&addresses[0], &addresses[1]);
}

static int check_pair(const struct options *one, const struct options *other, FILE *errors)
{
	const char *state = one->databases.databases[SONIC_STATE_DB].address;
	const char *other_state = other->databases.databases[SONIC_STATE_DB].address;
	bool is_one_redis = is_same_redis(one->redis, other->redis);

	if (!strcmp(one->netns, other->netns))
		return option_complain(errors, "instances %s and %s: both have netns = %s; each "
				       "needs one of its own", one->mirror, other->mirror,
				       one->netns);
	if (is_one_redis && !strcmp(one->key_prefix, other->key_prefix))
		return option_complain(errors, "instances %s and %s: both would write "
				       "%sNEIGH_TABLE in the Redis at %s; each needs a Redis, a "
				       "database or a key_prefix of its own", one->mirror,
				       other->mirror, one->key_prefix, one->redis);
	if (is_one_redis && one->stream[0] && !strcmp(one->stream, other->stream))
		return option_complain(errors, "instances %s and %s: both have stream = %s in the "
				       "Redis at %s; each needs one of its own", one->mirror,
				       other->mirror, one->stream, one->redis);
	if (one->warm_restart && other->warm_restart && is_same_redis(state, other_state) &&
	    !strcmp(one->application, other->application))
		return option_complain(errors, "instances %s and %s: both have warm_restart = yes "
				       "as %s in one STATE_DB; each needs an application of its "
				       "own", one->mirror, other->mirror, one->application);
	return 0;
}

static int check_pairs(const struct configuration *configuration, FILE *errors)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < configuration->count; i++)
		for (uint32_t j = 0; !error && j < i; j++)
			error = check_pair(&configuration->mirrors[j], &configuration->mirrors[i],
					   errors);
	return error;
}

static int no_memory(FILE *errors)
{
	option_complain(errors, "out of memory");
	return -ENOMEM;
}

/* name: "" for what is common to all. */
static int add(struct configuration *configuration, const char *name, struct command_line *line,
	       int argc, char **argv, FILE *errors)
{
	struct options *options = &configuration->mirrors[configuration->count];

	if (options_init(options))
		return no_memory(errors);
	configuration->count++;
	snprintf(options->mirror, sizeof(options->mirror), "%s", name);
	return options_parse(options, line, argc, argv, errors);
}

int configuration_parse(struct configuration *configuration, struct command_line *line, int argc,
			char **argv, FILE *errors)
{
	struct option_instances instances;
	int error;

	*configuration = (struct configuration){ 0 };
	configuration->mirrors = calloc(OPTIONS_INSTANCES, sizeof(*configuration->mirrors));
	if (!configuration->mirrors)
		return no_memory(errors);
	error = add(configuration, "", line, argc, argv, errors);
	if (!error && line->mirror)
		return option_complain(errors, "--mirror %s: neightrackd serves every instance of "
				       "its file; it is neightrack that looks at one",
				       line->mirror);
	if (error || !line->instances.count)
		return error;
	instances = line->instances;
	options_free(&configuration->mirrors[0]);
	configuration->count = 0;
	for (unsigned int i = 0; !error && i < instances.count; i++)
		error = add(configuration, instances.names[i], line, argc, argv, errors);
	return error ? error : check_pairs(configuration, errors);
}

void configuration_free(struct configuration *configuration)
{
	for (uint32_t i = 0; i < configuration->count; i++)
		options_free(&configuration->mirrors[i]);
	free(configuration->mirrors);
	*configuration = (struct configuration){ 0 };
}

struct saying {
	const char *mirror;
	void (*say)(void *context, const char *name);
	void *context;
	bool is_first;
};

/* What is all instances' is told of once. */
static void say_of_mirror(void *context, const char *name)
{
	const struct saying *saying = context;
	char text[OPTION_NAME_BYTES + OPTIONS_MIRROR_BYTES + sizeof("[instance ] ")];
	bool is_common = option_is_common(name);

	if (is_common && !saying->is_first)
		return;
	snprintf(text, sizeof(text), "[instance %s] %s", saying->mirror, name);
	saying->say(saying->context, is_common || !saying->mirror[0] ? name : text);
}

int configuration_take_over(struct configuration *running, struct configuration *fresh,
			    void (*say)(void *context, const char *name), void *context)
{
	int changed = 0;

	if (running->count != fresh->count)
		return -EINVAL;
	for (uint32_t i = 0; i < running->count; i++)
		if (strcmp(running->mirrors[i].mirror, fresh->mirrors[i].mirror))
			return -EINVAL;
	for (uint32_t i = 0; i < running->count; i++) {
		struct saying saying = { running->mirrors[i].mirror, say, context, i == 0 };

		changed += options_take_over(&running->mirrors[i], &fresh->mirrors[i],
					     say_of_mirror, &saying);
	}
	return changed;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench_pace.h"
#include "bench_progress.h"
#include "bench_redis.h"
#include "command.h"
#include "log.h"
#include "version.h"

#define MOST_WORDS 64

static const struct bench_variant as_asked[] = { { "", { NULL } } };

static const struct bench_variant side_by_side[] = {
	{ "tp_btf", { "--source", "tp_btf" } },
	{ "netlink", { "--source", "netlink" } },
	{ "batch_size_1", { "--source", "tp_btf", "--batch-size", "1" } },
};

/* What is asked of all, then the variant, whose words hold. 0 or -E2BIG. */
static int put_words(const struct bench_request *request, const struct bench_variant *variant,
		     char **words)
{
	int count = 0;

	if (request->extra_count + BENCH_MOST_VARIANT_WORDS + 5 > MOST_WORDS)
		return -E2BIG;
	if (request->source) {
		words[count++] = (char *)"--source";
		words[count++] = (char *)request->source;
	}
	if (request->schema) {
		words[count++] = (char *)"--schema";
		words[count++] = (char *)request->schema;
	}
	for (int i = 0; i < request->extra_count; i++)
		words[count++] = request->extra[i];
	for (int i = 0; i < BENCH_MOST_VARIANT_WORDS && variant->words[i]; i++)
		words[count++] = (char *)variant->words[i];
	words[count] = NULL;
	return 0;
}

static int run_once(const struct bench_request *request, const struct bench_scenario *scenario,
		    const struct bench_options *options, const struct bench_variant *variant,
		    struct bench_progress *progress, struct bench_result *result,
		    struct bench_machine *machine)
{
	char *words[MOST_WORDS];
	struct bench_setup setup = {
		.redis = request->redis,
		.schema = request->schema && !strcmp(request->schema, "sonic") ? SCHEMA_SONIC :
										 SCHEMA_PLAIN,
		.daemon_words = words,
		.real_packets = request->real_packets,
		.ipv6 = request->ipv6,
		.interfaces = options->interfaces,
		.program_statistics = options->program_statistics,
		.progress = progress,
	};
	struct bench_world world;
	int error = put_words(request, variant, words);

	*result = (struct bench_result){ 0 };
	if (error)
		return error;
	error = bench_world_make(&world, &setup);
	if (!error)
		error = scenario->run(&world, options, result);
	if (!error)
		bench_redis_version(world.connection, machine->redis_version,
				    sizeof(machine->redis_version));
	bench_world_free(&world);
	return error;
}

int bench_run_variants(const struct bench_request *request, const struct bench_scenario *scenario,
		       const struct bench_options *options, const struct bench_variant *variants,
		       size_t count, struct bench_result *results, struct bench_machine *machine)
{
	struct bench_progress progress = { .scenario = scenario->name,
					   .runs = count * request->repeat };
	int error = 0;

	for (; !error && progress.run < progress.runs; progress.run++) {
		size_t variant = progress.run % count, turn = progress.run / count;

		progress.variant = variants[variant].name;
		bench_progress_show(&progress, 0);
		error = run_once(request, scenario, options, &variants[variant], &progress,
				 &results[variant * request->repeat + turn], machine);
	}
	bench_progress_hide();
	if (bench_is_interrupted())
		log_error("bench %s: interrupted", scenario->name);
	else if (error)
		log_error("bench %s: %s", scenario->name, strerror(-error));
	return error;
}

bool bench_is_complete(const struct bench_result *results, size_t runs)
{
	for (size_t i = 0; i < runs; i++)
		if (bench_result_get(&results[i], "missing") != 0 ||
		    bench_result_get(&results[i], "wrong") != 0)
			return false;
	return true;
}

/* The first processor's, as a rule that of all. */
static void find_processor(char *name, size_t bytes)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(name, bytes, "unknown");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", strlen("model name")) || !colon)
			continue;
		snprintf(name, bytes, "%s", colon + 1 + strspn(colon + 1, " "));
		name[strcspn(name, "\n")] = '\0';
		break;
	}
	fclose(file);
}

struct json_object *bench_machine_json(const struct bench_machine *machine)
{
	struct json_object *object = json_object_new_object();
	struct utsname kernel;
	char processor[128];

	if (!object || uname(&kernel))
		return object;
	find_processor(processor, sizeof(processor));
	json_object_object_add(object, "cpus",
			       json_object_new_int((int)sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_object_add(object, "processor", json_object_new_string(processor));
	json_object_object_add(object, "kernel", json_object_new_string(kernel.release));
	json_object_object_add(object, "redis", json_object_new_string(machine->redis_version));
	json_object_object_add(object, "neightrack", json_object_new_string(NEIGHTRACK_VERSION));
	return object;
}

struct bench_options bench_fill_in(const struct bench_request *request,
				   const struct bench_options *defaults)
{
	const struct bench_options *given = &request->options;

	return (struct bench_options){
		.neighbours = given->neighbours ? given->neighbours : defaults->neighbours,
		.events = given->events ? given->events : defaults->events,
		.changes = given->changes ? given->changes : defaults->changes,
		.rate = given->rate ? given->rate : defaults->rate,
		.duration_s = given->duration_s ? given->duration_s : defaults->duration_s,
		.from = given->from ? given->from : defaults->from,
		.to = given->to ? given->to : defaults->to,
		.interfaces = given->interfaces ? given->interfaces : defaults->interfaces,
		.program_statistics = given->program_statistics || defaults->program_statistics,
	};
}

static int print_json(const struct bench_request *request, const char *scenario,
		      const struct bench_variant *variants, size_t count,
		      const struct bench_result *results, const struct bench_machine *machine)
{
	struct json_object *object = json_object_new_object(), *all = object;
	bool is_one = variants == as_asked;
	int error = object ? 0 : -ENOMEM;

	json_object_object_add(object, "scenario", json_object_new_string(scenario));
	json_object_object_add(object, "repeat", json_object_new_int((int)request->repeat));
	json_object_object_add(object, "machine", bench_machine_json(machine));
	if (!is_one) {
		all = json_object_new_object();
		json_object_object_add(object, "variants", all);
	}
	for (size_t i = 0; !error && i < count; i++) {
		struct json_object *one = is_one ? object : json_object_new_object();

		error = one ? bench_result_json(one, results + i * request->repeat,
						request->repeat) : -ENOMEM;
		if (!is_one)
			json_object_object_add(all, variants[i].name, one);
	}
	if (!error) {
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
		fflush(stdout);
	}
	json_object_put(object);
	return error;
}

/* One line a figure, one column a variant, or the spread beside the only one. */
static void print_table(const struct bench_request *request, const char *scenario,
			const struct bench_variant *variants, size_t count,
			const struct bench_result *results)
{
	unsigned int repeat = request->repeat;

	printf("%s:\n", scenario);
	if (variants != as_asked) {
		printf("  %-36s", "");
		for (size_t i = 0; i < count; i++)
			printf(" %14s", variants[i].name);
		putchar('\n');
	}
	for (size_t i = 0; i < results[0].count; i++) {
		const char *name = results[0].figures[i].name;
		struct bench_spread spread = { 0 };

		printf("  %-36s", name);
		for (size_t v = 0; v < count; v++) {
			const struct bench_result *runs = results + v * repeat;

			spread = bench_result_spread(runs, repeat, name);
			if (bench_result_has(runs, name))
				printf(" %14.6g", spread.median);
			else
				printf(" %14s", "-");
		}
		if (count == 1 && repeat > 1)
			printf("   (%.6g to %.6g)", spread.least, spread.most);
		putchar('\n');
	}
	fflush(stdout);
}

int bench_suite_run(const struct bench_request *request, const struct bench_scenario *scenario)
{
	const struct bench_variant *variants = request->side_by_side ? side_by_side : as_asked;
	size_t count = request->side_by_side ? sizeof(side_by_side) / sizeof(*side_by_side) : 1;
	struct bench_options options = bench_fill_in(request, request->quick ? &scenario->quick :
									       &scenario->defaults);
	struct bench_result *results = calloc(count * request->repeat, sizeof(*results));
	struct bench_machine machine = { 0 };
	int status = COMMAND_FAILED, error = -ENOMEM;

	if (request->real_packets && !scenario->takes_packets) {
		log_error("bench %s: it has no form with real packets", scenario->name);
		goto out;
	}
	if (results)
		error = bench_run_variants(request, scenario, &options, variants, count, results,
					   &machine);
	if (!error && request->json)
		error = print_json(request, scenario->name, variants, count, results, &machine);
	else if (!error)
		print_table(request, scenario->name, variants, count, results);
	if (!error)
		status = bench_is_complete(results, count * request->repeat) ? COMMAND_OK :
									       COMMAND_DIFFERENT;
out:
	free(results);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neightrack bench SCENARIO: measures the whole way, kernel to Redis, on neighbours,
 * a Redis and a daemon of its own, and the floors beside it in the same run. Its
 * options are its own; what stands behind -- is the daemon's.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_scenario.h"
#include "command.h"
#include "log.h"

struct request {
	const struct bench_scenario *scenario;
	struct bench_options options;
	char *source;
	unsigned int repeat;
	bool json;
	char **extra;			/* for the daemon's command line */
	int extra_count;
};

#define DEFAULT_LIMIT 131072u		/* neightrackd's own max_neighbours */

static void print_help(FILE *out)
{
	const struct bench_scenario *scenario;

	fputs("Usage: neightrack bench SCENARIO [OPTION]... [-- OPTION OF neightrackd...]\n\n"
	      "Scenarios, or all:\n", out);
	for (unsigned int i = 0; (scenario = bench_scenario(i)); i++)
		fprintf(out, "  %-14s %s\n", scenario->name, scenario->help);
	fputs("\n"
	      "  --neighbors N   --events N   --rate N (a second)   --duration N (seconds)\n"
	      "  --repeat N      run it N times: medians, and the spread\n"
	      "  --source NAME   as of neightrackd\n"
	      "  --json          one JSON object a scenario\n\n"
	      "Each makes a network namespace, a redis-server and a daemon of its own, and\n"
	      "removes them. Root is needed. floor_seconds is the larger of what the kernel\n"
	      "takes alone and what a bare pipelined writer of the same commands takes.\n", out);
}

static bool take_number(const char *text, uint32_t most, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || !value || value > most || text[0] == '-')
		return false;
	*number = (uint32_t)value;
	return true;
}

/* Options that were not given have the scenario's own values. */
static struct bench_options fill_in(const struct bench_options *given,
				    const struct bench_options *defaults)
{
	struct bench_options options = *given;

	options.neighbours = given->neighbours ? given->neighbours : defaults->neighbours;
	options.events = given->events ? given->events : defaults->events;
	options.rate = given->rate ? given->rate : defaults->rate;
	options.duration_s = given->duration_s ? given->duration_s : defaults->duration_s;
	return options;
}

static int take_option(struct request *request, int letter, const char *text)
{
	uint32_t *number = NULL;
	uint32_t most = 1000000000;

	switch (letter) {
	case 'n':
		number = &request->options.neighbours;
		most = BENCH_MOST_NEIGHBOURS;
		break;
	case 'e':
		number = &request->options.events;
		most = BENCH_MOST_NEIGHBOURS;
		break;
	case 'r':
		number = &request->options.rate;
		break;
	case 'd':
		number = &request->options.duration_s;
		most = 86400;
		break;
	case 'x':
		number = &request->repeat;
		most = BENCH_MOST_RUNS;
		break;
	case 's':
		request->source = optarg;
		return 0;
	case 'j':
		request->json = true;
		return 0;
	default:
		return -EINVAL;
	}
	if (take_number(text, most, number))
		return 0;
	fprintf(stderr, "neightrack bench: '%s': allowed are 1 to %u\n", text, most);
	return -EINVAL;
}

static int take_options(struct request *request, int argc, char **argv)
{
	static const struct option known[] = {
		{ "neighbors", required_argument, NULL, 'n' },
		{ "neighbours", required_argument, NULL, 'n' },
		{ "events", required_argument, NULL, 'e' },
		{ "rate", required_argument, NULL, 'r' },
		{ "duration", required_argument, NULL, 'd' },
		{ "repeat", required_argument, NULL, 'x' },
		{ "source", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "j", known, NULL)) != -1)
		if (take_option(request, letter, optarg))
			return -EINVAL;
	return 0;
}

static int run_once(const struct bench_scenario *scenario, const struct bench_options *options,
		    struct bench_result *result)
{
	struct bench_world world;
	int error = bench_world_make(&world);

	*result = (struct bench_result){ 0 };
	if (!error)
		error = scenario->run(&world, options, result);
	bench_world_free(&world);
	if (error)
		log_error("bench %s: %s", scenario->name, strerror(-error));
	return error;
}

/* Whether everything was in Redis, each time. */
static bool is_complete(const struct bench_result *results, size_t runs)
{
	for (size_t i = 0; i < runs; i++)
		if (bench_result_get(&results[i], "missing") != 0 ||
		    bench_result_get(&results[i], "wrong") != 0)
			return false;
	return true;
}

/* The daemon's words: its source, a limit that lets all in, and what the user adds. */
static void make_daemon_words(const struct request *request, const struct bench_options *options,
			      char **words, char limit[16])
{
	uint32_t most = options->neighbours > options->events ? options->neighbours :
								options->events;

	/* a larger table than needed would be paid for at each start */
	if (most > DEFAULT_LIMIT) {
		snprintf(limit, 16, "%u", most);
		*words++ = (char *)"--max-neighbours";
		*words++ = limit;
	}
	if (request->source) {
		*words++ = (char *)"--source";
		*words++ = request->source;
	}
	memcpy(words, request->extra, (size_t)request->extra_count * sizeof(*words));
}

static int run_scenario(const struct request *request, const struct bench_scenario *scenario)
{
	struct bench_options options = fill_in(&request->options, &scenario->defaults);
	struct bench_result *results = calloc(request->repeat, sizeof(*results));
	char **words = calloc((size_t)request->extra_count + 5, sizeof(*words));
	int error = results && words ? 0 : -ENOMEM;
	int status = COMMAND_FAILED;
	struct json_object *object;
	char limit[16];

	if (!error)
		make_daemon_words(request, &options, words, limit);
	options.daemon_words = words;
	for (unsigned int i = 0; !error && i < request->repeat; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%s: run %u of %u ", scenario->name, i + 1, request->repeat);
		error = run_once(scenario, &options, &results[i]);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (!error) {
		status = is_complete(results, request->repeat) ? COMMAND_OK : COMMAND_DIFFERENT;
		object = request->json ? bench_result_json(scenario->name, results,
							   request->repeat) : NULL;
		if (object)
			puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
		else
			bench_result_print(scenario->name, results, request->repeat);
		json_object_put(object);
	}
	free(words);
	free(results);
	return status;
}

static int run_chosen(const struct request *request, const char *name)
{
	const struct bench_scenario *scenario;
	int status = COMMAND_FAILED;
	bool found = false;

	for (unsigned int i = 0; (scenario = bench_scenario(i)); i++) {
		int one;

		if (strcmp(name, "all") != 0 && strcmp(name, scenario->name) != 0)
			continue;
		one = run_scenario(request, scenario);
		status = found && status > one ? status : one;
		found = true;
	}
	if (!found)
		fprintf(stderr, "neightrack bench: '%s' is no scenario (--help lists them)\n", name);
	return status;
}

int command_bench(int argc, char **argv)
{
	struct request request = { .repeat = 1 };
	const char *name = argc > 1 ? argv[1] : "";

	if (!name[0] || name[0] == '-') {
		bool asked = !strcmp(name, "--help");

		print_help(asked ? stdout : stderr);
		return asked ? COMMAND_OK : COMMAND_FAILED;
	}
	if (take_options(&request, argc - 1, argv + 1))
		return COMMAND_FAILED;
	signal(SIGPIPE, SIG_IGN);
	request.extra = argv + 1 + optind;
	request.extra_count = argc - 1 - optind;
	return run_chosen(&request, name);
}

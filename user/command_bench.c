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

#include "bench_pace.h"
#include "bench_suite.h"
#include "command.h"
#include "machine.h"
#include "redis_address.h"

#define MOST_RATE 10000000u
#define MOST_SECONDS 86400u
#define MOST_INTERFACES 4000u
#define MOST_CHANGES 255u		/* a MAC tells that many generations apart */

static void print_help(FILE *out)
{
	const struct bench_scenario *scenario;

	fputs("Usage: neightrack bench SCENARIO [OPTION]... [-- OPTION OF neightrackd...]\n\n"
	      "Scenarios:\n", out);
	for (unsigned int i = 0; (scenario = bench_scenario(i)); i++)
		fprintf(out, "  %-14s %s\n", scenario->name, scenario->help);
	fputs("  all            all of these\n"
	      "  ablation       some of these with each optimisation, and without it\n"
	      "\n"
	      "  --neighbors N   --events N   --changes N (of each neighbour)\n"
	      "  --rate N (a second)   --duration N (seconds)   --from N, --to N (scale)\n"
	      "  --interfaces N  so many more, on which nothing happens\n"
	      "  --repeat N      run it N times by turns: medians, and the spread\n"
	      "  --quick         short forms, for a first look\n"
	      "  --side-by-side  the sources tp_btf and netlink, and batch_size 1, by turns\n"
	      "  --source NAME, --schema NAME   as of neightrackd\n"
	      "  --redis ADDRESS a Redis that is there: unix:// or tcp://, an empty database\n"
	      "  --ipv6          IPv6 neighbours\n"
	      "  --real-arp      change neighbours by ARP or ND packets (burst, sustained)\n"
	      "  --bpf-stats     count the BPF programs' runs and time, which slows them; sustained,\n"
	      "                  latency and unwatched, whose rate is given, do it unasked\n"
	      "  --json          one JSON object a scenario\n\n"
	      "Each makes a network namespace, a redis-server and a daemon of its own, and\n"
	      "removes them. Root is needed. floor_seconds is the larger of what the kernel\n"
	      "takes alone and what a bare pipelined writer of the same commands takes.\n", out);
}

static int take_number(const char *text, uint32_t most, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || !value || value > most || text[0] == '-') {
		fprintf(stderr, "neightrack bench: '%s': allowed are 1 to %u\n", text, most);
		return -EINVAL;
	}
	*number = (uint32_t)value;
	return 0;
}

/* Sentinels and lists of hosts may lead to another server each time. */
static int take_redis(const char *text, const char **redis)
{
	struct redis_address address;
	const char *why = "allowed are unix:///path[?db=N] and tcp://host[:port][/db]";

	if (!redis_address_parse(&address, text, &why) && address.kind != REDIS_SENTINEL &&
	    address.host_count == 1) {
		*redis = text;
		return 0;
	}
	fprintf(stderr, "neightrack bench: --redis: %s\n", why);
	return -EINVAL;
}

static int take_option(struct bench_request *request, int letter, const char *text)
{
	struct bench_options *options = &request->options;

	switch (letter) {
	case 'n': return take_number(text, BENCH_MOST_NEIGHBOURS, &options->neighbours);
	case 'e': return take_number(text, BENCH_MOST_NEIGHBOURS, &options->events);
	case 'c': return take_number(text, MOST_CHANGES, &options->changes);
	case 'r': return take_number(text, MOST_RATE, &options->rate);
	case 'd': return take_number(text, MOST_SECONDS, &options->duration_s);
	case 'f': return take_number(text, BENCH_MOST_NEIGHBOURS, &options->from);
	case 't': return take_number(text, BENCH_MOST_NEIGHBOURS, &options->to);
	case 'i': return take_number(text, MOST_INTERFACES, &options->interfaces);
	case 'x': return take_number(text, BENCH_MOST_RUNS, &request->repeat);
	case 'R': return take_redis(text, &request->redis);
	case 's': request->source = text; return 0;
	case 'S': request->schema = text; return 0;
	case 'b': options->program_statistics = true; return 0;
	case 'a': request->real_packets = true; return 0;
	case '6': request->ipv6 = true; return 0;
	case 'q': request->quick = true; return 0;
	case 'v': request->side_by_side = true; return 0;
	case 'j': request->json = true; return 0;
	default: return -EINVAL;
	}
}

static int take_options(struct bench_request *request, int argc, char **argv)
{
	static const struct option known[] = {
		{ "neighbors", required_argument, NULL, 'n' },
		{ "neighbours", required_argument, NULL, 'n' },
		{ "events", required_argument, NULL, 'e' },
		{ "changes", required_argument, NULL, 'c' },
		{ "rate", required_argument, NULL, 'r' },
		{ "duration", required_argument, NULL, 'd' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "interfaces", required_argument, NULL, 'i' },
		{ "repeat", required_argument, NULL, 'x' },
		{ "redis", required_argument, NULL, 'R' },
		{ "source", required_argument, NULL, 's' },
		{ "schema", required_argument, NULL, 'S' },
		{ "bpf-stats", no_argument, NULL, 'b' },
		{ "real-arp", no_argument, NULL, 'a' },
		{ "ipv6", no_argument, NULL, '6' },
		{ "quick", no_argument, NULL, 'q' },
		{ "side-by-side", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "j", known, NULL)) != -1)
		if (take_option(request, letter, optarg))
			return -EINVAL;
	if (request->options.from > request->options.to && request->options.to) {
		fputs("neightrack bench: --from must not be above --to\n", stderr);
		return -EINVAL;
	}
	return 0;
}

static int run_all(const struct bench_request *request)
{
	const struct bench_scenario *scenario;
	int status = COMMAND_OK;

	for (unsigned int i = 0; (scenario = bench_scenario(i)) && !bench_is_interrupted(); i++) {
		int one = bench_suite_run(request, scenario);

		status = status > one ? status : one;
	}
	return status;
}

static int run_chosen(const struct bench_request *request, const char *name)
{
	const struct bench_scenario *scenario = bench_scenario_find(name);

	if (scenario)
		return bench_suite_run(request, scenario);
	if (!strcmp(name, "all"))
		return run_all(request);
	if (!strcmp(name, "ablation"))
		return bench_ablation(request);
	fprintf(stderr, "neightrack bench: '%s' is no scenario (--help lists them)\n", name);
	return COMMAND_FAILED;
}

/* Left at 1 by whoever looked at the programs, it is measured along with them. */
static void warn_of_statistics(void)
{
	if (machine_switch("bpf_stats_enabled") > 0)
		fputs("neightrack bench: kernel.bpf_stats_enabled is 1, which slows each BPF program: "
		      "set it to 0 for figures that count\n", stderr);
}

int command_bench(int argc, char **argv)
{
	struct bench_request request = { .repeat = 1 };
	const char *name = argc > 1 ? argv[1] : "";

	if (!name[0] || name[0] == '-') {
		bool asked = !strcmp(name, "--help");

		print_help(asked ? stdout : stderr);
		return asked ? COMMAND_OK : COMMAND_FAILED;
	}
	if (take_options(&request, argc - 1, argv + 1))
		return COMMAND_FAILED;
	warn_of_statistics();
	signal(SIGPIPE, SIG_IGN);
	bench_pace_begin();
	request.extra = argv + 1 + optind;
	request.extra_count = argc - 1 - optind;
	return run_chosen(&request, name);
}

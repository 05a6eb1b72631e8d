/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench_pace.h"
#include "clock.h"

#define LOOKS 100
#define LOOK_NS (2 * NS_PER_MS)

static int read_file(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "re");
	size_t count;

	if (!file)
		return -errno;
	count = fread(text, 1, bytes - 1, file);
	text[count] = '\0';
	fclose(file);
	return 0;
}

/* The first number of schedstat is the time on a CPU in ns; the times of
 * /proc/PID/stat are in ticks of 10 ms, as long as a whole burst. */
static int read_cpu(pid_t pid, uint64_t *cpu_ns)
{
	const struct dirent *entry;
	char path[300], text[128];
	DIR *threads;

	*cpu_ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		return -errno;
	while ((entry = readdir(threads))) {
		unsigned long long ns;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		/* one that has ended meanwhile is none of those that live */
		if (!read_file(path, text, sizeof(text)) && sscanf(text, "%llu", &ns) == 1)
			*cpu_ns += ns;
	}
	closedir(threads);
	return 0;
}

static uint64_t number_behind(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	unsigned long long number = 0;

	if (at)
		sscanf(at + strlen(name), "%llu", &number);
	return number;
}

int bench_usage_read(pid_t pid, struct bench_usage *usage)
{
	char path[64], text[4096];
	int error;

	*usage = (struct bench_usage){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	error = read_file(path, text, sizeof(text));
	if (error)
		return error;
	usage->resident_bytes = number_behind(text, "\nVmRSS:") * 1024;
	usage->wakeups = number_behind(text, "\nvoluntary_ctxt_switches:");
	usage->preemptions = number_behind(text, "\nnonvoluntary_ctxt_switches:");
	return read_cpu(pid, &usage->cpu_ns);
}

int bench_usage_at_rest(pid_t pid, struct bench_usage *usage)
{
	struct bench_usage earlier;
	int error = bench_usage_read(pid, usage);

	for (int i = 0; !error && i < LOOKS; i++) {
		earlier = *usage;
		bench_sleep_until(clock_now_ns() + LOOK_NS);
		error = bench_usage_read(pid, usage);
		if (earlier.cpu_ns == usage->cpu_ns && earlier.wakeups == usage->wakeups)
			break;
	}
	return error;
}

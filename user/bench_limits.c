/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_limits.h"

#include <stdio.h>

#define THRESHOLDS 3

static void limit_path(int i, char path[64])
{
	snprintf(path, 64, "/proc/sys/net/%s/neigh/default/gc_thresh%d",
		 i < THRESHOLDS ? "ipv4" : "ipv6", i % THRESHOLDS + 1);
}

static void write_limit(int i, const char *value)
{
	char path[64];
	FILE *file;

	limit_path(i, path);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs(value, file);
	fclose(file);
}

void bench_limits_raise(char limits[BENCH_LIMITS][16])
{
	char path[64];

	/* the highest first: the kernel may collect in between */
	for (int i = BENCH_LIMITS - 1; i >= 0; i--) {
		FILE *file;

		limit_path(i, path);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (!fgets(limits[i], sizeof(limits[0]), file))
			limits[i][0] = '\0';
		fclose(file);
		write_limit(i, "20000000");
	}
}

void bench_limits_restore(char limits[BENCH_LIMITS][16])
{
	for (int i = 0; i < BENCH_LIMITS; i++)
		if (limits[i][0])
			write_limit(i, limits[i]);
}

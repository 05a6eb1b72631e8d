/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_limits.h"

#include <stdio.h>

#define LIMIT "/proc/sys/net/ipv4/neigh/default/gc_thresh%d"

static void write_limit(int i, const char *value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), LIMIT, i);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs(value, file);
	fclose(file);
}

void bench_limits_raise(char limits[3][16])
{
	char path[64];

	for (int i = 3; i >= 1; i--) {
		FILE *file;

		snprintf(path, sizeof(path), LIMIT, i);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (!fgets(limits[i - 1], sizeof(limits[0]), file))
			limits[i - 1][0] = '\0';
		fclose(file);
		/* the highest first: the kernel may collect in between */
		write_limit(i, "20000000");
	}
}

void bench_limits_restore(char limits[3][16])
{
	for (int i = 1; i <= 3; i++)
		if (limits[i - 1][0])
			write_limit(i, limits[i - 1]);
}

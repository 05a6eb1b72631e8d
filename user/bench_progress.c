/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define BAR_WIDTH 30
#define PAUSE_NS (NS_PER_S / 10)

void bench_progress_show(struct bench_progress *progress, double share)
{
	double done = ((double)progress->run + share) / (double)progress->runs;
	int filled = (int)(BAR_WIDTH * done);
	uint64_t now_ns = clock_now_ns();

	if (now_ns - progress->shown_ns < PAUSE_NS || !isatty(STDERR_FILENO))
		return;
	progress->shown_ns = now_ns;
	fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f %% %zu/%zu %s %s", filled,
		"##############################", BAR_WIDTH - filled, "", 100 * done,
		progress->run, progress->runs, progress->scenario, progress->variant);
}

void bench_progress_hide(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

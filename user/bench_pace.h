/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time as benchmarks use it: sleeping until a moment, and until the user has enough. */
#ifndef NEIGHTRACK_BENCH_PACE_H
#define NEIGHTRACK_BENCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* For the whole process: sleeps end when they should, and SIGINT and SIGTERM wait
 * until they are asked for. bench_pace_child() undoes both for what is started. */
void bench_pace_begin(void);
void bench_pace_child(void);

/* SIGINT or SIGTERM has come. All waits end with -EINTR then, so that what was made
 * for the benchmark is removed on the ordinary way out. */
bool bench_is_interrupted(void);

void bench_sleep_until(uint64_t due_ns);
double bench_since(uint64_t start_ns);	/* seconds */

#endif

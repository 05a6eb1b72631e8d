/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon's BPF programs and maps take, by the kernel's own accounts. */
#ifndef NEIGHTRACK_BENCH_PROGRAMS_H
#define NEIGHTRACK_BENCH_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MOST_PROGRAMS 8

struct bench_program {
	char name[16];
	uint64_t runs;
	uint64_t run_ns;
};

struct bench_programs {
	uint64_t runs;			/* of all of them */
	uint64_t run_ns;
	size_t count;
	struct bench_program each[BENCH_MOST_PROGRAMS];
};

/* Lets the kernel count the runs and the time of all programs, which slows each run by
 * some tens of ns, until the descriptor that is returned is closed; or -errno. */
int bench_programs_count(void);

/* Of the programs that use the instance's maps. 0, -ENOENT (there are none, as its
 * source is another), or -errno. */
int bench_programs_read(const char *instance, struct bench_programs *programs);

/* Memory of the maps that the instance has pinned. 0, -ENOENT, or -errno. */
int bench_programs_map_bytes(const char *instance, uint64_t *bytes);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's limits of the number of neighbours, gc_thresh1 to 3. They are global, and
 * allow 1,024 if nobody has raised them. */
#ifndef NEIGHTRACK_BENCH_LIMITS_H
#define NEIGHTRACK_BENCH_LIMITS_H

/* limits: as they were. */
void bench_limits_raise(char limits[3][16]);
void bench_limits_restore(char limits[3][16]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's limits of neighbours, which are the machine's and not a namespace's, and
 * allow 1,024 of a family if nobody has raised them. */
#ifndef NEIGHTRACK_BENCH_LIMITS_H
#define NEIGHTRACK_BENCH_LIMITS_H

#define BENCH_LIMITS 6		/* gc_thresh1 to 3, IPv4 and IPv6 */

void bench_limits_raise(char limits[BENCH_LIMITS][16]);
void bench_limits_restore(char limits[BENCH_LIMITS][16]);

#endif

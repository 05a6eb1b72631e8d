/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls that the daemon can still make once it runs: those of its loop, of
 * connecting anew, and of glibc's resolver. Others are refused by the kernel (seccomp). */
#ifndef NEIGHTRACK_SYSCALL_FILTER_H
#define NEIGHTRACK_SYSCALL_FILTER_H

#include <stdbool.h>

/*
 * For this thread and all that it starts, for good. starts_again: that of entering a
 * network namespace and attaching there will be needed again. Says on stderr what failed.
 * 0 or -errno.
 */
int syscall_filter_load(bool starts_again);

#endif

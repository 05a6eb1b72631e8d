/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BPF program on a function of the kernel. */
#ifndef NEIGHTRACK_KPROBE_H
#define NEIGHTRACK_KPROBE_H

#include <stdbool.h>

/* Sees what rtnetlink's listeners are told; bpf/neightrack_raw.bpf.c says why not another. */
#define KPROBE_FUNCTION "__neigh_notify"

/* Whether this kernel has kprobes for perf_event_open(): CONFIG_KPROBE_EVENTS. */
bool kprobe_is_there(void);

/* From here on the program runs at each entry of the function, until the returned
 * descriptor is closed. -errno otherwise. */
int kprobe_open(const char *function, int program);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine, its kernel and this process' privileges allow. */
#ifndef NEIGHTRACK_MACHINE_H
#define NEIGHTRACK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct machine {
	char lockdown[16];		/* none, integrity, confidentiality; "" = unknown */
	bool has_bpf;			/* the system call */
	bool has_ring_buffer;		/* false too if the process may not even ask */
	bool has_atomics;		/* likewise */
	bool has_btf;			/* the kernel's types, where libbpf looks for them */
	bool has_kprobes;
	bool has_notify_function;	/* that the kprobe is for */
	bool may_use_bpf;		/* CAP_BPF, or CAP_SYS_ADMIN */
	bool may_trace;			/* CAP_PERFMON, or CAP_SYS_ADMIN */
};

void machine_look(struct machine *machine);

/* A switch below /proc/sys/kernel, by its name there: its number, which is not negative;
 * -errno, or -EINVAL if it holds none. */
int machine_switch(const char *name);

/* What every source by BPF needs and is not there; the same words. */
const char *machine_bpf_obstacle(const struct machine *machine);

/* What a kind of source needs and is not there, as words behind "needs"; NULL if nothing
 * is known to be missing. btf: the option. */
const char *machine_obstacle(const struct machine *machine, enum option_source kind,
			     const char *btf);

#define MACHINE_WHY_BYTES 200

/* Why a source of that kind failed with an error: what it needs, or what would help. */
void machine_explain(const struct machine *machine, enum option_source kind, const char *btf,
		     int error, char why[MACHINE_WHY_BYTES]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of an instance's pinned programs and maps,
 * /sys/fs/bpf/neightrack/<instance>, which is also what makes an instance exist once only. */
#ifndef NEIGHTRACK_PINS_H
#define NEIGHTRACK_PINS_H

#include <stdbool.h>

#define PINS_ROOT "/sys/fs/bpf/neightrack"

struct pins {
	char path[sizeof(PINS_ROOT) + 64];
	int lock_fd;
};

/*
 * Mounts bpffs if it is not, makes the folder, and locks it until pins_close().
 * Returns 0; -EBUSY if another process has the lock; or -errno. Says on stderr what
 * failed. *pins is good for pins_close() either way.
 */
int pins_open(struct pins *pins, const char *instance);

/* Removes what is pinned in the folder, which the caller has locked. */
void pins_remove(const char *path);

/* Removes what an instance has left, unless another process has it locked. */
void pins_forget(const char *instance);

/* keep: what is pinned stays for the next daemon; else it goes, with the folder. */
void pins_close(struct pins *pins, bool keep);

#endif

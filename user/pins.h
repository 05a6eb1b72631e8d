/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of an instance's pinned programs and maps,
 * /sys/fs/bpf/neightrack/<instance>, which is also what makes an instance exist once only. */
#ifndef NEIGHTRACK_PINS_H
#define NEIGHTRACK_PINS_H

#include <stdbool.h>
#include <sys/types.h>

#define PINS_BPFFS "/sys/fs/bpf"
#define PINS_ROOT PINS_BPFFS "/neightrack"

struct pins {
	char path[sizeof(PINS_ROOT) + 64];
	int lock_fd;
	bool are_usable;		/* else there is nowhere to pin, and why: */
	char why[256];
};

/*
 * Mounts bpffs if it is not, makes the folder, and locks it until pins_close().
 * owner: who else but root and this process' user may own it, so that what is in it is
 * to be trusted. Returns 0, or -EBUSY if another process has the lock, with a line to
 * the log. *pins is good for pins_close() either way.
 */
int pins_open(struct pins *pins, const char *instance, uid_t owner);

/* Removes what is pinned. */
void pins_clear(const struct pins *pins);

/* The folder and all in it become another user's. 0 or -errno. */
int pins_give(const struct pins *pins, uid_t uid, gid_t gid);

/* Removes what an instance has left, unless another process has it locked. */
void pins_forget(const char *instance);

/* keep: what is pinned stays for the next daemon; else it goes, with the folder if this
 * process may still remove that. */
void pins_close(struct pins *pins, bool keep);

#endif

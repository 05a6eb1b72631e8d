/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of an instance's pinned maps, /sys/fs/bpf/neightrack/<instance>,
 * which is also what makes an instance exist once only. */
#ifndef NEIGHTRACK_PINS_H
#define NEIGHTRACK_PINS_H

#define PINS_ROOT "/sys/fs/bpf/neightrack"

struct pins {
	char path[sizeof(PINS_ROOT) + 64];
	int lock_fd;
};

/*
 * Mounts bpffs if it is not, makes the folder, locks it until pins_close(), and
 * removes what a daemon that was killed left there. Returns 0; -EBUSY if
 * another process has the lock; or -errno. Says on stderr what failed.
 */
int pins_open(struct pins *pins, const char *instance);

/* Removes what is pinned, and the folder. */
void pins_close(struct pins *pins);

#endif

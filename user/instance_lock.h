/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One daemon an instance, whatever its source: two of them would undo each
 * other's work in Redis. */
#ifndef NEIGHTRACK_INSTANCE_LOCK_H
#define NEIGHTRACK_INSTANCE_LOCK_H

#define INSTANCE_LOCK_FOLDER "/run/neightrack"

/*
 * Locks /run/neightrack/<instance>.lock until the descriptor is closed or the
 * process ends, however it ends. Returns the descriptor; -EBUSY if another
 * process has it; or -errno. Says on stderr what failed. A process that may not
 * write there goes on without (-EACCES, -EROFS, with a warning).
 */
int instance_lock(const char *instance);

/* The process that has it, by /proc/locks, which nobody need wait for; 0: none is known. */
int instance_holder(const char *instance);

/* Removes that file, of an instance whose name nobody will use again. */
void instance_forget(const char *instance);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The password for Redis, which stands in a file: command lines are public. */
#ifndef NEIGHTRACK_REDIS_PASSWORD_H
#define NEIGHTRACK_REDIS_PASSWORD_H

#define REDIS_PASSWORD_BYTES 514	/* 512, an end of line and the end */

/* The first line of the file, without its end; of at most 512 bytes. Warns if
 * everybody may read the file. Returns 0; -ENODATA if there is nothing in it,
 * -EMSGSIZE, or another -errno. The caller wipes what it was given. */
int redis_password_read(const char *path, char password[REDIS_PASSWORD_BYTES]);

#endif

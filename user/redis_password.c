/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "redis_password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"

int redis_password_read(const char *path, char password[REDIS_PASSWORD_BYTES])
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 3600000 };
	FILE *file = fopen(path, "re");
	struct stat status;
	int error = 0;

	if (!file)
		return -errno;
	if (!fstat(fileno(file), &status) && status.st_mode & (S_IROTH | S_IWOTH))
		log_message_limited(&limit, MESSAGE_PASSWORD_EXPOSED, "redis_password_file %s can "
				    "be read or written by everybody: chmod 600 would be better",
				    path);
	/* or a copy would stay behind in memory */
	setvbuf(file, NULL, _IONBF, 0);
	if (!fgets(password, REDIS_PASSWORD_BYTES, file))
		error = ferror(file) ? -errno : -ENODATA;
	else if (!strchr(password, '\n') && strlen(password) == REDIS_PASSWORD_BYTES - 1)
		error = -EMSGSIZE;
	fclose(file);
	if (!error)
		password[strcspn(password, "\r\n")] = '\0';
	return error;
}

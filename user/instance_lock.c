/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file stays when a daemon ends: to remove it would let two processes lock two files of one name. */
#include "instance_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"

void instance_forget(const char *instance)
{
	char path[sizeof(INSTANCE_LOCK_FOLDER) + 64];

	snprintf(path, sizeof(path), INSTANCE_LOCK_FOLDER "/%s.lock", instance);
	unlink(path);
}

int instance_lock(const char *instance)
{
	char path[sizeof(INSTANCE_LOCK_FOLDER) + 64];
	int fd = -1, error;

	snprintf(path, sizeof(path), INSTANCE_LOCK_FOLDER "/%s.lock", instance);
	if (!mkdir(INSTANCE_LOCK_FOLDER, 0755) || errno == EEXIST)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fd >= 0)
		close(fd);
	if (error == -EBUSY)
		log_message(MESSAGE_INSTANCE_TAKEN, "instance '%s' is served by another "
			    "neightrackd, which holds %s: stop that one, or choose another "
			    "--instance", instance, path);
	else
		log_warning("cannot lock %s: %s; nothing but its pinned maps will keep a second "
			    "neightrackd from serving instance '%s'", path, strerror(-error),
			    instance);
	return error;
}

int instance_holder(const char *instance)
{
	char path[sizeof(INSTANCE_LOCK_FOLDER) + 64], line[160];
	unsigned int major_number, minor_number;
	unsigned long inode;
	struct stat status;
	FILE *locks;
	int pid, found = 0;

	snprintf(path, sizeof(path), INSTANCE_LOCK_FOLDER "/%s.lock", instance);
	if (stat(path, &status))
		return 0;
	locks = fopen("/proc/locks", "re");
	while (locks && !found && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_number,
			   &minor_number, &inode) == 4 && inode == status.st_ino &&
		    major_number == major(status.st_dev) && minor_number == minor(status.st_dev))
			found = pid;
	if (locks)
		fclose(locks);
	return found;
}

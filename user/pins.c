/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock is a flock on the folder itself: it ends with the process that has
 * it, however that ends, so nothing of a killed daemon stands in the way.
 */
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define BPFFS "/sys/fs/bpf"
#define LOCK_TRIES 10

static int mount_bpffs(void)
{
	struct statfs status;

	if (statfs(BPFFS, &status)) {
		log_error("cannot look at " BPFFS ": %s (is sysfs mounted, and is this kernel "
			  "built with CONFIG_BPF_SYSCALL?)", strerror(errno));
		return -errno;
	}
	if ((unsigned long)status.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		int error = -errno;

		log_error("cannot mount " BPFFS ": %s (needs CAP_SYS_ADMIN; or mount it before: "
			  "mount -t bpf bpf " BPFFS ")", strerror(-error));
		return error;
	}
	log_info("mounted " BPFFS);
	return 0;
}

static int make_folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST) {
		int error = -errno;

		log_error("cannot make %s: %s (needs root, or a bpffs that this user may write)",
			  path, strerror(-error));
		return error;
	}
	return 0;
}

/* Whoever had the lock may have removed the folder just before it was taken. */
static int is_still_there(int fd, const char *path)
{
	struct stat opened, named;

	return !fstat(fd, &opened) && !stat(path, &named) && opened.st_ino == named.st_ino;
}

static int lock_folder(struct pins *pins)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd, error;

		error = make_folder(pins->path);
		if (error)
			return error;
		fd = open(pins->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
			error = errno == EWOULDBLOCK ? -EBUSY : -errno;
			if (fd >= 0)
				close(fd);
			return error;
		}
		if (is_still_there(fd, pins->path)) {
			pins->lock_fd = fd;
			return 0;
		}
		close(fd);
	}
	return -EBUSY;
}

void pins_remove(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}

int pins_open(struct pins *pins, const char *instance)
{
	int error;

	*pins = (struct pins){ .lock_fd = -1 };
	snprintf(pins->path, sizeof(pins->path), PINS_ROOT "/%s", instance);
	error = mount_bpffs();
	if (!error)
		error = make_folder(PINS_ROOT);
	if (error)
		return error;
	error = lock_folder(pins);
	if (error == -EBUSY)
		log_error("instance '%s' is served by another neightrackd, which holds %s: "
			  "stop that one, or choose another --instance", instance, pins->path);
	else if (error)
		log_error("cannot lock %s: %s", pins->path, strerror(-error));
	return error;
}

static void remove_folder(const char *path)
{
	pins_remove(path);
	rmdir(path);
	/* the folder of all instances goes with the last of them */
	rmdir(PINS_ROOT);
}

void pins_forget(const char *instance)
{
	char path[sizeof(((struct pins *)0)->path)];
	int fd;

	snprintf(path, sizeof(path), PINS_ROOT "/%s", instance);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		remove_folder(path);
	close(fd);
}

void pins_close(struct pins *pins, bool keep)
{
	if (pins->lock_fd < 0)
		return;
	if (!keep)
		remove_folder(pins->path);
	close(pins->lock_fd);
	pins->lock_fd = -1;
}

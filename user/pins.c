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
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define LOCK_TRIES 10

/* The reason is told when it matters: a daemon that may not even use BPF needs no pins. */
static int __attribute__((format(printf, 3, 4)))
refuse(struct pins *pins, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(pins->why, sizeof(pins->why), format, arguments);
	va_end(arguments);
	return error;
}

static int mount_bpffs(struct pins *pins)
{
	struct statfs status;
	int error;

	if (statfs(PINS_BPFFS, &status)) {
		error = -errno;
		return refuse(pins, error, "cannot look at " PINS_BPFFS ": %s (is sysfs mounted, "
			      "and is this kernel built with CONFIG_BPF_SYSCALL?)",
			      strerror(-error));
	}
	if ((unsigned long)status.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", PINS_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		error = -errno;
		return refuse(pins, error, "cannot mount " PINS_BPFFS ": %s (needs CAP_SYS_ADMIN; "
			      "or mount it before: mount -t bpf bpf " PINS_BPFFS ")",
			      strerror(-error));
	}
	log_info("mounted " PINS_BPFFS);
	return 0;
}

static int make_folder(struct pins *pins, const char *path)
{
	int error;

	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	error = -errno;
	return refuse(pins, error, "cannot make %s: %s (needs root, or a bpffs that this user may "
		      "write)", path, strerror(-error));
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

		error = make_folder(pins, pins->path);
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

/* Calls act() for each name in it. */
static void each(int folder_fd, void (*act)(int folder_fd, const char *name, void *context),
		 void *context)
{
	/* the path may lead through folders that are closed to this process by now */
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			act(fd, entry->d_name, context);
	closedir(folder);
}

static void remove_one(int folder_fd, const char *name, void *context)
{
	(void)context;
	unlinkat(folder_fd, name, 0);
}

void pins_clear(const struct pins *pins)
{
	each(pins->lock_fd, remove_one, NULL);
}

struct giving {
	uid_t uid;
	gid_t gid;
	int error;
};

static void give_one(int folder_fd, const char *name, void *context)
{
	struct giving *giving = context;

	if (fchownat(folder_fd, name, giving->uid, giving->gid, AT_SYMLINK_NOFOLLOW))
		giving->error = -errno;
}

int pins_give(const struct pins *pins, uid_t uid, gid_t gid)
{
	struct giving giving = { .uid = uid, .gid = gid };

	if (!pins->are_usable)
		return 0;
	each(pins->lock_fd, give_one, &giving);
	if (!giving.error && fchown(pins->lock_fd, uid, gid))
		giving.error = -errno;
	return giving.error;
}

/* Whoever may write there could put other maps in the place of ours. */
static int take_folder(struct pins *pins, uid_t owner)
{
	struct stat status;

	if (fstat(pins->lock_fd, &status))
		return refuse(pins, -errno, "cannot look at %s: %s", pins->path, strerror(errno));
	if (faccessat(AT_FDCWD, pins->path, W_OK | X_OK, AT_EACCESS))
		return refuse(pins, -EACCES, "%s belongs to user %u, and this one, %u, may not "
			      "write there (chown it, or remove it: rm -r)", pins->path,
			      status.st_uid, geteuid());
	if (status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != owner) {
		log_notice("%s was user %u's: what is pinned there is not used again", pins->path,
			   status.st_uid);
		pins_clear(pins);
	}
	if (status.st_uid != geteuid() && fchown(pins->lock_fd, geteuid(), getegid()))
		return refuse(pins, -errno, "cannot take %s from user %u: %s", pins->path,
			      status.st_uid, strerror(errno));
	return 0;
}

int pins_open(struct pins *pins, const char *instance, uid_t owner)
{
	int error;

	*pins = (struct pins){ .lock_fd = -1 };
	snprintf(pins->path, sizeof(pins->path), PINS_ROOT "/%s", instance);
	error = mount_bpffs(pins);
	if (!error)
		error = make_folder(pins, PINS_ROOT);
	if (!error)
		error = lock_folder(pins);
	if (error == -EBUSY) {
		log_message(MESSAGE_INSTANCE_TAKEN, "instance '%s' is served by another "
			    "neightrackd, which holds %s: stop that one, or choose another "
			    "--instance", instance, pins->path);
		return error;
	}
	if (!error)
		error = take_folder(pins, owner);
	else if (!pins->why[0])
		refuse(pins, error, "cannot lock %s: %s", pins->path, strerror(-error));
	pins->are_usable = !error;
	return 0;
}

static void remove_folder(const struct pins *pins)
{
	pins_clear(pins);
	/* an empty one stays behind a daemon that has become another user meanwhile */
	rmdir(pins->path);
	/* the folder of all instances goes with the last of them */
	rmdir(PINS_ROOT);
}

void pins_forget(const char *instance)
{
	struct pins pins;

	snprintf(pins.path, sizeof(pins.path), PINS_ROOT "/%s", instance);
	pins.lock_fd = open(pins.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pins.lock_fd < 0)
		return;
	if (!flock(pins.lock_fd, LOCK_EX | LOCK_NB))
		remove_folder(&pins);
	close(pins.lock_fd);
}

void pins_close(struct pins *pins, bool keep)
{
	if (pins->lock_fd < 0)
		return;
	if (!keep)
		remove_folder(pins);
	close(pins->lock_fd);
	pins->lock_fd = -1;
}

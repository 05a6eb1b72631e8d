/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_allocations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIBRARY "/allocation_counter.so"

/* "LD_PRELOAD=" and where the library must be. 0 or -errno. */
static int find_library(struct bench_allocations *allocations)
{
	static const char name[] = "LD_PRELOAD=";
	char *path = allocations->preload + strlen(name);
	size_t bytes = sizeof(allocations->preload) - strlen(name);
	ssize_t used = readlink("/proc/self/exe", path, bytes);
	char *slash;

	memcpy(allocations->preload, name, strlen(name));
	if (used < 0 || (size_t)used >= bytes)
		return -ENAMETOOLONG;
	path[used] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof(LIBRARY) > bytes)
		return -ENAMETOOLONG;
	strcpy(slash, LIBRARY);
	return access(path, R_OK) ? -errno : 0;
}

int bench_allocations_begin(struct bench_allocations *allocations, const char *folder)
{
	void *memory = MAP_FAILED;
	int fd, error;

	if (find_library(allocations))
		return 0;
	snprintf(allocations->file, sizeof(allocations->file), "%s/allocations", folder);
	snprintf(allocations->variable, sizeof(allocations->variable), "%s=%s",
		 BENCH_ALLOCATIONS_VARIABLE, allocations->file);
	fd = open(allocations->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		error = -errno;
		allocations->file[0] = '\0';
		return error;
	}
	if (!ftruncate(fd, sizeof(*allocations->counts)))
		memory = mmap(NULL, sizeof(*allocations->counts), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	error = memory == MAP_FAILED ? -errno : 0;
	if (!error)
		allocations->counts = memory;
	close(fd);
	return error;
}

void bench_allocations_free(struct bench_allocations *allocations)
{
	if (allocations->counts)
		munmap(allocations->counts, sizeof(*allocations->counts));
	if (allocations->file[0])
		unlink(allocations->file);
	*allocations = (struct bench_allocations){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a program, counts what it and its libraries allocate, in the file that
 * NEIGHTRACK_ALLOCATION_COUNTS names, for whoever has that mapped too: neightrack
 * bench. glibc's own functions stand below the names that this takes over, so that
 * nothing needs to be looked up, which would allocate.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench_allocations.h"

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

/* The one variable: malloc() has no argument that could carry it. */
static struct bench_allocation_counts *counts;

__attribute__((constructor)) static void open_counts(void)
{
	const char *path = getenv(BENCH_ALLOCATIONS_VARIABLE);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		counts = memory;
}

static void count_allocation(void)
{
	if (counts)
		__atomic_fetch_add(&counts->allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t bytes)
{
	count_allocation();
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	count_allocation();
	return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	count_allocation();
	return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
	count_allocation();
	return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	count_allocation();
	return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
	void *made;

	if (alignment % sizeof(void *) || !alignment || alignment & (alignment - 1))
		return EINVAL;
	count_allocation();
	made = __libc_memalign(alignment, bytes);
	if (!made)
		return ENOMEM;
	*memory = made;
	return 0;
}

void free(void *memory)
{
	if (counts && memory)
		__atomic_fetch_add(&counts->releases, 1, __ATOMIC_RELAXED);
	__libc_free(memory);
}

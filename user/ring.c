/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consumer of a BPF ring buffer.
 *
 *   map page 0        consumer position (ours to write)
 *   map page 1        producer position (the kernel's)
 *   then              the data. The kernel would give it twice in a row, so that
 *                     a record that wraps around is contiguous; as all pages are
 *                     mapped at once that would double what the process occupies,
 *                     and such records are put together here instead
 *
 * Positions only grow; a record is an 8-byte header (length, two flag bits) and
 * its bytes, rounded up to 8.
 */
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ring {
	unsigned long *consumer_position;
	const unsigned long *producer_position;
	const uint8_t *data;
	size_t size_bytes;
	size_t page_bytes;
};

struct ring *ring_open(int map_fd, size_t size_bytes)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int saved_errno;
	void *memory;

	if (!ring)
		return NULL;
	ring->size_bytes = size_bytes;
	ring->page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	memory = mmap(NULL, ring->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (memory == MAP_FAILED)
		goto fail;
	ring->consumer_position = memory;

	memory = mmap(NULL, ring->page_bytes + size_bytes, PROT_READ, MAP_SHARED, map_fd,
		      (off_t)ring->page_bytes);
	if (memory == MAP_FAILED)
		goto fail;
	ring->producer_position = memory;
	ring->data = (const uint8_t *)memory + ring->page_bytes;
	/* what an earlier consumer left there */
	__atomic_store_n(ring->consumer_position,
			 __atomic_load_n(ring->producer_position, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
	return ring;
fail:
	saved_errno = errno;
	ring_close(ring);
	errno = saved_errno;
	return NULL;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->producer_position)
		munmap((void *)(uintptr_t)ring->producer_position,
		       ring->page_bytes + ring->size_bytes);
	if (ring->consumer_position)
		munmap(ring->consumer_position, ring->page_bytes);
	free(ring);
}

/* The record at that offset, in place unless it wraps around. */
static const void *record_at(const struct ring *ring, size_t offset, uint32_t bytes,
			     uint8_t wrapped[RING_RECORD_BYTES])
{
	size_t first = ring->size_bytes - offset;

	if (first >= bytes)
		return ring->data + offset;
	memcpy(wrapped, ring->data + offset, first);
	memcpy(wrapped + first, ring->data, bytes - first);
	return wrapped;
}

size_t ring_consume(struct ring *ring, size_t limit,
		    void (*consume)(void *context, const void *record, size_t bytes),
		    void *context)
{
	unsigned long position = *ring->consumer_position;
	_Alignas(uint64_t) uint8_t wrapped[RING_RECORD_BYTES];
	size_t consumed = 0;

	while (consumed < limit &&
	       position < __atomic_load_n(ring->producer_position, __ATOMIC_ACQUIRE)) {
		size_t offset = position & (ring->size_bytes - 1);
		/* positions are multiples of 8, as long as a header: it never wraps */
		uint32_t header = __atomic_load_n((const uint32_t *)(const void *)
						  (ring->data + offset), __ATOMIC_ACQUIRE);
		uint32_t bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(header & BPF_RINGBUF_DISCARD_BIT) && bytes <= RING_RECORD_BYTES) {
			offset = (offset + BPF_RINGBUF_HDR_SZ) & (ring->size_bytes - 1);
			consume(context, record_at(ring, offset, bytes, wrapped), bytes);
			consumed++;
		}
		position += (bytes + BPF_RINGBUF_HDR_SZ + 7ul) & ~7ul;
		__atomic_store_n(ring->consumer_position, position, __ATOMIC_RELEASE);
	}
	return consumed;
}

bool ring_has_pending(const struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return *ring->consumer_position !=
	       __atomic_load_n(ring->producer_position, __ATOMIC_ACQUIRE);
}

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
	unsigned long known_position;	/* of the producer, when it was last looked at */
};

/*
 * Records are taken in groups: both positions lie in cache lines that the producers' CPUs
 * write or read for each record, and to look at them, or move them, for each record
 * here too would have these lines go to and fro all the time.
 */
#define GROUP 16u

struct group {
	size_t count;
	const void *records[GROUP];
	uint32_t bytes[GROUP];
	/* of the one that wraps around the end: all that can be reserved is one lap */
	_Alignas(uint64_t) uint8_t wrapped[RING_RECORD_BYTES];
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
	ring->known_position = *ring->consumer_position;
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

/* Collects committed records, up to `most`. What is between them and the position that
 * is returned is done with: discarded, or longer than any of ours. */
static unsigned long gather(struct ring *ring, unsigned long position, size_t most,
			    struct group *group)
{
	group->count = 0;
	while (group->count < most) {
		size_t offset = position & (ring->size_bytes - 1);
		uint32_t header, bytes;

		if (position == ring->known_position)
			ring->known_position = __atomic_load_n(ring->producer_position,
							       __ATOMIC_ACQUIRE);
		if (position == ring->known_position)
			break;
		/* positions are multiples of 8, as long as a header: it never wraps */
		header = __atomic_load_n((const uint32_t *)(const void *)(ring->data + offset),
					 __ATOMIC_ACQUIRE);
		bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(header & BPF_RINGBUF_DISCARD_BIT) && bytes <= RING_RECORD_BYTES) {
			offset = (offset + BPF_RINGBUF_HDR_SZ) & (ring->size_bytes - 1);
			group->records[group->count] = record_at(ring, offset, bytes,
								 group->wrapped);
			group->bytes[group->count++] = bytes;
		}
		position += (bytes + BPF_RINGBUF_HDR_SZ + 7ul) & ~7ul;
	}
	return position;
}

static void expect_all(const struct ring_consumer *consumer, const struct group *group,
		       bool again)
{
	for (size_t i = 0; consumer->expect && i < group->count; i++)
		consumer->expect(consumer->context, group->records[i], group->bytes[i], again);
}

size_t ring_consume(struct ring *ring, size_t limit, const struct ring_consumer *consumer)
{
	unsigned long position = *ring->consumer_position, next;
	struct group group;
	size_t consumed = 0;

	for (;;) {
		size_t most = limit - consumed;

		next = gather(ring, position, most < GROUP ? most : GROUP, &group);
		if (next == position)
			return consumed;
		expect_all(consumer, &group, false);
		expect_all(consumer, &group, true);
		for (size_t i = 0; i < group.count; i++)
			consumer->consume(consumer->context, group.records[i], group.bytes[i]);
		consumed += group.count;
		position = next;
		__atomic_store_n(ring->consumer_position, position, __ATOMIC_RELEASE);
	}
}

bool ring_has_pending(const struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return *ring->consumer_position !=
	       __atomic_load_n(ring->producer_position, __ATOMIC_ACQUIRE);
}

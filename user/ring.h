/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consumer of a BPF ring buffer (Documentation/bpf/ringbuf.rst).
 *
 * Our own and not libbpf's ring_buffer, which can neither stop after a number
 * of records nor tell whether something is reserved that is not yet committed:
 * without that a consumer cannot go to sleep and be sure of its wakeup.
 */
#ifndef NEIGHTRACK_RING_H
#define NEIGHTRACK_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_RECORD_BYTES 256u	/* longer records, which nobody makes, are skipped */

struct ring;

/* map_fd stays the caller's. size_bytes: the map's max_entries. Records that lie on the
 * ring are skipped; nothing may be reserved meanwhile. NULL with errno set. */
struct ring *ring_open(int map_fd, size_t size_bytes);
void ring_close(struct ring *ring);

struct ring_consumer {
	/* Or NULL. Of some records, and of the same again, before they are consumed: so
	 * that what a look at one of them waits for can be asked for beforehand, and what
	 * that leads to as well, for all of them at a time. */
	void (*expect)(void *context, const void *record, size_t bytes, bool again);
	void (*consume)(void *context, const void *record, size_t bytes);
	void *context;
};

/*
 * Hands up to `limit` committed records to consume(), in order, in place (but for
 * one that wraps around the ring's end): the memory is the kernel's again some records
 * after consume() has returned. Returns their number.
 */
size_t ring_consume(struct ring *ring, size_t limit, const struct ring_consumer *consumer);

/* Whether anything was reserved that has not been consumed. A full barrier
 * stands before the look: see wakeup_flags() in bpf/publish.h. */
bool ring_has_pending(const struct ring *ring);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side for kernels that cannot load neightrack.bpf.c, in two sets of which
 * the daemon loads one:
 *
 *   raw_tp   the same hooks on a kernel without BTF, whose types come from a file
 *   kprobe   where tracepoints cannot be had: the function that tells rtnetlink's
 *            listeners, which is called for all that the three hooks together see
 *
 * Not a kprobe on neigh_update(): changes by netlink (ip neigh) call a static function
 * below it, so it sees nothing of them; and it runs before the change.
 */
#include "neightrack_vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "neightrack/policy.h"
#include "neightrack/record.h"

#define NEIGHTRACK_READ_BY_HELPER

#include "maps.h"
#include "neigh_read.h"
#include "publish.h"

#define RTM_DELNEIGH 29		/* include/uapi/linux/rtnetlink.h */

char LICENSE[] SEC("license") = "GPL";

SEC("raw_tp/neigh_update_done")
int BPF_PROG(neigh_update, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_UPDATE);
}

SEC("raw_tp/neigh_update_done")
int BPF_PROG(neigh_update_2, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_UPDATE_AGAIN);
}

SEC("raw_tp/neigh_timer_handler")
int BPF_PROG(neigh_timer, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_TIMER);
}

SEC("raw_tp/neigh_cleanup_and_release")
int BPF_PROG(neigh_cleanup, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_CLEANUP);
}

/* Deletions are told with the table's lock held, as the cleanup hook is. */
SEC("kprobe/__neigh_notify")
int BPF_KPROBE(neigh_notify, struct neighbour *n, int type)
{
	return handle_neighbour(n, type == RTM_DELNEIGH ? NEIGH_HOOK_CLEANUP : NEIGH_HOOK_UPDATE);
}

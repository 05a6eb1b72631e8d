// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side of neightrack: a program a hook, two lines each. For kernels that
 * cannot load this there is neightrack_raw.bpf.c.
 *
 * neigh_update_done, neigh_timer_handler and neigh_cleanup_and_release together
 * see every change of validity and MAC that RTM_NEWNEIGH and RTM_DELNEIGH tell.
 * neigh_update_done runs in process context too and may be interrupted there by
 * a softirq that brings it up again; the kernel then skips the program that is
 * already running on this CPU. So there are two: what interrupts one is seen by
 * the other, and the second one mostly finds that nothing is left to publish.
 */
#include "neightrack_vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "neightrack/policy.h"
#include "neightrack/record.h"

#include "maps.h"
#include "neigh_read.h"
#include "publish.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/neigh_update_done")
int BPF_PROG(neigh_update, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_UPDATE);
}

SEC("tp_btf/neigh_update_done")
int BPF_PROG(neigh_update_2, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_UPDATE_AGAIN);
}

SEC("tp_btf/neigh_timer_handler")
int BPF_PROG(neigh_timer, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_TIMER);
}

SEC("tp_btf/neigh_cleanup_and_release")
int BPF_PROG(neigh_cleanup, struct neighbour *n)
{
	return handle_neighbour(n, NEIGH_HOOK_CLEANUP);
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""Each metric moves when what it counts happens, and has a name by the rules."""
import ctypes
import os
import platform
import re
import signal
import subprocess

import pytest
from harness.daemon import ROOT
from harness.namespace import burst, removal
from harness.waiting import eventually, stay_quiet

MAC = "02:00:00:00:00:01"
OTHER_MAC = "02:00:00:00:00:02"
DOCUMENT = os.path.join(ROOT, "docs", "METRICS.md")


def changed(endpoint, name, before=0.0, **labels):
    """Waits until the metric is above what it was."""
    return eventually(lambda: endpoint.value(name, **labels) > before, 10, f"{name} moves")


def test_promtool_finds_no_fault_in_the_metrics(watched, namespace):
    namespace.batch(burst(100))
    done = subprocess.run(["promtool", "check", "metrics"], input=watched.endpoint.text(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_openmetrics_tells_the_same_families(watched, namespace):
    namespace.batch(burst(100))
    plain = {(family.name, family.type) for family in watched.endpoint.families()}
    strict = {(family.name, family.type) for family in watched.endpoint.openmetrics()}
    assert plain == strict


def test_every_metric_is_documented_and_nothing_else(watched):
    documented = set(re.findall(r"^\| `(\w+)` ", open(DOCUMENT).read(), flags=re.M))
    served = set(re.findall(r"^# TYPE (\w+) ", watched.endpoint.text(), flags=re.M))
    assert documented == served


def test_new_changed_and_deleted_neighbours_are_counted(watched, namespace, redis_server):
    endpoint = watched.endpoint
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    namespace.ip("neigh", "add", "2001:db8::9", "lladdr", MAC, "dev", "veth0")
    eventually(lambda: endpoint.value("neightrack_writes_total", operation="set") == 2)
    for family in ("ipv4", "ipv6"):
        assert endpoint.value("neightrack_neighbours", interface="veth0", family=family) == 1
    submitted = endpoint.value("neightrack_source_submitted_total")
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", OTHER_MAC, "dev", "veth0")
    eventually(lambda: endpoint.value("neightrack_writes_total", operation="set") == 3)
    assert endpoint.value("neightrack_source_submitted_total") == submitted + 1
    namespace.ip("neigh", "del", "192.0.2.9", "dev", "veth0")
    eventually(lambda: endpoint.value("neightrack_writes_total", operation="delete") == 1)
    assert endpoint.value("neightrack_neighbours", interface="veth0", family="ipv4") == 0
    assert endpoint.value("neightrack_entries") == 1
    assert endpoint.value("neightrack_records_consumed_total") == submitted + 2
    assert redis_server.client.dbsize() == 1


def test_records_are_counted_by_the_hook_that_made_them(watched, namespace, redis_server):
    name = "neightrack_source_submitted_total"
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    changed(watched.endpoint, name, hook="neigh_update", source="tp_btf")
    assert watched.endpoint.value(name, hook="neigh_cleanup") == 0
    namespace.ip("link", "set", "veth0", "down")
    changed(watched.endpoint, name, hook="neigh_cleanup", source="tp_btf")


def test_what_is_suppressed_or_filtered_is_counted_by_reason(watched, namespace, redis_server):
    endpoint = watched.endpoint
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0", "nud", "reachable")
    eventually(redis_server.table)
    before = endpoint.value("neightrack_source_suppressed_total")
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", MAC, "dev", "veth0", "nud", "stale")
    changed(endpoint, "neightrack_source_suppressed_total", before)
    for reason, address in (("link_local_ipv6", "fe80::9"), ("multicast", "224.0.0.9")):
        before = endpoint.value("neightrack_source_filtered_total", reason=reason)
        namespace.ip("neigh", "add", address, "lladdr", MAC, "dev", "veth0")
        changed(endpoint, "neightrack_source_filtered_total", before, reason=reason)


def test_what_other_namespaces_do_is_counted_apart(watched, peer):
    before = watched.endpoint.value("neightrack_source_other_netns_total")
    peer.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    changed(watched.endpoint, "neightrack_source_other_netns_total", before)


def test_a_full_ring_is_a_loss_and_a_resync(veth, make_watched, namespace, equals_kernel):
    daemon = make_watched("--ring-size", "4096").start()
    endpoint = daemon.endpoint
    for mac in range(5):
        daemon.signal(signal.SIGSTOP)
        namespace.batch(burst(1000, mac=mac))
        daemon.signal(signal.SIGCONT)
        assert len(equals_kernel(20)) == 1000
        # an audit that begins just then repairs the loss, too
        if endpoint.value("neightrack_resyncs_total", cause="ring_full"):
            break
    assert endpoint.value("neightrack_resyncs_total", cause="ring_full") > 0
    assert endpoint.value("neightrack_lost_total", cause="ring_full") > 0
    assert endpoint.value("neightrack_source_ring_full_total") > 0
    assert endpoint.value("neightrack_lost_total", cause="socket_full") == 0


def test_a_full_socket_is_a_loss_of_the_netlink_source(veth, make_watched, namespace,
                                                       equals_kernel):
    daemon = make_watched("--source", "netlink", "--netlink-buffer", "8192").start()
    daemon.signal(signal.SIGSTOP)
    namespace.batch(burst(1000))
    daemon.signal(signal.SIGCONT)
    assert len(equals_kernel(20)) == 1000
    endpoint = daemon.endpoint
    assert endpoint.value("neightrack_lost_total", cause="socket_full") > 0
    assert endpoint.value("neightrack_source_seen_total", source="netlink", hook="rtnetlink") > 0
    assert endpoint.value("neightrack_build_info", source="netlink") == 1
    assert not endpoint.values("neightrack_bpf_runs_total")


def test_a_map_that_is_used_up_is_counted(veth, make_watched, namespace, equals_kernel):
    daemon = make_watched("--map-size", "16").start()
    namespace.batch(burst(500))
    assert len(equals_kernel(20)) == 500
    changed(daemon.endpoint, "neightrack_source_map_full_total")


def test_neighbours_beyond_the_limit_are_counted(veth, make_watched, namespace):
    daemon = make_watched("--max-neighbours", "16").start()
    namespace.batch(burst(20))
    eventually(lambda: daemon.endpoint.value("neightrack_over_limit_total") >= 4)
    assert daemon.endpoint.value("neightrack_neighbours") == 16


def test_a_redis_that_is_away_shows_in_lag_and_connection_and_comes_back(
        watched, namespace, redis_server, equals_kernel):
    endpoint = watched.endpoint
    assert endpoint.value("neightrack_redis_connected") == 1
    assert endpoint.value("neightrack_lag_seconds") == 0
    redis_server.stop()
    eventually(lambda: endpoint.value("neightrack_redis_connected") == 0)
    namespace.batch(burst(50))
    eventually(lambda: endpoint.value("neightrack_dirty_neighbours") == 50)
    eventually(lambda: endpoint.value("neightrack_lag_seconds") > 0.3)
    changed(endpoint, "neightrack_redis_connection_failures_total", 1)
    redis_server.start()
    assert len(equals_kernel(20)) == 50
    assert endpoint.value("neightrack_redis_connects_total") == 2
    eventually(lambda: endpoint.value("neightrack_lag_seconds") == 0)
    assert endpoint.value("neightrack_dirty_neighbours") == 0


def test_a_redis_that_stands_still_shows_in_flight_and_times_out(veth, make_watched, namespace,
                                                                 redis_server):
    endpoint = make_watched("--redis-timeout", "500").start().endpoint
    redis_server.pause()
    try:
        namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
        eventually(lambda: endpoint.value("neightrack_redis_commands_in_flight") == 1)
        changed(endpoint, "neightrack_redis_timeouts_total")
    finally:
        redis_server.resume()


def test_errors_of_redis_are_counted_by_kind(watched, namespace, redis_server, equals_kernel):
    endpoint = watched.endpoint
    redis_server.client.set("NEIGH_TABLE:veth0:192.0.2.9", "something else")
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    equals_kernel()
    assert endpoint.value("neightrack_redis_errors_total", kind="wrongtype") == 1
    assert endpoint.value("neightrack_writes_refused_total") == 1
    redis_server.client.config_set("maxmemory", "1")
    namespace.ip("neigh", "add", "192.0.2.10", "lladdr", MAC, "dev", "veth0")
    changed(endpoint, "neightrack_redis_errors_total", kind="oom")
    redis_server.client.config_set("maxmemory", "0")
    equals_kernel(20)
    assert endpoint.value("neightrack_redis_errors_total", kind="other") == 0


def test_audits_and_what_they_repair_are_counted(watched, namespace, redis_server, equals_kernel):
    endpoint = watched.endpoint
    namespace.batch(burst(10))
    equals_kernel()
    redis_server.client.delete("NEIGH_TABLE:veth0:10.1.0.1")
    audits = endpoint.value("neightrack_resyncs_total", cause="audit")
    watched.audit()
    changed(endpoint, "neightrack_audit_repairs_total", side="redis")
    changed(endpoint, "neightrack_resyncs_total", audits, cause="audit")
    equals_kernel()


def test_commands_bytes_and_flushes_add_up(watched, namespace, redis_server):
    endpoint = watched.endpoint
    namespace.batch(burst(1000))
    eventually(lambda: endpoint.value("neightrack_writes_total", operation="set") == 1000)
    assert endpoint.value("neightrack_flush_size_neighbours_sum") == 1000
    assert endpoint.value("neightrack_flush_size_neighbours_count") == \
        endpoint.value("neightrack_flush_size_neighbours_bucket", le="+Inf")
    assert endpoint.value("neightrack_redis_commands_total") >= 1000
    assert endpoint.value("neightrack_redis_sent_bytes_total") > 1000 * 80
    assert endpoint.value("neightrack_write_latency_seconds_count") >= 1
    assert 0 < endpoint.value("neightrack_write_latency_seconds_sum") < 10


def test_the_buckets_of_histograms_only_rise(watched, namespace):
    namespace.batch(burst(500))
    changed(watched.endpoint, "neightrack_write_latency_seconds_count")
    for name in ("neightrack_write_latency_seconds", "neightrack_flush_size_neighbours"):
        counts = [value for _, value in watched.endpoint.values(f"{name}_bucket")]
        assert counts == sorted(counts)
        assert counts[-1] == watched.endpoint.value(f"{name}_count")


def test_the_kernels_neighbours_are_counted_by_state_at_each_dump(namespace, make_watched):
    namespace.add_interface("quiet0")
    states = {"permanent": 3, "stale": 2, "failed": 4, "noarp": 1}
    number = 0
    for state, count in states.items():
        for _ in range(count):
            number += 1
            mac = "" if state == "failed" else f"lladdr 02:00:00:00:00:{number:02x}"
            namespace.ip(*f"neigh add 192.0.2.{number} {mac} dev quiet0 nud {state}".split())
    endpoint = make_watched().start().endpoint
    for state, count in states.items():
        assert endpoint.value("neightrack_kernel_neighbours", family="ipv4", state=state) == count
    assert len(endpoint.values("neightrack_kernel_neighbours")) == 18
    assert 0 < endpoint.value("neightrack_dump_age_seconds") < 100
    assert endpoint.value("neightrack_neighbours", family="ipv4") == 5


def test_interfaces_beyond_the_bound_are_counted_together(namespace, make_watched):
    for name in ("a0", "b0", "c0", "d0"):
        namespace.add_interface(name)
        namespace.batch(burst(3, device=name))
    endpoint = make_watched("--metrics-interfaces", "2", "--ignore", "lo *-p").start().endpoint
    eventually(lambda: endpoint.value("neightrack_neighbours") == 12)
    named = {labels["interface"] for labels, _ in endpoint.values("neightrack_neighbours")}
    assert named == {"a0", "b0", "(other interfaces)"}
    assert endpoint.value("neightrack_neighbours", interface="(other interfaces)") == 6


def test_names_of_interfaces_cannot_break_the_text(namespace, make_watched):
    namespace.add_interface('q"u}\\n')
    namespace.batch(burst(1, device='q"u}\\n'))
    daemon = make_watched("--ignore", "lo *-p").start()
    eventually(lambda: daemon.endpoint.value("neightrack_neighbours") == 1)
    names = [labels["interface"] for labels, value in
             daemon.endpoint.values("neightrack_neighbours") if value]
    assert names == ["q\\x22u}\\x5cn"]
    daemon.endpoint.openmetrics()


class BpfStatistics:
    """kernel.bpf_stats_enabled, as long as this lives: BPF_ENABLE_STATS."""

    def __enter__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
        if number is None:
            pytest.skip("the number of bpf(2) is not known for this machine")
        attributes = ctypes.create_string_buffer(128)           # type 0: run time
        self.fd = libc.syscall(number, 32, attributes, len(attributes))
        assert self.fd >= 0, os.strerror(ctypes.get_errno())

    def __exit__(self, *_):
        os.close(self.fd)


def test_the_run_time_of_programs_is_told_while_the_kernel_measures_it(watched, namespace):
    endpoint = watched.endpoint
    with BpfStatistics():
        namespace.batch(burst(100))
        changed(endpoint, "neightrack_bpf_runs_total", 99, program="neigh_update")
        changed(endpoint, "neightrack_bpf_run_seconds_total", program="neigh_update")
    assert endpoint.value("neightrack_bpf_run_seconds_total") < 1
    assert endpoint.value("neightrack_bpf_missed_runs_total") >= 0


def test_what_the_daemon_logs_is_what_it_exports(watched, namespace, equals_kernel):
    namespace.batch(burst(2000))
    namespace.batch(removal(1000))
    equals_kernel()
    stay_quiet()
    told, endpoint = watched.statistics(), watched.endpoint
    pairs = {
        "wanted": "neightrack_neighbours", "entries": "neightrack_entries",
        "dirty": "neightrack_dirty_neighbours", "submitted": "neightrack_source_submitted_total",
        "superseded": "neightrack_source_superseded_total",
        "discarded": "neightrack_source_discarded_total",
        "ring_full": "neightrack_source_ring_full_total",
        "consumed": "neightrack_records_consumed_total", "dumps": "neightrack_resyncs_total",
        "interrupted": "neightrack_dumps_interrupted_total",
        "kernel_failed": "neightrack_kernel_failures_total",
        "looked_up": "neightrack_lookups_total", "refused": "neightrack_writes_refused_total",
        "flushes": "neightrack_flush_size_neighbours_count",
        "ask_redirects": "neightrack_ask_redirects_total",
        "moved_redirects": "neightrack_moved_redirects_total",
        "redis_connects": "neightrack_redis_connects_total",
        "redis_errors": "neightrack_redis_errors_total",
        "redis_commands": "neightrack_redis_commands_total",
        "redis_bytes_sent": "neightrack_redis_sent_bytes_total",
    }
    for word, name in pairs.items():
        assert told[word] == endpoint.value(name), word
    assert told["sets"] == endpoint.value("neightrack_writes_total", operation="set")
    assert told["deletes"] == endpoint.value("neightrack_writes_total", operation="delete")


def test_the_process_tells_its_memory_and_time(watched):
    endpoint = watched.endpoint
    assert abs(endpoint.value("process_resident_memory_bytes") / 1024 -
               watched.resident_kb()) < 4096
    assert endpoint.value("process_cpu_seconds_total") > 0

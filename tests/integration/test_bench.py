# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack bench in a short form: what is complete and what is zero, never a time."""
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
from harness.daemon import BUILD, tool
from harness.waiting import eventually

REQUIRED = {"missing", "wrong", "seconds", "floor_seconds", "floor_ratio", "machine"}
ACCOUNT = {"daemon_cpu_seconds", "daemon_wakeups", "daemon_preemptions", "daemon_resident_bytes",
           "redis_cpu_seconds", "redis_wakeups", "redis_preemptions", "redis_writes",
           "redis_commands", "redis_queries", "redis_bytes", "events", "records", "suppressed",
           "coalesced", "lost", "missed", "resynced"}
PROGRAMS = {"bpf_runs", "bpf_run_ns_per_event", "bpf_cpu_seconds"}
MACHINE = {"cpus", "processor", "kernel", "redis", "neightrack"}
SCENARIOS = ["burst", "delete", "moves", "warm-restart", "sustained", "latency", "churn",
             "unwatched", "idle", "scale"]
SOURCES = pytest.mark.parametrize("source", ["tp_btf", "netlink"])


def bench(scenario, *words):
    figures, = bench_lines(scenario, *words)
    assert figures["scenario"] == scenario
    assert_is_complete(figures)
    return figures


def bench_lines(scenario, *words):
    """What is said of each scenario."""
    code, output, errors = tool("bench", scenario, "--json", *words)
    assert code == 0, errors
    return [json.loads(line) for line in output.splitlines()]


def assert_is_complete(figures):
    assert REQUIRED <= figures.keys() and MACHINE <= figures["machine"].keys()
    assert figures["missing"] == figures["wrong"] == 0
    assert figures["floor_ratio"] > 0


def namespaces():
    output = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    return {line.split()[0] for line in output.splitlines()}


def assert_nothing_is_left(pid):
    assert f"nt-bench-{pid}" not in namespaces()
    assert not os.path.exists(f"/sys/fs/bpf/neightrack/nt-bench-{pid}")
    for folder in os.listdir("/proc"):
        try:
            with open(f"/proc/{folder}/cmdline", encoding="utf-8", errors="replace") as words:
                assert f"nt-bench-{pid}\0" not in words.read()
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            pass


@SOURCES
def test_a_burst_is_complete(source):
    figures = bench("burst", "--events", "3000", "--source", source)
    assert figures["records"] == figures["redis_writes"] == 3000
    assert figures["redis_commands"] == 3000 and figures["coalesced"] == 0
    # HSET, a key, two fields: no look of the benchmark's own is in it
    assert 3000 * 90 < figures["redis_bytes"] < 3000 * 120


def test_a_burst_beyond_the_ring_is_complete():
    bench("burst", "--events", "20000", "--", "--ring-size", "4096")


@SOURCES
def test_a_warm_restart_writes_nothing(source):
    figures = bench("warm-restart", "--neighbors", "2000", "--source", source)
    assert figures["redis_writes"] == 0 and figures["resynced"] >= 1
    assert ACCOUNT <= figures.keys()


@SOURCES
def test_a_burst_of_deletions_leaves_no_ghost(source):
    figures = bench("delete", "--neighbors", "2000", "--source", source)
    assert figures["redis_writes"] == 2000


@SOURCES
def test_after_many_moves_each_neighbour_is_where_it_went_last(source):
    figures = bench("moves", "--neighbors", "500", "--changes", "20", "--source", source)
    assert figures["events"] == 10000
    assert 500 <= figures["redis_writes"] <= figures["events"]
    if not figures["lost"]:
        assert figures["coalesced"] == figures["records"] - figures["redis_writes"]


def test_churn_of_states_makes_no_record_and_no_write():
    figures = bench("churn", "--neighbors", "500", "--rate", "2000", "--duration", "1")
    assert figures["events"] == 2000
    assert figures["records"] == figures["redis_writes"] == 0
    assert figures["bpf_runs"] > 0 and figures["bpf_run_ns_per_event"] > 0
    assert {"kernel_base_ns", "kernel_bpf_ns", "kernel_netlink_ns", "netlink_listener_ns",
            "kernel_cost_ratio"} <= figures.keys()


def test_churn_through_netlink_has_no_programs_to_count():
    figures = bench("churn", "--neighbors", "200", "--rate", "1000", "--duration", "1",
                    "--source", "netlink")
    assert figures["redis_writes"] == 0 and "bpf_runs" not in figures


@pytest.mark.parametrize("rate", [300, 1000, 30000])
def test_sustained_changes_are_all_written_or_overtaken(rate):
    figures = bench("sustained", "--neighbors", "100", "--rate", str(rate), "--duration", "1")
    assert figures["records"] == figures["events"] == rate
    assert 100 <= figures["redis_writes"] <= figures["events"]


def test_allocations_are_counted_where_the_library_was_built():
    figures = bench("sustained", "--neighbors", "50", "--rate", "500", "--duration", "1")
    assert ("allocations" in figures) == os.path.exists(f"{BUILD}/allocation_counter.so")


def test_latency_has_its_percentiles_in_order():
    figures = bench("latency", "--neighbors", "20", "--rate", "500", "--duration", "1")
    for kind in ("", "acknowledged_"):
        values = [figures[f"{kind}{name}_us"] for name in ("p50", "p90", "p99", "p999", "max")]
        assert values == sorted(values) and values[0] > 0
    assert 0 < figures["set_p50_us"] <= figures["set_p99_us"]
    assert figures["set_hot_p50_us"] > 0
    assert figures["records"] == figures["redis_writes"] == 500


@SOURCES
def test_what_is_not_watched_is_not_written(source):
    figures = bench("unwatched", "--neighbors", "200", "--rate", "2000", "--duration", "1",
                    "--source", source)
    assert figures["events"] == 2000 and figures["redis_writes"] == 0
    if source == "tp_btf":
        assert figures["records"] == 0


def test_at_rest_nothing_is_written():
    figures = bench("idle", "--neighbors", "200", "--duration", "1")
    assert figures["records"] == figures["redis_writes"] == 0
    assert {"daemon_wakeups", "daemon_cpu_seconds"} <= figures.keys()


def test_scale_has_the_figures_of_each_size():
    figures = bench("scale", "--from", "100", "--to", "10000")
    assert list(figures["sizes"]) == ["100", "1000", "10000"]
    for size in figures["sizes"].values():
        assert size["missing"] == size["wrong"] == 0
        assert size["bpf_map_bytes"] > 0 and size["daemon_resident_bytes"] > 0
    assert figures["growth"] >= 1 and figures["floor_ratio_growth"] >= 1


@pytest.mark.parametrize("family", [[], ["--ipv6"]])
@pytest.mark.parametrize("scenario", ["burst", "sustained"])
def test_neighbours_that_packets_make_are_complete(scenario, family):
    bench(scenario, "--quick", "--real-arp", *family)


@pytest.mark.parametrize("scenario", ["burst", "delete", "churn"])
def test_ipv6_neighbours_are_complete(scenario):
    bench(scenario, "--quick", "--ipv6")


def test_runs_of_programs_are_counted_on_demand():
    figures = bench("burst", "--events", "500", "--bpf-stats")
    assert figures["bpf_runs"] >= 500 and figures["bpf_run_ns_per_event"] > 0
    assert figures["bpf_cpu_seconds"] > 0
    programs = figures["bpf_programs"]
    assert {"neigh_update", "neigh_update_2", "neigh_timer", "neigh_cleanup"} == programs.keys()
    assert programs["neigh_update"]["runs"] >= 500 and programs["neigh_update"]["ns_per_run"] > 0


def test_all_scenarios_have_a_short_form_that_is_complete():
    """Its JSON is kept, for whoever wants to see what it was like here."""
    lines = bench_lines("all", "--quick")
    os.makedirs(os.path.join(BUILD, "benchmarks"), exist_ok=True)
    with open(os.path.join(BUILD, "benchmarks", "quick.json"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(figures) + "\n" for figures in lines)
    assert [figures["scenario"] for figures in lines] == SCENARIOS
    for figures in lines:
        assert_is_complete(figures)
        if figures["scenario"] != "scale":
            assert ACCOUNT <= figures.keys(), figures["scenario"]
    shown = {figures["scenario"]: figures for figures in lines}
    assert shown["churn"]["records"] == shown["churn"]["redis_writes"] == 0
    assert shown["unwatched"]["records"] == shown["unwatched"]["redis_writes"] == 0
    assert shown["warm-restart"]["redis_writes"] == 0
    assert shown["idle"]["redis_writes"] == 0
    assert shown["sustained"].get("allocations", 0) == 0
    for scenario in ("sustained", "latency", "unwatched"):
        assert PROGRAMS <= shown[scenario].keys()


def test_side_by_side_each_variant_is_complete():
    figures, = bench_lines("burst", "--events", "1000", "--side-by-side", "--repeat", "2")
    assert list(figures["variants"]) == ["tp_btf", "netlink", "batch_size_1"]
    for variant in figures["variants"].values():
        assert variant["missing"] == variant["wrong"] == 0
        assert variant["redis_writes"] == 1000


def test_ablation_says_of_each_optimisation_whether_and_what_it_measured():
    figures, = bench_lines("ablation", "--quick", "--events", "500")
    rows = {row["optimisation"]: row for row in figures["optimisations"]}
    assert {"event_loop", "pipelining", "in_place", "interface_hash", "preallocation",
            "receive_buffer", "configuration_cache", "batching", "batch_timeout", "filter",
            "suppression", "moderation", "bpf_source", "all"} == rows.keys()
    for row in rows.values():
        assert row["expected"] and row["measured"] and row["complete"]
        assert row["verdict"] in ("less with it", "more with it", "no difference")
        assert row["with"]["least"] <= row["with"]["median"] <= row["with"]["most"]
    assert rows["in_place"]["verdict"] == rows["configuration_cache"]["verdict"] == "less with it"
    assert_is_complete(figures)


def test_repeated_runs_give_medians_and_their_spread():
    figures = bench("burst", "--events", "200", "--repeat", "3")
    assert figures["repeat"] == 3
    least, most = figures["spread"]["seconds"]
    assert least <= figures["seconds"] <= most


def start(*words):
    return subprocess.Popen([os.path.join(BUILD, "neightrack"), "bench", *words],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def read_terminal(terminal):
    """All that was written there, up to its end."""
    text = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:     # whoever wrote there has ended
            return text.decode()
        if not chunk:
            return text.decode()
        text += chunk


@pytest.mark.parametrize("scenario", ["sustained", "churn"])
def test_a_terminal_is_shown_how_far_it_is(scenario):
    terminal, its_end = pty.openpty()
    with subprocess.Popen([os.path.join(BUILD, "neightrack"), "bench", scenario, "--quick",
                           "--repeat", "2"], stdout=subprocess.DEVNULL, stderr=its_end) as process:
        os.close(its_end)
        text = read_terminal(terminal)
        os.close(terminal)
    assert process.returncode == 0
    shares = [int(share) for share in re.findall(rf"(\d+) % \d/2 {scenario}", text)]
    # within a run too, and not backwards
    assert shares == sorted(shares) and len(set(shares)) > 3
    assert text.endswith("\r\033[K")


def test_where_there_is_no_terminal_there_is_no_bar():
    process = start("burst", "--events", "100")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors == ""


def test_nothing_is_left_behind():
    process = start("burst", "--events", "100")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert_nothing_is_left(process.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("later_s", [0, 0.05, 0.5])
def test_interrupted_it_ends_soon_and_leaves_nothing(number, later_s):
    process = start("sustained", "--duration", "60", "--neighbors", "100")
    eventually(lambda: f"nt-bench-{process.pid}" in namespaces(), 10, "its namespace")
    time.sleep(later_s)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2 and "interrupted" in errors
    assert_nothing_is_left(process.pid)


@pytest.mark.parametrize("words", [[], ["no-such"], ["burst", "--events", "0"],
                                   ["burst", "--events", "x"], ["burst", "--no-such"],
                                   ["burst", "--repeat", "101"], ["moves", "--changes", "-1"],
                                   ["scale", "--from", "100", "--to", "10"],
                                   ["latency", "--real-arp"], ["burst", "--schema", "no-such"],
                                   ["burst", "--redis", "sentinel://localhost/x"],
                                   ["burst", "--redis", "localhost"],
                                   ["ablation", "--source", "netlink"]])
def test_what_is_no_scenario_or_option_is_refused(words):
    assert tool("bench", *words)[0] == 2


@pytest.mark.parametrize("scenario", ["burst", "delete", "latency"])
def test_a_given_redis_is_as_it_was_afterwards(scenario, redis_server):
    redis_server.client.config_set("notify-keyspace-events", "g$")
    before = redis_server.client.config_get()
    bench(scenario, "--quick", "--redis", f"{redis_server.url}?db=3")
    assert redis_server.client.info("keyspace") == {}
    assert redis_server.client.config_get() == before


def test_a_given_redis_that_is_not_empty_is_refused_and_untouched(redis_server):
    redis_server.client.hset("NEIGH_TABLE:Ethernet0:10.0.0.1", "neigh", "02:00:00:00:00:01")
    code, _, errors = tool("bench", "burst", "--quick", "--redis", redis_server.url)
    assert code == 2 and "empty" in errors
    assert redis_server.table() == {
        "NEIGH_TABLE:Ethernet0:10.0.0.1": {"neigh": "02:00:00:00:00:01"}}


def test_a_daemon_that_does_not_start_is_said_and_nothing_is_left():
    code, _, errors = tool("bench", "burst", "--events", "10", "--", "--ring-size", "1")
    assert code == 2
    assert "neightrackd is not ready" in errors and "ring_size" in errors.replace("-", "_")

# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack bench in a short form: what is complete and what is zero, never a time."""
import json
import subprocess

import pytest
from harness.daemon import BUILD, tool

REQUIRED = {"missing", "wrong", "seconds", "floor_seconds", "floor_ratio"}
SOURCES = pytest.mark.parametrize("source", ["tp_btf", "netlink"])


def bench(scenario, *words):
    code, output, errors = tool("bench", scenario, "--json", *words)
    assert code == 0, errors
    figures = json.loads(output)
    assert figures["scenario"] == scenario and REQUIRED <= figures.keys()
    assert figures["missing"] == figures["wrong"] == 0
    return figures


@SOURCES
def test_a_burst_is_complete(source):
    figures = bench("burst", "--events", "3000", "--source", source)
    assert figures["records"] == figures["redis_writes"] == 3000


def test_a_burst_beyond_the_ring_is_complete():
    bench("burst", "--events", "20000", "--", "--ring-size", "4096")


@SOURCES
def test_a_warm_restart_writes_nothing(source):
    figures = bench("warm-restart", "--neighbors", "2000", "--source", source)
    assert figures["redis_writes"] == 0


def test_churn_of_states_makes_no_record_and_no_write():
    figures = bench("churn", "--neighbors", "500", "--rate", "2000", "--duration", "1")
    assert figures["events"] >= 2000
    assert figures["records"] == figures["redis_writes"] == 0


def test_sustained_changes_are_all_written_or_overtaken():
    figures = bench("sustained", "--neighbors", "100", "--rate", "1000", "--duration", "1")
    assert figures["records"] == figures["events"] >= 1000
    assert 100 <= figures["redis_writes"] <= figures["events"]


def test_latency_has_its_percentiles_in_order():
    figures = bench("latency", "--neighbors", "20", "--rate", "500", "--duration", "1")
    values = [figures[name] for name in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")]
    assert values == sorted(values) and values[0] > 0
    assert figures["records"] == figures["redis_writes"] == 500


def test_repeated_runs_give_medians_and_their_spread():
    figures = bench("burst", "--events", "200", "--repeat", "3")
    assert figures["repeat"] == 3
    least, most = figures["spread"]["seconds"]
    assert least <= figures["seconds"] <= most


def test_nothing_is_left_behind():
    before = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, check=True).stdout
    bench("burst", "--events", "100")
    after = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, check=True).stdout
    assert b"nt-bench" not in after.replace(before, b"")
    assert not subprocess.run(["pgrep", "-f", f"{BUILD}/neightrackd.*nt-bench"],
                              stdout=subprocess.PIPE, check=False).stdout


@pytest.mark.parametrize("words", [[], ["no-such"], ["burst", "--events", "0"],
                                   ["burst", "--events", "x"], ["burst", "--no-such"]])
def test_what_is_no_scenario_or_option_is_refused(words):
    assert tool("bench", *words)[0] == 2


def test_a_daemon_that_does_not_start_is_said_and_nothing_is_left():
    code, _, errors = tool("bench", "burst", "--events", "10", "--", "--ring-size", "1")
    assert code == 2
    assert "neightrackd is not ready" in errors and "ring_size" in errors.replace("-", "_")

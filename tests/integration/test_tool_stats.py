# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack show stats, and stats: what the pinned maps and the metrics tell."""
import json
import os
import subprocess

import pytest
from harness.daemon import BUILD, PINS, SOURCE, tool
from harness.namespace import burst
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no pinned maps")

MAC, OTHER = "02:00:00:00:00:09", "02:00:00:00:00:0a"


@pytest.fixture
def moved(watched, namespace, redis_server):
    """A daemon with a neighbour whose MAC has moved twice, and one of either family."""
    namespace.add_interface("other0")
    for mac in (MAC, OTHER, MAC):
        namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", mac, "dev", "veth0")
    namespace.ip("neigh", "add", "2001:db8::9", "lladdr", MAC, "dev", "veth0")
    namespace.ip("neigh", "add", "198.51.100.9", "lladdr", MAC, "dev", "other0")
    eventually(lambda: len(redis_server.table()) == 3)
    return watched


def stats(daemon, *words):
    code, out, errors = tool("-j", "--instance", daemon.instance, *words)
    assert code == 0, errors
    return json.loads(out)


def row_of(rows, address):
    return next(row for row in rows if row["dst"] == address)


def test_show_stats_counts_changes_and_moves(moved):
    row = row_of(stats(moved, "show", "stats"), "192.0.2.9")
    assert (row["dev"], row["lladdr"], row["state"]) == ("veth0", MAC, ["PERMANENT"])
    assert (row["changes"], row["mac_moves"]) == (3, 2)
    assert 0 <= row["last_change_seconds_ago"] <= row["first_seen_seconds_ago"] < 600


@pytest.mark.parametrize("words, addresses", [
    (["-4"], {"192.0.2.9", "198.51.100.9"}),
    (["-6"], {"2001:db8::9"}),
    (["-4", "-6"], {"192.0.2.9", "198.51.100.9", "2001:db8::9"}),
    (["dev", "other0"], {"198.51.100.9"}),
    (["2001:DB8:0::9"], {"2001:db8::9"}),
    (["192.0.2.8/31"], {"192.0.2.9"}),
    (["192.0.2.10/31"], set()),
    (["128.0.0.0/1"], {"192.0.2.9", "198.51.100.9"}),
    (["0.0.0.0/0", "dev", "veth0"], {"192.0.2.9"}),
])
def test_show_stats_lists_what_is_asked_for(moved, words, addresses):
    assert {row["dst"] for row in stats(moved, "show", "stats", *words)} == addresses


def test_show_takes_an_address_or_a_prefix_too(moved):
    code, out, _ = tool("-j", "show", "192.0.2.0/28", "--redis", moved.redis.url, "--netns",
                        moved.namespace.name)
    assert code == 0 and [row["dst"] for row in json.loads(out)] == ["192.0.2.9"]


@pytest.mark.parametrize("word", ["192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2",
                                  "2001:db8::/129", "frob", "dev"])
@pytest.mark.no_root
def test_show_names_a_word_that_it_does_not_know(word):
    code, out, errors = tool("show", word)
    assert code == 2 and out == "" and f"'{word}'" in errors and "ADDRESS/LENGTH" in errors


def test_show_stats_lists_10000_neighbours_once_each(daemon, namespace, equals_kernel):
    namespace.batch(burst(10000))
    equals_kernel()
    rows = stats(daemon, "show", "stats")
    assert len(rows) == len({row["dst"] for row in rows}) == 10000


def test_show_stats_needs_neither_a_daemon_nor_redis(veth, namespace, make_daemon, redis_server):
    daemon = make_daemon("--pins", "keep").start()
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    eventually(redis_server.table)
    daemon.stop()
    redis_server.stop()
    rows = stats(daemon, "show", "stats", "--redis", redis_server.url)
    assert [(row["dst"], row["dev"], row["changes"]) for row in rows] == [("192.0.2.9", "veth0", 1)]


def test_show_stats_tells_of_neighbours_that_were_there_before_the_daemon(veth, namespace,
                                                                          make_daemon):
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    daemon = make_daemon().start()
    row = row_of(stats(daemon, "show", "stats"), "192.0.2.9")
    assert (row["changes"], row["mac_moves"], row["lladdr"]) == (0, 0, MAC)
    # no hook has published it: when it changed is not known
    assert "last_change_seconds_ago" not in row and "state" not in row
    out = tool("show", "stats", "--instance", daemon.instance)[1]
    assert out.splitlines()[1].split()[-2:] == ["-", "-"]


def test_a_neighbour_that_failed_was_published_and_is_no_more(moved, namespace):
    namespace.ip("neigh", "replace", "192.0.2.9", "dev", "veth0", "nud", "failed")
    row = row_of(stats(moved, "show", "stats"), "192.0.2.9")
    assert "lladdr" not in row and row["state"] == ["FAILED"] and row["changes"] == 4


def test_show_stats_ends_with_2_and_says_why_without_maps():
    code, out, errors = tool("show", "stats", "--instance", "never-was")
    assert code == 2 and out == ""
    assert f"{PINS}/never-was/neighbours: No such file" in errors and "daemon" in errors


def test_a_map_of_another_build_is_not_read(moved):
    path = f"{PINS}/{moved.instance}/counters"
    os.unlink(path)
    subprocess.run(["bpftool", "map", "create", path, "type", "hash", "key", "4", "value", "4",
                    "entries", "16", "name", "foreign"], check=True)
    code, out, errors = tool("show", "stats", "--instance", moved.instance)
    assert code == 2 and out == "" and "another build" in errors


def test_show_stats_of_an_unprivileged_user_says_what_it_needs(moved):
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups",
                           os.path.join(BUILD, "neightrack"), "--instance", moved.instance,
                           "show", "stats"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    assert done.returncode == 2 and done.stdout == "" and "needs root" in done.stderr


def test_stats_adds_up_hooks_and_reasons(moved, namespace):
    namespace.ip("neigh", "replace", "224.0.0.9", "lladdr", MAC, "dev", "veth0")
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", MAC, "dev", "veth0", "nud", "stale")
    answer = stats(moved, "stats", "--metrics", moved.endpoint.address)
    hooks, total = answer["kernel"]["hooks"], answer["kernel"]["total"]
    assert set(hooks) == {"neigh_update", "neigh_update_2", "neigh_timer", "neigh_cleanup"}
    assert hooks["neigh_update"]["submitted"] + hooks["neigh_update_2"]["submitted"] == 5
    assert total["filtered"]["multicast"] >= 1 and total["suppressed"] >= 1
    for one in hooks.values():
        assert one["seen"] + one["rechecked"] == sum(
            one[name] for name in ("other_netns", "suppressed", "superseded", "discarded",
                                   "submitted", "ring_full")) + sum(one["filtered"].values())
    assert answer["kernel"]["lost"] == 0 and answer["pid"] == moved.process.pid


def test_stats_has_what_the_daemon_counts(moved):
    daemon = stats(moved, "stats", "--metrics", moved.endpoint.address)["daemon"]
    assert (daemon["neighbours"], daemon["redis_connected"], daemon["mac_changes"]) == (3, 1, 2)
    assert daemon["writes"] == moved.endpoint.value("neightrack_writes_total")
    out = tool("stats", "--instance", moved.instance, "--metrics", moved.endpoint.address)[1]
    assert ["neighbours", "3"] in [line.split() for line in out.splitlines()]


def test_stats_says_what_is_unknown(moved):
    answer = stats(moved, "stats")
    assert answer["daemon"] is None and answer["daemon_unknown"] == "metrics = off"
    answer = stats(moved, "stats", "--metrics", "unix:/nowhere/metrics.sock")
    assert "No such file" in answer["daemon_unknown"]
    code, out, _ = tool("-j", "stats", "--instance", "never-was", "--metrics",
                        moved.endpoint.address)
    answer = json.loads(out)
    assert code == 0 and answer["kernel"] is None and "No such file" in answer["kernel_unknown"]
    assert answer["daemon"]["neighbours"] == 3 and answer["pid"] is None


def test_stats_ends_with_2_when_nothing_is_known():
    code, out, _ = tool("stats", "--instance", "never-was")
    assert code == 2 and "unknown" in out

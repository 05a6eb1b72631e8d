# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack show and verify, and the pinned maps under bpftool."""
import json
import os
import re
import stat
import subprocess

import pytest
from harness.daemon import BUILD, PINS, dump_map, tool
from harness.namespace import burst
from harness.terminal import Terminal
from harness.waiting import eventually

MAC = "02:00:00:00:00:09"
KEY = "NEIGH_TABLE:veth0:192.0.2.9"


@pytest.fixture
def mirrored(daemon, namespace, redis_server):
    namespace.add_interface("other0")
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    namespace.ip("neigh", "add", "2001:db8::9", "lladdr", MAC, "dev", "veth0", "nud", "stale")
    namespace.ip("neigh", "add", "198.51.100.9", "lladdr", MAC, "dev", "other0")
    eventually(lambda: len(redis_server.table()) == 3)
    return daemon


def show(daemon, *words):
    code, out, errors = tool("show", "--redis", daemon.redis.url, "--netns", daemon.namespace.name,
                             *words)
    assert code == 0, errors
    return out


def test_show_lists_address_mac_interface_age_and_state(mirrored):
    lines = [line.split() for line in show(mirrored).splitlines()]
    assert lines[0] == ["ADDRESS", "MAC", "INTERFACE", "AGE", "STATE"]
    row = next(line for line in lines if line[0] == "192.0.2.9")
    assert row[1:3] == [MAC, "veth0"] and row[4] == "PERMANENT" and row[3].endswith("s")


def test_show_j_is_json_in_the_manner_of_iproute2(mirrored):
    rows = json.loads(show(mirrored, "-j"))
    assert len(rows) == 3
    row = next(row for row in rows if row["dst"] == "2001:db8::9")
    assert (row["dev"], row["lladdr"], row["state"]) == ("veth0", MAC, ["STALE"])
    assert isinstance(row["age"], int)


@pytest.mark.parametrize("words, addresses", [
    (["-4"], {"192.0.2.9", "198.51.100.9"}),
    (["-6"], {"2001:db8::9"}),
    (["dev", "other0"], {"198.51.100.9"}),
    (["-4", "dev", "veth0"], {"192.0.2.9"}),
])
def test_show_lists_what_is_asked_for(mirrored, words, addresses):
    assert {row["dst"] for row in json.loads(show(mirrored, "-j", *words))} == addresses


def test_verify_ends_with_0_when_redis_equals_the_kernel(mirrored):
    code, out, _ = mirrored.verify()
    assert (code, out) == (0, "equal: 3 neighbours\n")


@pytest.mark.parametrize("spoil, words", [
    (lambda client: client.delete(KEY), "not in Redis"),
    (lambda client: client.hset(KEY, "neigh", "02:00:00:00:00:99"), "another MAC"),
    (lambda client: client.hset(KEY, "family", "IPv6"), "unreadable in Redis"),
    (lambda client: client.hset("NEIGH_TABLE:veth0:192.0.2.99",
                                mapping={"neigh": MAC, "family": "IPv4"}), "not in the kernel"),
    (lambda client: client.hset("NEIGH_TABLE:foo", "a", "b"), "not a neighbour's key"),
], ids=["deleted", "changed", "family", "added", "foreign"])
def test_verify_ends_with_1_and_names_each_difference(mirrored, redis_server, spoil, words):
    spoil(redis_server.client)
    code, out, _ = mirrored.verify()
    assert code == 1
    assert words in out and "NEIGH_TABLE:" in out and "different: 1 of" in out


def test_verify_j_tells_the_differences_as_json(mirrored, redis_server):
    redis_server.client.delete(KEY)
    code, out, _ = mirrored.verify("-j")
    answer = json.loads(out)
    assert code == 1 and answer["equal"] is False
    assert answer["differences"] == [{"key": KEY, "difference": "not in Redis", "kernel": MAC}]


def test_verify_ends_with_2_when_redis_cannot_be_asked(mirrored, redis_server):
    redis_server.stop()
    code, out, errors = mirrored.verify()
    assert code == 2 and out == "" and "Redis at" in errors


def test_verify_ends_with_2_when_the_namespace_does_not_exist(redis_server):
    code, _, errors = tool("verify", "--redis", redis_server.url, "--netns", "no-such-namespace")
    assert code == 2 and "no-such-namespace" in errors


@pytest.mark.no_root
def test_an_unknown_command_gets_the_usage():
    code, out, errors = tool("frobnicate")
    assert code == 2 and out == "" and "'frobnicate' is no command" in errors and "Usage" in errors


def test_a_command_may_be_shortened(mirrored):
    code, out, _ = tool("ver", "--redis", mirrored.redis.url, "--netns", mirrored.namespace.name)
    assert (code, out) == (0, "equal: 3 neighbours\n")


@pytest.mark.no_root
def test_a_word_that_may_mean_two_commands_is_not_guessed():
    assert tool("s") == (2, "", "neightrack: 's' may mean show stats: give more of it\n")
    assert "'com' is no command" in tool("com")[2]      # which is the beginning of a hidden one


@pytest.mark.no_root
@pytest.mark.parametrize("words", [["help"], ["-h"], ["--help"], ["he"]])
def test_help_lists_the_commands(words):
    code, out, errors = tool(*words)
    assert (code, errors) == (0, "")
    for name in ("show", "monitor", "top", "stats", "explain", "verify", "bench", "help"):
        assert f"\n  {name} " in out, name
    assert "complete" not in out


@pytest.mark.no_root
@pytest.mark.parametrize("name", ["show", "monitor", "top", "stats", "explain", "verify"])
@pytest.mark.parametrize("form", [["{}", "help"], ["help", "{}"], ["{}", "-h"], ["--help", "{}"]],
                         ids=" ".join)
def test_each_command_has_a_help_of_its_own(name, form):
    code, out, errors = tool(*(word.format(name) for word in form))
    assert (code, errors) == (0, "")
    assert out.startswith("Usage: neightrack [FLAG]... [OPTION]... " + name)
    assert ("--rounds" in out) == (name == "top")


@pytest.mark.no_root
def test_the_help_of_bench_is_its_own():
    for words in (["bench", "help"], ["help", "bench"], ["bench", "--help"]):
        code, out, _ = tool(*words)
        assert code == 0 and out.startswith("Usage: neightrack bench SCENARIO")


@pytest.mark.no_root
def test_version_is_a_flag():
    assert tool("-V") == tool("--version") and tool("-V")[1].startswith("neightrack ")


@pytest.mark.no_root
def test_without_a_command_the_usage_is_an_error():
    code, out, errors = tool()
    assert code == 2 and out == "" and errors.startswith("Usage:")


def test_there_are_colours_in_a_pipe_only_if_they_are_asked_for(mirrored):
    assert "\033" not in show(mirrored)
    painted = show(mirrored, "-c")
    assert "\033[35m192.0.2.9\033[0m" in painted and f"\033[33m{MAC}\033[0m" in painted
    # and the columns are the same
    assert re.sub(r"\033\[\d*m", "", painted).split() == show(mirrored).split()


@pytest.mark.parametrize("environment, is_painted", [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False),
])
def test_a_terminal_has_colours_unless_it_must_not(mirrored, environment, is_painted):
    terminal = Terminal(os.path.join(BUILD, "neightrack"), "show", "--redis", mirrored.redis.url,
                        "--netns", mirrored.namespace.name,
                        environment={"TERM": "xterm-256color", **environment})
    try:
        eventually(terminal.ended, 10)
        assert ("\033[35m192.0.2.9" in terminal.text("-e")) == is_painted
    finally:
        terminal.close()


def test_what_cannot_be_written_is_a_failure(mirrored):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([os.path.join(BUILD, "neightrack"), "show", "--redis",
                               mirrored.redis.url, "--netns", mirrored.namespace.name],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "cannot write to stdout" in done.stderr


def test_maps_and_programs_are_pinned_for_root_alone(mirrored):
    folder = os.path.join(PINS, mirrored.instance)
    assert {"neighbours", "interfaces", "counters", "control", "records", "ring0",
            "identity", "low_interfaces", "neigh_update", "neigh_update_2", "neigh_timer",
            "neigh_cleanup"} == set(os.listdir(folder))
    for name in os.listdir(folder):
        mode = os.stat(os.path.join(folder, name)).st_mode
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), name


def test_bpftool_prints_the_neighbours_as_structs(mirrored):
    rows = [row["formatted"] for row in dump_map(mirrored.instance, "neighbours")]
    row = next(row for row in rows if row["key"]["addr"][:4] == [192, 0, 2, 9])
    assert row["key"]["family"] == 2
    assert row["value"][""]["published"]["mac"] == [2, 0, 0, 0, 0, 9]
    assert row["value"]["changes"] == 1 and row["value"]["first_seen_ns"] > 0


def test_the_map_counts_changes_and_moves_of_a_mac(mirrored, namespace):
    for mac in ("02:00:00:00:00:aa", "02:00:00:00:00:bb"):
        namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", mac, "dev", "veth0")
    rows = [row["formatted"] for row in dump_map(mirrored.instance, "neighbours")]
    row = next(row for row in rows if row["key"]["addr"][:4] == [192, 0, 2, 9])
    assert (row["value"]["changes"], row["value"]["mac_moves"]) == (3, 2)


def test_bpftool_prints_interfaces_with_their_names(mirrored, namespace):
    rows = [row["formatted"]["value"] for row in dump_map(mirrored.instance, "interfaces")]
    assert {"lo", "veth0", "other0"} <= {row["name"] for row in rows}
    assert next(row for row in rows if row["name"] == "lo")["flags"] == 1
    namespace.ip("link", "del", "other0")
    eventually(lambda: "other0" not in json.dumps(dump_map(mirrored.instance, "interfaces")))


def test_verify_agrees_on_10000_neighbours(daemon, namespace, equals_kernel):
    namespace.batch(burst(10000))
    equals_kernel()
    assert daemon.verify()[:2] == (0, "equal: 10000 neighbours\n")

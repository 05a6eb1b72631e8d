# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/BPFTOOL.md: its very commands are run, and answer in the form that it shows."""
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from harness.daemon import PINS, ROOT, SOURCE, pinned_programs
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no BPF programs")

DOCUMENT = os.path.join(ROOT, "docs", "BPFTOOL.md")
MAC = "02:00:00:00:00:09"


def examples():
    """[(command, what is shown below it)]"""
    found, lines = [], None
    for line in open(DOCUMENT, encoding="utf-8").read().split("\n"):
        if line.startswith("    # bpftool "):
            lines = []
            found.append((line[len("    # "):], lines))
        elif line.startswith("    ") and lines is not None:
            lines.append(line[4:])
        elif line:
            lines = None
    return [(command, "\n".join(lines)) for command, lines in found]


def of_form(form, command):
    return [pytest.param(*example, id=example[0].split("default/")[-1])
            for example in examples() if (example[1][0] in "[{") == (form == "json")
            and command in example[0]]


@pytest.fixture
def mirrored(daemon, namespace, redis_server):
    for mac in ("02:00:00:00:00:19", MAC):
        namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", mac, "dev", "veth0")
    eventually(redis_server.table)
    return daemon


def bpftool(mirrored, command):
    words = shlex.split(command.replace("/default/", f"/{mirrored.instance}/"))
    if "lookup" in words and "192" in words:
        # the document's machine had another ifindex
        key = words.index("key")
        index = json.loads(mirrored.namespace.ip("-j", "link", "show", "veth0"))[0]["ifindex"]
        words[key + 1:key + 5] = [str(byte) for byte in index.to_bytes(4, sys.byteorder)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shape(value):
    """The names and types in a JSON value; of a list of structs those of the first."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else "list"
    return type(value).__name__


@pytest.mark.parametrize("command, shown", of_form("json", ""))
def test_what_is_shown_as_json_is_answered_in_that_shape(mirrored, command, shown):
    answer = shape(json.loads(bpftool(mirrored, command)))
    if isinstance(answer, dict):
        # told while somebody has them counted
        for name in ("run_time_ns", "run_cnt", "recursion_misses", "pids"):
            answer.pop(name, None)
    assert answer == shape(json.loads(shown))


@pytest.mark.parametrize("command, shown", of_form("text", " show pinned "))
def test_what_is_shown_as_text_is_answered_with_these_words(mirrored, command, shown):
    def words(text):
        return re.findall(r"\b(?:name \w+|flags|key|value|max_entries|tracing|hash|gpl|xlated|"
                          r"jited|map_ids|btf_id|loaded_at|uid)\b", text)
    assert words(bpftool(mirrored, command)) == words(shown)


def test_every_map_that_is_pinned_is_shown(mirrored):
    text = open(DOCUMENT, encoding="utf-8").read()
    # the bytes of flags, which `interfaces` has with names
    missing = {name for name in os.listdir(f"{PINS}/{mirrored.instance}")
               if f"`{name}`" not in text and f"/{name}\n" not in text and f"/{name} " not in text}
    assert missing == {"low_interfaces"}


def test_links_are_shown_with_their_tracepoints(mirrored):
    ids = set(pinned_programs(mirrored.instance).values())
    assert "    # bpftool link show\n" in open(DOCUMENT, encoding="utf-8").read()
    links = json.loads(bpftool(mirrored, "bpftool -j link show"))
    ours = [link for link in links if link["prog_id"] in ids]
    assert sorted(link["tp_name"] for link in ours) == [
        "neigh_cleanup_and_release", "neigh_timer_handler", "neigh_update_done",
        "neigh_update_done"]


@pytest.mark.parametrize("kind, names", [
    ("map", {"records", "neighbours", "interfaces", "counters", "changes", ".data.control"}),
    ("prog", {"neigh_update", "neigh_update_2", "neigh_timer", "neigh_cleanup"}),
])
def test_programs_and_maps_have_the_names_that_the_document_tells(mirrored, kind, names):
    text = open(DOCUMENT, encoding="utf-8").read()
    maps = set(json.loads(bpftool(mirrored, "bpftool -j prog show pinned "
                                  f"{PINS}/{mirrored.instance}/neigh_update"))["map_ids"])
    programs = set(pinned_programs(mirrored.instance).values())
    shown = json.loads(bpftool(mirrored, f"bpftool -j {kind} show"))
    ours = {one["name"] for one in shown if one["id"] in (maps | programs)}
    assert names <= ours
    for name in names:
        assert f"`{name}`" in text or f"{kind} show name {name}`" in text, name


def test_the_values_are_those_of_the_neighbour(mirrored):
    [row] = json.loads(bpftool(mirrored, "bpftool map dump pinned "
                               "/sys/fs/bpf/neightrack/default/neighbours"))
    value = row["value"]
    assert row["key"]["addr"][:4] == [192, 0, 2, 9]
    assert value[""]["published"]["mac"] == [2, 0, 0, 0, 0, 9]
    assert value[""]["published"]["stamp"] >= 32768
    assert (value["changes"], value["mac_moves"], value["nud_state"]) == (2, 1, 128)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers of log lines: what docs/MESSAGES.md promises of them."""
import collections
import glob
import json
import os
import re

import pytest
from harness.daemon import ROOT
from harness.waiting import eventually

DOCUMENT = open(os.path.join(ROOT, "docs", "MESSAGES.md")).read()
TABLE = open(os.path.join(ROOT, "user", "log_message.h")).read()
DECLARED = re.findall(r"\bX\(([A-Z_]+), (\d+), ([A-Z]+)\)", TABLE)
SOURCES = "".join(open(path).read() for path in glob.glob(os.path.join(ROOT, "user", "*.c")))


@pytest.mark.no_root
def test_every_message_is_documented_with_its_level_and_nothing_else():
    documented = re.findall(r"^\| NT(\d+) \| (\w+) \| \S", DOCUMENT, flags=re.M)
    assert documented == [(number, level.lower()) for _, number, level in DECLARED]
    assert len(documented) > 30


@pytest.mark.no_root
def test_no_number_is_used_twice_or_again():
    given_up = re.findall(r"NT(\d+)", DOCUMENT.split("Numbers given up:")[1])
    used = collections.Counter([number for _, number, _ in DECLARED] + given_up)
    assert [number for number, count in used.items() if count > 1] == []


@pytest.mark.no_root
def test_every_message_is_logged_somewhere():
    assert [name for name, _, _ in DECLARED if not re.search(rf"\bMESSAGE_{name}\b", SOURCES)] == []


def test_a_line_of_text_ends_with_its_number(veth, make_daemon):
    daemon = make_daemon().start()
    assert any(re.fullmatch(r"neightrackd: ready: .* \[NT103\]", line) for line in daemon.lines)
    lines = daemon.stop()
    assert lines[-1] == "neightrackd: Terminated: ending [NT104]"


def test_an_object_of_json_has_it_apart(veth, make_daemon, redis_server):
    daemon = make_daemon("--log-format", "json").start()
    redis_server.stop()
    eventually(lambda: daemon.said('"id":"NT301"'))
    objects = [json.loads(line) for line in daemon.lines]
    away = next(entry for entry in objects if entry.get("id") == "NT301")
    assert away["level"] == "warning" and "is away" in away["message"]
    assert "NT301" not in away["message"]
    assert any("id" not in entry for entry in objects)


def test_a_line_as_sonic_writes_them_has_none(veth, make_daemon, tmp_path):
    daemon = make_daemon("--log-format", "syslog", "--syslog-socket", str(tmp_path / "none"))
    daemon.start()
    assert daemon.said("ready: ") and not daemon.said("NT103")

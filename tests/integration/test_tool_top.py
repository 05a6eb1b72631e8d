# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack top: in lines and JSON for pipes, and on a real terminal."""
import json
import os
import re
import subprocess

import pytest
from harness.daemon import BUILD, SOURCE, tool
from harness.namespace import burst
from harness.terminal import Terminal
from harness.waiting import TIME_SCALE, eventually

pytestmark = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no pinned maps")

MAC, OTHER = "02:00:00:00:00:09", "02:00:00:00:00:0a"
TOP = os.path.join(BUILD, "neightrack")


def move(namespace, address="192.0.2.9", times=1):
    """So many changes of its MAC, after which it is again what it was."""
    for mac in [OTHER, MAC] * times:
        namespace.ip("neigh", "replace", address, "lladdr", mac, "dev", "veth0")


class Rounds:
    """`top -j` as a process, a JSON object a round."""

    def __init__(self, daemon, *words):
        self.process = subprocess.Popen([TOP, "-jb", "-n", "100", "--instance", daemon.instance,
                                         *words, "top"], stdout=subprocess.PIPE, text=True)

    def next(self):
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def rounds(watched):
    made = Rounds(watched, "--metrics", watched.endpoint.address)
    yield made
    made.close()


@pytest.fixture
def make_terminal():
    made = []

    def make(*words, **arguments):
        made.append(Terminal(*words, **arguments))
        return made[-1]
    yield make
    for terminal in made:
        terminal.close()


def top_of(daemon, *words):
    return (TOP, "--instance", daemon.instance, "--metrics", daemon.endpoint.address, "top",
            *words)


def test_a_round_tells_what_changed_since_the_last(rounds, namespace):
    assert rounds.next()["neighbours"] == []
    move(namespace)

    def row():
        return next((row for row in rounds.next()["neighbours"] if row["new_changes"]), None)
    first = eventually(row)
    told = [first["new_changes"]]
    while sum(told) < 2:
        told.append(rounds.next()["neighbours"][0]["new_changes"])
    last = rounds.next()["neighbours"][0]
    # (the neighbour was not there before)
    assert (last["dst"], last["dev"], last["lladdr"]) == ("192.0.2.9", "veth0", MAC)
    assert (last["changes"], last["mac_moves"]) == (2, 1)
    assert (last["new_changes"], last["new_mac_moves"]) == (0, 0)


def test_rates_come_from_the_hooks_counters(rounds, namespace):
    rounds.next()
    namespace.batch(burst(200))
    rate = eventually(lambda: rounds.next()["a_second"]["submitted"])
    assert 0 < rate < 2000
    assert eventually(lambda: rounds.next()["a_second"]["submitted"] == 0)


def test_the_daemons_side_comes_from_its_metrics(rounds, watched, redis_server):
    answer = rounds.next()
    assert answer["pid"] == watched.process.pid and answer["redis"]["is_connected"] is True
    redis_server.stop()
    eventually(lambda: rounds.next()["redis"]["is_connected"] is False, 10)


def test_losses_are_told(veth, make_daemon, namespace):
    daemon = make_daemon("--ring-size", "4096").start()
    daemon.process.send_signal(19)
    namespace.batch(burst(500))
    code, out, _ = tool("-jb", "-n", "1", "--instance", daemon.instance, "top")
    losses = json.loads(out)["losses"]
    daemon.process.send_signal(18)
    assert code == 0 and losses["ring_full"] > 0 and losses["lost"] >= losses["ring_full"]


def test_batch_mode_prints_a_table_a_round(watched, namespace):
    move(namespace, times=2)
    code, out, _ = tool("--instance", watched.instance, "top", "-b", "-n", "2", "-i", "1")
    assert code == 0 and "\033" not in out
    tables = out.split("\n\n")
    assert len(tables) == 2
    for table in tables:
        lines = table.rstrip("\n").split("\n")
        assert lines[0].startswith("neightrack top ") and watched.instance in lines[0]
        assert lines[4] == "redis: unknown: metrics = off"
        assert lines[5].split()[:3] == ["ADDRESS", "MAC", "INTERFACE"]
        assert lines[6].split()[:3] == ["192.0.2.9", MAC, "veth0"]
        assert lines[6].split()[5:7] == ["4", "3"]


def test_what_is_unknown_is_said(watched):
    code, out, _ = tool("--instance", "never-was", "--metrics", watched.endpoint.address, "top",
                        "-b", "-n1")
    assert code == 0 and "neighbours: unknown: " in out and "redis: connected" in out
    code, out, _ = tool("--instance", "never-was", "top", "-b", "-n1")
    assert code == 2 and "redis: unknown: metrics = off" in out


def test_it_ends_when_nobody_reads_any_more(watched):
    with subprocess.Popen([*top_of(watched), "-b"], stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.wait(timeout=20 * TIME_SCALE) in (0, -13)


@pytest.mark.parametrize("words, wrong", [
    (("-n", "0"), "-n 0"), (("-n", "x"), "-n x"), (("-i", "0"), "-i 0"), (("-n",), "-n"),
    (("-i4000",), "-i 4000"), (("-x",), "-x is no flag"),
])
@pytest.mark.no_root
def test_a_bad_flag_is_named(words, wrong):
    code, out, errors = tool("top", "-b", *words)
    assert code == 2 and out == "" and wrong in errors


def test_without_a_terminal_it_asks_for_batch_mode(watched):
    code, out, errors = tool("--instance", watched.instance, "top")
    assert code == 2 and out == "" and "-b" in errors


def test_the_screen_shows_the_busiest_first(watched, namespace, make_terminal):
    namespace.batch(burst(30))
    move(namespace, times=3)
    terminal = make_terminal(*top_of(watched))
    eventually(lambda: "192.0.2.9" in terminal.text(), 10)
    lines = terminal.text().split("\n")
    assert lines[0].startswith("neightrack top ") and lines[4].startswith("redis: connected")
    assert lines[5].split()[0] == "ADDRESS" and lines[6].split()[0] == "192.0.2.9"
    assert len([line for line in lines if line]) == 16


def test_keys_change_the_order(watched, namespace, make_terminal):
    namespace.batch(burst(3))
    move(namespace, times=3)
    terminal = make_terminal(*top_of(watched))
    eventually(lambda: "by changes" in terminal.text(), 10)
    for key, words, first in (("a", "by address", "10.1.0.0"), ("m", "by MAC moves", "192.0.2.9"),
                              ("l", "by last change", "192.0.2.9"),
                              ("c", "by changes", "192.0.2.9")):
        terminal.press(key)
        eventually(lambda: words in terminal.text(), 10, words)
        assert terminal.text().split("\n")[6].split()[0] == first


def test_rows_can_be_scrolled(watched, namespace, make_terminal):
    namespace.batch(burst(50))
    terminal = make_terminal(*top_of(watched))
    eventually(lambda: "10.1.0.0" in terminal.text(), 10)
    terminal.press("a")

    def first():
        return terminal.text().split("\n")[6].split()[0]
    eventually(lambda: first() == "10.1.0.0", 10)
    terminal.press("Down")
    eventually(lambda: first() == "10.1.0.1", 10)
    terminal.press("NPage")
    eventually(lambda: first() == "10.1.0.11", 10)
    terminal.press("PPage", "Up", "Up")
    eventually(lambda: first() == "10.1.0.0", 10)


def test_the_screen_follows_its_terminals_size(watched, namespace, make_terminal):
    namespace.batch(burst(50))
    terminal = make_terminal(*top_of(watched, "-i", "600"))
    eventually(lambda: "10.1.0.0" in terminal.text(), 10)

    def rows():
        return len(re.findall(r"^10\.1\.0\.", terminal.text(), re.M))
    assert rows() == 10
    terminal.resize(120, 30)
    eventually(lambda: rows() == 24, 10)
    terminal.resize(40, 4)
    eventually(lambda: rows() == 0, 10)
    terminal.resize(40, 10)
    eventually(lambda: rows() == 4, 10)


def test_a_flapping_neighbour_stands_out(watched, namespace, make_terminal):
    namespace.batch(burst(2))
    move(namespace)
    terminal = make_terminal(*top_of(watched), environment={"TERM": "xterm-256color"})
    eventually(lambda: "192.0.2.9" in terminal.text(), 10)

    def line():
        move(namespace)
        return next(line for line in terminal.text("-e").split("\n") if "192.0.2.9" in line)
    eventually(lambda: re.search(r"\033\[[0-9;]*1m\033\[31m", line()), 10)


def test_no_color_is_heeded_on_a_terminal(watched, namespace, make_terminal):
    terminal = make_terminal(*top_of(watched), environment={"TERM": "xterm-256color",
                                                            "NO_COLOR": "1"})
    eventually(lambda: "ADDRESS" in terminal.text(), 10)
    move(namespace)
    eventually(lambda: "192.0.2.9" in terminal.text(), 10)
    assert "\033[31m" not in terminal.text("-e")


@pytest.mark.parametrize("key", ["q", "C-c"])
def test_it_ends_with_0_and_gives_the_terminal_back(watched, make_terminal, key):
    terminal = make_terminal(*top_of(watched))
    eventually(lambda: "ADDRESS" in terminal.text(), 10)
    terminal.press(key)
    eventually(terminal.ended, 10)
    assert "ended=0" in terminal.text() and "ADDRESS" not in terminal.text()


def test_it_ends_with_its_terminal(watched, make_terminal):
    terminal = make_terminal(*top_of(watched))
    eventually(lambda: "ADDRESS" in terminal.text(), 10)

    def is_running():
        return subprocess.run(["pgrep", "-f", f"instance {watched.instance} .*top"],
                              stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert is_running()
    terminal.close()
    eventually(lambda: not is_running(), 10)

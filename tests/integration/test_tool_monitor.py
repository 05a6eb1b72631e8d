# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack monitor: live changes, without the daemon and beside it."""
import os
import signal
import subprocess

import pytest
from harness.daemon import BUILD, dump_map, tool
from harness.following import Monitor
from harness.namespace import burst
from harness.waiting import TIME_SCALE, eventually, stay_quiet

MACS = [f"02:00:00:00:00:0{i}" for i in range(4)]


@pytest.fixture
def make_monitor(veth, namespace):
    made = []

    def make(*words, **arguments):
        made.append(Monitor(namespace, *words, **arguments))
        return made[-1]
    yield make
    for monitor in made:
        monitor.clean_up()


def replace(namespace, address="192.0.2.9", mac=MACS[1], state="reachable", device="veth0"):
    namespace.ip("neigh", "replace", address, "lladdr", mac, "dev", device, "nud", state)


def test_each_change_is_an_object_with_its_old_mac_and_reason(make_monitor, namespace):
    monitor = make_monitor()
    replace(namespace)
    replace(namespace, mac=MACS[2], state="stale")
    namespace.ip("neigh", "del", "192.0.2.9", "dev", "veth0")
    eventually(lambda: len(monitor.events()) == 3)
    where = {"interface": "veth0", "ip": "192.0.2.9"}
    assert monitor.events() == [
        {"op": "add", **where, "mac": MACS[1], "reason": "REACHABLE"},
        {"op": "change", **where, "mac": MACS[2], "old_mac": MACS[1], "reason": "STALE"},
        {"op": "delete", **where, "old_mac": MACS[2], "reason": "FAILED"}]


def test_it_begins_with_the_number_of_neighbours_that_are_there(make_monitor, namespace):
    replace(namespace)
    monitor = make_monitor()
    assert (monitor.lines[0]["op"], monitor.lines[0]["count"]) == ("start", 1)
    # and knows them: what it tells next has an old MAC
    replace(namespace, mac=MACS[2])
    eventually(lambda: [event["old_mac"] for event in monitor.events()] == [MACS[1]])


def test_what_changes_neither_mac_nor_existence_is_not_told(make_monitor, namespace):
    monitor = make_monitor()
    for state in ("reachable", "stale", "delay", "permanent"):
        replace(namespace, state=state)
    replace(namespace, address="192.0.2.10")
    eventually(lambda: len(monitor.events()) == 2)
    assert [event["ip"] for event in monitor.events()] == ["192.0.2.9", "192.0.2.10"]


def test_the_policy_is_that_of_the_daemon(make_monitor, namespace):
    namespace.add_interface("other0")
    monitor = make_monitor("--ignore", "lo,other*", "--ipv6", "no")
    replace(namespace, device="other0")
    replace(namespace, address="2001:db8::9")
    replace(namespace, address="224.0.0.9")
    replace(namespace, address="192.0.2.11", state="noarp")
    replace(namespace, address="192.0.2.10")
    eventually(monitor.events)
    assert [event["ip"] for event in monitor.events()] == ["192.0.2.10"]


@pytest.mark.parametrize("words, addresses", [
    (["dev", "other0"], ["198.51.100.9"]),
    (["-6"], ["2001:db8::9"]),
    (["192.0.2.0/24"], ["192.0.2.9", "192.0.2.200"]),
    (["192.0.2.200"], ["192.0.2.200"]),
])
def test_only_what_is_asked_for_is_told(make_monitor, namespace, words, addresses):
    namespace.add_interface("other0")
    monitor = make_monitor(*words)
    everything = make_monitor()
    replace(namespace)
    replace(namespace, address="198.51.100.9", device="other0")
    replace(namespace, address="2001:db8::9")
    replace(namespace, address="192.0.2.200")
    eventually(lambda: len(everything.events()) == 4)
    eventually(lambda: len(monitor.events()) == len(addresses))
    assert [event["ip"] for event in monitor.events()] == addresses


def test_a_deleted_interface_takes_its_neighbours_with_it(make_monitor, namespace):
    namespace.add_interface("other0")
    replace(namespace, device="other0")
    monitor = make_monitor()
    namespace.ip("link", "del", "other0")
    eventually(monitor.events)
    assert monitor.events() == [{"op": "delete", "interface": "other0", "ip": "192.0.2.9",
                                 "old_mac": MACS[1], "reason": "deleted"}]


def test_a_renamed_interface_is_another_one(make_monitor, namespace):
    namespace.add_interface("other0")
    namespace.ip("link", "set", "other0", "down")
    replace(namespace, device="other0", state="permanent")
    monitor = make_monitor()
    namespace.ip("link", "set", "other0", "name", "new0")
    eventually(lambda: len(monitor.events()) == 2)
    assert sorted((event["op"], event["interface"], event["reason"])
                  for event in monitor.events()) == [("add", "new0", "interface"),
                                                     ("delete", "other0", "interface")]


def test_a_line_is_one_line_for_people(make_monitor, namespace):
    monitor = make_monitor(json_lines=False)
    replace(namespace)
    replace(namespace, mac=MACS[2])
    eventually(lambda: len(monitor.lines) == 3)
    assert monitor.lines[0].endswith(" start  0 neighbours")
    assert monitor.lines[1].endswith(f" add    192.0.2.9 dev veth0 lladdr {MACS[1]} (REACHABLE)")
    assert monitor.lines[2].endswith(f" change 192.0.2.9 dev veth0 lladdr {MACS[2]} "
                                     f"was {MACS[1]} (REACHABLE)")


def test_what_the_socket_loses_is_told_and_made_up_for(make_monitor, namespace):
    # a small buffer, and a process that is stopped while thousands of changes come
    monitor = make_monitor("--netlink-buffer", "8192")
    monitor.process.send_signal(signal.SIGSTOP)
    namespace.batch(burst(2000))
    monitor.process.send_signal(signal.SIGCONT)

    def everything_was_told():
        told = {event["ip"]: event for event in monitor.events() if "ip" in event}
        return len(told) == 2000
    eventually(everything_was_told, 20)
    operations = [event["op"] for event in monitor.events()]
    assert "lost" in operations and operations.count("add") == 2000
    assert "dump" in {event.get("reason") for event in monitor.events()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0(make_monitor, number):
    assert make_monitor().end(number) == 0


@pytest.fixture
def piped(veth, namespace):
    """(process, the end of its pipe that nobody reads), after its first line."""
    reader, writer = os.pipe()
    process = subprocess.Popen([os.path.join(BUILD, "neightrack"), "--netns", namespace.name,
                                "monitor"], stdout=writer)
    os.close(writer)
    with open(reader, "rb", buffering=0) as pipe:
        pipe.read(1)
        yield process, pipe
    process.kill()
    process.wait()


def test_it_ends_although_its_reader_does_not_read(piped, namespace):
    process, _ = piped
    # more than a pipe holds
    namespace.batch(burst(3000))
    stay_quiet()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10 * TIME_SCALE) == 0


def test_it_ends_with_0_when_nobody_reads_any_more(piped):
    process, pipe = piped
    pipe.close()
    # nothing changes: it need not write to learn of it
    assert process.wait(timeout=10 * TIME_SCALE) == 0


def test_it_ends_with_2_when_the_namespace_is_deleted(make_monitor, namespace):
    monitor = make_monitor()
    namespace.remove()
    assert monitor.end() == 2
    assert monitor.lines[-1]["op"] == "end"


def test_the_daemon_is_not_disturbed(daemon, make_monitor, namespace, equals_kernel):
    monitor = make_monitor("--instance", daemon.instance)
    namespace.batch(burst(500))
    equals_kernel()
    eventually(lambda: len(monitor.events()) == 500)
    assert monitor.end(signal.SIGINT) == 0
    daemon.assert_accounts_balance()
    assert len(dump_map(daemon.instance, "neighbours")) == 500


def test_what_a_daemon_has_left_pinned_stays(veth, namespace, make_daemon, make_monitor):
    daemon = make_daemon("--pins", "keep").start()
    replace(namespace)
    eventually(lambda: dump_map(daemon.instance, "neighbours"))
    daemon.stop()
    monitor = make_monitor("--instance", daemon.instance)
    assert monitor.end(signal.SIGINT) == 0
    assert len(dump_map(daemon.instance, "neighbours")) == 1


def test_a_word_that_it_does_not_know_is_named(namespace):
    code, out, errors = tool("monitor", "frob", "--netns", namespace.name)
    assert code == 2 and out == "" and "'frob'" in errors and "dev NAME" in errors

# SPDX-License-Identifier: GPL-2.0-or-later
"""Two CPUs change the same few neighbours at once: netlink on one, ARP packets
(softirq) on the other. At every pause Redis equals the kernel.

CHANGES is how many there are at least (10000000 takes some minutes), and
FLOOD_SECONDS how long the flood lasts.
"""
import json
import os
import random
import subprocess
import threading
import time

import pytest
from harness.namespace import burst, expected_table
from harness.report import report
from harness.rtnetlink import Neighbours, delete, replace
from harness.waiting import eventually, eventually_holds

FOLDER = os.path.dirname(os.path.abspath(__file__))
CHANGES = int(os.environ.get("CHANGES", "1000000"))
SECONDS_A_ROUND = "0.5"
ADDRESSES = [f"192.0.2.{i}" for i in range(10, 14)]
FLOOD_SECONDS = float(os.environ.get("FLOOD_SECONDS", "4"))
FLOOD_ADDRESSES = 30000
LIMIT = 5000

SOURCES = {"tp_btf": ["--source", "tp_btf"],
           "ring of one page": ["--source", "tp_btf", "--ring-size", "4096"],
           "netlink": ["--source", "netlink"]}


@pytest.fixture
def seed():
    chosen = int(os.environ.get("SEED", random.randrange(1, 1 << 30)))
    print(f"SEED={chosen}")
    return chosen


def start_program(namespace, name, *words):
    return subprocess.Popen(["ip", "netns", "exec", namespace.name, "/usr/bin/python3",
                             os.path.join(FOLDER, name), *words], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("options", SOURCES.values(), ids=SOURCES)
def test_netlink_against_arp_on_the_same_neighbours_ends_equal(veth, namespace, peer, make_daemon,
                                                               equals_kernel, options, seed):
    namespace.sysctl("ipv4/neigh/veth0/locktime", 0)
    # nobody answers probes, and a machine with much else to do may be slow to compare
    namespace.sysctl("ipv4/neigh/veth0/delay_first_probe_time", 3600)
    mac = json.loads(namespace.ip("-j", "link", "show", "veth0"))[0]["address"]
    daemon = make_daemon("--audit-interval", "0", *options).start()
    kinds = [replace(address, "veth0", f"02:00:00:00:66:{i:02x}", state)
             for i in range(4) for address in ADDRESSES
             for state in ("reachable", "reachable", "stale", "delay")]
    # deletions race with what ARP brings up again
    kinds += [delete(ADDRESSES[0], "veth0")] * 2
    sender = Neighbours(namespace)
    rng = random.Random(seed)
    changes = pauses = 0
    while changes < CHANGES:
        storm = start_program(peer, "arp_storm.py", "veth0", mac, SECONDS_A_ROUND, *ADDRESSES)
        while storm.poll() is None:
            some = rng.choices(kinds, k=4000)
            sender.send(some)
            changes += len(some)
        changes += int(storm.stdout.read())
        assert len(equals_kernel()) >= len(ADDRESSES) - 1
        pauses += 1
    sender.close()
    report("ordering", source=daemon.statistics()["source"], seed=seed, changes=changes,
           pauses=pauses)
    assert daemon.count("submitted") > 1000
    eventually_holds(daemon.assert_accounts_balance)
    eventually(lambda: daemon.verify()[0] == 0)


class Watch(threading.Thread):
    """Looks every now and then, as long as the flood lasts."""

    def __init__(self, look):
        super().__init__()
        self.look = look
        self.ended = threading.Event()
        self.seen = []

    def run(self):
        while not self.ended.wait(0.2):
            self.seen.append(self.look())

    def end(self):
        self.ended.set()
        self.join()
        return self.seen


OURS = {"ARP": ("10.77.255.254", "16", "10.77.0.1"),
        "ND": ("2001:db8:77::ffff:1", "64", "2001:db8:77::1")}


@pytest.mark.parametrize("source, kind", [("tp_btf", "ARP"), ("netlink", "ARP"), ("tp_btf", "ND")])
def test_a_flood_is_bounded_and_what_remains_of_it_is_right(veth, namespace, peer, redis_server,
                                                            make_daemon, equals_kernel, source,
                                                            kind, seed):
    """From more addresses than max_neighbours, with ever other MACs."""
    address, length, network = OURS[kind]
    nodad = ["nodad"] if kind == "ND" else []
    namespace.ip("addr", "add", f"{address}/{length}", "dev", "veth0", *nodad)
    namespace.sysctl("ipv4/neigh/veth0/locktime", 0)
    daemon = make_daemon("--source", source, "--max-neighbours", str(LIMIT)).start()
    before_kb = daemon.resident_kb()
    flood = start_program(peer, "flood.py", "veth0", address, str(FLOOD_SECONDS), network,
                          str(FLOOD_ADDRESSES), str(seed))
    watch = Watch(lambda: (daemon.resident_kb(), redis_server.client.dbsize()))
    watch.start()
    flood.wait()
    seen = watch.end()
    sent = int(flood.stdout.read())
    statistics = daemon.statistics()
    report("flood", source=source, kind=kind, seed=seed, changes=sent, over_limit=statistics["over_limit"],
           most_kb=max(kb for kb, _ in seen) - before_kb)
    assert sent > 1000 * FLOOD_SECONDS
    assert max(kb for kb, _ in seen) - before_kb < 16 << 10
    assert max(count for _, count in seen) <= LIMIT
    assert statistics["over_limit"] > 0 and daemon.said("max_neighbours")

    def assert_kept_ones_are_right():
        have, want = redis_server.table(), expected_table(namespace)
        assert len(have) == LIMIT and have.items() <= want.items()
    eventually_holds(assert_kept_ones_are_right, 10)
    namespace.ip("neigh", "flush", "dev", "veth0")
    namespace.batch(burst(100))
    assert len(equals_kernel(20)) >= 100
    eventually_holds(daemon.assert_accounts_balance)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Two CPUs change the same few neighbours at once: netlink on one, ARP packets
(softirq) on the other. At every pause Redis equals the kernel."""
import json
import os
import subprocess

import pytest
from harness.waiting import eventually

STORM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arp_storm.py")
ROUNDS = int(os.environ.get("ROUNDS", "4"))
SECONDS = "1"
ADDRESSES = [f"192.0.2.{i}" for i in range(10, 14)]


@pytest.mark.parametrize("options", [[], ["--ring-size", "4096"]],
                         ids=["defaults", "ring of one page"])
def test_netlink_against_arp_on_the_same_neighbours_ends_equal(veth, namespace, peer, make_daemon,
                                                               equals_kernel, options):
    namespace.sysctl("ipv4/neigh/veth0/locktime", 0)
    mac = json.loads(namespace.ip("-j", "link", "show", "veth0"))[0]["address"]
    daemon = make_daemon(*options).start()
    lines = [f"neigh replace {address} lladdr 02:00:00:00:66:{i:02x} dev veth0 nud reachable"
             for i in range(4) for address in ADDRESSES]
    # deletions race with what ARP brings up again
    lines += [f"neigh del {ADDRESSES[0]} dev veth0"]
    sent = 0
    for _ in range(ROUNDS):
        storm = subprocess.Popen(["ip", "netns", "exec", peer.name, "/usr/bin/python3", STORM,
                                  "veth0", mac, SECONDS, *ADDRESSES],
                                 stdout=subprocess.PIPE, text=True)
        while storm.poll() is None:
            namespace.batch(lines * 200)
        sent += int(storm.stdout.read())
        assert len(equals_kernel()) >= len(ADDRESSES) - 1
    assert sent > 1000
    assert daemon.count("submitted") > 1000
    daemon.assert_accounts_balance()
    eventually(lambda: daemon.verify()[0] == 0)

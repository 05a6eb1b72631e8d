# SPDX-License-Identifier: GPL-2.0-or-later
"""Random changes and random faults, and in the end Redis equals the kernel.

A failure prints its seed; SEED=n runs that one again. SECONDS sets the length.
"""
import ipaddress
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from harness.daemon import dump_map
from harness.namespace import burst
from harness.waiting import eventually

SECONDS = float(os.environ.get("SECONDS", "6"))
INTERFACES = ("veth0", "ra", "rb")


class Storm:
    """Threads that change the namespace's neighbours and links until told to stop."""

    def __init__(self, namespace, seed):
        self.namespace = namespace
        self.seed = seed
        self.stopped = threading.Event()
        self.operations = 0
        self.threads = [threading.Thread(target=self.change_neighbours, args=(i,)) for i in (1, 2)]
        self.threads.append(threading.Thread(target=self.change_links, args=(3,)))

    def run_for(self, seconds, inject):
        for thread in self.threads:
            thread.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            inject()
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def ip(self, *words, text=None):
        # what fails (an interface that is just gone) is part of the storm
        subprocess.run(["ip", "-n", self.namespace.name, *words], input=text, text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.operations += 1

    def change_neighbours(self, number):
        rng = random.Random(self.seed * 10 + number)
        while not self.stopped.is_set():
            lines = []
            for _ in range(rng.choice((1, 10, 200, 2000))):
                device = rng.choice(INTERFACES)
                address = f"10.9.{rng.randrange(2)}.{rng.randrange(1, 255)}"
                if rng.random() < 0.3:
                    address = f"2001:db8:9::{rng.randrange(1, 400):x}"
                mac = f"02:00:00:00:00:{rng.randrange(4):02x}"
                if rng.random() < 0.25:
                    lines.append(f"neigh del {address} dev {device}")
                else:
                    state = rng.choice(("reachable", "stale", "permanent", "noarp", "failed",
                                        "delay", "probe"))
                    lines.append(f"neigh replace {address} lladdr {mac} dev {device} nud {state}")
            self.ip("-force", "-batch", "-", text="\n".join(lines) + "\n")
            if rng.random() < 0.05:
                self.ip("neigh", "flush", "dev", rng.choice(INTERFACES))
            if rng.random() < 0.1:
                self.namespace.can_ping("192.0.2.2")

    def change_links(self, number):
        rng = random.Random(self.seed * 10 + number)
        while not self.stopped.wait(rng.random() * 0.4):
            kind = rng.randrange(4)
            if kind == 0:
                self.ip("link", "set", "ra", "down")
                self.ip("link", "set", "ra", "up")
            elif kind == 1:
                self.ip("-force", "-batch", "-", text="link set ra name rx\nlink set rb name ra\n"
                        "link set rx name rb\n")
            elif kind == 2:
                self.ip("link", "del", "rb")
                self.ip("link", "add", "rb", "type", "veth", "peer", "name", "rb-p")
                self.ip("link", "set", "rb-p", "up")
                self.ip("link", "set", "rb", "up")
            else:
                self.ip("link", "set", "rb", "name", "ignored0")
                self.ip("link", "set", "ignored0", "name", "rb")


def assert_claims_are_true(daemon, table):
    """At rest the kernel side claims to have published exactly what Redis holds."""
    names = {row["formatted"]["key"]: row["formatted"]["value"]["name"]
             for row in dump_map(daemon.instance, "interfaces")}
    control = dump_map(daemon.instance, "control")[0]["formatted"]["value"][".bss"][0]["control"]
    for row in dump_map(daemon.instance, "neighbours"):
        key, value = row["formatted"]["key"], row["formatted"]["value"]
        claim = value[""]["published"]
        if value["epoch"] != control["epoch"]:
            continue
        address = ipaddress.ip_address(bytes(key["addr"][:4 if key["family"] == 2 else 16]))
        published = table.get(f"NEIGH_TABLE:{names[key['ifindex']]}:{address}", {}).get("neigh")
        valid = claim["stamp"] & 0x8000
        mac = ":".join(f"{byte:02x}" for byte in claim["mac"])
        assert published == (mac if valid else None), (address, row["formatted"])


@pytest.mark.parametrize("options", [
    ["--ring-size", "4096"],
    [],
    ["--map-size", "64"],
    ["--transaction", "yes", "--ring-size", "65536"],
], ids=["ring of one page", "defaults", "map too small", "transactions"])
def test_random_changes_and_faults_end_equal(veth, namespace, redis_server, make_daemon,
                                             equals_kernel, options):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"SEED={seed}")
    rng = random.Random(seed)
    namespace.add_interface("ra")
    namespace.add_interface("rb")
    namespace.batch(burst(200, "ra"))
    started = [make_daemon("--ignore", "lo ignored*", *options).start()]

    def pause_daemon():
        started[0].signal(signal.SIGSTOP)
        time.sleep(rng.random() * 0.3)
        started[0].signal(signal.SIGCONT)

    def kill_daemon():
        started[0].kill()
        started[0] = make_daemon("--ignore", "lo ignored*", *options,
                                 instance=started[0].instance).launch()

    def pause_redis():
        redis_server.pause()
        time.sleep(rng.random() * 0.3)
        redis_server.resume()

    def inject():
        time.sleep(rng.random() * 0.3)
        rng.choice((pause_daemon, kill_daemon, pause_redis, redis_server.kill_clients))()

    storm = Storm(namespace, seed)
    storm.run_for(SECONDS, inject)
    eventually(lambda: started[0].said("ready"), 20, f"ready, with SEED={seed}")
    table = equals_kernel(20)
    assert storm.operations > 10 and table, "the storm did nothing"
    started[0].assert_accounts_balance()
    assert_claims_are_true(started[0], table)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump resumes by an index into the kernel's table, which deletions shift: it
skips entries that are there all the time. None of these may vanish from Redis.

ROUNDS is how many dumps there are (hundreds in the long form), STABLE of how many.
"""
import os
import random
import threading

import pytest
from harness.namespace import burst
from harness.report import report
from harness.rtnetlink import Neighbours, delete, replace
from harness.waiting import eventually, eventually_holds, stay_quiet

ROUNDS = int(os.environ.get("ROUNDS", "10"))
STABLE = int(os.environ.get("STABLE", "64000"))
STABLE_KEYS = "NEIGH_TABLE:veth0:30.*"


class Events:
    """What Redis itself tells of every change of a key that matches."""

    def __init__(self, redis_server, pattern):
        redis_server.client.config_set("notify-keyspace-events", "KA")
        self.channel = "__keyspace@0__:"
        self.seen = []
        self.listener = redis_server.client.pubsub(ignore_subscribe_messages=True)
        self.listener.psubscribe(self.channel + pattern)
        self.collect()

    def collect(self, timeout_s=0.05):
        while True:
            message = self.listener.get_message(timeout=timeout_s)
            if message is None:
                return self.seen
            if message["channel"].startswith(self.channel):
                self.seen.append((message["channel"][len(self.channel):], message["data"]))

    def close(self):
        self.listener.close()


class Churn:
    """Adds and deletes others without pause, of the same hash buckets."""

    def __init__(self, namespace, seed):
        self.namespace = namespace
        self.stopped = threading.Event()
        self.changes = 0
        self.threads = [threading.Thread(target=self.run, args=(random.Random(f"{seed} {i}"), i))
                        for i in range(2)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def run(self, rng, number):
        sender = Neighbours(self.namespace)
        addresses = [f"40.{number}.{i >> 8}.{i & 255}" for i in range(1 << 14)]
        while not self.stopped.is_set():
            some = rng.sample(addresses, 3000)
            sender.send([delete(address, "veth0") if rng.random() < 0.5 else
                         replace(address, "veth0", "02:00:00:00:00:01") for address in some])
            self.changes += len(some)
        sender.close()

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def await_dump(daemon):
    """Asks for a dump until there is a new one: one that is under way is not repeated."""
    dumps = daemon.statistics()["dumps"]

    def begun():
        daemon.audit()
        stay_quiet(0.05)
        return daemon.statistics()["dumps"] > dumps
    eventually(begun, 10)


@pytest.mark.parametrize("source", ["tp_btf", "netlink"])
def test_no_valid_neighbour_vanishes_while_others_come_and_go(veth, namespace, redis_server,
                                                              make_daemon, equals_kernel, source):
    seed = int(os.environ.get("SEED", random.randrange(1, 1 << 30)))
    print(f"SEED={seed}")
    namespace.batch(burst(STABLE, net="30", state="permanent"))
    daemon = make_daemon("--source", source, "--audit-interval", "0",
                         "--max-neighbours", str(STABLE * 2)).start()
    assert redis_server.client.dbsize() == STABLE
    events = Events(redis_server, STABLE_KEYS)
    with Churn(namespace, seed) as churn:
        for _ in range(ROUNDS):
            await_dump(daemon)
            assert events.collect() == [], f"SEED={seed}"
    assert len(equals_kernel(20)) >= STABLE
    assert events.collect() == [], f"SEED={seed}"
    statistics = daemon.statistics()
    report("dumps", source=source, seed=seed, changes=churn.changes, dumps=statistics["dumps"],
           interrupted=statistics["interrupted"], looked_up=statistics["looked_up"])
    eventually_holds(daemon.assert_accounts_balance)
    # it was really watched
    namespace.ip("neigh", "del", "30.1.0.7", "dev", "veth0")
    assert eventually(events.collect) == [("NEIGH_TABLE:veth0:30.1.0.7", "del")]
    events.close()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Random changes and random faults, and in the end Redis equals the kernel.

SEED chooses the changes and the faults, and is printed; the same seed does the same
again. SECONDS sets the length of each storm. cases.txt holds what once failed.
"""
import ipaddress
import os
import random
import time

import pytest
from harness.daemon import dump_map
from harness.faults import Faults
from harness.namespace import expected_table
from harness.report import report
from harness.sonic_consumer import SonicConsumer
from harness.storm import Storm
from harness.tables import wait_until_equal
from harness.waiting import eventually, eventually_holds

SECONDS = float(os.environ.get("SECONDS", "3"))
CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.txt")
IGNORED = ("lo", "ignored0")
FEW, MANY = 400, 15000
# after each Redis and the kernel are compared
SECONDS_A_ROUND = {FEW: 1, MANY: 4}

LIMIT = 200
LIMITED = ["--max-neighbours", str(LIMIT)]
# (a consumer whose table is flushed behind its back is nobody's to repair)
SONIC = ["--schema", "sonic"]
# what cannot be resolved is published, too
DUAL_TOR = ["--policy", "sonic"]
RECONFIGURED = ("reconfigure", "pause_daemon", "kill_daemon", "kill_clients")

# name: (options, addresses a family and interface, kinds of faults)
STORMS = {
    "tp_btf": (["--source", "tp_btf"], FEW, Faults.BREAKS),
    "raw_tp": (["--source", "raw_tp"], FEW, Faults.BREAKS),
    "one-page": (["--source", "tp_btf", "--ring-size", "4096"], FEW, Faults.BREAKS),
    "small-map": (["--source", "tp_btf", "--map-size", "64"], FEW, Faults.BREAKS),
    "one-page-small-map-many": (["--source", "tp_btf", "--ring-size", "4096",
                                 "--map-size", "1000"], MANY, Faults.BREAKS),
    "tp_btf-audited-many": (["--source", "tp_btf", "--transaction", "yes"], MANY,
                            Faults.BREAKS + Faults.AUDITED),
    "netlink": (["--source", "netlink"], FEW, Faults.BREAKS),
    "netlink-small-buffer": (["--source", "netlink", "--netlink-buffer", "8192"], FEW,
                             Faults.BREAKS + Faults.AUDITED),
    "netlink-many": (["--source", "netlink", "--netlink-buffer", "1M"], MANY, Faults.BREAKS),
    "tp_btf-limited": (["--source", "tp_btf", *LIMITED], FEW, Faults.BREAKS),
    "netlink-limited": (["--source", "netlink", *LIMITED], FEW, Faults.BREAKS),
    "tp_btf-sonic": (["--source", "tp_btf", *SONIC], FEW, Faults.BREAKS + ("audit",)),
    "tp_btf-sonic-many": (["--source", "tp_btf", *SONIC], MANY, Faults.BREAKS),
    "netlink-sonic": (["--source", "netlink", *SONIC], FEW, Faults.BREAKS),
    "tp_btf-dual-tor": (["--source", "tp_btf", *DUAL_TOR], FEW, Faults.BREAKS),
    "small-map-dual-tor": (["--source", "tp_btf", "--map-size", "64", *DUAL_TOR], FEW,
                           Faults.BREAKS + ("audit",)),
    "tp_btf-changing-switch": (["--source", "tp_btf", *DUAL_TOR], FEW,
                               ("change_switch", "pause_daemon", "kill_daemon")),
    "tp_btf-reconfigured": (["--source", "tp_btf"], FEW, RECONFIGURED),
    "netlink-reconfigured": (["--source", "netlink"], FEW, RECONFIGURED),
}


def failed_before():
    """(name, seed) of each line of cases.txt."""
    with open(CASES, encoding="utf-8") as lines:
        words = [line.split("#")[0].split() for line in lines]
    return [(name, int(seed)) for name, seed in filter(None, words)]


@pytest.fixture
def collecting():
    """The kernel collects stale neighbours, however few there are. The limit is global."""
    paths = [f"/proc/sys/net/{family}/neigh/default/gc_thresh1" for family in ("ipv4", "ipv6")]
    before = {path: open(path).read() for path in paths}
    for path in paths:
        open(path, "w").write("0")
    yield
    for path, value in before.items():
        open(path, "w").write(value)


def assert_claims_are_true(daemon, read_table):
    """At rest the kernel side claims to have published exactly what Redis holds."""
    names = {row["formatted"]["key"]["ifindex"]: row["formatted"]["value"]["name"]
             for row in dump_map(daemon.instance, "interfaces")}
    rows = dump_map(daemon.instance, "neighbours")
    controls = dump_map(daemon.instance, "control")[0]["formatted"]["value"][".data.control"]
    control = controls[0]["controls"]["of"][0]
    table = read_table()
    for row in rows:
        key, value = row["formatted"]["key"], row["formatted"]["value"]
        claim = value[""]["published"]
        if value["epoch"] != control["epoch"]:
            continue
        # of an interface that is gone nothing may be claimed
        name = names.get(key["ifindex"], "none")
        address = ipaddress.ip_address(bytes(key["addr"][:4 if key["family"] == 2 else 16]))
        published = table.get(f"NEIGH_TABLE:{name}:{address}", {}).get("neigh")
        valid = claim["stamp"] & 0x8000
        mac = ":".join(f"{byte:02x}" for byte in claim["mac"])
        assert published == (mac if valid else None), (address, row["formatted"])


@pytest.fixture
def make_consumer(redis_server):
    made = []

    def make(seed):
        made.append(SonicConsumer(redis_server, seed))
        return made[-1].start()

    yield make
    for consumer in made:
        consumer.stop()


@pytest.fixture
def endure(collecting, veth, namespace, peer, redis_server, make_redis, make_daemon,
           make_consumer, tmp_path):
    """Runs the storm of that name and seed, and compares."""

    def check(name, seed):
        options, addresses, kinds = STORMS[name]
        print(f"SEED={seed}")
        storm = Storm(namespace, peer, seed, addresses)
        storm.set_up()
        # with the schema sonic it is the consumer who must end equal
        sonic = "--schema" in options
        read = make_consumer(seed).read if sonic else redis_server.table
        config = make_redis()           # which nothing befalls
        if "--policy" in options:
            config.start()
            options = [*options, "--config-db", config.url]
        configuration = tmp_path / "neightrackd.conf"
        options = ["--config", str(configuration), "--audit-interval", "0", *options]
        daemon = make_daemon(*options)
        faults = Faults(daemon, redis_server,
                        lambda: make_daemon(*options, instance=daemon.instance), kinds,
                        configuration, config.client)
        faults.write_configuration("")
        if "--policy" in options:
            faults.set_dual_tor(True)
        daemon.start()
        deadline = time.monotonic() + SECONDS
        try:
            while time.monotonic() < deadline:
                faults.choose(random.Random(f"{seed} {storm.round}"))
                storm.run_for(SECONDS_A_ROUND[addresses], faults.inject)
                settle(storm, faults, read)
        except AssertionError:
            storm.tell()
            print("faults:", *faults.chosen)
            print("the daemon's last lines:", *faults.daemon.lines[-30:], sep="\n  ")
            raise
        finally:
            storm.end()
            report("storm", name=name, seed=seed, rounds=storm.round, changes=storm.changes,
                   faults=faults.number)
        assert storm.changes > 1000 and faults.number > 2

    def settle(storm, faults, read):
        """After a round: whatever it has left, Redis becomes equal, and stays alive."""
        daemon = faults.daemon
        eventually(lambda: daemon.said("ready: ") or daemon.process.poll() is not None, 30,
                   "ready after the storm")
        if "audit" in faults.kinds:
            daemon.audit()
        if "reconfigure" in faults.kinds:
            faults.configure("")
        if "change_switch" in faults.kinds:
            faults.set_dual_tor(True)
        namespace.ip("neigh", "replace", "192.0.2.99", "lladdr",
                     f"02:00:00:00:99:{storm.round & 255:02x}", "dev", "veth0", "nud", "permanent")
        if "--max-neighbours" in daemon.options:
            eventually_holds(assert_kept_ones_are_right, 30)
        else:
            equal = wait_until_equal(read, namespace, 30, ignored=IGNORED,
                                     dual_tor="--policy" in daemon.options)
            assert "NEIGH_TABLE:veth0:192.0.2.99" in equal
        eventually_holds(daemon.assert_accounts_balance)
        if daemon.statistics()["source"] != "netlink" and "--max-neighbours" not in daemon.options:
            eventually_holds(lambda: assert_claims_are_true(daemon, redis_server.table))

    def assert_kept_ones_are_right():
        """As many as may be kept are, and each of these is as the kernel has it."""
        have, want = redis_server.table(), expected_table(namespace, ignored=IGNORED)
        wrong = dict(item for item in have.items() if want.get(item[0]) != item[1])
        assert not wrong and len(have) == min(LIMIT, len(want))

    return check


@pytest.mark.parametrize("name, seed", [(name, None) for name in STORMS] + failed_before())
def test_random_changes_and_faults_end_equal(endure, name, seed):
    endure(name, seed or int(os.environ.get("SEED", random.randrange(1, 1 << 30))))

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a daemon leaves pinned, and what the next one makes of it."""
import os
import subprocess

import pytest
from harness.daemon import PINS, SOURCE, dump_map, pinned, pinned_programs
from harness.namespace import Namespace, burst, removal
from harness.tables import wait_until_equal
from harness.waiting import stay_quiet

pytestmark = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no BPF programs")

KEEP = ("--pins", "keep")


@pytest.fixture
def left(veth, namespace, make_daemon):
    """A daemon that has ended, and left its programs."""
    namespace.batch(burst(1000))
    daemon = make_daemon(*KEEP).start()
    daemon.ids = pinned_programs(daemon.instance)
    daemon.stop()
    return daemon


def is_attached(ids):
    links = subprocess.run(["bpftool", "link"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return any(f"prog {number} " in links for number in ids.values())


def test_what_is_left_is_attached_to_nothing(left):
    assert pinned_programs(left.instance) == left.ids
    assert not is_attached(left.ids)


def test_the_next_daemon_uses_the_programs_again(left, make_daemon, namespace, equals_kernel):
    daemon = make_daemon(*KEEP, instance=left.instance).start()
    assert pinned_programs(daemon.instance) == left.ids and is_attached(left.ids)
    namespace.batch(burst(100, mac=7))
    assert len(equals_kernel()) == 1000
    daemon.assert_accounts_balance()


def test_what_changed_meanwhile_is_found(left, make_daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(10, mac=5) + removal(1000)[900:])
    redis_server.forget_statistics()
    make_daemon(*KEEP, instance=left.instance).start()
    assert len(equals_kernel()) == 900
    assert redis_server.writes() == {"hset": 10, "del": 100}


def test_nothing_of_the_last_daemons_claims_and_counts_is_left(left, make_daemon, namespace):
    namespace.batch(removal(1000))
    daemon = make_daemon(*KEEP, instance=left.instance).start()
    assert dump_map(daemon.instance, "neighbours") == []
    # events of other namespaces are counted from the start
    for counts in daemon.counters().values():
        assert counts["submitted"] == counts["suppressed"] == 0


def test_churn_after_a_restart_is_suppressed_from_the_start(left, make_daemon, namespace,
                                                            redis_server):
    daemon = make_daemon(*KEEP, instance=left.instance).start()
    redis_server.forget_statistics()
    namespace.batch(burst(1000, state="stale"))
    stay_quiet()
    assert redis_server.writes() == {} and daemon.count("submitted") == 0


def test_a_killed_daemons_programs_are_used_again(veth, namespace, make_daemon, equals_kernel):
    daemon = make_daemon().start()
    ids = pinned_programs(daemon.instance)
    daemon.kill()
    namespace.batch(burst(500))
    make_daemon(instance=daemon.instance).start()
    assert pinned_programs(daemon.instance) == ids
    assert len(equals_kernel()) == 500


@pytest.mark.parametrize("options", [("--ring-size", "65536"), ("--map-size", "2000")])
def test_other_sizes_need_other_programs(left, make_daemon, options, equals_kernel):
    daemon = make_daemon(*KEEP, *options, instance=left.instance).start()
    assert not set(pinned_programs(daemon.instance).values()) & set(left.ids.values())
    assert len(equals_kernel()) == 1000


def test_the_programs_serve_another_network_namespace_too(left, make_daemon, redis_server):
    other = Namespace()
    try:
        other.add_interface("other0")
        daemon = make_daemon(*KEEP, "--netns", other.name, instance=left.instance).start()
        assert pinned_programs(daemon.instance) == left.ids
        left.namespace.batch(burst(10, mac=3))
        other.batch(burst(10, device="other0"))
        wait_until_equal(redis_server.table, other)
        daemon.stop()
    finally:
        other.remove()


@pytest.mark.parametrize("name", ["neighbours", "control", "neigh_update", "identity"])
def test_pins_that_are_not_ours_are_replaced(left, make_daemon, name, equals_kernel):
    path = f"{PINS}/{left.instance}/{name}"
    os.unlink(path)
    subprocess.run(["bpftool", "map", "create", path, "type", "hash", "key", "4", "value", "4",
                    "entries", "16", "name", "foreign"], check=True)
    daemon = make_daemon(*KEEP, instance=left.instance).start()
    assert not set(pinned_programs(daemon.instance).values()) & set(left.ids.values())
    assert len(equals_kernel()) == 1000


def test_a_pin_that_is_missing_is_made_anew(left, make_daemon, equals_kernel):
    os.unlink(f"{PINS}/{left.instance}/counters")
    daemon = make_daemon(*KEEP, instance=left.instance).start()
    daemon.assert_accounts_balance()
    assert len(equals_kernel()) == 1000


def test_a_daemon_that_listens_to_netlink_removes_what_is_left(left, make_daemon):
    make_daemon("--source", "netlink", instance=left.instance).start()
    assert not pinned(left.instance)


def test_programs_for_a_deleted_network_namespace_are_removed(veth, namespace, make_daemon):
    daemon = make_daemon(*KEEP).start()
    namespace.remove()
    daemon.process.wait(timeout=20)
    assert not pinned(daemon.instance)

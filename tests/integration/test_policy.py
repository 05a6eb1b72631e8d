# SPDX-License-Identifier: GPL-2.0-or-later
"""Which neighbours count, and that the others never leave the kernel."""
import signal

import pytest
from harness.namespace import burst
from harness.waiting import eventually, stay_quiet

MAC = "02:00:00:00:00:0a"


def add(namespace, address, device="veth0", *state):
    namespace.ip("neigh", "replace", address, "lladdr", MAC, "dev", device, *state)


def nothing_leaves_the_kernel(daemon, redis_server):
    stay_quiet()
    assert daemon.count("submitted") == 0
    assert redis_server.table() == {}


def test_an_ignored_interface_makes_no_record(veth, namespace, redis_server, make_daemon):
    namespace.add_interface("mgmt0")
    daemon = make_daemon("--ignore", "lo mgmt*").start()
    add(namespace, "192.0.2.9", "mgmt0")
    nothing_leaves_the_kernel(daemon, redis_server)


def test_an_interface_that_is_not_watched_makes_no_record(veth, namespace, redis_server,
                                                          make_daemon):
    namespace.add_interface("other0")
    daemon = make_daemon("--interfaces", "veth*,!veth9").start()
    add(namespace, "192.0.2.9", "other0")
    nothing_leaves_the_kernel(daemon, redis_server)
    add(namespace, "192.0.2.9")
    eventually(lambda: len(redis_server.table()) == 1)


def test_the_loopback_interface_is_ignored_by_default(daemon, namespace, redis_server):
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", MAC, "dev", "lo")
    nothing_leaves_the_kernel(daemon, redis_server)


def test_link_local_ipv6_is_off_by_default(daemon, namespace, redis_server):
    add(namespace, "fe80::9")
    nothing_leaves_the_kernel(daemon, redis_server)


def test_link_local_ipv6_is_on_for_the_interfaces_named(veth, namespace, make_daemon,
                                                        equals_kernel):
    namespace.add_interface("plain0")
    make_daemon("--link-local-ipv6", "veth*").start()
    add(namespace, "fe80::9")
    add(namespace, "fe80::9", "plain0")
    table = equals_kernel(link_local=("veth0",))
    assert list(table) == ["NEIGH_TABLE:veth0:fe80::9"]


def test_link_local_ipv4_can_be_switched_off(veth, namespace, redis_server, make_daemon):
    daemon = make_daemon("--link-local-ipv4", "no").start()
    add(namespace, "169.254.1.9")
    nothing_leaves_the_kernel(daemon, redis_server)


@pytest.mark.parametrize("option, left", [("--ipv4", "IPv6"), ("--ipv6", "IPv4")])
def test_a_family_can_be_switched_off(veth, namespace, make_daemon, equals_kernel, option, left):
    make_daemon(option, "no").start()
    add(namespace, "192.0.2.9")
    add(namespace, "2001:db8::9")
    assert len(equals_kernel(families=(left,))) == 1


def test_multicast_neighbours_never_appear(veth, namespace, redis_server, make_daemon):
    daemon = make_daemon("--noarp", "yes").start()
    add(namespace, "224.0.0.9")
    add(namespace, "ff02::9")
    nothing_leaves_the_kernel(daemon, redis_server)


def test_noarp_is_ignored_unless_learned_externally(daemon, namespace, equals_kernel):
    add(namespace, "192.0.2.8", "veth0", "nud", "noarp")
    add(namespace, "192.0.2.9", "veth0", "nud", "noarp", "extern_learn")
    assert list(equals_kernel()) == ["NEIGH_TABLE:veth0:192.0.2.9"]


def test_noarp_can_be_switched_on(veth, namespace, make_daemon, redis_server):
    make_daemon("--noarp", "yes").start()
    add(namespace, "192.0.2.8", "veth0", "nud", "noarp")
    eventually(lambda: list(redis_server.table()) == ["NEIGH_TABLE:veth0:192.0.2.8"])


def test_a_published_neighbour_that_becomes_noarp_is_removed(daemon, namespace, redis_server):
    add(namespace, "192.0.2.9")
    eventually(redis_server.table)
    add(namespace, "192.0.2.9", "veth0", "nud", "noarp")
    eventually(lambda: not redis_server.table())


def test_a_broadcast_mac_is_not_published(daemon, namespace, redis_server):
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", "ff:ff:ff:ff:ff:ff", "dev", "veth0")
    nothing_leaves_the_kernel(daemon, redis_server)


EVERY_KIND = [f"neigh replace {address} lladdr {mac} dev {device} nud {state}"
              for device in ("veth0", "other0", "ign0")
              for address, mac, state in (
                  ("192.0.2.10", MAC, "reachable"), ("192.0.2.11", MAC, "stale"),
                  ("192.0.2.12", MAC, "permanent"), ("192.0.2.13", MAC, "noarp"),
                  ("192.0.2.14", MAC, "noarp extern_learn"), ("192.0.2.15", MAC, "failed"),
                  ("192.0.2.16", MAC, "none"), ("192.0.2.17", MAC, "incomplete"),
                  ("192.0.2.18", "ff:ff:ff:ff:ff:ff", "permanent"),
                  ("192.0.2.19", "00:00:00:00:00:00", "permanent"),
                  ("169.254.3.4", MAC, "permanent"), ("224.0.0.5", MAC, "permanent"),
                  ("2001:db8::10", MAC, "permanent"), ("2001:db8::13", MAC, "noarp"),
                  ("fe80::10", MAC, "permanent"), ("fec0::10", MAC, "permanent"),
                  ("ff02::10", MAC, "permanent"))]


@pytest.mark.parametrize("options, policy", [
    ((), {}),
    (("--noarp", "yes"), {"noarp": True}),
    (("--link-local-ipv6", "veth*"), {"link_local": ("veth0",)}),
    (("--ipv6", "no"), {"families": ("IPv4",)}),
], ids=["defaults", "noarp", "link-local", "no IPv6"])
def test_every_kind_gets_the_same_answer_from_hooks_snapshot_and_verify(
        veth, namespace, make_daemon, equals_kernel, options, policy):
    for name in ("other0", "ign0"):
        namespace.add_interface(name)
    options = ("--ignore", "lo ign* *-p", *options)
    policy = {"ignored": ("lo", "ign0"), **policy}
    daemon = make_daemon(*options).start()
    namespace.batch(EVERY_KIND)
    told_by_hooks = equals_kernel(**policy)
    assert len(told_by_hooks) >= 10
    assert daemon.verify(*options)[0] == 0
    daemon.stop()
    daemon.redis.client.flushall()
    make_daemon(*options).start()
    assert equals_kernel(**policy) == told_by_hooks


@pytest.fixture
def configured(veth, namespace, make_daemon, tmp_path):
    """A daemon with a configuration file, and a function that changes it and says so."""
    path = tmp_path / "neightrackd.conf"
    path.write_text("[neightrackd]\n")
    daemon = make_daemon("--config", str(path)).start()

    def reconfigure(*lines):
        path.write_text("\n".join(["[neightrackd]", *lines, ""]))
        daemon.signal(signal.SIGHUP)
    return daemon, reconfigure


def test_link_local_switched_on_and_off_changes_neighbours_that_exist(configured, namespace,
                                                                     redis_server):
    _, reconfigure = configured
    add(namespace, "fe80::9")
    add(namespace, "192.0.2.9")
    eventually(lambda: len(redis_server.table()) == 1)
    reconfigure("link_local_ipv6 = veth0")
    eventually(lambda: "NEIGH_TABLE:veth0:fe80::9" in redis_server.table())
    reconfigure()
    eventually(lambda: list(redis_server.table()) == ["NEIGH_TABLE:veth0:192.0.2.9"])


def test_an_interface_ignored_at_run_time_loses_its_keys_and_gets_them_back(
        configured, namespace, redis_server):
    _, reconfigure = configured
    namespace.batch(burst(100))
    eventually(lambda: len(redis_server.table()) == 100)
    reconfigure("ignore = lo veth0")
    eventually(lambda: not redis_server.table())
    reconfigure()
    eventually(lambda: len(redis_server.table()) == 100)


def test_a_broken_configuration_changes_nothing_at_run_time(configured, namespace, redis_server):
    daemon, reconfigure = configured
    reconfigure("ignore = veth0", "batch_size = many")
    eventually(lambda: daemon.said("nothing has changed"))
    assert daemon.said(":3: batch_size = many")
    add(namespace, "192.0.2.9")
    eventually(redis_server.table)


def test_an_option_that_cannot_change_is_named(configured):
    daemon, reconfigure = configured
    reconfigure("ring_size = 8192")
    eventually(lambda: daemon.said("ring_size cannot change"))

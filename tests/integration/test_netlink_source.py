# SPDX-License-Identifier: GPL-2.0-or-later
"""The source netlink: the same mirror without BPF."""
import os

import pytest
from harness.namespace import burst, removal
from harness.redis_server import WRITES
from harness.waiting import eventually, stay_quiet


@pytest.fixture
def daemon(veth, make_daemon):
    return make_daemon("--source", "netlink").start()


def test_new_changed_and_deleted_neighbours_are_mirrored(daemon, namespace, equals_kernel):
    namespace.batch(burst(1000))
    assert len(equals_kernel()) == 1000
    namespace.batch(burst(500, mac=1) + removal(1000)[700:])
    assert len(equals_kernel()) == 700
    assert daemon.statistics()["source"] == "netlink"
    daemon.assert_accounts_balance()


def test_what_arp_and_nd_resolve_is_mirrored(daemon, namespace, equals_kernel):
    assert namespace.can_ping("192.0.2.2")
    assert namespace.can_ping("2001:db8::2")
    assert len(equals_kernel()) == 2


def test_a_neighbour_that_does_not_answer_never_appears(daemon, namespace, redis_server):
    namespace.can_ping("192.0.2.77")
    stay_quiet()
    assert redis_server.table() == {}


def test_a_full_receive_buffer_is_noticed_counted_and_repaired(veth, namespace, make_daemon,
                                                               equals_kernel):
    daemon = make_daemon("--source", "netlink", "--netlink-buffer", "8192").start()
    namespace.batch(burst(20000) + burst(20000, mac=1))
    assert len(equals_kernel(15)) == 20000
    eventually(lambda: daemon.said("resync: ring full") or daemon.said("resync: lost"))
    assert daemon.statistics()["lost"] > 0


def test_losses_that_nobody_reports_are_found_by_the_audit(veth, namespace, make_daemon,
                                                           equals_kernel):
    daemon = make_daemon("--source", "netlink", "--netlink-buffer", "8192",
                         "--netlink-no-enobufs", "yes", "--audit-interval", "1").start()
    namespace.batch(burst(20000) + burst(20000, mac=1))
    assert len(equals_kernel(15)) == 20000
    statistics = daemon.statistics()
    assert statistics["lost"] == 0 and statistics["kernel_repaired"] > 0


def test_deletions_that_find_the_buffer_full_leave_no_ghost(veth, namespace, make_daemon,
                                                            redis_server):
    namespace.batch(burst(20000))
    daemon = make_daemon("--source", "netlink", "--netlink-buffer", "8192").start()
    namespace.batch(removal(20000))
    eventually(lambda: redis_server.client.dbsize() == 0, 15)
    assert daemon.statistics()["lost"] > 0


def test_what_a_bridge_learns_is_not_seen(daemon, namespace, equals_kernel):
    namespace.ip("link", "add", "br0", "type", "bridge")
    namespace.add_interface("port0")
    namespace.ip("link", "set", "port0", "master", "br0")
    before = daemon.statistics()
    for i in range(50):
        namespace.execute("bridge", "fdb", "add", f"02:00:00:00:01:{i:02x}", "dev", "port0",
                          "master", "static")
    namespace.batch(burst(10))
    assert len(equals_kernel()) == 10
    after = daemon.statistics()
    assert after["seen"] - before["seen"] < 50
    assert after["lost"] == 0


def test_nud_churn_makes_no_command(daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(1000))
    equals_kernel()
    redis_server.forget_statistics()
    before = daemon.statistics()
    for state in ("stale", "delay", "probe", "reachable"):
        namespace.batch(burst(1000, state=state))
    eventually(lambda: daemon.statistics()["suppressed"] - before["suppressed"] >= 4000)
    assert not set(redis_server.writes()) & WRITES


def test_the_policy_is_that_of_every_source(veth, namespace, make_daemon, equals_kernel):
    namespace.add_interface("ignored0")
    make_daemon("--source", "netlink", "--link-local-ipv6", "veth0", "--noarp", "yes",
                "--ignore", "lo ignored*").start()
    lines = [f"neigh replace {address} lladdr 02:00:00:00:00:01 dev {device} nud {state}"
             for address in ("fe80::99", "192.0.2.50", "2001:db8::50", "224.0.0.9", "ff02::9")
             for device in ("veth0", "ignored0") for state in ("reachable", "noarp")]
    namespace.batch(lines)
    expected = equals_kernel(ignored=("lo", "ignored0"), link_local=("veth0",), noarp=True)
    assert len(expected) == 3


def test_a_snapshot_comes_before_notifications(veth, namespace, make_daemon, equals_kernel):
    namespace.batch(burst(5000))
    make_daemon("--source", "netlink").start()
    namespace.batch(burst(2000, mac=1))
    assert len(equals_kernel()) == 5000


def without_capabilities(daemon, namespace):
    """Inside the namespace from the start, as to enter it would need CAP_SYS_ADMIN."""
    daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", "setpriv",
                      "--bounding-set=-all", "--inh-caps=-all", *daemon.wrapper]
    daemon.options += ["--netns", "", "--user", ""]
    return daemon


def test_without_the_privilege_for_bpf_netlink_is_taken_and_that_is_said(veth, namespace,
                                                                         make_daemon,
                                                                         equals_kernel):
    namespace.batch(burst(100))
    daemon = without_capabilities(make_daemon("--source", "auto"), namespace).start()
    assert daemon.said("Operation not permitted (needs CAP_BPF and CAP_PERFMON; trying netlink)")
    assert not daemon.said("raw_tp: ")
    assert daemon.said("netlink_buffer = 16777216: the kernel gives")
    assert daemon.statistics()["source"] == "netlink"
    namespace.batch(burst(200, mac=1))
    assert len(equals_kernel()) == 200


def test_the_source_that_was_asked_for_is_the_only_one_tried(veth, namespace, make_daemon):
    daemon = without_capabilities(make_daemon("--source", "tp_btf"), namespace).launch()
    assert daemon.process.wait(timeout=20) == 1
    eventually(lambda: daemon.said("cannot load the BPF programs: Operation not permitted"))
    assert not daemon.said("trying netlink")


def test_without_bpffs_nothing_is_pinned_and_that_is_said(veth, namespace, make_daemon,
                                                          equals_kernel):
    daemon = make_daemon("--source", "auto", "--netns", "")
    daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", "unshare", "--mount",
                      "sh", "-c", 'while umount /sys/fs/bpf 2>/dev/null; do :; done; exec "$@"',
                      "sh", "setpriv", "--bounding-set=-sys_admin", *daemon.wrapper]
    daemon.start()
    assert daemon.said("cannot mount /sys/fs/bpf")
    assert daemon.said("nothing is pinned") and daemon.said("attached tp_btf")
    namespace.batch(burst(100))
    assert len(equals_kernel()) == 100


def test_a_second_daemon_on_the_instance_is_refused_whatever_its_source(daemon, make_daemon):
    second = make_daemon("--source", "tp_btf", instance=daemon.instance).launch()
    assert second.process.wait(timeout=20) == 1
    eventually(lambda: second.said(f"instance '{daemon.instance}' is served by another"))
    assert not os.path.exists(f"/sys/fs/bpf/neightrack/{daemon.instance}")

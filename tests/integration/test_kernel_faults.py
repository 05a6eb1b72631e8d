# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's side can do to a mirror, with each source."""
import os
import signal
import socket
import subprocess
import time

import pytest
from harness.namespace import Namespace, burst, removal
from harness.rtnetlink import Neighbours, replace
from harness.waiting import eventually, stay_quiet

SOURCES = ("tp_btf", "netlink")
GC_THRESHOLDS = [f"/proc/sys/net/ipv4/neigh/default/gc_thresh{i}" for i in (1, 2, 3)]


@pytest.fixture(params=SOURCES)
def source(request):
    return ("--source", request.param)


# --- links -------------------------------------------------------------------------

def test_links_that_come_go_and_change_names_are_followed(veth, namespace, peer, make_daemon,
                                                          equals_kernel, source):
    """One after the other, without waiting; only the end counts."""
    make_daemon(*source).start()
    for round_number in range(5):
        for name in ("la", "lb"):
            namespace.add_interface(name)
            namespace.batch(burst(100, name, mac=round_number))
        namespace.batch(["link set la name lx", "link set lb name la", "link set lx name lb"])
        namespace.batch(burst(50, "la", mac=99))
        namespace.ip("link", "set", "la", "netns", peer.name)
        peer.ip("link", "set", "la", "netns", namespace.name)
        namespace.ip("link", "set", "la", "up")
        namespace.batch(burst(30, "la", mac=round_number))
        if round_number < 4:
            namespace.ip("link", "del", "la")
            namespace.ip("link", "del", "lb")
    assert len(equals_kernel()) == 130


def test_a_name_on_another_ifindex_and_an_ifindex_under_another_name(veth, namespace, make_daemon,
                                                                     equals_kernel, source):
    namespace.add_interface("one")
    namespace.batch(burst(200, "one"))
    make_daemon(*source).start()
    index = namespace.ip("-o", "link", "show", "one").split(":")[0]
    namespace.batch(["link del one",
                     f"link add two index {index} type veth peer name two-p",
                     "link set two-p up", "link set two up",
                     "link add one type veth peer name one-p",
                     "link set one-p up", "link set one up",
                     *burst(100, "two", mac=1), *burst(50, "one", mac=2)])
    table = equals_kernel()
    assert sum(key.startswith("NEIGH_TABLE:two:") for key in table) == 100
    assert sum(key.startswith("NEIGH_TABLE:one:") for key in table) == 50


def test_an_ifindex_used_again_while_the_daemon_stands_still(veth, namespace, make_daemon,
                                                             equals_kernel, source):
    """It takes in the new link's neighbours before it hears that the old link is gone."""
    daemon = make_daemon(*source).start()
    again = ["link add name br9 index 77 type bridge"]
    for round_number in range(8):
        daemon.signal(signal.SIGSTOP)
        namespace.batch([*again, *burst(20, "br9", mac=round_number)])
        daemon.signal(signal.SIGCONT)
        assert len(equals_kernel(8)) == 20
        again = ["link del br9", "link add name br9 index 77 type bridge"]


def test_a_full_table_follows_renames_while_redis_stands_still(veth, namespace, make_daemon,
                                                               redis_server, equals_kernel,
                                                               source):
    """Old and new names need room at the same time, and the neighbours must not be left out."""
    namespace.add_interface("a0")
    namespace.batch(burst(100, "a0"))
    make_daemon("--max-neighbours", "100", *source).start()
    equals_kernel()
    redis_server.pause()
    namespace.batch(burst(1, "a0", mac=1))      # keeps a write in flight
    for before, after in (("a0", "b0"), ("b0", "c0"), ("c0", "d0")):
        namespace.ip("link", "set", before, "name", after)
        stay_quiet(0.2)
    redis_server.resume()
    table = equals_kernel(10)
    assert sum(key.startswith("NEIGH_TABLE:d0:") for key in table) == 100


def test_4096_interfaces_are_mirrored(veth, namespace, make_daemon, equals_kernel):
    pairs = 2048
    namespace.batch([f"link add a{i} type veth peer name b{i}" for i in range(pairs)])
    namespace.batch([f"link set {end}{i} up" for i in range(pairs) for end in "ab"])
    namespace.batch([f"neigh add 198.51.100.{end} lladdr 02:00:00:00:{i >> 8:02x}:{i & 255:02x} "
                     f"dev {'ab'[end]}{i} nud permanent" for i in range(pairs) for end in (0, 1)])
    daemon = make_daemon().start()
    assert len(equals_kernel(20)) == 2 * pairs
    namespace.batch([f"link set a{i} name c{i}" for i in range(0, 200)] +
                    [f"neigh replace 198.51.100.0 lladdr 02:00:00:00:99:01 dev c{i} nud permanent"
                     for i in range(0, 200)])
    table = equals_kernel(20)
    assert sum(key.startswith("NEIGH_TABLE:c") for key in table) == 200
    assert daemon.verify()[0] == 0
    namespace.batch([f"link del c{i}" for i in range(100)])
    assert len(equals_kernel(20)) == 2 * pairs - 200


# --- the network namespace -----------------------------------------------------------

@pytest.fixture
def doomed(namespace):
    """A second namespace, with 100 neighbours, that the test deletes."""
    made = Namespace()
    made.add_interface("d0")
    made.batch(burst(100, "d0"))
    yield made
    made.remove()


def watch(make_daemon, doomed, *options):
    daemon = make_daemon(*options)
    daemon.namespace = doomed
    return daemon.start()


def test_a_deleted_namespace_ends_the_daemon_and_its_keys(doomed, make_daemon, redis_server,
                                                          source):
    daemon = watch(make_daemon, doomed, *source)
    assert len(redis_server.table()) == 100
    doomed.remove()
    assert daemon.process.wait(timeout=10) == 1
    eventually(lambda: daemon.said(f"network namespace {doomed.name} is gone"))
    assert redis_server.table() == {}


def test_a_deleted_namespace_may_leave_its_keys(doomed, make_daemon, redis_server):
    daemon = watch(make_daemon, doomed, "--netns-gone-keys", "keep")
    doomed.remove()
    assert daemon.process.wait(timeout=10) == 1
    assert len(redis_server.table()) == 100


def test_a_deleted_namespace_is_not_kept_alive(doomed, make_daemon, namespace):
    """Its interfaces go: a veth's other end elsewhere is how that shows."""
    doomed.join(namespace, "inside0", "outside0")
    daemon = watch(make_daemon, doomed)
    doomed.remove()
    daemon.process.wait(timeout=10)
    eventually(lambda: "outside0" not in namespace.ip("link"), 10)


def test_a_namespace_that_comes_back_is_mirrored_again(doomed, make_daemon, redis_server, source):
    daemon = watch(make_daemon, doomed, "--netns-gone", "wait", *source)
    doomed.remove()
    eventually(lambda: daemon.said("waiting for network namespace"))
    assert redis_server.table() == {}
    subprocess.run(["ip", "netns", "add", doomed.name], check=True)
    doomed.add_interface("d1")
    doomed.batch(burst(50, "d1", mac=1))
    eventually(lambda: len(redis_server.table()) == 50, 10)
    doomed.batch(removal(50, "d1"))
    eventually(lambda: not redis_server.table(), 10)
    daemon.stop()


def test_a_daemon_that_waits_for_its_namespace_ends_when_told(doomed, make_daemon):
    daemon = watch(make_daemon, doomed, "--netns-gone", "wait")
    doomed.remove()
    eventually(lambda: daemon.said("waiting for network namespace"))
    daemon.stop()


def test_a_process_that_ends_takes_its_namespace_with_it(make_daemon, redis_server, namespace):
    """Named by a path below /proc, where no event tells."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        path = f"/proc/{holder.pid}/ns/net"
        eventually(lambda: os.readlink(path) != os.readlink("/proc/self/ns/net"))
        daemon = make_daemon()
        daemon.namespace = type("Path", (), {"name": path})
        daemon.start()
        holder.kill()
        # before anybody has asked how it ended
        assert daemon.process.wait(timeout=10) == 1
        eventually(lambda: daemon.said(f"network namespace {path} is gone"))
    finally:
        holder.kill()
        holder.wait()


# --- limits and floods ---------------------------------------------------------------

def test_what_the_kernel_refuses_for_its_own_limits_is_not_in_redis(veth, namespace, make_daemon,
                                                                    equals_kernel, source):
    """gc_thresh3 reached: the kernel collects, and refuses new neighbours."""
    before = {path: open(path).read() for path in GC_THRESHOLDS}
    namespace.add_interface("one")
    make_daemon(*source).start()
    sender, changes = Neighbours(namespace), []
    try:
        for path, value in zip(GC_THRESHOLDS, (8, 64, 128)):
            open(path, "w").write(str(value))
        for i in range(2000):
            mac = f"02:00:00:00:00:{i // 400:02x}"
            state = "permanent" if i % 400 < 20 else ("stale", "reachable")[i % 2]
            changes.append(replace(f"10.1.0.{i % 400 % 250}", ("veth0", "one")[i % 400 // 250],
                                   mac, state))
        sender.send(changes)
        table = equals_kernel(10)
    finally:
        for path in reversed(GC_THRESHOLDS):
            open(path, "w").write(before[path])
        sender.close()
    # those that are permanent do not count for the limit
    assert 20 <= len(table) < 400


def test_a_flood_is_bounded_counted_and_gone_when_it_ends(veth, namespace, make_daemon,
                                                          redis_server, equals_kernel, source):
    limit = 2000
    namespace.batch(burst(500, net="20"))
    daemon = make_daemon("--max-neighbours", str(limit), *source).start()
    before = daemon.resident_kb()
    for mac in range(3):
        namespace.batch(burst(50000, mac=mac))
    eventually(lambda: daemon.statistics()["dirty"] == 0)
    statistics = daemon.statistics()
    assert statistics["wanted"] <= limit and statistics["entries"] <= 2 * limit
    assert statistics["over_limit"] > 0
    assert daemon.times_said("max_neighbours = 2000 are kept") == 1
    assert daemon.resident_kb() - before < 8 << 10
    assert len(redis_server.table()) == limit
    namespace.batch(removal(50000)[:49000])
    assert len(equals_kernel(20)) == 1500


def scan(namespace, count):
    """A datagram to each of so many addresses: the kernel asks who has them."""
    sender = namespace.open_socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(1, count):
        try:
            sender.sendto(b"x", socket.MSG_DONTWAIT, (f"10.77.{i >> 8}.{i & 255}", 9))
        except OSError:
            pass
    sender.close()


def test_a_scan_of_a_whole_network_is_bounded(veth, namespace, peer, make_daemon, redis_server,
                                              equals_kernel, source):
    """The peer answers ARP for a /16, which is what a scan from here finds."""
    peer.ip("route", "add", "local", "10.77.0.0/16", "dev", "lo")
    namespace.ip("route", "add", "10.77.0.0/16", "dev", "veth0")
    daemon = make_daemon("--max-neighbours", "1000", *source).start()
    before = daemon.resident_kb()
    scan(namespace, 20000)
    eventually(lambda: daemon.statistics()["over_limit"] > 0, 20)
    assert daemon.statistics()["entries"] <= 2000
    assert redis_server.client.dbsize() <= 1000
    assert daemon.resident_kb() - before < 4 << 10
    namespace.ip("neigh", "flush", "dev", "veth0")
    namespace.batch(burst(100))
    assert len(equals_kernel(20)) >= 100


def test_an_audit_keeps_to_the_limit(veth, namespace, make_daemon, redis_server, source):
    """Before what was left out is fetched, as others have gone."""
    namespace.batch(burst(1000))
    daemon = make_daemon("--max-neighbours", "200", "--audit-interval", "0", *source).start()
    assert redis_server.client.dbsize() == 200
    kept = [key.split(":")[2] for key in redis_server.table()]
    namespace.batch([f"neigh del {address} dev veth0" for address in kept[:100]])
    daemon.audit()
    eventually(lambda: redis_server.client.dbsize() >= 200, 10)
    stay_quiet(1.5)
    assert redis_server.client.dbsize() == 200
    assert daemon.statistics()["wanted"] == 200


def test_a_restart_keeps_to_the_limit(veth, namespace, make_daemon, redis_server, source):
    """Redis has those that came first, the snapshot tells of others first."""
    limited = ("--max-neighbours", "200", "--audit-interval", "0", *source)
    daemon = make_daemon(*limited).start()
    namespace.batch(burst(1000))
    eventually(lambda: redis_server.client.dbsize() == 200)
    daemon.kill()
    daemon = make_daemon(*limited, instance=daemon.instance).start()
    stay_quiet(1.5)
    assert redis_server.client.dbsize() == 200
    assert daemon.statistics()["wanted"] == 200


def test_what_found_no_room_beside_those_that_leave_comes_when_they_have_left(
        veth, namespace, make_daemon, redis_server, equals_kernel, source):
    """Redis takes no deletion for a while, and what waits for one takes up room."""
    daemon = make_daemon("--max-neighbours", "100", "--audit-interval", "0", *source).start()
    for i in range(200):
        redis_server.client.hset(f"NEIGH_TABLE:veth0:10.3.0.{i}",
                                 mapping={"neigh": "02:00:00:00:00:01", "family": "IPv4"})
    redis_server.client.client_pause(2500, all=False)
    daemon.audit()
    eventually(lambda: daemon.statistics()["entries"] == 200)
    namespace.batch(burst(100))
    eventually(lambda: daemon.statistics()["over_limit"] > 0)
    assert len(equals_kernel(20)) == 100


def test_an_interface_that_goes_makes_room(veth, namespace, make_daemon, equals_kernel, source):
    namespace.add_interface("one")
    namespace.batch(burst(100, device="one", net="11"))
    make_daemon("--max-neighbours", "100", "--audit-interval", "0", *source).start()
    namespace.batch(burst(100))
    stay_quiet(1.5)
    namespace.ip("link", "del", "one")
    assert len(equals_kernel(20)) == 100


# --- dumps and clocks -------------------------------------------------------------------

def test_the_deletion_of_what_only_an_audit_found_is_seen(veth, namespace, make_daemon,
                                                          equals_kernel, redis_server, source):
    """No hook announced it, so the kernel side must be told that it is published."""
    namespace.add_interface("silent0")
    namespace.ip("link", "set", "silent0", "arp", "off")
    namespace.ip("addr", "add", "198.51.100.1/24", "dev", "silent0")
    daemon = make_daemon("--noarp", "yes", "--audit-interval", "0", *source).start()
    namespace.can_ping("198.51.100.9")
    daemon.audit()
    eventually(lambda: "NEIGH_TABLE:silent0:198.51.100.9" in redis_server.table())
    namespace.ip("neigh", "del", "198.51.100.9", "dev", "silent0")
    equals_kernel(noarp=True)


def test_a_daemon_in_a_time_namespace_of_its_own_orders_records_right(veth, namespace, make_daemon,
                                                                      equals_kernel):
    """Its CLOCK_MONOTONIC is not that which the kernel side stamps records with."""
    # it cannot be before the machine's own start
    half_its_age_s = int(time.clock_gettime(time.CLOCK_MONOTONIC) / 2)
    for offset_s in (100000, -min(1000, half_its_age_s)):
        daemon = make_daemon("--source", "tp_btf", "--ring-size", "4096")
        daemon.wrapper = ["unshare", "--time", "--monotonic", str(offset_s), "--fork",
                          *daemon.wrapper]
        daemon.start()
        try:
            for mac in range(3):
                namespace.batch(burst(3000, mac=mac))
                namespace.batch(removal(3000)[2000:])
                namespace.batch(burst(3000, mac=mac + 3)[1000:])
            equals_kernel(20)
            namespace.batch(burst(3000, mac=9) + removal(3000)[:10])
            assert len(equals_kernel(20)) == 2990
        finally:
            # --kill-child does not reach a daemon that has become another user
            subprocess.run(["pkill", "-KILL", "-P", str(daemon.process.pid)], check=True)
            daemon.process.wait()
        stay_quiet()

# SPDX-License-Identifier: GPL-2.0-or-later
"""The stream of changes: what follows it can keep a table that equals the kernel's, or
knows that it cannot."""
import os
import signal
import threading
import time

import pytest
from harness.namespace import burst, expected_table, removal
from harness.redis_cluster import PREFIX, RedisCluster
from harness.waiting import eventually, stay_quiet

STREAM = "changes"
OPTIONS = ("--stream", STREAM)
MAC = "02:00:00:00:00:01"
OTHER_MAC = "02:00:00:00:00:02"
ODD = ("mac_moves", "duplicate", "many_addresses")


def events(redis_server, *ops):
    """The fields of each, oldest first; of all, or of those kinds alone."""
    found = [fields for _, fields in redis_server.client.xrange(STREAM)]
    return [fields for fields in found if not ops or fields["op"] in ops]


def wait_for(redis_server, count, *ops, timeout_s=5.0):
    eventually(lambda: len(events(redis_server, *ops)) >= count, timeout_s,
               f"{count} events {ops}")
    return events(redis_server, *ops)


class Follower:
    """A table made of events alone, as a reader of docs/STREAM.md would."""

    def __init__(self, redis_server):
        self.table = None               # not known: to be read
        self.sequence = 0
        for fields in events(redis_server):
            self.take(fields, redis_server)

    def take(self, fields, redis_server):
        if fields["op"] in ("start", "cut"):
            self.table = {} if fields["op"] == "start" and "count" not in fields else None
        if int(fields["seq"]) <= self.sequence and fields["op"] != "start":
            return                      # it came before
        self.sequence = int(fields["seq"])
        if self.table is None or fields["op"] in ODD:
            return
        key = f"NEIGH_TABLE:{fields.get('interface')}:{fields.get('ip')}"
        if fields["op"] in ("add", "change"):
            before = self.table.get(key, {}).get("neigh")
            assert before == fields.get("old_mac"), fields
            self.table[key] = {"neigh": fields["mac"],
                               "family": "IPv6" if ":" in fields["ip"] else "IPv4"}
        elif fields["op"] == "delete":
            assert self.table.pop(key)["neigh"] == fields["old_mac"], fields


def test_each_change_is_an_event_with_all_that_is_known_of_it(veth, namespace, make_watched,
                                                              redis_server):
    daemon = make_watched(*OPTIONS).start()
    before_ms = int(time.time() * 1000) - 10
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", OTHER_MAC, "dev", "veth0")
    namespace.ip("neigh", "del", "192.0.2.9", "dev", "veth0")
    namespace.ip("neigh", "add", "2001:db8::9", "lladdr", MAC, "dev", "veth0")
    found = wait_for(redis_server, 5)
    common = {"interface": "veth0", "ip": "192.0.2.9"}
    assert [{name: value for name, value in fields.items()
             if name not in ("time", "host", "instance", "seq")} for fields in found] == [
        {"op": "start"},
        {"op": "add", "mac": MAC, **common},
        {"op": "change", "mac": OTHER_MAC, "old_mac": MAC, **common},
        {"op": "delete", "old_mac": OTHER_MAC, **common},
        {"op": "add", "interface": "veth0", "ip": "2001:db8::9", "mac": MAC}]
    for number, fields in enumerate(found, 1):
        assert fields["host"] == os.uname().nodename
        assert (fields["instance"], fields["seq"]) == (daemon.instance, str(number))
        assert before_ms - 60000 < int(fields["time"]) <= int(time.time() * 1000)
    assert daemon.endpoint.value("neightrack_stream_events_total") == 5
    assert daemon.endpoint.value("neightrack_stream_connected") == 1
    assert daemon.endpoint.value("neightrack_stream_queued_events") == 0
    assert daemon.endpoint.value("neightrack_stream_sent_bytes_total") > 500
    assert daemon.endpoint.value("neightrack_stream_connects_total") == 1


def test_without_the_option_there_is_no_stream_and_no_second_connection(
        daemon, namespace, redis_server):
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    eventually(redis_server.table)
    assert len(redis_server.client.keys()) == 1
    names = [client["name"] for client in redis_server.client.client_list()]
    assert sum(name.startswith("neightrack-") for name in names) == 1


def test_a_start_tells_how_many_neighbours_there_are_and_none_of_them(veth, namespace, make_daemon,
                                                                      redis_server):
    namespace.batch(burst(100))
    make_daemon(*OPTIONS).start()
    found = wait_for(redis_server, 1)
    assert [(fields["op"], fields["count"]) for fields in found] == [("start", "100")]


def test_what_follows_the_stream_has_the_kernels_table(veth, namespace, make_daemon, redis_server,
                                                       equals_kernel):
    make_daemon(*OPTIONS, "--mac-moves", "0", "--duplicates", "0").start()
    for mac in range(3):
        namespace.batch(burst(2000, mac=mac))
        namespace.batch(removal(1500)[:500])
    namespace.ip("link", "set", "veth0", "down")
    namespace.ip("link", "set", "veth0", "name", "other0")
    namespace.ip("link", "set", "other0", "up")
    namespace.batch(burst(700, device="other0", mac=9))
    equals_kernel(20)
    eventually(lambda: Follower(redis_server).table == expected_table(namespace), 10,
               "the stream tells the same")


def test_a_consumer_group_shares_the_events_and_misses_none(veth, namespace, make_daemon,
                                                            redis_server):
    redis_server.client.xgroup_create(STREAM, "group", id="0", mkstream=True)
    make_daemon(*OPTIONS).start()
    namespace.batch(burst(200))
    seen = {"one": [], "two": []}

    def read():
        for consumer, numbers in seen.items():
            for _, entries in redis_server.client.xreadgroup("group", consumer, {STREAM: ">"},
                                                             count=10):
                numbers += [int(fields["seq"]) for _, fields in entries]
                redis_server.client.xack(STREAM, "group", *(entry for entry, _ in entries))
        return len(seen["one"]) + len(seen["two"]) >= 201
    eventually(read, 10)
    assert sorted(seen["one"] + seen["two"]) == list(range(1, 202))
    assert seen["one"] and seen["two"]
    assert redis_server.client.xpending(STREAM, "group")["pending"] == 0


def test_the_stream_keeps_about_the_length_that_is_asked_for(veth, namespace, make_daemon,
                                                             redis_server, equals_kernel):
    make_daemon(*OPTIONS, "--stream-length", "500").start()
    for mac in range(5):
        namespace.batch(burst(1000, mac=mac))
        equals_kernel(10)
    eventually(lambda: int(events(redis_server)[-1]["seq"]) >= 5001)
    assert 500 <= redis_server.client.xlen(STREAM) <= 1200


def test_a_lost_connection_loses_no_event(veth, namespace, make_daemon, redis_server,
                                          equals_kernel):
    make_daemon(*OPTIONS, "--mac-moves", "0", "--duplicates", "0").start()
    stop = threading.Event()

    def cut():
        while not stop.wait(0.05):
            redis_server.kill_clients()
    thread = threading.Thread(target=cut)
    thread.start()
    try:
        for mac in range(4):
            namespace.batch(burst(1500, mac=mac))
            stay_quiet(0.1)
    finally:
        stop.set()
        thread.join()
    equals_kernel(20)
    eventually(lambda: Follower(redis_server).table == expected_table(namespace), 20)
    numbers = {int(fields["seq"]) for fields in events(redis_server)}
    assert numbers == set(range(1, max(numbers) + 1))
    assert not events(redis_server, "cut")


def test_events_beyond_the_queue_are_cut_counted_and_told(veth, namespace, make_watched,
                                                          redis_server, equals_kernel):
    daemon = make_watched(*OPTIONS, "--stream-queue", "100").start()
    wait_for(redis_server, 1)
    redis_server.stop()
    eventually(lambda: not daemon.endpoint.value("neightrack_stream_connected"))
    namespace.batch(burst(1000))
    eventually(lambda: daemon.endpoint.value("neightrack_stream_cut_total") == 900)
    assert daemon.endpoint.value("neightrack_stream_queued_events") == 100
    redis_server.start()
    assert len(equals_kernel(20)) == 1000
    found = wait_for(redis_server, 1, "cut", timeout_s=15)
    assert [fields["count"] for fields in found] == ["900"]
    assert len(events(redis_server, "add")) == 100
    assert Follower(redis_server).table is None
    namespace.ip("neigh", "del", "10.1.0.1", "dev", "veth0")
    wait_for(redis_server, 1, "delete")


def test_a_stream_that_redis_refuses_is_not_in_the_way_of_the_table(
        veth, namespace, make_watched, redis_server, equals_kernel):
    redis_server.client.set(STREAM, "no stream")
    daemon = make_watched(*OPTIONS).start()
    namespace.batch(burst(1000))
    assert len(equals_kernel(5)) == 1000
    eventually(lambda: daemon.endpoint.value("neightrack_stream_refused_total") > 0)
    assert daemon.said("Redis refuses an event for stream changes: WRONGTYPE")
    redis_server.client.delete(STREAM)
    cut = wait_for(redis_server, 1, "cut", timeout_s=15)
    refused = daemon.endpoint.value("neightrack_stream_refused_total")
    dropped = daemon.endpoint.value("neightrack_stream_cut_total")
    assert sum(int(fields["count"]) for fields in cut) == refused + dropped
    namespace.ip("neigh", "del", "10.1.0.1", "dev", "veth0")
    wait_for(redis_server, 1, "delete")


def test_what_waits_is_sent_before_the_daemon_ends(veth, namespace, make_daemon, redis_server):
    daemon = make_daemon(*OPTIONS).start()
    daemon.signal(signal.SIGSTOP)
    namespace.batch(burst(2000))
    daemon.signal(signal.SIGCONT)
    daemon.stop()
    told = len(events(redis_server, "add"))
    assert told == len(redis_server.table())


def test_a_restart_is_a_start_with_numbers_from_one(veth, namespace, make_daemon, redis_server):
    first = make_daemon(*OPTIONS).start()
    namespace.batch(burst(3))
    wait_for(redis_server, 4)
    first.stop()
    make_daemon(*OPTIONS, instance=first.instance).start()
    found = wait_for(redis_server, 5)
    assert (found[-1]["op"], found[-1]["count"], found[-1]["seq"]) == ("start", "3", "1")


def test_in_a_cluster_the_stream_is_on_whichever_node_its_slot_is(veth, namespace, make_daemon,
                                                                  tmp_path):
    cluster = RedisCluster(tmp_path)
    try:
        cluster.start()
        # of a dozen names some are not where the neighbours are
        for number in range(4):
            name = f"stream{number}"
            daemon = make_daemon("--key-prefix", PREFIX, "--stream", name,
                                 url=cluster.url(cluster.nodes[number % 3])).start()
            namespace.batch(burst(5, mac=number))

            def lengths():
                found = []
                for node in cluster.nodes:
                    try:
                        found.append(node.client.xlen(name))
                    except Exception:                        # pylint: disable=broad-except
                        found.append(0)                      # MOVED: not here
                return found
            eventually(lambda: sum(lengths()) == 6, 10, f"{name} has all events")
            daemon.stop()
    finally:
        cluster.stop()


def test_a_stream_whose_connection_hangs_is_not_in_the_way_of_the_table(
        veth, namespace, make_watched, proxy, equals_kernel):
    """Nobody answers its first event, nor reads what follows it; the table's is another one."""
    proxy.spoil(b"XADD", lambda reply: b"")
    daemon = make_watched(*OPTIONS, "--stream-queue", "500", "--redis-timeout", "60s",
                          url=proxy.url).start()
    eventually(proxy.was_spoilt)
    for mac in range(3):
        namespace.batch(burst(3000, mac=mac))
        assert len(equals_kernel(5)) == 3000
    endpoint = daemon.endpoint
    assert endpoint.value("neightrack_stream_queued_events") == 500
    assert endpoint.value("neightrack_stream_cut_total") >= 8500
    assert endpoint.value("neightrack_stream_events_total") == 0
    assert endpoint.value("neightrack_lag_seconds") < 5


def alternate(namespace, address, macs, times):
    for number in range(times):
        namespace.ip("neigh", "replace", address, "lladdr", macs[number % len(macs)],
                     "dev", "veth0", "nud", "reachable")
        time.sleep(0.02)                # each to be a change of its own


@pytest.fixture
def odd(veth, make_watched):
    return make_watched(*OPTIONS, "--mac-addresses", "10").start()


def macs(count):
    return [f"02:00:00:00:01:{i:02x}" for i in range(count)]


def test_a_mac_that_moves_often_is_an_event_and_a_metric(odd, namespace, redis_server):
    alternate(namespace, "192.0.2.9", macs(8), 8)
    found = wait_for(redis_server, 1, "mac_moves")
    assert len(found) == 1
    assert (found[0]["interface"], found[0]["ip"], found[0]["count"]) == \
        ("veth0", "192.0.2.9", "6")
    assert (found[0]["old_mac"], found[0]["mac"]) == (macs(8)[5], macs(8)[6])
    assert odd.endpoint.value("neightrack_anomalies_total", kind="mac_moves") == 1
    assert odd.endpoint.value("neightrack_mac_changes_total") == 7
    assert odd.endpoint.value("neightrack_anomalies_held_back_total") == 1
    assert odd.said("the MAC of 192.0.2.9 moved 6 times of late")


def test_two_hosts_that_claim_one_address_are_an_event(veth, make_watched, namespace, peer,
                                                       redis_server):
    """By gratuitous ARP from two MACs, as two hosts with one address would."""
    daemon = make_watched(*OPTIONS).start()
    namespace.sysctl("ipv4/neigh/veth0/locktime", 0)
    namespace.sysctl("ipv4/conf/veth0/arp_accept", 1)
    assert namespace.can_ping("192.0.2.2")
    for number in range(6):
        peer.ip("link", "set", "veth0", "address", macs(2)[number % 2])
        peer.execute("arping", "-q", "-c", "1", "-A", "-I", "veth0", "192.0.2.2")
        eventually(lambda: redis_server.client.hget("NEIGH_TABLE:veth0:192.0.2.2", "neigh") ==
                   macs(2)[number % 2])
    found = wait_for(redis_server, 1, "duplicate")
    assert {found[0]["mac"], found[0]["old_mac"]} == set(macs(2))
    assert found[0]["ip"] == "192.0.2.2"
    assert daemon.endpoint.value("neightrack_anomalies_total", kind="duplicate") == 1


def test_a_mac_with_many_addresses_is_an_event_once(odd, namespace, redis_server):
    lines = [f"neigh replace 10.9.0.{i} lladdr {MAC} dev veth0" for i in range(1, 31)]
    namespace.batch(lines)
    found = wait_for(redis_server, 1, "many_addresses")
    assert [(fields["mac"], fields["count"], "ip" in fields) for fields in found] == \
        [(MAC, "11", False)]
    assert odd.endpoint.value("neightrack_crowded_macs") == 1
    namespace.ip("neigh", "flush", "dev", "veth0")
    namespace.batch([f"neigh del 10.9.0.{i} dev veth0" for i in range(1, 31)])
    eventually(lambda: odd.endpoint.value("neightrack_crowded_macs") == 0)
    assert odd.endpoint.value("neightrack_anomalies_total", kind="many_addresses") == 1


def test_neighbours_that_behave_are_not_told_of(odd, namespace, redis_server, equals_kernel):
    for mac in range(3):
        namespace.batch(burst(500, mac=mac))
    equals_kernel()
    stay_quiet()
    assert not events(redis_server, *ODD)
    assert odd.endpoint.value("neightrack_mac_changes_total") > 0


def test_a_storm_of_moves_is_told_of_no_more_often_than_the_rate(veth, make_watched, namespace,
                                                                 redis_server, equals_kernel):
    daemon = make_watched(*OPTIONS, "--anomaly-rate", "7", "--moderation", "0").start()
    for mac in range(8):
        namespace.batch(burst(3000, mac=mac))
        equals_kernel(10)
    endpoint = daemon.endpoint
    eventually(lambda: endpoint.value("neightrack_anomalies_held_back_total") > 1000)
    assert len(events(redis_server, *ODD)) <= 14          # of at most two minutes
    assert endpoint.value("neightrack_anomalies_total") == len(events(redis_server, *ODD))
    assert endpoint.value("neightrack_anomaly_addresses_forgotten_total") >= 0

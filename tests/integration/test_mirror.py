# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job: what the kernel has is in Redis, soon."""
from harness.namespace import burst, expected_table, removal
from harness.waiting import eventually, stay_quiet

SOON_S = 0.1
MAC = "02:00:00:00:00:0a"
OTHER_MAC = "02:00:00:00:00:0b"


def value(redis_server, key):
    return redis_server.client.hgetall(f"NEIGH_TABLE:veth0:{key}")


def test_a_new_ipv4_neighbour_is_in_redis_within_100_ms(daemon, namespace, redis_server):
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", MAC, "dev", "veth0")
    eventually(lambda: value(redis_server, "192.0.2.9") == {"neigh": MAC, "family": "IPv4"}, SOON_S)


def test_a_new_ipv6_neighbour_is_in_redis_within_100_ms(daemon, namespace, redis_server):
    namespace.ip("neigh", "add", "2001:db8:0:0:0:0:0:9", "lladdr", MAC, "dev", "veth0")
    eventually(lambda: value(redis_server, "2001:db8::9") == {"neigh": MAC, "family": "IPv6"},
               SOON_S)


def test_a_changed_mac_is_in_redis_within_100_ms(daemon, namespace, redis_server):
    for address in ("192.0.2.9", "2001:db8::9"):
        namespace.ip("neigh", "add", address, "lladdr", MAC, "dev", "veth0")
        namespace.ip("neigh", "replace", address, "lladdr", OTHER_MAC.upper(), "dev", "veth0")
        eventually(lambda: value(redis_server, address).get("neigh") == OTHER_MAC, SOON_S)


def test_a_deleted_neighbour_is_gone_from_redis_within_100_ms(daemon, namespace, redis_server):
    for address in ("192.0.2.9", "2001:db8::9"):
        namespace.ip("neigh", "add", address, "lladdr", MAC, "dev", "veth0")
        eventually(lambda: value(redis_server, address))
        namespace.ip("neigh", "del", address, "dev", "veth0")
        eventually(lambda: not value(redis_server, address), SOON_S)


def test_a_neighbour_learned_by_arp_is_mirrored(daemon, namespace, equals_kernel):
    assert namespace.can_ping("192.0.2.2")
    assert "NEIGH_TABLE:veth0:192.0.2.2" in equals_kernel()


def test_a_neighbour_learned_by_neighbour_discovery_is_mirrored(daemon, namespace, equals_kernel):
    assert namespace.can_ping("2001:db8::2")
    assert "NEIGH_TABLE:veth0:2001:db8::2" in equals_kernel()


def test_a_mac_that_changes_at_the_peer_is_followed(daemon, namespace, peer, redis_server):
    assert namespace.can_ping("192.0.2.2")
    peer.ip("link", "set", "veth0", "address", OTHER_MAC)
    peer.execute("arping", "-q", "-c", "1", "-A", "-I", "veth0", "192.0.2.2")
    eventually(lambda: value(redis_server, "192.0.2.2").get("neigh") == OTHER_MAC)


def test_a_neighbour_that_stops_answering_is_removed(daemon, namespace, peer, redis_server):
    for family in ("ipv4", "ipv6"):
        base = f"{family}/neigh/veth0"
        namespace.sysctl(f"{base}/ucast_solicit", 1)
        namespace.sysctl(f"{base}/mcast_solicit", 1)
        namespace.sysctl(f"{base}/retrans_time_ms", 100)
        namespace.sysctl(f"{base}/delay_first_probe_time", 0)
    for address, length in (("192.0.2.2", 24), ("2001:db8::2", 64)):
        assert namespace.can_ping(address)
        eventually(lambda: value(redis_server, address))
        peer.ip("addr", "del", f"{address}/{length}", "dev", "veth0")
        namespace.ip("neigh", "change", address, "dev", "veth0", "nud", "probe")
        eventually(lambda: not value(redis_server, address))


def test_an_address_that_nobody_answers_for_never_appears(daemon, namespace, redis_server):
    redis_server.forget_statistics()
    assert not namespace.can_ping("192.0.2.200")
    assert redis_server.writes() == {}


def test_a_flushed_interface_leaves_nothing(daemon, namespace, redis_server):
    namespace.batch(burst(200))
    eventually(lambda: len(redis_server.table()) == 200)
    namespace.ip("neigh", "flush", "dev", "veth0")
    eventually(lambda: not redis_server.table())


def test_a_link_that_goes_down_takes_its_neighbours(daemon, namespace, redis_server, equals_kernel):
    assert namespace.can_ping("192.0.2.2")
    eventually(redis_server.table)
    namespace.ip("link", "set", "veth0", "down")
    eventually(lambda: not redis_server.table())
    equals_kernel()


def test_10000_neighbours_at_once_are_all_there_within_a_second(daemon, namespace, redis_server):
    namespace.batch(burst(10000))
    eventually(lambda: redis_server.client.dbsize() == 10000, 1)
    assert redis_server.table() == expected_table(namespace)
    namespace.batch(removal(10000))
    eventually(lambda: redis_server.client.dbsize() == 0, 1)


def churn(namespace):
    for state in ("stale", "reachable", "stale", "reachable"):
        namespace.batch(burst(10000, state=state))


def records_of_churn(daemon, namespace):
    """How many churn makes while nothing asks for a resync, as a program that is interrupted
    on behalf of any namespace does: then each neighbour is published once more."""
    for _ in range(10):
        before = daemon.statistics()
        churn(namespace)
        stay_quiet()
        after = daemon.statistics()
        if after["dumps"] == before["dumps"]:
            return after["submitted"] - before["submitted"]
        churn(namespace)
    raise AssertionError("each time there was a resync")


def test_nud_churn_makes_no_record_and_no_command(daemon, namespace, redis_server):
    namespace.batch(burst(10000))
    eventually(lambda: redis_server.client.dbsize() == 10000, 2)
    redis_server.forget_statistics()
    assert records_of_churn(daemon, namespace) == 0
    assert redis_server.writes() == {}


def test_nud_churn_of_neighbours_older_than_the_daemon_makes_no_record(
        veth, namespace, redis_server, make_daemon):
    namespace.batch(burst(10000))
    daemon = make_daemon().start()
    redis_server.forget_statistics()
    assert records_of_churn(daemon, namespace) == 0
    assert redis_server.writes() == {}


def test_the_same_interface_name_in_another_namespace_is_not_mixed_up(daemon, peer, redis_server):
    peer.ip("neigh", "add", "192.0.2.77", "lladdr", MAC, "dev", "veth0")
    peer.batch(burst(1000))
    stay_quiet()
    assert redis_server.table() == {}
    assert daemon.count("submitted") == 0


def test_two_instances_mirror_two_namespaces_at_once(daemon, namespace, peer, redis_server,
                                                     make_daemon):
    other = make_daemon("--key-prefix", "other:")
    other.namespace = peer
    other.start()
    namespace.batch(burst(300, mac=1))
    peer.batch(burst(400, mac=2))
    eventually(lambda: redis_server.table("NEIGH_TABLE:*") == expected_table(namespace))
    eventually(lambda: redis_server.table("other:*") == expected_table(peer, prefix="other:"))


def test_the_key_prefix_stands_before_every_key(veth, namespace, redis_server, make_daemon,
                                                equals_kernel):
    make_daemon("--key-prefix", "host[1]*:").start()
    namespace.batch(burst(50))
    assert len(equals_kernel(prefix="host[1]*:")) == 50


def test_every_counted_run_has_one_outcome(daemon, namespace, redis_server):
    namespace.batch(burst(5000))
    namespace.batch(burst(5000, mac=1))
    namespace.batch(removal(5000))
    eventually(lambda: not redis_server.client.dbsize())
    daemon.assert_accounts_balance()

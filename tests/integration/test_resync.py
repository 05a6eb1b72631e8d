# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is lost is counted, and repaired."""
import signal
import threading

from harness.daemon import dump_map
from harness.namespace import burst, removal
from harness.waiting import eventually, stay_quiet


def assert_verified(daemon, timeout_s=20):
    def equal():
        return daemon.verify()[0] == 0
    try:
        eventually(equal, timeout_s)
    except AssertionError:
        assert daemon.verify() == (0, "", "")


def overflow(daemon, lines_by_namespace):
    """Fills the ring for sure: its consumer stands still meanwhile."""
    daemon.signal(signal.SIGSTOP)
    for namespace, lines in lines_by_namespace:
        namespace.batch(lines)
    assert sum(hook["ring_full"] for hook in daemon.counters().values()) > 0
    daemon.signal(signal.SIGCONT)


def test_a_burst_of_100000_on_a_ring_of_one_page_is_counted_and_repaired(
        veth, namespace, make_daemon, equals_kernel):
    daemon = make_daemon("--ring-size", "4096").start()
    for mac in range(5):
        namespace.batch(burst(20000, mac=mac))
    assert daemon.count("ring_full") > 0
    assert_verified(daemon)
    assert len(equals_kernel()) == 20000
    eventually(lambda: daemon.said("resync: ring full"), 5)


def test_deletions_that_find_the_ring_full_leave_no_ghost(veth, namespace, make_daemon,
                                                          equals_kernel):
    namespace.batch(burst(20000))
    daemon = make_daemon("--ring-size", "4096").start()
    overflow(daemon, [(namespace, removal(20000)[:15000])])
    assert len(equals_kernel(20)) == 5000
    assert_verified(daemon)


def test_a_change_hidden_by_a_full_ring_is_not_masked_later(veth, namespace, make_daemon,
                                                            equals_kernel):
    """The claim of the lost record must not suppress the way back to it."""
    daemon = make_daemon("--ring-size", "4096").start()
    namespace.batch(burst(1000, mac=1))
    equals_kernel(20)
    overflow(daemon, [(namespace, burst(1000, mac=2)), (namespace, burst(1000, mac=3))])
    equals_kernel(20)
    for mac in (1, 2, 3, 1):
        namespace.batch(burst(1000, mac=mac))
        equals_kernel(20)


def test_more_neighbours_than_the_map_holds_are_all_mirrored(veth, namespace, make_daemon,
                                                             redis_server, equals_kernel):
    daemon = make_daemon("--map-size", "64").start()
    namespace.batch(burst(1000))
    assert len(equals_kernel()) == 1000
    assert daemon.count("map_full") > 0
    namespace.batch(burst(500, mac=1) + removal(1000)[500:])
    assert len(equals_kernel()) == 500
    namespace.batch(removal(500))
    eventually(lambda: redis_server.client.dbsize() == 0)


def test_a_snapshot_larger_than_the_map_is_mirrored(veth, namespace, make_daemon, redis_server,
                                                    equals_kernel):
    namespace.batch(burst(1000))
    make_daemon("--map-size", "64").start()
    assert len(equals_kernel()) == 1000
    namespace.batch(removal(1000))
    eventually(lambda: redis_server.client.dbsize() == 0)


def test_a_redis_restarted_empty_gets_the_table_back(daemon, namespace, redis_server,
                                                     equals_kernel):
    namespace.batch(burst(1000))
    equals_kernel()
    redis_server.stop()
    namespace.batch(burst(1200, mac=1))
    redis_server.start()
    assert len(equals_kernel(15)) == 1200
    assert daemon.said("is away") and daemon.said("is back")


def test_a_redis_that_comes_back_with_an_old_table_is_put_right(daemon, namespace, redis_server,
                                                                tmp_path, equals_kernel):
    namespace.batch(burst(1000))
    equals_kernel()
    redis_server.client.save()
    redis_server.stop()
    namespace.batch(removal(1000)[:300] + burst(1000, mac=2)[300:600])
    redis_server.start()
    assert len(equals_kernel(15)) == 700


def test_a_redis_that_is_absent_at_start_is_waited_for(veth, namespace, make_daemon, tmp_path,
                                                       equals_kernel, redis_server):
    redis_server.stop()
    namespace.batch(burst(500))
    daemon = make_daemon().launch()
    eventually(lambda: daemon.said("snapshot"))
    stay_quiet()
    redis_server.start()
    eventually(lambda: daemon.said("ready: "), 15)
    assert len(equals_kernel()) == 500


def test_a_redis_that_stands_still_loses_nothing(daemon, namespace, redis_server, equals_kernel):
    redis_server.pause()
    for mac in range(4):
        namespace.batch(burst(10000, mac=mac))
    stay_quiet(1)
    redis_server.resume()
    assert len(equals_kernel(15)) == 10000


def test_changes_of_one_neighbour_while_redis_stands_still_are_one_write(
        daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(1))
    equals_kernel()
    redis_server.pause()
    namespace.batch(burst(2, mac=1))      # keeps a flush in flight
    stay_quiet()
    for mac in range(2, 102):
        namespace.batch(burst(1, mac=mac))
    redis_server.resume()
    equals_kernel()
    assert daemon.count("submitted") >= 100
    assert redis_server.client.info("commandstats")["cmdstat_hset"]["calls"] <= 10


def test_connections_killed_in_the_middle_of_a_burst_lose_nothing(daemon, namespace, redis_server,
                                                                  equals_kernel):
    adding = threading.Thread(target=namespace.batch, args=(burst(30000),))
    adding.start()
    for _ in range(5):
        redis_server.kill_clients()
        stay_quiet(0.05)
    adding.join()
    assert len(equals_kernel(15)) == 30000


def test_writes_in_transactions_end_equal(veth, namespace, make_daemon, redis_server,
                                          equals_kernel):
    make_daemon("--transaction", "yes", "--batch-size", "50").start()
    redis_server.forget_statistics()
    namespace.batch(burst(3000) + burst(3000, mac=1) + removal(3000)[2000:])
    assert len(equals_kernel()) == 2000
    writes = redis_server.writes()
    assert writes["multi"] == writes["exec"] > 0


def test_a_wrong_type_in_a_transaction_is_repaired(veth, namespace, make_daemon, redis_server,
                                                   equals_kernel):
    make_daemon("--transaction", "yes").start()
    redis_server.client.set("NEIGH_TABLE:veth0:10.1.0.7", "a string")
    namespace.batch(burst(100))
    assert len(equals_kernel()) == 100


def test_a_redis_that_is_out_of_memory_gets_everything_later(daemon, namespace, redis_server,
                                                             equals_kernel):
    redis_server.client.config_set("maxmemory", 1)
    namespace.batch(burst(2000))
    eventually(lambda: daemon.said("Redis refuses a write: OOM"))
    redis_server.client.config_set("maxmemory", 0)
    assert len(equals_kernel(15)) == 2000


def test_a_replica_that_refuses_writes_is_left_and_tried_again(daemon, namespace, redis_server,
                                                               equals_kernel):
    redis_server.client.replicaof("127.0.0.1", "1")
    namespace.batch(burst(200))
    eventually(lambda: daemon.said("READONLY") or daemon.said("MASTERDOWN"))
    redis_server.client.replicaof("NO", "ONE")
    assert len(equals_kernel(20)) == 200


def test_an_audit_of_a_quiet_table_repairs_nothing(veth, namespace, make_daemon, equals_kernel):
    namespace.batch(burst(1000))
    daemon = make_daemon("--audit-interval", "1").start()
    eventually(lambda: sum("audit: the kernel" in line for line in daemon.lines) >= 2, 10)
    assert not daemon.said("have been repaired")
    equals_kernel()


def test_an_audit_finds_what_no_hook_tells(veth, namespace, make_daemon, redis_server):
    """The kernel makes NOARP entries on devices without ARP by itself, unannounced."""
    namespace.add_interface("silent0")
    namespace.ip("link", "set", "silent0", "arp", "off")
    namespace.ip("addr", "add", "198.51.100.1/24", "dev", "silent0")
    daemon = make_daemon("--noarp", "yes", "--audit-interval", "1").start()
    namespace.can_ping("198.51.100.9")
    eventually(lambda: "NEIGH_TABLE:silent0:198.51.100.9" in redis_server.table(), 10)
    eventually(lambda: daemon.said("have been repaired"))


def test_the_map_of_claims_shrinks_with_the_table(daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(500))
    equals_kernel()
    assert len(dump_map(daemon.instance, "neighbours")) == 500
    namespace.batch(removal(500))
    eventually(lambda: not redis_server.client.dbsize())
    assert dump_map(daemon.instance, "neighbours") == []

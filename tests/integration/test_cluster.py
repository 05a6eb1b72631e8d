# SPDX-License-Identifier: GPL-2.0-or-later
"""A Redis Cluster: all keys in the one slot that the hash tag of key_prefix names."""
import threading

import pytest
from harness.namespace import burst, removal
from harness.redis_cluster import PREFIX, RedisCluster, error_of
from harness.tables import wait_until_equal
from harness.waiting import eventually, stay_quiet

OPTIONS = ("--key-prefix", PREFIX)
BOTH_KINDS = pytest.mark.parametrize("option", [(), ("--transaction", "yes")],
                                     ids=["plain", "transaction"])


@pytest.fixture(scope="module")
def started_cluster(tmp_path_factory):
    made = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def cluster(started_cluster):
    started_cluster.heal()
    return started_cluster


@pytest.fixture
def equals_owner(cluster, namespace):
    """Waits until the slot's owner has it all, and nobody else anything."""

    def read():
        owner = cluster.owner()
        others = [node for node in cluster.nodes if node is not owner]
        left = [node.client.dbsize() for node in others]
        return cluster.table() if left == [0, 0] else {"left on other nodes": left}

    def check(timeout_s=5.0):
        return wait_until_equal(read, namespace, timeout_s, prefix=PREFIX)
    return check


def test_the_owner_of_the_slot_is_written_to(veth, namespace, make_daemon, cluster,
                                             equals_owner):
    make_daemon(*OPTIONS, url=cluster.url(cluster.owner())).start()
    namespace.batch(burst(500))
    assert len(equals_owner()) == 500


@BOTH_KINDS
def test_a_node_that_does_not_own_the_slot_is_left_for_the_one_that_does(
        veth, namespace, make_daemon, cluster, equals_owner, option):
    wrong = cluster.another(cluster.owner())
    assert "MOVED" in error_of(wrong.client, "HSET", f"{PREFIX}x", "a", "b")
    namespace.batch(burst(500))
    daemon = make_daemon(*OPTIONS, *option, url=cluster.url(wrong)).start()
    assert daemon.verify(*OPTIONS)[0] == 0
    assert len(equals_owner()) == 500
    assert 1 <= daemon.statistics()["moved_redirects"] <= 10


def test_a_leftover_is_removed_from_the_owner_though_another_node_was_asked(
        veth, namespace, make_daemon, cluster, equals_owner):
    cluster.owner().client.hset(f"{PREFIX}NEIGH_TABLE:veth0:10.9.9.9", "neigh", "old")
    namespace.batch(burst(10))
    make_daemon(*OPTIONS, url=cluster.url(cluster.another(cluster.owner()))).start()
    assert len(equals_owner()) == 10


def test_a_leftover_is_removed_from_the_owner_though_there_is_nothing_to_write(
        veth, make_daemon, cluster, equals_owner):
    """Only writing is redirected: SCAN of a wrong node finds nothing, and says so."""
    cluster.owner().client.hset(f"{PREFIX}NEIGH_TABLE:veth0:10.9.9.9", "neigh", "old")
    make_daemon(*OPTIONS, url=cluster.url(cluster.another(cluster.owner()))).start()
    assert equals_owner() == {}


def test_a_start_at_another_node_writes_nothing_that_is_right(veth, namespace, make_daemon,
                                                              cluster, equals_owner):
    namespace.batch(burst(1000))
    wrong = cluster.another(cluster.owner())
    make_daemon(*OPTIONS, url=cluster.url(wrong)).start().stop()
    cluster.owner().forget_statistics()
    make_daemon(*OPTIONS, url=cluster.url(wrong)).start()
    equals_owner()
    stay_quiet()
    assert cluster.owner().writes() == {}


@BOTH_KINDS
def test_a_slot_that_is_resharded_in_a_burst_ends_equal_on_its_new_owner(
        veth, namespace, make_daemon, cluster, equals_owner, option):
    make_daemon(*OPTIONS, *option, url=cluster.url(cluster.owner())).start()
    namespace.batch(burst(2000))
    equals_owner()
    target = cluster.another(cluster.owner())
    changing = threading.Thread(target=namespace.batch, args=(
        burst(6000, mac=1) + burst(6000, mac=2) + removal(6000)[4000:],))
    changing.start()
    source = cluster.begin_migration(target)
    cluster.move_keys(source, target, 1000)
    stay_quiet(0.2)
    cluster.end_migration(source, target)
    changing.join()
    assert len(equals_owner(20)) == 4000
    assert cluster.owner() is target


@BOTH_KINDS
def test_neighbours_that_come_while_a_slot_is_in_migration_reach_redis(
        veth, namespace, make_daemon, cluster, equals_owner, option):
    daemon = make_daemon(*OPTIONS, *option, url=cluster.url(cluster.owner())).start()
    namespace.batch(burst(500))
    equals_owner()
    target = cluster.another(cluster.owner())
    source = cluster.begin_migration(target)
    assert "ASK" in error_of(source.client, "HSET", f"{PREFIX}x", "a", "b")
    cluster.move_keys(source, target, 200)
    # of those that are still there, of those that are gone, and of new ones
    namespace.batch(burst(800, mac=1) + removal(800)[400:450])
    stay_quiet(1)
    assert daemon.process.poll() is None
    cluster.end_migration(source, target)
    assert len(equals_owner(20)) == 750


def test_a_slot_that_stays_in_migration_is_equal_over_both_nodes(veth, namespace, make_daemon,
                                                                 cluster):
    daemon = make_daemon(*OPTIONS, url=cluster.url(cluster.owner())).start()
    namespace.batch(burst(500))
    wait_until_equal(cluster.table, namespace, prefix=PREFIX)
    target = cluster.another(cluster.owner())
    source = cluster.begin_migration(target)
    cluster.move_keys(source, target, 200)
    namespace.batch(burst(800, mac=1))
    assert len(wait_until_equal(cluster.tables, namespace, 10, prefix=PREFIX)) == 800
    assert daemon.statistics()["ask_redirects"] >= 1
    cluster.end_migration(source, target)
    namespace.batch(removal(800)[600:])
    assert len(wait_until_equal(cluster.table, namespace, 10, prefix=PREFIX)) == 600


@BOTH_KINDS
def test_a_slot_that_nobody_serves_is_waited_for(veth, namespace, make_daemon, cluster,
                                                 equals_owner, option):
    daemon = make_daemon(*OPTIONS, *option, "--log-level", "debug",
                         url=cluster.url(cluster.owner())).start()
    owner = cluster.unassign()
    assert "CLUSTERDOWN" in error_of(owner.client, "HSET", f"{PREFIX}x", "a", "b")
    namespace.batch(burst(200))
    eventually(lambda: daemon.said("CLUSTERDOWN"))
    cluster.assign(owner)
    assert len(equals_owner(20)) == 200


def test_a_key_prefix_without_a_hash_tag_is_an_error_that_names_it(veth, namespace, make_daemon,
                                                                   cluster):
    daemon = make_daemon(url=cluster.url(cluster.owner())).launch()
    namespace.batch(burst(100))
    eventually(lambda: any("error" in line and "key_prefix" in line for line in daemon.lines))
    stay_quiet(1)
    assert sum("key_prefix" in line for line in daemon.lines) <= 3
    daemon.stop()

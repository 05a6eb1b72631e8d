# SPDX-License-Identifier: GPL-2.0-or-later
"""The master is where the sentinels say, also when that changes."""
import threading

import pytest
import redis
from harness.namespace import burst, removal
from harness.redis_sentinel import SentinelSet
from harness.tables import wait_until_equal
from harness.waiting import eventually


@pytest.fixture(scope="module")
def started_sentinels(tmp_path_factory):
    made = SentinelSet(tmp_path_factory.mktemp("sentinels"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def sentinels(started_sentinels):
    started_sentinels.heal()
    return started_sentinels


def is_master(server):
    try:
        return server.process and server.client.info("replication")["role"] == "master"
    except redis.exceptions.RedisError:
        return False            # it closes connections while its role changes


def follows(sentinels, before):
    """Another server than `before` is the master."""
    return eventually(lambda: any(server is not before and is_master(server)
                                  for server in sentinels.servers), 100,
                      "the replica is the master")


def test_the_master_is_found(veth, namespace, make_daemon, sentinels):
    daemon = make_daemon(url=sentinels.url()).start()
    namespace.batch(burst(500))
    assert len(wait_until_equal(sentinels.table, namespace)) == 500
    assert daemon.verify()[0] == 0


def test_the_database_is_that_of_the_address(veth, namespace, make_daemon, sentinels):
    make_daemon(url=sentinels.url(database="/2")).start()
    namespace.batch(burst(10))
    master = sentinels.master().client
    eventually(lambda: master.info("keyspace").get("db2", {}).get("keys") == 10)
    assert "db0" not in master.info("keyspace")


def test_the_next_sentinel_is_asked_if_the_first_is_dead(veth, namespace, make_daemon,
                                                         sentinels):
    sentinels.sentinels[0].stop()
    make_daemon(url=sentinels.url()).start()
    namespace.batch(burst(100))
    assert len(wait_until_equal(sentinels.table, namespace)) == 100


def test_the_next_sentinel_is_asked_if_the_first_does_not_answer(veth, namespace, make_daemon,
                                                                 sentinels):
    first = sentinels.sentinels[0].process
    first.send_signal(19)
    try:
        make_daemon("--redis-timeout", "300ms", url=sentinels.url()).start()
        namespace.batch(burst(100))
        assert len(wait_until_equal(sentinels.table, namespace)) == 100
    finally:
        first.send_signal(18)


def test_a_name_that_no_sentinel_knows_is_said(veth, make_daemon, sentinels):
    daemon = make_daemon(url=sentinels.url("nobody")).launch()
    eventually(lambda: daemon.said("is away"))
    assert daemon.said("nobody")
    daemon.stop()


def test_sentinels_that_are_absent_at_start_are_waited_for(veth, namespace, make_daemon,
                                                           sentinels):
    for sentinel in sentinels.sentinels:
        sentinel.stop()
    daemon = make_daemon(url=sentinels.url()).launch()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("is away"))
    sentinels.sentinels[2].start()
    eventually(lambda: daemon.said("ready: "), 15)
    assert len(wait_until_equal(sentinels.table, namespace)) == 100


def test_a_master_that_becomes_a_replica_is_left_for_the_new_one(veth, namespace, make_daemon,
                                                                 sentinels):
    """Nothing breaks the connection but the daemon: the old master lives."""
    make_daemon(url=sentinels.url()).start()
    namespace.batch(burst(500))
    wait_until_equal(sentinels.table, namespace)
    before = sentinels.master()
    sentinels.fail_over()
    namespace.batch(burst(600, mac=1))
    follows(sentinels, before)
    namespace.batch(removal(600)[550:])
    assert len(wait_until_equal(sentinels.table, namespace, 20)) == 550
    assert sentinels.master() is not before


def test_a_master_that_dies_in_a_burst_is_followed_by_the_new_one(veth, namespace, make_daemon,
                                                                  sentinels):
    daemon = make_daemon(url=sentinels.url()).start()
    namespace.batch(burst(500))
    wait_until_equal(sentinels.table, namespace)
    before = sentinels.master()
    adding = threading.Thread(target=namespace.batch, args=(burst(5000, mac=1),))
    adding.start()
    before.stop()
    follows(sentinels, before)
    adding.join()
    namespace.batch(removal(5000)[4000:])
    assert len(wait_until_equal(sentinels.table, namespace, 20)) == 4000
    assert daemon.said("is away")
    eventually(lambda: daemon.said("is back"))

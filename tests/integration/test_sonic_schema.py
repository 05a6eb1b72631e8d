# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema sonic: what its consumer is told, and when it is told nothing."""
import pytest
from harness.namespace import burst, expected_table, removal
from harness.tables import wait_until_equal
from harness.waiting import eventually, stay_quiet

MAC = "02:00:00:00:00:0a"
OTHER_MAC = "02:00:00:00:00:0b"
KEY_SET, DEL_SET, PENDING = "NEIGH_TABLE_KEY_SET", "NEIGH_TABLE_DEL_SET", "_NEIGH_TABLE:"


@pytest.fixture
def make_producer(make_daemon):
    def make(*options, **arguments):
        return make_daemon("--schema", "sonic", *options, **arguments)

    return make


@pytest.fixture
def consumer_has(consumer, namespace):
    """Waits until the consumer has what the kernel has, and so have the table's hashes."""
    def check(timeout_s=5.0, **policy):
        table = wait_until_equal(consumer.read, namespace, timeout_s, **policy)
        assert {f"NEIGH_TABLE:{key}": fields for key, fields in consumer.stored().items()} == table
        return table

    return check


def neighbour(namespace, verb, address, mac=MAC):
    words = [] if verb == "del" else ["lladdr", mac, "nud", "permanent"]
    namespace.ip("neigh", verb, address, "dev", "veth0", *words)


# --- what it is told ----------------------------------------------------------------------

def test_the_consumer_is_told_of_new_changed_and_deleted_neighbours(veth, namespace, consumer,
                                                                   make_producer):
    consumer.start()
    make_producer().start()
    for address, family in (("192.0.2.9", "IPv4"), ("2001:db8::9", "IPv6")):
        for verb, mac, told in (("add", MAC, "SET"), ("replace", OTHER_MAC, "SET"),
                                ("del", None, "DEL")):
            consumer.clear()
            neighbour(namespace, verb, address, mac)
            eventually(lambda: consumer.told)
            fields = {"neigh": mac, "family": family} if mac else {}
            assert consumer.told == [(f"veth0:{address}", told, fields)]


def test_a_burst_reaches_the_consumer_whole_in_few_commands(veth, namespace, consumer,
                                                            make_producer, redis_server,
                                                            consumer_has):
    consumer.start()
    daemon = make_producer().start()
    redis_server.forget_statistics()
    namespace.batch(burst(10000))
    assert len(consumer_has(20)) == 10000
    flushes = daemon.statistics()["flushes"]
    calls = redis_server.calls()
    assert flushes < 2000
    # the consumer's script calls HSET for each field, and no SADD
    assert calls["sadd"] == calls["publish"] == flushes
    namespace.batch(removal(10000))
    assert consumer_has(20) == {}


def test_real_arp_reaches_the_consumer(veth, namespace, consumer, make_producer, consumer_has):
    consumer.start()
    make_producer().start()
    assert namespace.can_ping("192.0.2.2") and namespace.can_ping("2001:db8::2")
    assert {"NEIGH_TABLE:veth0:192.0.2.2", "NEIGH_TABLE:veth0:2001:db8::2"} <= set(consumer_has())


# --- a consumer that is slow, or away --------------------------------------------------------

def test_what_waits_for_an_absent_consumer_grows_by_neighbours_and_not_by_changes(
        veth, namespace, consumer, make_producer, redis_server, consumer_has):
    make_producer().start()
    for mac in range(50):
        namespace.batch(burst(200, mac=mac))
    eventually(lambda: redis_server.client.scard(KEY_SET) == 200)
    stay_quiet()
    assert redis_server.client.dbsize() == 201
    consumer.start()
    assert len(consumer_has()) == 200
    assert len(consumer.told) == 200


def test_an_absent_consumer_is_told_the_last_state_alone(veth, namespace, consumer, make_producer,
                                                         redis_server, consumer_has):
    """Sets and deletes of one key never cross, whatever came before them."""
    neighbour(namespace, "add", "192.0.2.7")
    neighbour(namespace, "add", "192.0.2.8")
    make_producer().start()
    consumer.start()
    consumer_has()
    consumer.away.set()
    stay_quiet()
    consumer.clear()
    members = redis_server.client.scard

    neighbour(namespace, "add", "192.0.2.6")                    # new, and gone again
    eventually(lambda: members(KEY_SET) == 1)
    neighbour(namespace, "del", "192.0.2.6")
    eventually(lambda: members(DEL_SET) == 1)
    neighbour(namespace, "del", "192.0.2.7")                    # gone, and back
    eventually(lambda: members(DEL_SET) == 2)
    neighbour(namespace, "add", "192.0.2.7", OTHER_MAC)
    eventually(lambda: redis_server.client.exists(f"{PENDING}veth0:192.0.2.7"))
    neighbour(namespace, "del", "192.0.2.8")                    # gone, back, and gone
    eventually(lambda: members(DEL_SET) == 3)
    neighbour(namespace, "add", "192.0.2.8")
    eventually(lambda: redis_server.client.exists(f"{PENDING}veth0:192.0.2.8"))
    neighbour(namespace, "del", "192.0.2.8")
    eventually(lambda: not redis_server.client.exists(f"{PENDING}veth0:192.0.2.8"))
    consumer.away.clear()
    consumer_has()
    assert sorted(consumer.told) == [
        ("veth0:192.0.2.6", "DEL", {}),
        ("veth0:192.0.2.7", "SET", {"neigh": OTHER_MAC, "family": "IPv4"}),
        ("veth0:192.0.2.8", "DEL", {})]


# --- restarts and reconnects -------------------------------------------------------------------

def test_after_a_restart_the_consumer_is_told_of_what_changed_alone(veth, namespace, consumer,
                                                                    make_producer, consumer_has):
    namespace.batch(burst(1000))
    consumer.start()
    daemon = make_producer().start()
    consumer_has()
    daemon.stop()
    consumer.clear()
    namespace.batch(burst(5, mac=1) + removal(15)[10:])
    namespace.batch(burst(3, net="11"))
    make_producer(instance=daemon.instance).start()
    consumer_has()
    told = {(key, op) for key, op, _ in consumer.told}
    assert told == ({(f"veth0:10.1.0.{i}", "SET") for i in range(5)} |
                    {(f"veth0:10.1.0.{i}", "DEL") for i in range(10, 15)} |
                    {(f"veth0:11.1.0.{i}", "SET") for i in range(3)})
    assert len(consumer.told) == 13


def test_what_a_dead_predecessor_left_pending_is_cleared(veth, namespace, consumer, make_producer,
                                                         redis_server, consumer_has):
    """Torn, wrong and of no neighbour: none of it reaches the consumer."""
    client = redis_server.client
    neighbour(namespace, "add", "192.0.2.9")
    client.sadd(KEY_SET, "veth0:192.0.2.9", "veth0:192.0.2.10", "nonsense")
    client.sadd(DEL_SET, "veth0:192.0.2.9")
    client.hset(f"{PENDING}veth0:192.0.2.9", "wrong", "field")
    client.hset(f"{PENDING}veth0:192.0.2.10", "neigh", MAC)
    client.hset(f"{PENDING}veth0:192.0.2.11", "neigh", MAC)
    client.hset("OTHER_NEIGH_TABLE:veth0:192.0.2.11", "neigh", MAC)
    make_producer().start()
    consumer.start()
    consumer_has()
    assert consumer.told == [("veth0:192.0.2.9", "SET", {"neigh": MAC, "family": "IPv4"})]
    assert client.keys("*") == ["OTHER_NEIGH_TABLE:veth0:192.0.2.11"] or \
        sorted(client.keys("*")) == ["NEIGH_TABLE:veth0:192.0.2.9",
                                     "OTHER_NEIGH_TABLE:veth0:192.0.2.11"]


def test_rows_that_a_dead_predecessor_left_in_the_table_go(veth, namespace, consumer,
                                                           make_producer, redis_server,
                                                           consumer_has):
    for address in ("192.0.2.77", "2001:db8::77"):
        redis_server.client.hset(f"NEIGH_TABLE:veth0:{address}",
                                 mapping={"neigh": MAC, "family": "IPv4"})
    consumer.start()
    make_producer().start()
    assert consumer_has() == {}
    eventually(lambda: len(consumer.told) == 2)


def test_a_lost_connection_repeats_nothing_that_is_pending(veth, namespace, consumer,
                                                           make_producer, redis_server,
                                                           consumer_has):
    """What the consumer has not taken yet counts as written; pending deletions too."""
    namespace.batch(burst(300))
    consumer.start()
    daemon = make_producer().start()
    consumer_has()
    consumer.away.set()
    stay_quiet()
    namespace.batch(burst(100, mac=1) + removal(300)[200:])
    eventually(lambda: redis_server.client.scard(DEL_SET) == 100 and
               daemon.statistics()["dirty"] == 0)
    redis_server.forget_statistics()
    redis_server.client.client_kill_filter(_type="normal", skipme=True)
    eventually(lambda: daemon.said("is back after"))
    stay_quiet()
    assert redis_server.writes() == {}
    consumer.away.clear()
    assert len(consumer_has()) == 200


def test_changes_while_redis_is_away_reach_the_consumer(veth, namespace, consumer, make_producer,
                                                        redis_server, consumer_has):
    namespace.batch(burst(300))
    consumer.start()
    make_producer().start()
    consumer_has()
    redis_server.stop()
    namespace.batch(burst(100, mac=1) + removal(300)[200:])
    redis_server.start()
    assert len(consumer_has(20)) == 200


# --- other hands ---------------------------------------------------------------------------------

@pytest.mark.parametrize("harm", ["changed", "removed", "added", "half"])
def test_an_audit_puts_right_what_others_did_to_the_table(veth, namespace, consumer, make_producer,
                                                          redis_server, consumer_has, harm):
    namespace.batch(burst(50))
    consumer.start()
    daemon = make_producer("--audit-interval", "0").start()
    consumer_has()
    client, key = redis_server.client, "NEIGH_TABLE:veth0:10.1.0.7"
    if harm == "changed":
        client.hset(key, "neigh", OTHER_MAC)
    elif harm == "removed":
        client.delete(key)
    elif harm == "added":
        client.hset("NEIGH_TABLE:veth0:192.0.2.77", mapping={"neigh": MAC, "family": "IPv4"})
    else:
        client.hdel(key, "family")
    consumer.clear()
    daemon.audit()
    eventually(lambda: consumer.told)
    consumer_has()
    assert len(consumer.told) == 1
    assert daemon.statistics()["redis_repaired"] == 1


def test_an_audit_finds_nothing_wrong_in_what_is_pending(veth, namespace, make_producer,
                                                         redis_server):
    namespace.batch(burst(500))
    daemon = make_producer("--audit-interval", "0").start()
    namespace.batch(removal(100))
    eventually(lambda: redis_server.client.scard(DEL_SET) == 100)
    redis_server.forget_statistics()
    daemon.audit()
    eventually(lambda: daemon.said("audit: Redis holds 400 keys"))
    assert redis_server.writes() == {}
    assert daemon.statistics()["redis_repaired"] == 0


def test_a_pending_hash_of_another_type_is_replaced(veth, namespace, consumer, make_producer,
                                                    redis_server, consumer_has):
    daemon = make_producer().start()
    redis_server.client.set(f"{PENDING}veth0:192.0.2.9", "not a hash")
    neighbour(namespace, "add", "192.0.2.9")
    eventually(lambda: daemon.statistics()["refused"])
    eventually(lambda: redis_server.client.type(f"{PENDING}veth0:192.0.2.9") == "hash")
    consumer.start()
    consumer_has()


def test_keys_of_ignored_interfaces_and_unknown_ones_are_left_alone(veth, namespace, consumer,
                                                                    make_producer, redis_server):
    left = {"NEIGH_TABLE:eth0:192.0.2.1": {"neigh": MAC, "family": "IPv4"},
            "NEIGH_TABLE:nonsense": {"a": "b"}}
    for key, fields in left.items():
        redis_server.client.hset(key, mapping=fields)
    consumer.start()
    daemon = make_producer("--interfaces", "veth*").start()
    daemon.audit()
    eventually(lambda: daemon.said("audit: Redis holds"))
    stay_quiet()
    assert consumer.told == []
    assert redis_server.table("NEIGH_TABLE:*") == left


# --- refusals --------------------------------------------------------------------------------------

def test_a_refused_flush_is_kept_and_written_when_redis_takes_it(veth, namespace, consumer,
                                                                 make_producer, redis_server,
                                                                 consumer_has):
    consumer.start()
    daemon = make_producer().start()
    redis_server.client.config_set("maxmemory", "1")
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("Redis refuses a write: OOM"))
    assert consumer.told == []
    redis_server.client.config_set("maxmemory", "0")
    assert len(consumer_has(10)) == 100


# --- the tool ----------------------------------------------------------------------------------------

def test_verify_counts_what_is_pending(veth, namespace, consumer, make_producer, redis_server,
                                       consumer_has):
    namespace.batch(burst(100))
    daemon = make_producer().start()
    code, out, _ = daemon.verify("--schema", "sonic")
    assert (code, out) == (0, "equal: 100 neighbours\n")
    consumer.start()
    consumer_has()
    consumer.away.set()
    stay_quiet()
    namespace.batch(removal(50) + burst(100, mac=2)[50:])
    eventually(lambda: redis_server.client.scard(KEY_SET) == 100 and
               daemon.statistics()["dirty"] == 0)
    code, out, _ = daemon.verify("--schema", "sonic")
    assert (code, out) == (0, "equal: 50 neighbours\n")
    redis_server.client.hset(f"{PENDING}veth0:10.1.0.77", "neigh", OTHER_MAC)
    code, out, _ = daemon.verify("--schema", "sonic")
    assert code == 1 and "veth0:10.1.0.77: another MAC" in out
    assert set(expected_table(namespace)) >= {"NEIGH_TABLE:veth0:10.1.0.77"}

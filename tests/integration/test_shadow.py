# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside neighsyncd: a shadow writes a table of its own, and is compared with the original's."""
import json

import pytest
from harness.daemon import tool
from harness.namespace import burst, removal
from harness.switch import Switch
from harness.waiting import eventually, stay_quiet

SHADOW = "NEIGHTRACK_SHADOW_NEIGH_TABLE:*"
MAC = "02:00:00:00:00:0a"


@pytest.fixture
def switch(redis_server, tmp_path):
    return Switch(redis_server, tmp_path)


@pytest.fixture
def options(switch):
    return ("--schema", "sonic", "--policy", "sonic", "--database-config", switch.config_file)


@pytest.fixture
def original(veth, make_daemon, options):
    """In the place of neighsyncd: what it writes is the same."""
    return make_daemon(*options, "--warm-restart", "yes").start()


@pytest.fixture
def shadow(original, make_daemon, options):
    return make_daemon(*options, "--warm-restart", "yes", "--shadow", "yes").start()


@pytest.fixture
def compare(namespace, redis_server, options):
    def verify(*flags):
        return tool("verify", "--netns", namespace.name, *options, *flags, "--shadow")

    return verify


def test_it_writes_hashes_that_no_consumer_looks_at(shadow, namespace, redis_server, switch):
    before = switch.warm_restart()
    namespace.batch(burst(50))
    eventually(lambda: len(redis_server.table(SHADOW)) == 50)
    keys = {key.split(":")[0] for key in redis_server.client.scan_iter(count=1000)}
    assert keys == {"NEIGHTRACK_SHADOW_NEIGH_TABLE", "NEIGH_TABLE_KEY_SET", "_NEIGH_TABLE"}
    assert switch.warm_restart() == before


def test_verify_says_that_both_are_equal_with_or_without_a_consumer(
        shadow, original, namespace, redis_server, compare, consumer):
    namespace.batch(burst(50) + removal(10))
    eventually(lambda: len(redis_server.table(SHADOW)) == 40)
    assert compare()[:2] == (0, "equal: 40 neighbours\n")
    consumer.start()
    eventually(lambda: not consumer.pending())
    assert compare()[:2] == (0, "equal: 40 neighbours\n")


def test_verify_tells_what_the_original_has_otherwise(shadow, namespace, redis_server, compare,
                                                      consumer):
    namespace.batch(burst(3))
    eventually(lambda: len(redis_server.table(SHADOW)) == 3)
    consumer.start()
    eventually(lambda: not consumer.pending())
    client = redis_server.client
    client.delete("NEIGH_TABLE:veth0:10.1.0.0")
    client.hset("NEIGH_TABLE:veth0:10.1.0.1", "neigh", MAC)
    client.hset("NEIGH_TABLE:veth0:10.9.9.9", mapping={"neigh": MAC, "family": "IPv4"})
    code, out, _ = compare("-j")
    found = {row["key"].split(":")[-1]: row for row in json.loads(out)["differences"]}
    assert code == 1 and set(found) == {"10.1.0.0", "10.1.0.1", "10.9.9.9"}
    assert found["10.1.0.0"]["difference"] == "not in the original"
    assert found["10.1.0.1"]["original"] == MAC and found["10.1.0.1"]["shadow"] != MAC
    assert found["10.9.9.9"]["difference"] == "not in the shadow"


def test_its_end_and_restart_leave_the_original_alone(shadow, namespace, redis_server, consumer):
    namespace.batch(burst(20))
    consumer.start()
    eventually(lambda: len(consumer.table or ()) == 20 and not consumer.pending())
    consumer.clear()
    shadow.kill()
    shadow.start()
    shadow.stop()
    stay_quiet()
    assert consumer.told == []

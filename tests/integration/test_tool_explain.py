# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack explain: each verdict, and each way in which a part is missing."""
import json
import os
import subprocess

import pytest
from harness.daemon import BUILD, SOURCE, tool
from harness.switch import Switch
from harness.waiting import eventually

MAC, OTHER = "02:00:00:00:00:09", "02:00:00:00:00:0a"
KEY = "NEIGH_TABLE:veth0:192.0.2.9"


def explain(daemon, *words, url=None):
    """(exit code, the explanations)"""
    code, out, errors = tool("-j", "--redis", url or daemon.redis.url, "--netns",
                             daemon.namespace.name, "--instance", daemon.instance, "explain",
                             *words)
    assert out, errors
    return code, json.loads(out)


def add(namespace, *words, address="192.0.2.9", device="veth0", nud="permanent"):
    namespace.ip("neigh", "replace", address, *(words or ("lladdr", MAC)), "dev", device, "nud",
                 nud)


@pytest.fixture
def mirrored(watched, namespace, redis_server):
    add(namespace)
    eventually(lambda: redis_server.table().get(KEY))
    return watched


def test_a_neighbour_that_is_in_redis(mirrored):
    code, [answer] = explain(mirrored, "192.0.2.9", "--metrics", mirrored.endpoint.address)
    assert code == 0 and answer["verdict"] == "present"
    assert (answer["dst"], answer["dev"], answer["unknown"]) == ("192.0.2.9", "veth0", [])
    assert answer["kernel"]["lladdr"] == MAC and answer["kernel"]["is_published"] is True
    assert answer["redis"] == {"key": KEY, "value": MAC, "is_pending": False}
    assert answer["changes"]["changes"] == 1 and answer["changes"]["published"] == MAC
    assert answer["daemon"] == {"pid": mirrored.process.pid, "dirty_neighbours": 0.0,
                                "redis_commands_in_flight": 0.0, "lag_seconds": 0.0}
    assert answer["sentence"] == "it is in Redis, as the kernel has it"


def test_for_people_it_is_some_lines_and_ends_with_the_verdict(mirrored):
    code, out, _ = tool("explain", "192.0.2.9", "--redis", mirrored.redis.url, "--netns",
                        mirrored.namespace.name, "--instance", mirrored.instance)
    lines = [line.split(None, 1) for line in out.splitlines()]
    assert code == 0 and lines[0] == ["192.0.2.9", "dev veth0\n".strip()]
    assert [line[0] for line in lines[1:]] == ["kernel", "policy", "redis", "changed", "daemon",
                                               "queue", "verdict"]
    assert lines[-1][1] == "it is in Redis, as the kernel has it"
    assert lines[-2][1] == "unknown: metrics = off"


def test_any_spelling_of_the_address_will_do(mirrored, namespace, redis_server):
    add(namespace, address="2001:db8::9")
    eventually(lambda: len(redis_server.table()) == 2)
    code, [answer] = explain(mirrored, "2001:DB8:0:0::0009")
    assert (code, answer["dst"], answer["verdict"]) == (0, "2001:db8::9", "present")
    # whose key ends like this one's
    code, [answer] = explain(mirrored, "::9")
    assert (code, answer["verdict"]) == (0, "nowhere")


def test_an_address_that_is_nowhere(mirrored):
    code, [answer] = explain(mirrored, "192.0.2.77", "dev", "veth0")
    assert (code, answer["verdict"]) == (0, "nowhere")
    assert answer["kernel"] is None and answer["redis"] is None
    assert answer["dev"] == "veth0"


@pytest.mark.parametrize("options, neighbour, reason, option", [
    ((), {"address": "224.0.0.9"}, "multicast", ""),
    (("--ipv4", "no"), {}, "family", "ipv4 = no"),
    (("--ignore", "lo,ve*"), {}, "interface", "ignore = lo,ve*"),
    (("--interfaces", "eth*"), {}, "interface", "interfaces = eth*"),
    (("--link-local-ipv4", "no"), {"address": "169.254.7.7"}, "link_local_ipv4",
     "link_local_ipv4 = no"),
    ((), {"address": "fe80::9"}, "link_local_ipv6", "link_local_ipv6 = "),
    ((), {"nud": "noarp"}, "noarp", "noarp = no"),
    ((), {"nud": "failed"}, "state", ""),
], ids=["multicast", "family", "ignore", "interfaces", "link-local-4", "link-local-6", "noarp",
        "state"])
def test_a_neighbour_that_the_policy_leaves_out(veth, make_daemon, namespace, options, neighbour,
                                                reason, option):
    daemon = make_daemon(*options).start()
    add(namespace, **neighbour)
    code, [answer] = explain(daemon, neighbour.get("address", "192.0.2.9"), *options)
    assert (code, answer["verdict"]) == (0, "left_out")
    kernel = answer["kernel"]
    assert (kernel["is_published"], kernel["reason"], kernel["option"]) == (False, reason, option)
    assert kernel["reason_words"] in answer["sentence"] and option in answer["sentence"]


@pytest.mark.parametrize("spoil, verdict", [
    (lambda client: client.delete(KEY), "missing"),
    (lambda client: client.hset(KEY, "neigh", OTHER), "other"),
    (lambda client: client.hset(KEY, "family", "IPv6"), "other"),
], ids=["deleted", "changed", "unreadable"])
def test_redis_that_is_not_as_it_should_be(mirrored, redis_server, spoil, verdict):
    spoil(redis_server.client)
    code, [answer] = explain(mirrored, "192.0.2.9")
    assert (code, answer["verdict"]) == (1, verdict)


def test_a_key_that_should_not_be_there(mirrored, redis_server):
    redis_server.client.hset("NEIGH_TABLE:gone0:192.0.2.9",
                             mapping={"neigh": MAC, "family": "IPv4"})
    code, answers = explain(mirrored, "192.0.2.9")
    assert code == 1
    assert {answer["dev"]: answer["verdict"] for answer in answers} == {"veth0": "present",
                                                                       "gone0": "stale"}
    code, [answer] = explain(mirrored, "192.0.2.9", "dev", "veth0")
    assert (code, answer["dev"]) == (0, "veth0")


def test_a_neighbour_of_two_interfaces_is_explained_twice(mirrored, namespace, redis_server):
    namespace.add_interface("other0")
    add(namespace, "lladdr", OTHER, device="other0")
    eventually(lambda: len(redis_server.table()) == 2)
    code, answers = explain(mirrored, "192.0.2.9")
    assert code == 0
    assert {answer["dev"]: answer["redis"]["value"] for answer in answers} == {"veth0": MAC,
                                                                              "other0": OTHER}


def test_without_redis_it_says_what_redis_should_have(mirrored, redis_server):
    redis_server.stop()
    code, [answer] = explain(mirrored, "192.0.2.9")
    assert (code, answer["verdict"], answer["redis"]) == (2, "unknown", None)
    assert "redis" in answer["unknown"] and "to be in Redis" in answer["sentence"]
    code, [answer] = explain(mirrored, "192.0.2.9", "--noarp", "yes", "--ignore", "veth*")
    assert code == 2 and "not to be in Redis" in answer["sentence"]


def test_without_a_daemon_it_names_that_as_the_cause(mirrored, namespace):
    mirrored.stop()
    add(namespace, address="192.0.2.10")
    code, [answer] = explain(mirrored, "192.0.2.10")
    assert (code, answer["verdict"], answer["daemon"]) == (1, "missing", None)
    assert "no neightrackd is known to run" in answer["sentence"]
    assert "changes" in answer["unknown"]


@pytest.mark.skipif(SOURCE == "netlink", reason="that source has no pinned maps")
def test_another_namespace_than_the_daemons_is_noticed(mirrored, peer):
    code, out, _ = tool("-j", "--redis", mirrored.redis.url, "--netns", peer.name, "--instance",
                        mirrored.instance, "explain", "192.0.2.9", "dev", "veth0")
    [answer] = json.loads(out)
    assert (code, answer["verdict"]) == (1, "stale")
    assert "another network namespace" in answer["sentence"]


def test_without_privileges_it_tells_the_rest(namespace):
    """In its own namespace a user may read neighbours, but no pinned maps."""
    namespace.add_interface("veth0")
    add(namespace)
    done = subprocess.run(["ip", "netns", "exec", namespace.name, "setpriv", "--reuid=65534",
                           "--clear-groups", os.path.join(BUILD, "neightrack"), "-j", "--redis",
                           "unix:///nowhere/redis.sock", "explain", "192.0.2.9"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    [answer] = json.loads(done.stdout)
    assert done.returncode == 2 and answer["verdict"] == "unknown"
    assert answer["kernel"]["lladdr"] == MAC
    assert set(answer["unknown"]) == {"redis", "changes", "metrics"}
    assert answer["sentence"] == "it is to be in Redis, which could not be asked"


@pytest.mark.no_root
@pytest.mark.parametrize("words", [[], ["192.0.2.0/24"], ["dev", "veth0"], ["frob"]])
def test_without_an_address_it_says_what_it_needs(words):
    code, out, errors = tool("explain", *words)
    assert code == 2 and out == "" and "ADDRESS" in errors


def test_what_waits_for_a_switchs_consumer_is_pending(veth, make_daemon, namespace, redis_server):
    daemon = make_daemon("--schema", "sonic").start()
    add(namespace)
    pending = "_" + KEY
    eventually(lambda: redis_server.client.hgetall(pending))
    code, [answer] = explain(daemon, "192.0.2.9", "--schema", "sonic")
    assert (code, answer["verdict"]) == (0, "pending")
    assert answer["redis"] == {"key": KEY, "value": MAC, "is_pending": True, "table_value": "none"}


def test_a_deletion_that_waits_for_the_consumer_is_pending_too(veth, make_daemon, namespace,
                                                               redis_server, consumer):
    daemon = make_daemon("--schema", "sonic").start()
    consumer.start()
    add(namespace)
    eventually(lambda: redis_server.client.hgetall(KEY))
    consumer.stop()
    namespace.ip("neigh", "del", "192.0.2.9", "dev", "veth0")
    eventually(lambda: redis_server.client.smembers("NEIGH_TABLE_KEY_SET"))
    code, [answer] = explain(daemon, "192.0.2.9", "--schema", "sonic")
    assert (code, answer["verdict"]) == (0, "pending")
    assert answer["redis"]["value"] == "none" and answer["redis"]["table_value"] == MAC


def test_a_switchs_configuration_is_part_of_it(veth, make_daemon, namespace, redis_server,
                                               tmp_path):
    switch = Switch(redis_server, tmp_path)
    switch.config_db.hset("PEER_SWITCH|other", "address_ipv4", "10.1.0.33")
    options = ("--database-config", switch.config_file, "--policy", "sonic")
    daemon = make_daemon(*options).start()
    add(namespace, address="169.254.7.7")
    code, [answer] = explain(daemon, "169.254.7.7", *options)
    assert (code, answer["verdict"], answer["kernel"]["reason"]) == (0, "left_out",
                                                                     "link_local_ipv4")
    assert answer["kernel"]["option"] == "policy = sonic, on a dual-ToR switch"

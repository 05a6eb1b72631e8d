# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting again: what is right is not touched, what is wrong is put right."""
import threading

import pytest
from harness.daemon import dump_map
from harness.namespace import burst, removal
from harness.waiting import eventually, stay_quiet


def test_10000_unchanged_neighbours_cost_no_write(veth, namespace, redis_server, make_daemon,
                                                  equals_kernel):
    namespace.batch(burst(10000))
    make_daemon().start().stop()
    redis_server.forget_statistics()
    make_daemon().start()
    stay_quiet()
    assert redis_server.writes() == {}
    assert len(equals_kernel()) == 10000


def test_only_what_changed_while_down_is_written(veth, namespace, redis_server, make_daemon,
                                                 equals_kernel):
    namespace.batch(burst(1000))
    make_daemon().start().stop()
    namespace.batch(burst(10, mac=5) + removal(1000)[900:])
    redis_server.forget_statistics()
    make_daemon().start()
    equals_kernel()
    assert redis_server.writes() == {"hset": 10, "del": 100}


def test_kill_9_leaves_nothing_in_the_way_of_the_next_start(veth, namespace, redis_server,
                                                            make_daemon, equals_kernel):
    namespace.batch(burst(1000))
    daemon = make_daemon().start()
    daemon.kill()
    namespace.batch(burst(500, mac=3))
    make_daemon(instance=daemon.instance).start()
    assert len(equals_kernel()) == 1000
    assert len(dump_map(daemon.instance, "neighbours")) == 1000


def test_kill_9_in_the_middle_of_a_burst_is_put_right_by_the_next_start(
        veth, namespace, redis_server, make_daemon, equals_kernel):
    daemon = make_daemon().start()
    adding = threading.Thread(target=namespace.batch, args=(burst(20000),))
    adding.start()
    eventually(lambda: redis_server.client.dbsize() > 500)
    daemon.kill()
    make_daemon(instance=daemon.instance).start()
    adding.join()
    assert len(equals_kernel()) == 20000


LEFTOVERS = ["NEIGH_TABLE:veth0:192.0.2.250",       # a neighbour that is no more
             "NEIGH_TABLE:gone0:192.0.2.1",         # an interface that is no more
             "NEIGH_TABLE:foo",                     # no key of ours at all
             "NEIGH_TABLE:veth0:not-an-address",
             "NEIGH_TABLE:veth0:2001:DB8::9",       # another spelling of an address
             "NEIGH_TABLE:a-name-longer-than-any:192.0.2.1"]


@pytest.mark.parametrize("key", LEFTOVERS)
def test_a_leftover_key_is_removed_at_start(veth, redis_server, make_daemon, key):
    redis_server.client.hset(key, mapping={"neigh": "02:00:00:00:00:01", "family": "IPv4"})
    make_daemon().start()
    eventually(lambda: not redis_server.client.exists(key))


@pytest.mark.parametrize("key", ["OTHER_TABLE:veth0:192.0.2.1", "NEIGH_TABLEX:veth0:192.0.2.1",
                                 "prefix:NEIGH_TABLE:veth0:192.0.2.1", "NEIGH_TABLE"])
def test_a_key_of_another_table_is_never_touched(veth, redis_server, make_daemon, key):
    redis_server.client.hset(key, "neigh", "02:00:00:00:00:01")
    make_daemon().start()
    stay_quiet()
    assert redis_server.client.hgetall(key) == {"neigh": "02:00:00:00:00:01"}


@pytest.mark.parametrize("option", [("--ignore", "lo,mgmt*"), ("--interfaces", "veth*")])
def test_a_key_of_an_interface_that_is_not_watched_is_left_alone(veth, redis_server, make_daemon,
                                                                 option):
    key = "NEIGH_TABLE:mgmt0:192.0.2.1"
    redis_server.client.hset(key, "neigh", "02:00:00:00:00:01")
    make_daemon(*option).start()
    stay_quiet()
    assert redis_server.client.exists(key)


@pytest.mark.parametrize("spoil", [
    lambda client, key: client.set(key, "a string"),
    lambda client, key: client.lpush(key, "a", "list"),
    lambda client, key: client.hset(key, mapping={"neigh": "02:00:00:00:00:99", "family": "IPv4"}),
    lambda client, key: client.hset(key, "neigh", "02:00:00:00:00:09"),
    lambda client, key: client.hset(key, mapping={"neigh": "none", "family": "IPv6"}),
], ids=["string", "list", "other MAC", "field missing", "fields wrong"])
def test_a_spoiled_key_is_right_after_the_start(veth, namespace, redis_server, make_daemon, spoil,
                                                equals_kernel):
    spoil(redis_server.client, "NEIGH_TABLE:veth0:192.0.2.9")
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "veth0")
    make_daemon().start()
    assert len(equals_kernel()) == 1


def test_a_key_spoiled_at_run_time_is_right_after_the_next_change(daemon, namespace, redis_server,
                                                                  equals_kernel):
    namespace.ip("neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "veth0")
    equals_kernel()
    redis_server.client.delete("NEIGH_TABLE:veth0:192.0.2.9")
    redis_server.client.set("NEIGH_TABLE:veth0:192.0.2.9", "a string")
    namespace.ip("neigh", "replace", "192.0.2.9", "lladdr", "02:00:00:00:00:0a", "dev", "veth0")
    equals_kernel()


def test_sigterm_writes_what_is_dirty_and_ends_with_0(daemon, namespace, redis_server,
                                                      equals_kernel):
    redis_server.pause()
    namespace.batch(burst(5000))
    redis_server.resume()
    daemon.stop()
    assert len(equals_kernel(timeout_s=0.1)) == 5000


def test_sigterm_ends_it_though_redis_does_not_answer(daemon, namespace, redis_server):
    redis_server.pause()
    namespace.batch(burst(100))
    daemon.stop()
    assert daemon.said("left to the next start")


def test_a_second_daemon_on_the_instance_is_refused_and_the_first_goes_on(
        daemon, namespace, make_daemon, equals_kernel):
    second = make_daemon(instance=daemon.instance).launch()
    assert second.process.wait(timeout=20) not in (0, None)
    eventually(lambda: second.said(f"instance '{daemon.instance}' is served by another"))
    namespace.batch(burst(100))
    assert len(equals_kernel()) == 100
    assert len(dump_map(daemon.instance, "neighbours")) == 100


def test_bpffs_is_mounted_if_it_is_not(veth, make_daemon):
    """In a mount namespace of its own: this machine's bpffs may be in use."""
    daemon = make_daemon()
    daemon.wrapper = ["unshare", "--mount", "sh", "-c",
                      'while umount /sys/fs/bpf 2>/dev/null; do :; done; exec "$@"', "sh",
                      *daemon.wrapper]
    daemon.start()
    assert daemon.said("mounted /sys/fs/bpf")
    assert " /sys/fs/bpf bpf " in open(f"/proc/{daemon.process.pid}/mounts").read()

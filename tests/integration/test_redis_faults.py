# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever becomes of Redis: it is said once, nothing is lost, and Redis ends equal."""
import os
import threading

import pytest
import redis
from harness.namespace import burst, removal
from harness.proxy import ClosedPort
from harness.redis_server import free_port
from harness.tables import wait_until_equal
from harness.waiting import TIME_SCALE, eventually, stay_quiet

KEY = "NEIGH_TABLE:veth0:10.1.0.7"


def count_of(daemon, name, at_least):
    """Waits until the statistic is there."""
    return eventually(lambda: daemon.statistics()[name] >= at_least, 5, f"{name} >= {at_least}")


# --- away ---------------------------------------------------------------------

def test_changes_while_redis_is_gone_cost_no_memory(daemon, namespace, redis_server,
                                                    equals_kernel):
    namespace.batch(burst(2000))
    equals_kernel()
    redis_server.stop()
    namespace.batch(burst(2000, mac=1))
    eventually(lambda: daemon.said("is away"))
    before = daemon.resident_kb()
    for mac in range(2, 52):
        namespace.batch(burst(2000, mac=mac))
    stay_quiet()
    if TIME_SCALE == 1:     # an instrumented build keeps what is freed
        assert daemon.resident_kb() - before < 2048
    redis_server.start()
    assert len(equals_kernel(15)) == 2000


def test_an_outage_is_said_once_and_its_end_with_what_was_repaired(
        daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(100))
    equals_kernel()
    redis_server.stop()
    namespace.batch(burst(100, mac=1)[:40])
    stay_quiet(1)
    redis_server.start()
    equals_kernel(15)
    eventually(lambda: daemon.said("is back after"))
    stay_quiet()
    assert daemon.times_said(" is away: ") == 1
    assert daemon.times_said(" is back after ") == 1
    assert daemon.said("100 neighbours were repaired"), daemon.lines   # it came back empty


def test_a_socket_whose_folder_appears_later_is_found(veth, namespace, make_daemon, make_redis,
                                                      redis_server, tmp_path, equals_kernel):
    folder = tmp_path / "later"
    daemon = make_daemon(url=f"unix://{folder}/redis.sock").launch()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("is away"))
    folder.mkdir()
    os.rename(redis_server.socket, folder / "redis.sock")
    os.symlink(folder / "redis.sock", redis_server.socket)
    eventually(lambda: daemon.said("ready: "), 10)
    assert len(equals_kernel()) == 100


def test_a_server_that_stands_still_for_10_s_is_away_and_comes_back(daemon, namespace,
                                                                    redis_server, equals_kernel):
    redis_server.pause()
    namespace.batch(burst(1000))
    eventually(lambda: daemon.said("is away"), 10)
    stay_quiet(10 - 5)          # the default timeout has passed
    redis_server.resume()
    assert len(equals_kernel(15)) == 1000


def test_a_server_that_stands_still_is_away_after_redis_timeout(veth, namespace, make_daemon,
                                                                redis_server, equals_kernel):
    daemon = make_daemon("--redis-timeout", "500ms").start()
    redis_server.pause()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("is away"), 2)
    redis_server.resume()
    assert len(equals_kernel(10)) == 100


# --- somebody else at our keys ---------------------------------------------------

@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB"])
def test_a_flush_under_us_is_repaired_by_an_audit(daemon, namespace, redis_server, equals_kernel,
                                                  command):
    namespace.batch(burst(500))
    equals_kernel()
    redis_server.client.execute_command(command)
    daemon.audit()
    assert len(equals_kernel()) == 500
    count_of(daemon, "redis_repaired", 500)


def test_a_flush_under_us_is_noticed_by_the_next_write(daemon, namespace, equals_kernel,
                                                       redis_server):
    """HSET and DEL answer how many fields and keys there were: not what we left there."""
    namespace.batch(burst(500))
    equals_kernel()
    redis_server.client.flushall()
    namespace.batch(burst(1, mac=1))
    assert len(equals_kernel()) == 500
    count_of(daemon, "redis_repaired", 499)


def test_a_flush_under_us_is_repaired_by_the_next_regular_audit(veth, namespace, make_daemon,
                                                                redis_server, equals_kernel):
    namespace.batch(burst(500))
    make_daemon("--audit-interval", "1").start()
    redis_server.client.flushall()
    assert len(equals_kernel(5)) == 500


SPOILERS = {
    "changed": lambda client: client.hset(KEY, "neigh", "02:00:00:00:00:99"),
    "deleted": lambda client: client.delete(KEY),
    "expired": lambda client: client.pexpire(KEY, 1),
    "no MAC": lambda client: client.hdel(KEY, "neigh"),
    "no family": lambda client: client.hdel(KEY, "family"),
    "another type": lambda client: (client.delete(KEY), client.set(KEY, "a string")),
    "stale key": lambda client: client.hset("NEIGH_TABLE:veth0:10.9.9.9", mapping={
        "neigh": "02:00:00:00:00:99", "family": "IPv4"}),
    "foreign key": lambda client: client.hset("NEIGH_TABLE:veth0:no-address", "neigh", "x"),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS.keys())
def test_a_key_that_somebody_else_spoilt_is_repaired_by_an_audit(
        daemon, namespace, redis_server, equals_kernel, spoil):
    namespace.batch(burst(10))
    equals_kernel()
    spoil(redis_server.client)
    if spoil is SPOILERS["expired"]:
        eventually(lambda: not redis_server.client.exists(KEY))
    daemon.audit()
    assert len(equals_kernel()) == 10
    count_of(daemon, "redis_repaired", 1)
    assert daemon.statistics()["redis_repaired"] == 1


def test_an_audit_of_an_equal_redis_writes_nothing(daemon, namespace, redis_server,
                                                   equals_kernel):
    namespace.batch(burst(500))
    equals_kernel()
    redis_server.forget_statistics()
    daemon.audit()
    eventually(lambda: redis_server.client.info("commandstats").get("cmdstat_scan"))
    stay_quiet()
    assert redis_server.writes() == {}
    assert daemon.statistics()["redis_repaired"] == 0


def test_an_audit_in_the_midst_of_a_burst_repairs_nothing(daemon, namespace, equals_kernel):
    """What is in flight is no difference."""
    adding = threading.Thread(target=namespace.batch, args=(
        burst(5000) + burst(5000, mac=1) + removal(5000)[:2000],))
    adding.start()
    while adding.is_alive():
        daemon.audit()
        stay_quiet(0.05)
    adding.join()
    assert len(equals_kernel(10)) == 3000
    assert daemon.statistics()["redis_repaired"] == 0


# --- it answers, but not what we would like ----------------------------------------

def test_a_server_that_is_loading_is_waited_for(daemon, namespace, redis_server, equals_kernel):
    namespace.batch(burst(1000))
    equals_kernel()
    redis_server.client.save()
    redis_server.stop()
    namespace.batch(burst(1000, mac=1)[:500] + removal(1000)[900:])
    redis_server.launch("--key-load-delay", "20000",
                        "--loading-process-events-interval-bytes", "1024")
    eventually(redis_server.is_loading, 10)
    eventually(lambda: daemon.said("is away"))
    stay_quiet(0.5)
    assert redis_server.is_loading()
    redis_server.client.config_set("key-load-delay", 0)
    assert len(equals_kernel(15)) == 900


@pytest.mark.parametrize("option", [(), ("--transaction", "yes")], ids=["plain", "transaction"])
def test_a_server_busy_with_a_script_is_waited_for(veth, namespace, make_daemon, redis_server,
                                                   equals_kernel, option):
    daemon = make_daemon(*option).start()
    redis_server.client.config_set("lua-time-limit", 10)
    other = redis.Redis(unix_socket_path=redis_server.socket)

    def run_script():
        with pytest.raises(redis.exceptions.RedisError, match="killed by user"):
            other.eval("while true do end", 0)
    script = threading.Thread(target=run_script)
    script.start()
    namespace.batch(burst(200))
    eventually(lambda: daemon.said("BUSY"))
    redis_server.client.script_kill()
    script.join()
    other.close()
    assert len(equals_kernel(15)) == 200


def test_a_server_that_cannot_save_refuses_writes_until_it_can(veth, namespace, make_daemon,
                                                               make_redis, tmp_path):
    folder = tmp_path / "dumps"
    folder.mkdir()
    server = make_redis(config=["--dir", str(folder), "--stop-writes-on-bgsave-error", "yes"])
    server.start("--save", "3600", "1")
    daemon = make_daemon(url=server.url).start()
    folder.rmdir()
    server.client.bgsave()
    eventually(lambda: server.client.info("persistence")["rdb_last_bgsave_status"] == "err")
    namespace.batch(burst(200))
    eventually(lambda: daemon.said("Redis refuses a write: MISCONF"))
    server.client.config_set("stop-writes-on-bgsave-error", "no")
    assert len(wait_until_equal(server.table, namespace, 15)) == 200


def test_a_transaction_that_redis_aborts_is_tried_again(veth, namespace, make_daemon,
                                                        redis_server, equals_kernel):
    daemon = make_daemon("--transaction", "yes").start()
    redis_server.client.config_set("maxmemory", 1)
    namespace.batch(burst(500))
    eventually(lambda: daemon.said("Redis refuses a write: OOM"))
    redis_server.client.config_set("maxmemory", 0)
    assert len(equals_kernel(15)) == 500


def test_a_refused_write_is_counted_and_does_not_fill_the_log(daemon, namespace, redis_server,
                                                              equals_kernel):
    redis_server.client.config_set("maxmemory", 1)
    namespace.batch(burst(2000))
    eventually(lambda: daemon.said("Redis refuses a write: OOM"))
    stay_quiet(1)
    assert daemon.times_said("Redis refuses a write") <= 10
    count_of(daemon, "refused", 1)
    redis_server.client.config_set("maxmemory", 0)
    equals_kernel(15)


def test_a_server_that_has_too_many_clients_is_tried_again(daemon, namespace, redis_server,
                                                           equals_kernel):
    redis_server.client.ping()
    redis_server.client.config_set("maxclients", 1)
    redis_server.kill_clients()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("is away"))
    eventually(lambda: redis_server.client.info("stats")["rejected_connections"] >= 2)
    redis_server.client.config_set("maxclients", 100)
    assert len(equals_kernel(15)) == 100


def test_a_database_that_does_not_exist_is_said_and_does_not_hinder_the_end(
        veth, make_daemon, redis_server):
    daemon = make_daemon(url=f"{redis_server.url}?db=99").launch()
    eventually(lambda: daemon.said("DB index is out of range"))
    daemon.stop()


def test_another_database_is_used_on_every_connection(veth, namespace, make_daemon, redis_server):
    make_daemon(url=f"{redis_server.url}?db=3").start()
    namespace.batch(burst(10))
    third = redis.Redis(unix_socket_path=redis_server.socket, db=3)
    eventually(lambda: third.dbsize() == 10)
    redis_server.kill_clients()
    namespace.batch(burst(20))
    eventually(lambda: third.dbsize() == 20)
    assert redis_server.client.dbsize() == 0
    third.close()


def test_the_connection_has_the_instance_as_its_name(daemon, redis_server):
    names = [client["name"] for client in redis_server.client.client_list()]
    assert f"neightrack-{daemon.instance}" in names


# --- ways to it -------------------------------------------------------------------

def has_ipv6():
    try:
        free_port("::1")
        return True
    except OSError:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", pytest.param(
    "[::1]", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on lo"))])
def test_a_server_on_tcp_is_reached(veth, namespace, make_daemon, make_redis, host):
    server = make_redis(port=free_port())
    server.start()
    make_daemon(url=f"tcp://{host}:{server.port}").start()
    namespace.batch(burst(100))
    eventually(lambda: len(server.table()) == 100)


def test_a_port_that_swallows_connections_is_given_up_and_tried_again(
        veth, namespace, make_daemon, make_redis):
    closed = ClosedPort(free_port())
    try:
        namespace.batch(burst(100))
        daemon = make_daemon("--redis-timeout", "300ms", url=closed.url).launch()
        eventually(lambda: daemon.said("is away"), 3)
    finally:
        closed.stop()
    server = make_redis(port=int(closed.url.rsplit(":", 1)[1]))
    server.start()
    eventually(lambda: daemon.said("ready: "), 15)
    eventually(lambda: len(server.table()) == 100)


def test_sigterm_ends_it_while_it_connects(veth, make_daemon):
    closed = ClosedPort(free_port())
    try:
        daemon = make_daemon(url=closed.url).launch()
        eventually(lambda: daemon.said("snapshot") or daemon.said("start:"))
        stay_quiet()
        daemon.stop()
    finally:
        closed.stop()


# --- names -------------------------------------------------------------------------

@pytest.fixture
def with_name_server(peer, tmp_path):
    """Runs the daemon where the only name server is this one, seen from `peer`.

    192.0.2.53 is a host that takes packets and never answers; nobody is at 127.0.0.1.
    """
    peer.add_interface("quiet0")
    peer.ip("addr", "add", "192.0.2.1/24", "dev", "quiet0")
    peer.ip("neigh", "add", "192.0.2.53", "lladdr", "02:00:00:00:00:53", "dev", "quiet0")

    def wrap(daemon, server):
        resolv = tmp_path / "resolv.conf"
        resolv.write_text(f"nameserver {server}\noptions timeout:5 attempts:3\n")
        daemon.wrapper = ["nsenter", f"--net=/run/netns/{peer.name}", "unshare", "--mount", "sh",
                          "-c", f'mount --bind {resolv} /etc/resolv.conf; exec "$@"', "sh",
                          *daemon.wrapper]
        return daemon
    return wrap


def test_a_name_that_does_not_resolve_is_said_and_tried_again(namespace, make_daemon,
                                                              with_name_server):
    daemon = with_name_server(make_daemon(url="tcp://no-such-host.invalid:6379"), "127.0.0.1")
    daemon.launch()
    eventually(lambda: daemon.said("tcp://no-such-host.invalid:6379 is away: "), 10)
    daemon.stop()


def test_a_name_server_that_never_answers_does_not_hold_up_anything_else(
        namespace, make_daemon, with_name_server):
    namespace.add_interface("veth0")
    daemon = with_name_server(make_daemon(url="tcp://redis.example:6379"), "192.0.2.53")
    daemon.launch()
    eventually(lambda: daemon.said("start: the kernel has"), 3)
    namespace.batch(burst(100))
    eventually(lambda: daemon.count("submitted") >= 100, 3)
    daemon.signal(15)
    assert daemon.process.wait(timeout=3 * TIME_SCALE) == 0


def test_a_name_server_that_never_answers_is_given_up_after_redis_timeout(
        namespace, make_daemon, with_name_server):
    daemon = with_name_server(make_daemon("--redis-timeout", "500ms",
                                          url="tcp://redis.example:6379"), "192.0.2.53")
    daemon.launch()
    eventually(lambda: daemon.said("is away"), 3)
    daemon.stop()

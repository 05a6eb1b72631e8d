# SPDX-License-Identifier: GPL-2.0-or-later
"""Replies that no Redis sends: the connection is given up, and the next one puts all right.

The proxy keeps a connection open after it has spoilt a reply: who does not give it up by
itself waits for ever.
"""
import threading

import pytest
from harness.namespace import burst, removal
from harness.waiting import TIME_SCALE, eventually, stay_quiet

MALFORMED = {
    "garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "zero bytes": b"\0" * 100,
    "array of 99999999999": b"*99999999999\r\n",
    "array of -5": b"*-5\r\n",
    "array of -2147483649": b"*-2147483649\r\n",
    "array without a number": b"*\r\n",
    "array of 70000 in an array": b"*2\r\n*70000\r\n:1\r\n",
    "string of -5": b"$-5\r\nabc\r\n",
    "string of 2^64 + 1": b"$18446744073709551617\r\n",
    "number that is none": b":1x\r\n",
    "number of 100 digits": b":" + b"9" * 100 + b"\r\n",
    "number of RESP3": b",1.5\r\n",
    "truth value of RESP3": b"#t\r\n",
    "nil of RESP3": b"_\r\n",
    "map of RESP3": b"%1\r\n+a\r\n+b\r\n",
    "nested deeply": b"*1\r\n" * 1000,
}

UNEXPECTED = {
    "status": b"+OK\r\n",
    "nil": b"$-1\r\n",
    "nil array": b"*-1\r\n",
    "empty array": b"*0\r\n",
    "string": b"$1\r\n1\r\n",
    "array": b"*2\r\n:1\r\n:1\r\n",
}


@pytest.fixture
def through_proxy(veth, namespace, make_daemon, proxy, equals_kernel):
    """A daemon with ten neighbours that are in Redis, behind the proxy."""
    daemon = make_daemon(url=proxy.url).start()
    namespace.batch(burst(10))
    equals_kernel()
    return daemon


def assert_given_up_and_repaired(daemon, proxy, equals_kernel, count):
    eventually(lambda: proxy.ended_by_client == 1)
    eventually(lambda: daemon.said("is away"))
    assert len(equals_kernel(10)) == count
    eventually(lambda: daemon.said("is back"))
    assert proxy.accepted == 2


@pytest.mark.parametrize("reply", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_reply_ends_the_connection(through_proxy, proxy, namespace, equals_kernel,
                                               reply):
    proxy.spoil(b"HSET", lambda _: reply)
    namespace.batch(burst(1, mac=1))
    assert_given_up_and_repaired(through_proxy, proxy, equals_kernel, 10)


@pytest.mark.parametrize("reply", UNEXPECTED.values(), ids=UNEXPECTED.keys())
def test_a_reply_of_another_type_ends_the_connection(through_proxy, proxy, namespace,
                                                     equals_kernel, reply):
    proxy.spoil(b"HSET", lambda _: reply)
    namespace.batch(burst(1, mac=1))
    assert_given_up_and_repaired(through_proxy, proxy, equals_kernel, 10)


def test_more_replies_than_were_asked_for_end_the_connection(through_proxy, proxy, namespace,
                                                             equals_kernel):
    proxy.spoil(b"HSET", lambda real: real + b":0\r\n")
    namespace.batch(burst(1, mac=1))
    assert_given_up_and_repaired(through_proxy, proxy, equals_kernel, 10)


def test_a_reply_without_end_is_given_up_before_it_fills_the_memory(through_proxy, proxy,
                                                                    namespace, equals_kernel):
    before = through_proxy.resident_kb()
    proxy.spoil(b"HSET", lambda _: b"$536870912\r\n" + b"x" * (40 << 20))
    namespace.batch(burst(1, mac=1))
    assert len(equals_kernel(10)) == 10
    eventually(lambda: through_proxy.said("is back"))
    # (a sanitizer keeps for a while what was freed)
    assert through_proxy.resident_kb() - before < (64 << 10) * TIME_SCALE
    assert proxy.accepted == 2


def test_a_reply_cut_in_the_middle_is_repaired(through_proxy, proxy, namespace, equals_kernel):
    proxy.spoil(b"HSET", lambda real: real[:len(real) // 2], then_cut=True)
    namespace.batch(burst(2000, mac=1))
    eventually(lambda: through_proxy.said("is away"))
    assert len(equals_kernel(10)) == 2000
    assert proxy.accepted == 2


def test_a_reply_that_is_never_completed_is_given_up_after_redis_timeout(
        veth, namespace, make_daemon, proxy, equals_kernel):
    daemon = make_daemon("--redis-timeout", "500ms", url=proxy.url).start()
    proxy.spoil(b"HSET", lambda real: real[:-1])
    namespace.batch(burst(100))
    assert_given_up_and_repaired(daemon, proxy, equals_kernel, 100)


def test_a_pipeline_with_a_reply_too_few_is_given_up_after_redis_timeout(
        veth, namespace, make_daemon, proxy, equals_kernel):
    daemon = make_daemon("--redis-timeout", "500ms", url=proxy.url).start()
    proxy.spoil(b"HSET", lambda real: real[:real.rindex(b":")])
    namespace.batch(burst(100))
    assert_given_up_and_repaired(daemon, proxy, equals_kernel, 100)


@pytest.mark.parametrize("word, reply", [
    (b"SCAN", b"*1\r\n$1\r\n0\r\n"), (b"SCAN", b"+OK\r\n"), (b"SCAN", b"*2\r\n:0\r\n*0\r\n"),
    (b"SCAN", b"*2\r\n$1\r\n0\r\n$1\r\nx\r\n"), (b"SCAN", b"-ERR unknown command\r\n"),
    (b"TYPE", b"+none\r\n:1\r\n"), (b"TYPE", b"garbage\r\n"),
    (b"HMGET", b"*1\r\n$-1\r\n"), (b"HMGET", b":1\r\n"), (b"HMGET", b"*-1\r\n")],
    ids=lambda value: value.decode().replace("\r\n", " ").strip())
def test_a_spoilt_reply_while_redis_is_read_is_put_right(
        veth, namespace, redis_server, make_daemon, proxy, equals_kernel, word, reply):
    """A leftover must be removed, and nothing that is right be lost."""
    namespace.batch(burst(10))
    redis_server.client.hset("NEIGH_TABLE:veth0:10.9.9.9", "neigh", "02:00:00:00:00:99")
    redis_server.client.hset("NEIGH_TABLE:veth0:10.1.0.7", "neigh", "02:00:00:00:00:99")
    proxy.spoil(word, lambda _: reply)
    make_daemon(url=proxy.url).start()
    assert proxy.was_spoilt()
    assert len(equals_kernel(10)) == 10


@pytest.mark.parametrize("reply", [b"*0\r\n", b"*-1\r\n", b":1\r\n", b"*1\r\n:2\r\n", b"+OK\r\n"],
                         ids=lambda value: value.decode().replace("\r\n", " ").strip())
def test_a_transaction_with_another_result_than_asked_for_is_put_right(
        veth, namespace, make_daemon, proxy, equals_kernel, reply):
    daemon = make_daemon("--transaction", "yes", url=proxy.url).start()
    proxy.spoil(b"EXEC", lambda real: real[:real.index(b"*")] + reply, then_cut=True)
    namespace.batch(burst(10))
    assert len(equals_kernel(10)) == 10
    assert daemon.process.poll() is None


def test_a_half_open_connection_is_noticed_within_redis_timeout(veth, namespace, make_daemon,
                                                                proxy, equals_kernel):
    daemon = make_daemon("--redis-timeout", "500ms", url=proxy.url).start()
    proxy.black_hole()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("is away"), 2)
    stay_quiet(1)       # new connections are accepted, and not answered either
    proxy.pass_on()
    assert len(equals_kernel(10)) == 100
    assert daemon.times_said(" is away: ") == 1


def test_connections_cut_in_the_middle_of_a_burst_lose_nothing(veth, namespace, make_daemon,
                                                               proxy, equals_kernel):
    daemon = make_daemon("--transaction", "yes", url=proxy.url).start()
    changing = threading.Thread(target=namespace.batch, args=(
        burst(10000) + burst(10000, mac=1) + removal(10000)[5000:],))
    changing.start()
    while changing.is_alive():
        stay_quiet(0.05)
        proxy.cut()
    changing.join()
    assert len(equals_kernel(15)) == 5000
    assert daemon.said("is away")

# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon can do without, for measurements: slower, and as right as ever."""
import pytest
from harness.daemon import SOURCE
from harness.namespace import burst, removal
from harness.waiting import eventually, stay_quiet

WORDS = ["filter", "suppression", "event_loop", "in_place", "interface_hash", "preallocation",
         "batching", "configuration_cache"]
NEEDS_BPF = pytest.mark.skipif(SOURCE == "netlink", reason="it has no kernel side")


@pytest.mark.parametrize("source", ["tp_btf", "netlink"])
@pytest.mark.parametrize("word", WORDS + [",".join(WORDS)])
def test_the_mirror_is_right_without(veth, namespace, make_daemon, equals_kernel, word, source):
    namespace.batch(burst(200))
    make_daemon("--without", word, "--source", source).start()
    namespace.batch(burst(300, mac=1) + removal(50))
    assert len(equals_kernel()) == 250


@NEEDS_BPF
def test_without_suppression_what_changes_nothing_makes_a_record_and_no_write(
        veth, namespace, make_daemon, redis_server):
    namespace.batch(burst(100))
    daemon = make_daemon("--without", "suppression").start()
    redis_server.forget_statistics()
    namespace.batch(burst(100, state="stale"))
    eventually(lambda: daemon.count("consumed") >= 100)
    stay_quiet()
    assert redis_server.writes() == {}


@NEEDS_BPF
def test_without_the_filter_what_is_ignored_makes_a_record_and_no_write(
        veth, namespace, make_daemon, redis_server):
    daemon = make_daemon("--without", "filter", "--ignore", "lo, veth0").start()
    namespace.batch(burst(100))
    eventually(lambda: daemon.count("consumed") >= 100)
    stay_quiet()
    assert redis_server.writes() == {}

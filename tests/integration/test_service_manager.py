# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon tells whoever started it as a unit of Type=notify."""
import os
import re
import signal

import pytest
from harness.namespace import burst
from harness.service_manager import ServiceManager
from harness.waiting import TIME_SCALE, eventually, stay_quiet


@pytest.fixture
def make_managed(make_daemon, tmp_path):
    """A daemon with `.manager`; it is not started."""
    managers = []

    def make(*options, watchdog_s=0, **arguments):
        daemon = make_daemon(*options, **arguments)
        daemon.manager = ServiceManager(tmp_path, watchdog_s)
        managers.append(daemon.manager)
        words = [f"{name}={value}" for name, value in daemon.manager.environment.items()]
        daemon.wrapper = ["env", *words, *daemon.wrapper]
        return daemon
    yield make
    for manager in managers:
        manager.close()


@pytest.fixture
def managed(veth, make_managed):
    return make_managed().start()


def test_ready_is_told_when_redis_holds_the_neighbours(veth, namespace, make_managed, redis_server):
    namespace.batch(burst(100))
    redis_server.stop()
    daemon = make_managed().launch()
    eventually(lambda: "Redis is away: 100 neighbours" in daemon.manager.status(), 10)
    assert not daemon.manager.has("READY")
    redis_server.start()
    eventually(lambda: daemon.manager.has("READY"))
    assert redis_server.client.dbsize() == 100
    assert daemon.manager.values("READY") == ["1"]


def test_a_redis_that_is_away_holds_up_no_boot(veth, make_managed, redis_server):
    redis_server.stop()
    daemon = make_managed().launch()
    eventually(lambda: daemon.manager.has("READY"), 20)
    assert daemon.manager.status().startswith("Redis is away")


def test_the_status_tells_neighbours_lag_and_source(managed, namespace):
    source = managed.statistics()["source"]
    namespace.batch(burst(500))
    eventually(lambda: re.fullmatch(rf"ready: 500 neighbours, lag 0\.0 s, source {source}",
                                    managed.manager.status()))


def test_a_change_right_after_the_start_is_in_the_status_soon(namespace, in_quiet, make_managed):
    daemon = in_quiet(make_managed()).start()
    eventually(lambda: daemon.manager.has("READY"))
    namespace.batch(burst(1, device="quiet0", state="permanent"))
    eventually(lambda: daemon.manager.status().startswith("ready: 1 neighbours"), 3)


def test_the_status_tells_how_long_redis_is_behind(managed, namespace, redis_server):
    redis_server.stop()
    namespace.batch(burst(10))

    def lag_s():
        found = re.fullmatch(r"Redis is away: 10 neighbours, lag ([\d.]+) s, source \w+",
                             managed.manager.status())
        return float(found[1]) if found else 0
    eventually(lambda: lag_s() >= 1, 15)
    redis_server.start()
    eventually(lambda: managed.manager.status().startswith("ready: 10 neighbours, lag 0.0 s"), 15)


def test_reading_the_configuration_again_is_told_with_its_time_and_end(managed):
    managed.signal(signal.SIGHUP)
    eventually(lambda: managed.manager.values("READY") == ["1", "1"])
    messages = managed.manager.messages
    reloading = next(i for i, message in enumerate(messages) if "RELOADING" in message)
    assert int(messages[reloading]["MONOTONIC_USEC"]) > 0
    assert any("READY" in message for message in messages[reloading + 1:])


def test_a_refused_configuration_ends_the_reload_all_the_same(veth, make_managed, tmp_path):
    path = tmp_path / "neightrackd.conf"
    path.write_text("[neightrackd]\n")
    daemon = make_managed("--config", str(path)).start()
    eventually(lambda: daemon.manager.has("READY"))
    path.write_text("[neightrackd]\nbatch_size = 0\n")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.said("the configuration was not read again"))
    eventually(lambda: daemon.manager.values("READY") == ["1", "1"])


def test_stopping_is_told_before_the_end(managed):
    managed.stop()
    eventually(lambda: managed.manager.values("STOPPING") == ["1"])


def test_the_watchdog_is_answered_twice_an_interval(veth, make_managed):
    daemon = make_managed(watchdog_s=1).start()
    before = len(daemon.manager.values("WATCHDOG"))
    eventually(lambda: len(daemon.manager.values("WATCHDOG")) >= before + 4, 10)


def test_the_watchdog_is_answered_by_the_loop_and_by_nobody_beside_it(veth, make_managed):
    daemon = make_managed(watchdog_s=0.2).start()
    assert len(os.listdir(f"/proc/{daemon.process.pid}/task")) == 1
    daemon.signal(signal.SIGSTOP)
    stay_quiet(0.1)
    before = len(daemon.manager.values("WATCHDOG"))
    stay_quiet(1)
    assert len(daemon.manager.values("WATCHDOG")) == before
    daemon.signal(signal.SIGCONT)
    eventually(lambda: len(daemon.manager.values("WATCHDOG")) > before)


def test_an_idle_daemon_is_woken_for_the_watchdog_alone(namespace, in_quiet, make_managed):
    daemon = in_quiet(make_managed(watchdog_s=3)).start()
    namespace.batch(burst(100, device="quiet0", state="permanent"))
    eventually(lambda: daemon.manager.status().startswith("ready: 100 neighbours, lag 0.0"))
    stay_quiet(3 / TIME_SCALE)              # whatever follows changes is over
    pings, switches = len(daemon.manager.values("WATCHDOG")), daemon.wakeups()
    eventually(lambda: len(daemon.manager.values("WATCHDOG")) >= pings + 5, 10)
    pings = len(daemon.manager.values("WATCHDOG")) - pings
    assert daemon.wakeups() - switches <= pings + 2


def test_without_a_manager_nothing_is_told_and_nobody_is_woken(in_quiet, make_managed):
    daemon = in_quiet(make_managed())
    daemon.wrapper += ["env", "-u", "NOTIFY_SOCKET", "WATCHDOG_USEC=200000"]
    daemon.start()
    stay_quiet(3 / TIME_SCALE)
    switches = daemon.wakeups()
    stay_quiet(2 / TIME_SCALE)
    assert daemon.wakeups() - switches <= 1
    assert daemon.manager.messages == []

# SPDX-License-Identifier: GPL-2.0-or-later
"""A warm restart of a SONiC switch: what is announced, awaited, and told to the consumer."""
import time

import pytest
from harness.daemon import neightrackd
from harness.namespace import burst, removal
from harness.switch import Switch
from harness.tables import wait_until_equal
from harness.waiting import eventually, stay_quiet


@pytest.fixture
def switch(redis_server, tmp_path):
    return Switch(redis_server, tmp_path)


@pytest.fixture
def make_application(make_daemon, switch):
    def make(*options, **arguments):
        return make_daemon("--schema", "sonic", "--database-config", switch.config_file,
                           "--warm-restart", "yes", *options, **arguments)

    return make


@pytest.fixture
def had_started(veth, namespace, consumer, make_application, switch):
    """A switch whose consumer has what the kernel has, and whose daemon is gone."""
    def start(neighbours):
        namespace.batch(burst(neighbours))
        consumer.start()
        daemon = make_application().start()
        wait_until_equal(consumer.read, namespace, 20)
        assert switch.warm_restart() == {"restore_count": "0"}
        daemon.kill()
        consumer.clear()
        return daemon.instance

    return start


def state(switch):
    return switch.warm_restart().get("state")


# --- cold starts ----------------------------------------------------------------------------

def test_a_start_without_warm_restart_is_cold(veth, namespace, consumer, make_application, switch):
    namespace.batch(burst(100))
    consumer.start()
    daemon = make_application().start()
    wait_until_equal(consumer.read, namespace)
    assert switch.warm_restart() == {"restore_count": "0"}
    assert daemon.said("warm restart is not enabled")


def test_enabled_without_a_count_is_a_cold_start(veth, namespace, consumer, make_application,
                                                 switch):
    switch.enable_warm_restart()
    namespace.batch(burst(100))
    consumer.start()
    daemon = make_application().start()
    wait_until_equal(consumer.read, namespace)
    assert switch.warm_restart() == {"restore_count": "0"}
    assert daemon.said("there was no start of this application before")


def test_a_cold_start_removes_what_a_dead_predecessor_left(veth, namespace, consumer,
                                                           make_application, switch):
    switch.appl_db.hset("NEIGH_TABLE:veth0:192.0.2.77",
                        mapping={"neigh": "02:00:00:00:00:01", "family": "IPv4"})
    consumer.start()
    make_application().start()
    eventually(lambda: consumer.told == [("veth0:192.0.2.77", "DEL", {})])


# --- warm ones ---------------------------------------------------------------------------------

def test_of_10000_neighbours_the_changed_ones_alone_reach_the_consumer(
        namespace, consumer, make_application, had_started, switch):
    instance = had_started(10000)
    switch.enable_warm_restart()
    switch.neighbours_are_restored()
    namespace.batch(burst(50, mac=1) + removal(75)[50:] + burst(25, net="11"))
    daemon = make_application(instance=instance).start()
    eventually(lambda: state(switch) == "reconciled")
    wait_until_equal(consumer.read, namespace)
    assert {(key, op) for key, op, _ in consumer.told} == (
        {(f"veth0:10.1.0.{i}", "SET") for i in range(50)} |
        {(f"veth0:10.1.0.{i}", "DEL") for i in range(50, 75)} |
        {(f"veth0:11.1.0.{i}", "SET") for i in range(25)})
    assert len(consumer.told) == 100
    assert switch.warm_restart() == {"restore_count": "1", "state": "reconciled"}
    assert daemon.said("neighsyncd is restored")


@pytest.mark.parametrize("docker", ["system", "swss"])
def test_the_states_follow_each_other_and_nothing_is_written_before_the_last(
        namespace, consumer, make_application, had_started, switch, docker):
    instance = had_started(10)
    switch.enable_warm_restart(docker, timer_s=2)
    namespace.batch(burst(5, mac=1))
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: state(switch) == "restored")
    stay_quiet(1.5)
    assert state(switch) == "restored" and consumer.told == []
    switch.neighbours_are_restored()
    start = time.monotonic()
    eventually(lambda: state(switch) == "reconciled")
    assert time.monotonic() - start > 1.9
    wait_until_equal(consumer.read, namespace)
    assert len(consumer.told) == 5


def test_what_changes_back_or_comes_and_goes_while_it_waits_is_not_told(
        namespace, consumer, make_application, had_started, switch):
    instance = had_started(10)
    switch.enable_warm_restart(timer_s=2)
    switch.neighbours_are_restored()
    namespace.batch(burst(10, mac=1))
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: daemon.said("neighsyncd is restored"))
    namespace.batch(burst(5, net="11") + removal(5, net="11") + burst(10))
    eventually(lambda: state(switch) == "reconciled")
    stay_quiet()
    assert consumer.told == []


def test_neighbours_that_return_late_are_not_deleted_meanwhile(namespace, consumer,
                                                               make_application, had_started,
                                                               switch):
    """The kernel was empty after the restart, and is filled again before the flag is set."""
    instance = had_started(100)
    switch.enable_warm_restart()
    namespace.batch(removal(100))
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: state(switch) == "restored")
    stay_quiet(1)
    namespace.batch(burst(100))
    switch.neighbours_are_restored()
    eventually(lambda: state(switch) == "reconciled")
    stay_quiet()
    assert consumer.told == []


def test_a_flag_that_is_never_set_is_an_error_and_not_the_end(namespace, consumer,
                                                              make_application, had_started,
                                                              switch):
    instance = had_started(10)
    switch.enable_warm_restart()
    namespace.batch(burst(3, mac=1))
    daemon = make_application("--restore-timeout", "2s", instance=instance)
    daemon.launch()
    eventually(lambda: daemon.said("NEIGH_RESTORE_TABLE|Flags says after 2 s still not"))
    assert consumer.told == []
    eventually(lambda: state(switch) == "reconciled")
    wait_until_equal(consumer.read, namespace)
    assert len(consumer.told) == 3


@pytest.mark.parametrize("timer", ["0", "10000", "-1", "two", ""])
def test_a_timer_out_of_bounds_is_5_s(namespace, make_application, had_started, switch, timer):
    instance = had_started(1)
    switch.enable_warm_restart(timer_s=None)
    switch.config_db.hset("WARM_RESTART|swss", "neighsyncd_timer", timer)
    switch.neighbours_are_restored()
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: daemon.said("allowed are 1 to 9999 s"))
    eventually(lambda: daemon.said("neighsyncd is restored"))
    start = time.monotonic()
    eventually(lambda: state(switch) == "reconciled", 10)
    assert 4.5 < time.monotonic() - start


def test_reconcile_fast_does_not_wait_for_the_timer(namespace, consumer, make_application,
                                                    had_started, switch):
    instance = had_started(100)
    switch.enable_warm_restart(timer_s=9999)
    switch.neighbours_are_restored()
    namespace.batch(burst(7, mac=1))
    make_application("--reconcile", "fast", instance=instance).start()
    eventually(lambda: state(switch) == "reconciled")
    wait_until_equal(consumer.read, namespace)
    assert len(consumer.told) == 7


def test_each_warm_restart_is_counted(make_application, had_started, switch):
    instance = had_started(1)
    switch.enable_warm_restart()
    switch.neighbours_are_restored()
    for count in ("1", "2", "3"):
        daemon = make_application("--reconcile", "fast", instance=instance).start()
        eventually(lambda: switch.warm_restart() == {"restore_count": count,
                                                     "state": "reconciled"})
        daemon.stop()


def test_the_application_may_have_another_name(veth, make_daemon, redis_server, tmp_path):
    switch = Switch(redis_server, tmp_path, "neighd")
    make_daemon("--schema", "sonic", "--database-config", switch.config_file, "--warm-restart",
                "yes", "--application", "neighd").start()
    assert switch.warm_restart() == {"restore_count": "0"}


def test_a_lost_connection_does_not_end_the_wait(namespace, consumer, make_application,
                                                 had_started, switch, redis_server):
    instance = had_started(10)
    switch.enable_warm_restart()
    namespace.batch(burst(4, mac=1))
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: state(switch) == "restored")
    redis_server.kill_clients()
    stay_quiet()
    assert switch.warm_restart() == {"restore_count": "1", "state": "restored"}
    switch.neighbours_are_restored()
    eventually(lambda: state(switch) == "reconciled")
    wait_until_equal(consumer.read, namespace)
    assert {key for key, _, _ in consumer.told} == {f"veth0:10.1.0.{i}" for i in range(4)}


def test_a_daemon_that_waits_can_be_stopped(make_application, had_started, switch):
    instance = had_started(10)
    switch.enable_warm_restart()
    daemon = make_application(instance=instance)
    daemon.launch()
    eventually(lambda: state(switch) == "restored")
    daemon.stop()
    assert state(switch) == "restored"


def test_at_rest_no_connection_of_the_restart_is_left(make_application, had_started, switch,
                                                      redis_server):
    instance = had_started(1)
    switch.enable_warm_restart()
    switch.neighbours_are_restored()
    make_application("--reconcile", "fast", instance=instance).start()
    eventually(lambda: not [client for client in redis_server.client.client_list()
                            if client["name"] == "neighsyncd"])


def test_warm_restart_needs_the_databases(redis_server):
    code, _, errors = neightrackd("--check-config", "--warm-restart", "yes")
    assert code == 2 and "database_config, which is not set" in errors

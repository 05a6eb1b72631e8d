# SPDX-License-Identifier: GPL-2.0-or-later
"""What can happen to the daemon itself."""
import os
import pwd
import random
import signal
import subprocess
import threading
import time

import pytest
from harness.daemon import BUILD, USER
from harness.namespace import burst, removal
from harness.waiting import TIME_SCALE, eventually, stay_quiet

SOURCES = ("tp_btf", "netlink")


@pytest.fixture(params=SOURCES)
def source(request):
    return ("--source", request.param)


def lowest_free_descriptor(process):
    used = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    return min(set(range(len(used) + 1)) - used)


def limit_descriptors(process, count):
    # of another user's process it would take CAP_SYS_RESOURCE
    as_user = ["setpriv", "--reuid", USER, "--init-groups", "--regid",
               str(pwd.getpwnam(USER).pw_gid)] if USER else []
    subprocess.run([*as_user, "prlimit", f"--pid={process.pid}", f"--nofile={count}:"], check=True)


def test_kill_9_at_any_moment_is_right_after_the_next_start(veth, namespace, make_daemon,
                                                            equals_kernel, source):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"SEED={seed}")
    rng = random.Random(seed)
    daemon = make_daemon(*source).start()
    for round_number in range(6):
        adding = threading.Thread(target=namespace.batch, args=(
            burst(5000, mac=round_number) + removal(5000)[2500:],))
        adding.start()
        time.sleep(rng.random() * 0.1)
        daemon.kill()
        adding.join()
        daemon = make_daemon(*source, instance=daemon.instance).launch()
        time.sleep(rng.random() * 0.1)
    assert len(equals_kernel(20)) == 2500, f"SEED={seed}"


def test_a_restart_writes_only_what_changed_meanwhile(veth, namespace, redis_server, make_daemon,
                                                      equals_kernel, source):
    namespace.batch(burst(5000))
    daemon = make_daemon(*source).start()
    equals_kernel()
    daemon.kill()
    namespace.batch(burst(10, mac=1) + removal(20)[10:])
    redis_server.forget_statistics()
    make_daemon(*source, instance=daemon.instance).start()
    equals_kernel()
    writes = redis_server.writes()
    assert writes == {"hset": 10, "del": 10}


def test_a_daemon_that_stands_still_for_5_s_is_right_afterwards(veth, namespace, make_daemon,
                                                                equals_kernel, source):
    daemon = make_daemon(*source, "--redis-timeout", "2s").start()
    namespace.batch(burst(5000))
    equals_kernel()
    adding = threading.Thread(target=namespace.batch, args=(burst(5000, mac=1) * 3,))
    adding.start()
    time.sleep(0.05)
    daemon.signal(signal.SIGSTOP)
    adding.join()
    deadline = time.monotonic() + 5
    mac = 1
    while time.monotonic() < deadline:
        mac += 1
        namespace.batch(burst(5000, mac=mac))
        namespace.batch(removal(5000)[mac:mac + 10])
    daemon.signal(signal.SIGCONT)
    assert len(equals_kernel(20)) >= 4980
    assert not daemon.said("no answer within"), "it blames Redis for its own rest"


def test_replies_that_came_while_the_daemon_stood_still_are_in_time(veth, namespace, make_daemon,
                                                                    redis_server, equals_kernel):
    daemon = make_daemon("--redis-timeout", "2s").start()
    redis_server.pause()
    namespace.batch(burst(100))
    time.sleep(0.5)
    daemon.signal(signal.SIGSTOP)
    redis_server.resume()
    time.sleep(2.5)
    daemon.signal(signal.SIGCONT)
    assert len(equals_kernel()) == 100
    assert daemon.statistics()["redis_timeouts"] == 0


def test_without_descriptors_it_waits_for_some(daemon, namespace, redis_server, equals_kernel):
    redis_server.stop()
    eventually(lambda: daemon.said("is away"))
    limit_descriptors(daemon.process, lowest_free_descriptor(daemon.process))
    redis_server.start()
    namespace.batch(burst(500))
    stay_quiet(1)
    assert redis_server.client.dbsize() == 0
    assert daemon.process.poll() is None
    limit_descriptors(daemon.process, 1024)
    assert len(equals_kernel(15)) == 500


def test_too_few_descriptors_at_start_are_said(veth, make_daemon):
    daemon = make_daemon()
    daemon.wrapper = ["prlimit", "--nofile=12:12", "--"]
    daemon.launch()
    assert daemon.process.wait(timeout=20) == 1
    eventually(lambda: daemon.said("Too many open files"))


def test_a_full_disk_under_the_log_stops_nothing(veth, namespace, redis_server, make_daemon,
                                                 equals_kernel):
    daemon = make_daemon()
    daemon.wrapper = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh"]
    daemon.launch()
    namespace.batch(burst(500))
    assert len(equals_kernel(20)) == 500
    redis_server.kill_clients()
    namespace.batch(burst(500, mac=1))
    assert len(equals_kernel(20)) == 500
    daemon.stop()


@pytest.fixture
def with_own_log(veth, namespace, redis_server, make_daemon):
    """A daemon whose log goes into a pipe that nobody reads: (process, reading end)."""
    instance = make_daemon().instance
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [os.path.join(BUILD, "neightrackd"), "--netns", namespace.name, "--redis",
         redis_server.url, "--instance", instance, "--log-level", "debug"],
        stderr=writing, stdin=subprocess.DEVNULL)
    os.close(writing)
    yield process, reading
    process.terminate()
    try:
        process.wait(timeout=10 * TIME_SCALE)
    finally:
        process.kill()
        process.wait()


def test_a_reader_of_the_log_that_goes_away_stops_nothing(with_own_log, namespace, redis_server,
                                                          equals_kernel):
    namespace.batch(burst(100))
    equals_kernel(20)
    os.close(with_own_log[1])
    redis_server.kill_clients()
    namespace.batch(burst(500))
    assert len(equals_kernel(20)) == 500


def test_a_reader_of_the_log_that_stands_still_stops_nothing(with_own_log, namespace,
                                                             equals_kernel):
    """A pipe of 64 KB fills up; the mirror goes on, and says later what is missing."""
    process, reading = with_own_log
    namespace.batch(burst(100))
    equals_kernel(20)
    for _ in range(500):
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.001)
    namespace.batch(burst(500, mac=1))
    assert len(equals_kernel(10)) == 500
    os.read(reading, 1 << 20)
    process.send_signal(signal.SIGUSR1)
    eventually(lambda: b"lines are missing here" in os.read(reading, 1 << 20))
    os.close(reading)


def test_memory_follows_the_neighbours_and_not_their_changes(daemon, namespace, equals_kernel):
    namespace.batch(burst(2000))
    equals_kernel()
    before = daemon.resident_kb()
    for mac in range(30):
        namespace.batch(burst(2000, mac=mac))
    equals_kernel()
    assert daemon.resident_kb() - before < 2 << 10

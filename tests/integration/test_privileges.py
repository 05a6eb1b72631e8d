# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon may do once all is attached, and what it cannot do any more."""
import grp
import os
import pwd
import shutil
import signal
import stat
import subprocess

import pytest
from harness.daemon import LOCKS, PINS, SOURCE, dump_map, pinned, pinned_programs
from harness.metrics import Endpoint
from harness.namespace import Namespace, burst
from harness.redis_server import RedisServer, free_port
from harness.waiting import eventually

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ("--user", "nobody")
BPF = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no BPF programs")
CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_SYS_ADMIN = 1 << 1, 1 << 12, 1 << 21


@pytest.fixture
def tmp_path(open_folder):
    return open_folder


def status_of(path):
    with open(path, encoding="ascii") as file:
        return {line.split(":")[0]: line.split(":")[1].split() for line in file}


def status(daemon):
    return status_of(f"/proc/{daemon.process.pid}/status")


def capabilities(daemon):
    """Those that it has; none may be where a new one could come from."""
    found = status(daemon)
    sets = {name: int(found[name][0], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")}
    assert sets["CapInh"] == sets["CapAmb"] == 0 and sets["CapEff"] == sets["CapPrm"]
    return sets["CapEff"]


def ended(daemon):
    code = daemon.process.wait(timeout=20)
    daemon.reader.join(timeout=5)
    return code


# --- what is left --------------------------------------------------------------------

def test_a_daemon_becomes_the_user_and_keeps_no_privilege(veth, make_daemon):
    daemon = make_daemon(*AS_NOBODY)
    daemon.wrapper = ["setpriv", "--groups", "0,5,6", *daemon.wrapper]
    found = status(daemon.start())
    assert found["Uid"] == [str(NOBODY.pw_uid)] * 4 and found["Gid"] == [str(NOBODY.pw_gid)] * 4
    assert found["Groups"] == [] and capabilities(daemon) == 0
    assert int(found["CapBnd"][0], 16) == 0
    assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["2"]


def test_a_group_and_numbers_that_no_file_knows_are_taken(veth, make_daemon):
    daemon = make_daemon("--user", "64123", "--group", "64124").start()
    found = status(daemon)
    assert found["Uid"] == ["64123"] * 4 and found["Gid"] == ["64124"] * 4


def test_a_daemon_that_stays_root_can_only_open_what_root_can(veth, make_daemon):
    daemon = make_daemon("--user", "").start()
    found = status(daemon)
    assert found["Uid"] == ["0"] * 4 and capabilities(daemon) == CAP_DAC_OVERRIDE
    assert int(found["CapBnd"][0], 16) == 0
    assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["2"]


def test_system_calls_are_not_filtered_if_that_is_off(veth, make_daemon):
    found = status(make_daemon(*AS_NOBODY, "--seccomp", "off").start())
    assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["0"]


def test_threads_that_resolve_names_have_no_more(veth, tmp_path, make_daemon):
    folder = tmp_path / "tcp"
    folder.mkdir()
    server = RedisServer(folder, port=free_port())
    server.start()
    try:
        daemon = make_daemon(*AS_NOBODY, url=f"tcp://localhost:{server.port}/0").start()
        daemon.process.send_signal(signal.SIGUSR1)
        tasks = f"/proc/{daemon.process.pid}/task"
        server.stop()
        # tries again and again, each in a thread that stays for a while
        eventually(lambda: len(os.listdir(tasks)) > 1, 10)
        for task in os.listdir(tasks):
            found = status_of(f"{tasks}/{task}/status")
            assert found["Uid"] == [str(NOBODY.pw_uid)] * 4 and found["Seccomp"] == ["2"]
            assert int(found["CapPrm"][0], 16) == 0
        server.start()
        eventually(lambda: daemon.said("is back"), 15)
    finally:
        server.stop()


def test_a_daemon_that_will_enter_the_next_namespace_keeps_what_that_takes(make_daemon, tmp_path,
                                                                           redis_server):
    doomed = Namespace()
    address = f"unix:{tmp_path}/metrics.sock"
    try:
        doomed.add_interface("d1")
        daemon = make_daemon(*AS_NOBODY, "--netns", doomed.name, "--netns-gone", "wait",
                             "--metrics", address).start()
        assert capabilities(daemon) == CAP_SYS_ADMIN | CAP_NET_ADMIN
        doomed.remove()
        eventually(lambda: daemon.said("waiting for network namespace"))
        assert Endpoint(address).request("/readyz")[0] == 503
        subprocess.run(["ip", "netns", "add", doomed.name], check=True)
        doomed.add_interface("d1")
        doomed.batch(burst(50, "d1"))
        eventually(lambda: len(redis_server.table()) == 50, 10)
        assert status(daemon)["Uid"] == [str(NOBODY.pw_uid)] * 4
        assert daemon.statistics()["source"] != "netlink" or SOURCE == "netlink"
        eventually(lambda: Endpoint(address).request("/readyz")[0] == 200)
    finally:
        doomed.remove()


# --- what is refused before anything is attached -------------------------------------

@pytest.mark.parametrize("options, words", [
    (("--user", "nosuchuser"), "user = nosuchuser: there is no such user"),
    (("--group", "nosuchgroup"), "group = nosuchgroup: there is no such group"),
    (("--user", "4294967295"), "there is no such user"),
])
def test_a_user_that_is_not_there_is_said_first(veth, make_daemon, options, words):
    daemon = make_daemon(*options).launch()
    assert ended(daemon) == 1
    assert daemon.said(words) and not daemon.said("attached") and not pinned(daemon.instance)


@pytest.mark.parametrize("spoil, words", [
    (lambda server, path: os.chmod(path, 0o600), "redis_password_file: "),
    (lambda server, path: os.chmod(server.socket, 0o700), "redis: "),
])
def test_what_a_reconnect_could_not_open_is_said_first(veth, make_daemon, redis_server, tmp_path,
                                                       spoil, words):
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(0o644)
    spoil(redis_server, path)
    daemon = make_daemon(*AS_NOBODY, "--redis-password-file", str(path)).launch()
    assert ended(daemon) == 1
    assert daemon.said(f"error: {words}") and daemon.said("user nobody")
    assert not daemon.said("attached")


def test_a_group_that_may_connect_is_enough(veth, make_daemon, redis_server, namespace,
                                            equals_kernel):
    games = grp.getgrnam("games")
    os.chown(redis_server.socket, 0, games.gr_gid)
    os.chmod(redis_server.socket, 0o770)
    daemon = make_daemon(*AS_NOBODY, "--group", "games").start()
    redis_server.kill_clients()
    namespace.batch(burst(10))
    assert len(equals_kernel()) == 10
    assert status(daemon)["Gid"] == [str(games.gr_gid)] * 4


def test_a_configuration_that_cannot_be_read_again_is_said_twice(veth, make_daemon, tmp_path):
    path = tmp_path / "neightrackd.conf"
    path.write_text("[neightrackd]\nbatch_size = 7\n")
    path.chmod(0o600)
    daemon = make_daemon(*AS_NOBODY, "--config", str(path)).start()
    assert daemon.said("warning: config: ") and daemon.said("a SIGHUP will change nothing")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.said("was not read again, nothing has changed"))
    path.chmod(0o644)
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.said("the configuration was read again"))


# --- what it leaves ------------------------------------------------------------------

def owner(path):
    found = os.stat(path)
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@BPF
def test_pins_lock_and_socket_are_the_users(veth, make_daemon, tmp_path):
    path = f"{tmp_path}/metrics.sock"
    daemon = make_daemon(*AS_NOBODY, "--metrics", f"unix:{path}").start()
    ids = (NOBODY.pw_uid, NOBODY.pw_gid)
    folder = f"{PINS}/{daemon.instance}"
    assert owner(folder) == (*ids, 0o755)
    assert {owner(f"{folder}/{name}") for name in os.listdir(folder)} == {(*ids, 0o600)}
    assert owner(f"{LOCKS}/{daemon.instance}.lock") == (*ids, 0o600)
    assert owner(path) == (*ids, 0o660)
    daemon.stop()
    assert not pinned(daemon.instance) and not os.path.exists(path)


@BPF
@pytest.mark.parametrize("first, second, again", [
    (AS_NOBODY, AS_NOBODY, True),
    (("--user", ""), AS_NOBODY, True),
    # what another user could have changed is not for root
    (AS_NOBODY, ("--user", ""), False),
    (AS_NOBODY, ("--user", "daemon"), False),
])
def test_programs_are_taken_over_from_root_and_from_the_same_user(veth, make_daemon, namespace,
                                                                  equals_kernel, first, second,
                                                                  again):
    left = make_daemon("--pins", "keep", *first).start()
    ids = pinned_programs(left.instance)
    left.stop()
    daemon = make_daemon("--pins", "keep", *second, instance=left.instance).start()
    assert (pinned_programs(daemon.instance) == ids) == again
    assert daemon.said("what is pinned there is not used again") != again
    namespace.batch(burst(10))
    assert len(equals_kernel()) == 10


# --- started without being root ------------------------------------------------------

def started_as_nobody(daemon, namespace, folder, *held):
    """By whoever has such privileges, as a unit with AmbientCapabilities= does."""
    program = shutil.copy(daemon.program, folder)
    names = ",".join(f"+{name}" for name in held) or "-all"
    daemon.program = program
    daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", "setpriv", "--reuid",
                      "nobody", "--regid", "nogroup", "--clear-groups", f"--inh-caps={names}",
                      *([f"--ambient-caps={names}"] if held else []), *daemon.wrapper]
    daemon.options += ["--netns", "", "--user", ""]
    return daemon


@BPF
def test_two_capabilities_are_enough_to_attach(veth, namespace, make_daemon, tmp_path,
                                               equals_kernel):
    daemon = started_as_nobody(make_daemon("--source", "auto"), namespace, tmp_path, "bpf",
                               "perfmon").start()
    assert daemon.said("attached tp_btf")
    assert capabilities(daemon) == 0 and status(daemon)["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert status(daemon)["NoNewPrivs"] == ["1"] and status(daemon)["Seccomp"] == ["2"]
    namespace.batch(burst(200))
    assert len(equals_kernel()) == 200
    daemon.audit()
    namespace.batch(burst(100, mac=3))
    assert len(equals_kernel()) == 200


@BPF
def test_where_it_may_not_pin_that_is_said(veth, namespace, make_daemon, tmp_path):
    daemon = started_as_nobody(make_daemon(), namespace, tmp_path, "bpf", "perfmon").start()
    assert [line for line in daemon.lines if "nothing is pinned" in line and
            "Permission denied (needs root, or a bpffs that this user may write)" in line]


@BPF
def test_without_any_netlink_is_taken_and_one_line_says_why(veth, namespace, make_daemon,
                                                            tmp_path, equals_kernel):
    daemon = started_as_nobody(make_daemon("--source", "auto"), namespace, tmp_path).start()
    said = [line for line in daemon.lines if "CAP_" in line and "source" not in line
            and "netlink_buffer" not in line]
    assert len(said) == 1 and "needs CAP_BPF and CAP_PERFMON; trying netlink" in said[0]
    namespace.batch(burst(200))
    assert len(equals_kernel()) == 200
    assert daemon.statistics()["source"] == "netlink"


def test_to_become_somebody_else_takes_root(veth, namespace, make_daemon, tmp_path):
    daemon = started_as_nobody(make_daemon(), namespace, tmp_path)
    daemon.options += ["--user", "daemon"]
    assert ended(daemon.launch()) == 1
    assert daemon.said("cannot become user") and not daemon.said("attached")


@BPF
def test_a_dropped_daemon_can_still_be_looked_into(veth, namespace, make_daemon, equals_kernel):
    namespace.batch(burst(10))
    daemon = make_daemon(*AS_NOBODY).start()
    equals_kernel()
    assert len(dump_map(daemon.instance, "neighbours")) == 10
    daemon.assert_accounts_balance()

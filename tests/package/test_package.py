# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package, built, installed, upgraded and purged under a real systemd."""
import glob
import os
import re
import subprocess

import pytest
from conftest import ROOT, build_package
from harness.waiting import eventually

CONFIG = "/etc/neightrack/neightrackd.conf"


def state(machine, unit="neightrackd"):
    return machine.run("systemctl", "is-active", unit, check=False).strip()


def show(machine, name):
    return machine.run("systemctl", "show", "neightrackd", "-P", name).strip()


def redis(machine, *words):
    return machine.run("redis-cli", "--raw", *words).split("\n")[:-1]


def add_neighbours(namespace, count):
    namespace.add_interface("dummy0")
    namespace.batch([f"neigh replace 192.0.2.{1 + i} lladdr 02:00:00:00:00:{i:02x} dev dummy0 "
                     "nud permanent" for i in range(count)])


def install(machine, name="/root/neightrack.deb"):
    return machine.run("dpkg", "-i", name)


@pytest.fixture
def installed(machine):
    install(machine)
    return machine


def test_lintian_has_nothing_to_say(package):
    """Nor have overrides that nothing needs any more."""
    changes = glob.glob(os.path.join(os.path.dirname(package), "*.changes"))
    done = subprocess.run(["lintian", "--allow-root", "--display-info", *changes],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_same_tree_gives_the_same_package_in_another_folder(package, tmp_path):
    again = build_package(tmp_path)
    assert open(again, "rb").read() == open(package, "rb").read()


def test_installed_it_mirrors_at_once_without_being_root(namespace, installed):
    assert state(installed) == "active"
    add_neighbours(namespace, 20)
    eventually(lambda: redis(installed, "DBSIZE") == ["20"], 10)
    assert redis(installed, "HGET", "NEIGH_TABLE:dummy0:192.0.2.20", "neigh") == \
        ["02:00:00:00:00:13"]
    eventually(lambda: "ready: 20 neighbours" in show(installed, "StatusText"), 10)
    assert show(installed, "StatusText").endswith("source tp_btf")
    pid = show(installed, "MainPID")
    status = installed.run("cat", f"/proc/{pid}/status")
    user = installed.run("id", "-u", "neightrack").strip()
    assert re.search(r"^Uid:\s(.*)$", status, flags=re.M)[1].split() == [user] * 4
    assert re.search(r"^Seccomp:\s(\d)$", status, flags=re.M)[1] == "2"
    assert "equal: 20 neighbours" in installed.run("neightrack", "verify")
    assert "192.0.2.20" in installed.run("neightrack", "show")


def test_its_log_has_no_warning(namespace, installed):
    add_neighbours(namespace, 5)
    eventually(lambda: redis(installed, "DBSIZE") == ["5"], 10)
    journal = installed.run("journalctl", "-u", "neightrackd", "-p", "warning", "-o", "cat")
    assert journal in ("", "-- No entries --\n")


def test_the_journal_finds_its_messages_by_their_numbers(installed):
    for field in ("NEIGHTRACK_MESSAGE=NT103", "MESSAGE_ID=1e89719d0fc24aef8a254ca875db0103"):
        lines = installed.run("journalctl", "-o", "cat", "-u", "neightrackd", field).splitlines()
        assert len(lines) == 1 and lines[0].startswith("ready: 0 neighbours are in Redis")


def test_the_prometheus_of_the_documents_scrapes_it(namespace, installed, tmp_path):
    add_neighbours(namespace, 6)
    there = ["nsenter", f"--net=/run/netns/{namespace.name}"]
    config = os.path.join(ROOT, "docs", "prometheus", "prometheus.yml")
    with subprocess.Popen([*there, "prometheus", f"--config.file={config}",
                           f"--storage.tsdb.path={tmp_path}"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as prometheus:
        try:
            def asks():
                return subprocess.run([*there, "promtool", "query", "instant",
                                       "http://127.0.0.1:9090", "sum(neightrack_neighbours)"],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                      text=True, check=False).stdout
            eventually(lambda: "{} => 6 @" in asks(), 60)
        finally:
            prometheus.kill()


def test_a_daemon_that_stands_still_is_started_again(installed):
    """WatchdogSec= is what it is in the unit, but for its length."""
    installed.run("mkdir", "-p", "/run/systemd/system/neightrackd.service.d")
    installed.write("/run/systemd/system/neightrackd.service.d/watchdog.conf",
                    "[Service]\nWatchdogSec=2s\n")
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "restart", "neightrackd")
    pid = show(installed, "MainPID")
    installed.run("sh", "-c", f"kill -STOP {pid}")
    eventually(lambda: show(installed, "NRestarts") == "1" and state(installed) == "active", 20)
    assert show(installed, "MainPID") != pid


def test_a_reload_is_a_reload(installed):
    pid = show(installed, "MainPID")
    installed.write(CONFIG, installed.read(CONFIG) + "batch_size = 7\n")
    installed.run("systemctl", "reload", "neightrackd")
    eventually(lambda: "the configuration was read again: 1 options changed" in
               installed.run("journalctl", "-u", "neightrackd", "-o", "cat"), 10)
    assert show(installed, "MainPID") == pid and state(installed) == "active"


def test_a_wrong_configuration_is_not_tried_again_and_again(installed):
    installed.write(CONFIG, "[neightrackd]\nbatch_size = 0\n")
    installed.run("systemctl", "restart", "neightrackd", check=False)
    eventually(lambda: state(installed) == "failed", 10)
    assert show(installed, "NRestarts") == "0"


def test_without_redis_it_starts_and_waits_for_it(namespace, machine):
    machine.run("systemctl", "stop", "redis-server")
    add_neighbours(namespace, 3)
    install(machine)
    eventually(lambda: show(machine, "StatusText").startswith("Redis is away: 3 neighbours"), 20)
    assert state(machine) == "active"
    machine.run("systemctl", "start", "redis-server")
    eventually(lambda: redis(machine, "DBSIZE") == ["3"], 20)


def test_an_upgrade_restarts_it_and_keeps_what_was_configured(namespace, machine):
    install(machine, "/root/older.deb")
    add_neighbours(namespace, 4)
    eventually(lambda: redis(machine, "DBSIZE") == ["4"], 10)
    machine.write(CONFIG, "[neightrackd]\nredis = tcp://127.0.0.1:6379\nkey_prefix = mine:\n")
    pid = show(machine, "MainPID")
    machine.run("dpkg", "--force-confold", "-i", "/root/neightrack.deb")
    assert show(machine, "MainPID") != pid and state(machine) == "active"
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "neightrack") != "0.0.1"
    assert "key_prefix = mine:" in machine.read(CONFIG)
    eventually(lambda: redis(machine, "KEYS", "mine:*:192.0.2.4") != [], 10)


def test_an_upgrade_renews_a_configuration_that_nobody_has_changed(machine):
    install(machine, "/root/older.deb")
    assert "as it was in 0.0.1" in machine.read(CONFIG)
    install(machine)
    assert "as it was in 0.0.1" not in machine.read(CONFIG)


def test_removed_it_ends_and_leaves_its_configuration(installed):
    installed.run("dpkg", "-r", "neightrack")
    assert state(installed) == "inactive"
    assert installed.exists(CONFIG) and not installed.exists("/usr/sbin/neightrackd")


def test_purged_it_leaves_nothing(namespace, machine):
    bpffs = machine.run("stat", "-c", "%U:%G %a", "/sys/fs/bpf")
    before = machine.run("find", "/etc", "/usr", "/var/lib", "/lib/systemd", "-xdev").split("\n")
    add_neighbours(namespace, 2)
    install(machine)
    eventually(lambda: redis(machine, "DBSIZE") == ["2"], 10)
    machine.run("dpkg", "-P", "neightrack")
    after = machine.run("find", "/etc", "/usr", "/var/lib", "/lib/systemd", "-xdev").split("\n")
    left = {path for path in set(after) - set(before) if not path.endswith("-")
            and not path.startswith(("/var/lib/systemd", "/var/lib/dpkg", "/var/lib/redis"))}
    assert left == set()
    assert "neightrack" not in machine.read("/etc/passwd") + machine.read("/etc/group")
    assert not machine.exists("/sys/fs/bpf/neightrack") and not machine.exists("/run/neightrack")
    assert machine.run("stat", "-c", "%U:%G %a", "/sys/fs/bpf") == bpffs


def test_the_changelog_has_the_version_of_the_source():
    version = re.search('"(.*)"', open(os.path.join(ROOT, "user", "version.h")).read())[1]
    assert open(os.path.join(ROOT, "scripts", "debian", "changelog")).read().startswith(
        f"neightrack ({version}) ")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Running in the place of neighsyncd: its name in syslog, its lines, its LOGGER row."""
import os
import re
import socket

import pytest
from harness.daemon import BUILD, ROOT, SOURCE, neightrackd
from harness.namespace import burst, removal
from harness.switch import Switch
from harness.tables import wait_until_equal
from harness.waiting import eventually, stay_quiet


class Syslog:
    """The datagram socket that a syslog daemon would read."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.lines = []

    def read(self):
        while True:
            try:
                self.lines.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return self.lines

    def said(self, words):
        return any(words in line for line in self.read())

    def count(self, pattern):
        return sum(re.search(pattern, line) is not None for line in self.read())


@pytest.fixture
def syslog(tmp_path):
    made = Syslog(tmp_path / "log")
    yield made
    made.socket.close()


@pytest.fixture
def switch(redis_server, tmp_path):
    return Switch(redis_server, tmp_path)


@pytest.fixture
def make_neighsyncd(veth, make_daemon, switch, syslog):
    def make(*options, **arguments):
        daemon = make_daemon("--schema", "sonic", "--policy", "sonic", "--database-config",
                             switch.config_file, "--warm-restart", "yes", "--log-format",
                             "syslog", "--syslog-socket", syslog.path, *options, **arguments)
        daemon.launch()
        return daemon

    return make


def test_lines_go_to_syslog_under_its_name(make_neighsyncd, syslog):
    daemon = make_neighsyncd()
    eventually(lambda: syslog.said("ready: "))
    stamp = r"^<13>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
    form = re.compile(stamp + rf"neighsyncd\[{daemon.process.pid}\]: :- \w+: ")
    assert all(form.match(line) for line in syslog.lines if line.startswith("<13>"))
    assert daemon.lines == []


def test_without_a_listener_they_go_to_stderr(make_neighsyncd, syslog):
    daemon = make_neighsyncd("--syslog-socket", "/nowhere/log")
    eventually(lambda: daemon.said("ready: "))
    assert daemon.said("neighsyncd[") and syslog.read() == []


def test_a_listener_that_reads_nothing_holds_nobody_up(make_neighsyncd, namespace, switch, syslog):
    """What it missed is counted in the first line that it takes."""
    make_neighsyncd("--log-level", "debug")
    for round_ in range(60):
        for i in range(5):
            namespace.ip("link", "add", f"dummy{i}", "type", "veth")
        for i in range(5):
            namespace.ip("link", "del", f"dummy{i}")
    namespace.batch(burst(100))
    eventually(lambda: switch.appl_db.scard("NEIGH_TABLE_KEY_SET") == 100)


def test_the_lines_of_a_warm_restart_are_those_that_test_suites_count(
        make_neighsyncd, namespace, switch, syslog):
    namespace.batch(burst(20) + ["neigh replace 2001:db8::9 lladdr 02:00:00:00:00:01 dev veth0"])
    daemon = make_neighsyncd()
    eventually(lambda: syslog.said("ready: "))
    assert syslog.count("cache-state") == 0
    daemon.kill()
    # as if its consumer had taken all of it
    for key in switch.appl_db.scan_iter(match="_NEIGH_TABLE:*"):
        switch.appl_db.rename(key, key[1:])
    syslog.lines.clear()
    switch.enable_warm_restart(timer_s=2)
    switch.neighbours_are_restored()
    namespace.batch(removal(2) + burst(5, mac=1)[2:])
    make_neighsyncd(instance=daemon.instance)
    eventually(lambda: syslog.said("is restored"))
    namespace.batch(["neigh del 2001:db8::9 dev veth0"])
    eventually(lambda: syslog.said("is reconciled"))
    assert syslog.count("neighsyncd.*IPv4.*cache-state:NEW") == 3
    assert syslog.count("neighsyncd.*IPv4.*cache-state:STALE") == 2
    assert syslog.count("neighsyncd.*IPv6.*cache-state:DELETE") == 1
    assert syslog.count("cache-state") == 6
    assert [line for line in syslog.lines if "getWarmStartTimer" in line][0].split()[-1] == "2"


def test_the_logger_row_is_made_and_followed(make_neighsyncd, switch, syslog):
    daemon = make_neighsyncd("--log-level", "notice")
    eventually(lambda: switch.config_db.hgetall("LOGGER|neighsyncd") ==
               {"LOGLEVEL": "NOTICE", "LOGOUTPUT": "SYSLOG"})
    eventually(lambda: syslog.said("ready: "))
    switch.config_db.hset("LOGGER|neighsyncd", "LOGOUTPUT", "STDERR")
    stay_quiet(1)
    daemon.audit()
    switch.config_db.hset("LOGGER|neighsyncd", "LOGLEVEL", "INFO")
    stay_quiet(1)
    daemon.audit()
    eventually(lambda: daemon.said("audit: Redis holds"))
    switch.config_db.hset("LOGGER|neighsyncd", "LOGOUTPUT", "SYSLOG")
    stay_quiet(1)
    daemon.audit()
    eventually(lambda: syslog.said("audit: Redis holds"))


def test_started_by_its_name_the_process_has_it(veth, make_daemon, tmp_path):
    """As supervisors, core dumps and pgrep know it."""
    daemon = make_daemon()
    link = tmp_path / "neighsyncd"
    link.symlink_to(daemon.program)
    daemon.program = str(link)
    daemon.start()
    with open(f"/proc/{daemon.process.pid}/comm", encoding="ascii") as comm:
        assert comm.read() in ("neighsyncd\n", "memcheck-amd64-\n")


def test_the_configuration_that_is_shipped_for_a_switch_is_right(switch, tmp_path):
    with open(os.path.join(ROOT, "docs", "sonic", "neightrackd.conf"), encoding="ascii") as file:
        text = file.read()
    assert "/var/run/redis/sonic-db/database_config.json" in text
    path = tmp_path / "neightrackd.conf"
    path.write_text(text.replace("/var/run/redis/sonic-db/database_config.json",
                                 switch.config_file))
    assert neightrackd("--config", str(path), "--check-config") == (0, "", "")


# --- in a container --------------------------------------------------------------------------

def in_container(daemon, namespace, *capabilities):
    """As docker starts it in the host's network namespace: root, with these alone."""
    allowed = ",".join(f"+{name}" for name in capabilities)
    daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", "setpriv",
                      f"--bounding-set=-all,{allowed}", f"--inh-caps=-all,{allowed}",
                      *daemon.wrapper]
    daemon.options += ["--netns", ""]
    return daemon


def mirrors(namespace, consumer):
    consumer.start()
    namespace.batch(burst(300) + burst(100, mac=1))
    return len(wait_until_equal(consumer.read, namespace, 20)) == 300


@pytest.mark.skipif(SOURCE == "netlink", reason="that source needs none of them")
def test_a_container_with_the_capabilities_for_bpf_has_the_kernel_filter(veth, namespace, consumer,
                                                                         make_daemon, switch):
    daemon = in_container(make_daemon("--schema", "sonic", "--policy", "sonic",
                                      "--database-config", switch.config_file),
                          namespace, "bpf", "perfmon", "net_admin").start()
    assert daemon.said("attached tp_btf") and not daemon.said("needs CAP_")
    assert mirrors(namespace, consumer)


def test_a_container_without_them_listens_to_netlink_and_says_so(veth, namespace, consumer,
                                                                 make_daemon, switch):
    daemon = in_container(make_daemon("--schema", "sonic", "--policy", "sonic", "--source", "auto",
                                      "--database-config", switch.config_file),
                          namespace, "net_admin").start()
    assert daemon.said("Operation not permitted (needs CAP_BPF and CAP_PERFMON; trying netlink)")
    assert daemon.said("attached netlink")
    # the receive buffer is as large as asked for
    assert not daemon.said("netlink_buffer = ")
    assert mirrors(namespace, consumer)

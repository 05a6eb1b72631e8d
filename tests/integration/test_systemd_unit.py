# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit: how hardened it is, and that the daemon works within its rights."""
import os
import re
import signal
import subprocess
import tempfile

import pytest
from harness.daemon import ROOT
from harness.namespace import burst
from harness.redis_server import RedisServer
from harness.service_manager import ServiceManager
from harness.tables import wait_until_equal
from harness.waiting import eventually

UNIT = os.path.join(ROOT, "scripts", "systemd", "neightrackd.service")
PREPARE = os.path.join(ROOT, "scripts", "systemd", "prepare-bpffs")
# of systemd-analyze security, from 0 (locked up) to 10
WORST_EXPOSURE = 2.0

# In a mount namespace of its own: a bpffs as systemd mounts it, the lock files' folder
# as RuntimeDirectory= makes it, and the program where every user may run it.
START = """
set -eu
mount -t bpf -o mode=0700 bpf /sys/fs/bpf
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir -p /run/neightrack
mount -t tmpfs -o mode=0755 tmpfs /run/neightrack
chown "$USER_NAME" /run/neightrack
cp "$PROGRAM" /mnt/neightrackd
"$PREPARE" "$USER_NAME"
service="setpriv --reuid $USER_NAME --regid $(id -g "$USER_NAME") --init-groups
    --bounding-set=$BOUNDS --inh-caps=$AMBIENT --ambient-caps=$AMBIENT --no-new-privs"
[ -z "${AGAIN:-}" ] || $service "$@" || exit
exec $service "$@"
"""


def setting(name):
    return re.findall(rf"^{name}=(.*)$", open(UNIT).read(), flags=re.M)[-1]


def capabilities(name):
    """As setpriv has them: all off but these."""
    words = setting(name).split()
    return ",".join(["-all", *("+" + word.lower().removeprefix("cap_") for word in words)])


@pytest.fixture
def make_service(namespace, make_daemon):
    """A daemon that is started as by the unit, but for a user that every machine has."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        server = RedisServer(folder, config=("--unixsocketperm", "777"))
        server.start()
        manager = ServiceManager(folder, watchdog_s=5)
        os.chmod(manager.path, 0o666)

        def make(*options, **environment):
            daemon = make_daemon("--netns", "", *options, url=server.url)
            words = dict(manager.environment, USER_NAME="nobody", PROGRAM=daemon.program,
                         PREPARE=PREPARE, BOUNDS=capabilities("CapabilityBoundingSet"),
                         AMBIENT=capabilities("AmbientCapabilities"))
            words.update(environment)
            daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", "env",
                              *(f"{name}={value}" for name, value in words.items()),
                              "unshare", "--mount", "sh", "-c", START, "sh"]
            daemon.program = "/mnt/neightrackd"
            daemon.server = server
            daemon.manager = manager
            return daemon
        yield make
        manager.close()
        server.stop()


def status_of(daemon, name):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return next(line.split()[1:] for line in status if line.startswith(f"{name}:"))


def capability_mask(name):
    """As /proc/PID/status has it."""
    numbers = {"CAP_NET_ADMIN": 12, "CAP_PERFMON": 38, "CAP_BPF": 39}
    return f"{sum(1 << numbers[word] for word in setting(name).split()):016x}"


@pytest.mark.no_root
def test_the_unit_is_hardened_as_systemd_judges_it(capsys):
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT],
                          stdout=subprocess.PIPE, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if "Overall exposure" in line)
    with capsys.disabled():
        print(f" [{line.strip('→ ')}] ", end="")
    assert float(re.search(r": ([\d.]+) ", line)[1]) <= WORST_EXPOSURE


@pytest.mark.no_root
def test_the_unit_has_nothing_that_systemd_does_not_know(tmp_path):
    text = open(UNIT).read()
    for program in set(re.findall(r"=[-+]*(/usr\S+)", text)):
        text = text.replace(program, "/bin/true")
    path = tmp_path / "neightrackd.service"
    path.write_text(re.sub("^Documentation=.*\n", "", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_mirrors_through_bpf_without_being_root(veth, namespace, make_service):
    daemon = make_service("--source", "tp_btf").start()
    namespace.batch(burst(500))
    wait_until_equal(daemon.server.table, namespace)
    eventually(lambda: daemon.manager.status().startswith("ready: 500 neighbours"))
    assert daemon.manager.has("READY") and daemon.manager.has("WATCHDOG")
    assert "0" not in status_of(daemon, "Uid")
    # what it was given for attaching it has given up since
    assert status_of(daemon, "CapBnd") == [capability_mask("AmbientCapabilities")]
    for name in ("CapEff", "CapPrm", "CapAmb"):
        assert not int(status_of(daemon, name)[0], 16)
    assert not any("warning" in line or "error" in line for line in daemon.lines), daemon.lines
    daemon.stop()


def test_the_programs_of_the_last_service_are_used_again(veth, make_service):
    """Both in one mount namespace, with which its bpffs goes."""
    daemon = make_service("--source", "tp_btf", "--pins", "keep", AGAIN="1").start()
    with open(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children",
              encoding="ascii") as children:
        os.kill(int(children.read()), signal.SIGTERM)
    eventually(lambda: daemon.said("BPF programs of the last daemon are used again"), 20)


def test_without_a_bpffs_for_it_nothing_is_pinned(veth, namespace, make_service):
    daemon = make_service("--source", "auto", PREPARE="/bin/true").start()
    namespace.batch(burst(100))
    wait_until_equal(daemon.server.table, namespace)
    assert daemon.said("attached tp_btf") and daemon.said("nothing is pinned")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The portable binary (make static), in a root folder with nothing but itself."""
import os
import re
import shutil
import subprocess

import pytest
from harness.daemon import BUILD
from harness.namespace import burst
from harness.redis_server import free_port
from harness.service_manager import ServiceManager
from harness.tables import wait_until_equal
from harness.waiting import eventually

STATIC = os.path.join(BUILD, "static")
# what a program has from its kernel and from its neighbours, but no library and no /etc
FOLDERS = ("/proc", "/sys", "/run")
ENTER = ('root=$1; shift; for folder in %s "$FROM"; do mkdir -p "$root$folder"; '
         'mount --rbind "$folder" "$root$folder" || exit 1; done; '
         'exec chroot "$root" "$@"' % " ".join(FOLDERS))


@pytest.fixture
def bare_root(tmp_path):
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    for name in ("neightrackd", "neightrack"):
        shutil.copy(f"{STATIC}/{name}", root / name)
    return root


@pytest.fixture
def make_portable(make_daemon, redis_server, bare_root, monkeypatch):
    """A daemon that sees that root, and of this machine's folders the one with Redis' socket."""

    def make(*options, **arguments):
        monkeypatch.setenv("FROM", redis_server.folder)
        daemon = make_daemon(*options, **arguments)
        daemon.wrapper = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(bare_root)]
        daemon.program = "/neightrackd"
        return daemon
    return make


@pytest.mark.no_root
@pytest.mark.parametrize("name", ["neightrackd", "neightrack"])
def test_it_needs_no_library(name):
    headers = subprocess.run(["readelf", "--wide", "--program-headers", "--dynamic",
                              f"{STATIC}/{name}"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    assert "GNU_STACK" in headers and not re.search(r"NEEDED|INTERP", headers)


@pytest.mark.parametrize("source", ["tp_btf", "netlink"])
def test_it_mirrors_where_there_is_nothing_else(veth, namespace, peer, make_portable,
                                                equals_kernel, source):
    daemon = make_portable("--source", source).start()
    namespace.batch(burst(200))
    namespace.batch(burst(100, mac=1))
    for address in ("192.0.2.2", "2001:db8::2"):
        assert namespace.can_ping(address)
    namespace.ip("link", "set", "veth0", "down")
    namespace.ip("link", "set", "veth0", "name", "veth1")
    namespace.ip("link", "set", "veth1", "up")
    namespace.batch(burst(50, device="veth1", mac=2))
    assert len(equals_kernel()) == 50
    assert daemon.statistics()["source"] == source


def test_its_tool_verifies_there(veth, namespace, make_portable, redis_server):
    daemon = make_portable().start()
    namespace.batch(burst(20))
    done = subprocess.run([*daemon.wrapper, "/neightrack", "verify", "--netns", namespace.name,
                           "--redis", redis_server.url], stdout=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def module_that_ends_its_process(bare_root):
    """A module for names of the machine's own, which /etc/nsswitch.conf asks first."""
    triplet = subprocess.run(["gcc", "-print-multiarch"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.strip()
    folder = bare_root / "lib" / triplet
    folder.mkdir(parents=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o",
                    str(folder / "libnss_foreign.so.2")], check=True, text=True,
                   input="__attribute__((constructor)) void loaded(void) "
                         "{ __builtin_trap(); }\n")
    (bare_root / "etc" / "nsswitch.conf").write_text("hosts: foreign files\n")


def test_it_finds_hosts_without_the_machines_modules_for_names(
        veth, namespace, make_portable, make_redis, bare_root, module_that_ends_its_process):
    server = make_redis(port=free_port())
    server.start()
    (bare_root / "etc" / "hosts").write_text("127.0.0.1 redis.example\n")
    make_portable(url=f"tcp://redis.example:{server.port}/0").start()
    namespace.batch(burst(10))
    assert len(wait_until_equal(server.table, namespace)) == 10


@pytest.fixture
def service_manager(tmp_path):
    made = ServiceManager(tmp_path, watchdog_s=1)
    yield made
    made.close()


def test_it_tells_its_service_manager_that_it_is_ready_and_alive(veth, make_daemon,
                                                                 service_manager):
    daemon = make_daemon()
    daemon.program = f"{STATIC}/neightrackd"
    daemon.wrapper = ["env", *(f"{name}={value}"
                               for name, value in service_manager.environment.items())]
    daemon.start()
    eventually(lambda: service_manager.has("READY") and
               len(service_manager.values("WATCHDOG")) >= 3, 10)


def test_it_serves_metrics_without_tls(veth, make_watched):
    daemon = make_watched()
    daemon.program = f"{STATIC}/neightrackd"
    daemon.start()
    assert "neightrack_" in daemon.endpoint.request("/metrics")[2]


def test_it_refuses_to_serve_metrics_with_tls(veth, make_daemon, tmp_path):
    pem = tmp_path / "server.pem"
    pem.write_text("which is not looked into")
    daemon = make_daemon("--metrics", f"127.0.0.1:{free_port()}", "--metrics-cert", str(pem),
                         "--metrics-key", str(pem))
    daemon.program = f"{STATIC}/neightrackd"
    daemon.launch()
    assert daemon.process.wait(timeout=20) == 1
    daemon.reader.join(timeout=5)
    assert daemon.said("metrics_cert: this neightrackd was built without TLS")

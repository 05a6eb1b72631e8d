# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: everything that a test starts ends with it, even when it fails."""
import fcntl
import itertools
import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["PATH"] += ":/usr/sbin:/sbin"

from harness.daemon import BUILD, USER, Daemon                       # noqa: E402
from harness.metrics import Endpoint                                 # noqa: E402
from harness.namespace import Namespace                              # noqa: E402
from harness.proxy import Proxy                                      # noqa: E402
from harness.redis_server import RedisServer                         # noqa: E402
from harness.sonic_consumer import SonicConsumer                     # noqa: E402
from harness.tables import wait_until_equal                          # noqa: E402

# not made of objects with sanitizers in them, which need shared libraries
collect_ignore = [] if os.path.exists(f"{BUILD}/static/neightrackd") else ["test_static.py"]
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def pytest_collection_modifyitems(items):
    for item in items:
        if "no_root" not in item.keywords:
            item.add_marker(NEEDS_ROOT)


def pytest_configure(config):
    config.addinivalue_line("markers", "no_root: runs without root")


@pytest.fixture(scope="session", autouse=True)
def large_neighbour_tables():
    """The limits are global, and the default allows 1,024 neighbours. Sessions may run
    side by side: the first remembers what was set, and the last sets it again."""
    if os.geteuid() != 0:
        yield
        return
    paths = [f"/proc/sys/net/{family}/neigh/default/gc_thresh{i}"
             for family in ("ipv4", "ipv6") for i in (1, 2, 3)]
    with open("/run/neightrack-tests.lock", "a+", encoding="ascii") as lock:
        if is_alone(lock):
            lock.truncate(0)
            lock.write("\n".join(open(path).read().strip() for path in paths))
            lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        # the upper limits first: the kernel may collect in between
        for path in sorted(paths, reverse=True):
            open(path, "w").write("2000000")
        yield
        if is_alone(lock):
            lock.seek(0)
            for path, value in zip(paths, lock.read().split()):
                open(path, "w").write(value)


def is_alone(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def open_folder():
    """Where everybody may go and write; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="neightrack-") as folder:
        os.chmod(folder, 0o777)
        yield pathlib.Path(folder)


@pytest.fixture
def tmp_path(request, tmp_path):
    """Daemons that become another user connect to sockets in it, and make their own."""
    return request.getfixturevalue("open_folder") if USER else tmp_path


@pytest.fixture(scope="session", autouse=True)
def what_tests_make_is_open():
    before = os.umask(0) if USER else None
    yield
    if USER:
        os.umask(before)


@pytest.fixture
def namespace():
    made = Namespace()
    yield made
    made.remove()


@pytest.fixture
def peer():
    made = Namespace()
    yield made
    made.remove()


@pytest.fixture
def veth(namespace, peer):
    """veth0 in both, with addresses of both families."""
    namespace.join(peer)
    for end, number in ((namespace, 1), (peer, 2)):
        end.ip("addr", "add", f"192.0.2.{number}/24", "dev", "veth0")
        end.ip("addr", "add", f"2001:db8::{number}/64", "dev", "veth0", "nodad")
    return "veth0"


@pytest.fixture
def redis_server(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_redis(tmp_path):
    """Further servers, each in a folder of its own; the test starts them."""
    made = []

    def make(**arguments):
        folder = tmp_path / f"redis{len(made)}"
        folder.mkdir()
        made.append(RedisServer(folder, **arguments))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def proxy(redis_server, tmp_path):
    """Between the daemon (which must be told so) and redis_server."""
    made = Proxy(redis_server.socket, folder=tmp_path)
    yield made
    made.stop()


@pytest.fixture
def make_daemon(namespace, redis_server):
    made = []

    def make(*options, instance=None, url=None):
        made.append(Daemon(namespace, redis_server, *options, instance=instance, url=url))
        return made[-1]

    yield make
    for daemon in made:
        daemon.clean_up()


@pytest.fixture
def in_quiet(namespace):
    """Moves a daemon that is not started yet to where nothing happens by itself; by --netns
    it would be woken for every namespace that is made beside this one."""
    namespace.sysctl("ipv6/conf/default/disable_ipv6", 1)
    namespace.add_interface("quiet0")

    def move(daemon):
        daemon.options += ["--netns", "", "--source", "tp_btf"]
        daemon.wrapper = ["nsenter", f"--net=/run/netns/{namespace.name}", *daemon.wrapper]
        return daemon
    return move


@pytest.fixture
def consumer(redis_server):
    """A consumer of the schema sonic; the test starts it."""
    made = SonicConsumer(redis_server)
    yield made
    if made.thread.is_alive():
        made.stop()


@pytest.fixture
def daemon(veth, make_daemon):
    """A running daemon with default options on the namespace with veth0."""
    return make_daemon().start()


@pytest.fixture
def equals_kernel(namespace, redis_server):
    """Waits until Redis holds exactly what iproute2's view of the kernel says."""

    def check(timeout_s=5.0, **policy):
        return wait_until_equal(redis_server.table, namespace, timeout_s, **policy)

    return check


@pytest.fixture
def make_watched(make_daemon, tmp_path):
    """A daemon that serves metrics at a unix socket, `.endpoint`; it is not started."""
    numbers = itertools.count()

    def make(*options, **arguments):
        address = f"unix:{tmp_path}/metrics{next(numbers)}.sock"
        daemon = make_daemon("--metrics", address, *options, **arguments)
        daemon.endpoint = Endpoint(address)
        return daemon
    return make


@pytest.fixture
def watched(veth, make_watched):
    """A running one on the namespace with veth0."""
    return make_watched().start()

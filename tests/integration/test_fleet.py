# SPDX-License-Identifier: GPL-2.0-or-later
"""Many hosts and one Redis, as docs/FLEET.md has it: here each host is a network namespace
with a daemon of its own, and its key_prefix has the host's name."""
import contextlib
import os
import re

import pytest
import redis
from harness.daemon import ROOT, Daemon, tool
from harness.metrics import Endpoint
from harness.namespace import Namespace, burst, expected_table, removal
from harness.redis_cluster import RedisCluster
from harness.redis_server import RedisServer, free_port
from harness.waiting import eventually

DOCUMENT = os.path.join(ROOT, "docs", "FLEET.md")
HOSTS = 50
NEIGHBOURS = 200
STREAM = "fleet:changes"
# small maps, as all of them are on one machine here
SIZES = ("--max-neighbours", "1024", "--ring-size", "65536", "--audit-interval", "0")


class Host:
    def __init__(self, number, folder):
        self.name = f"switch-{number:04}"
        self.prefix = f"{{{self.name}}}:"
        self.number = number
        self.address = f"unix:{folder}/{self.name}.sock"
        self.endpoint = Endpoint(self.address)
        self.namespace = Namespace()
        self.daemon = None

    def join(self, server, *options, url=None):
        self.daemon = Daemon(self.namespace, server, "--key-prefix", self.prefix, "--metrics",
                             self.address, "--ignore", "lo *-p", *SIZES, *options, url=url)
        return self

    def has(self, count, mac):
        """So many neighbours, with MACs that no other host has."""
        self.namespace.batch(burst(count, device="Ethernet0", mac=(self.number + mac) % 256))

    def expected(self):
        return expected_table(self.namespace, prefix=self.prefix)

    def clean_up(self):
        if self.daemon:
            self.daemon.clean_up()
        self.namespace.remove()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    made = []
    try:
        for number in range(HOSTS):
            made.append(Host(number, folder))
            made[-1].namespace.add_interface("Ethernet0")
        yield made
    finally:
        for host in made:
            host.clean_up()


@contextlib.contextmanager
def running(hosts, server, *options, url=None):
    """All of them, ready. They start together, as after a power cut."""
    try:
        for host in hosts:
            host.has(NEIGHBOURS, 0)
            host.join(server, *options, url=url).daemon.launch()
        for host in hosts:
            eventually(lambda: host.daemon.said("ready: ") or host.daemon.process.poll(), 120,
                       f"{host.name} is ready")
            assert host.daemon.process.poll() is None, host.daemon.lines
        yield
    finally:
        for host in hosts:
            if host.daemon:
                host.daemon.clean_up()
                host.daemon = None


def wait_until_each_has_its_own(hosts, read, timeout_s=30):
    """Exactly what the kernels hold, under each host's name, and nothing else."""
    def equal():
        together = {}
        for host in hosts:
            together.update(host.expected())
        try:
            return read() == together and together
        except redis.exceptions.RedisError:
            return False
    return eventually(equal, timeout_s, "each host's neighbours are under its name")


# these two before the fleet below is made, which stays for the rest of the module
def test_one_cluster_holds_fifty_hosts_spread_by_their_names(hosts, tmp_path):
    cluster = RedisCluster(tmp_path)
    try:
        cluster.start()
        # each is told of all nodes, and finds the one that has its slot
        url = "tcp://" + ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        with running(hosts, cluster.nodes[0], url=url):
            wait_until_each_has_its_own(hosts, cluster.tables, 60)
            held = [{key.split(":")[0] for key in node.client.scan_iter(count=1000)}
                    for node in cluster.nodes]
            assert all(held) and sum(map(len, held)) == HOSTS
            for host in hosts:
                host.has(20, 150)
                host.namespace.batch(removal(10, device="Ethernet0"))
            wait_until_each_has_its_own(hosts, cluster.tables, 60)
    finally:
        cluster.stop()


def test_the_access_that_the_document_grants_is_enough(hosts, make_redis, tmp_path):
    server, host, secret = make_redis(), hosts[0], tmp_path / "password"
    server.start()
    line = re.search(r"^ +ACL SETUSER (.*)$", open(DOCUMENT).read(), flags=re.M)[1]
    words = re.findall(r"\(.*?\)|\S+", line)
    server.client.execute_command("ACL", "SETUSER", *words)
    secret.write_text("password\n")
    with running(hosts[:1], server, "--stream", STREAM, "--transaction", "yes", "--redis-user",
                 words[0], "--redis-password-file", str(secret)):
        wait_until_each_has_its_own(hosts[:1], server.table)
        host.namespace.batch(removal(50, device="Ethernet0"))
        host.daemon.audit()
        wait_until_each_has_its_own(hosts[:1], server.table)
        eventually(lambda: server.client.xlen(STREAM) >= 51)
        assert host.endpoint.value("neightrack_redis_errors_total") == 0
        assert host.endpoint.value("neightrack_stream_refused_total") == 0
        reading = redis.Redis(unix_socket_path=server.socket, username=words[0],
                              password="password", decode_responses=True)
        for command in (("DEL", STREAM), ("XDEL", STREAM, "0-1"), ("XRANGE", STREAM, "-", "+"),
                        ("XTRIM", STREAM, "MAXLEN", "0"), ("FLUSHALL",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                reading.execute_command(*command)


@pytest.fixture(scope="module")
def central(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("central"), port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def fleet(hosts, central):
    """50 hosts that write to one Redis by TCP, and to one stream."""
    with running(hosts, central, "--stream", STREAM, url=f"tcp://127.0.0.1:{central.port}"):
        yield hosts


@pytest.fixture
def healed(fleet, central):
    """The fleet, with its Redis as it was."""
    if not central.process:
        central.start()
    yield fleet
    if not central.process:
        central.start()


def test_fifty_hosts_share_one_redis(healed, central):
    together = wait_until_each_has_its_own(healed, central.table)
    assert len(together) == HOSTS * NEIGHBOURS
    names = [client["name"] for client in central.client.client_list()]
    assert sum(name.startswith("neightrack-") for name in names) == 2 * HOSTS


def test_one_stream_has_the_events_of_all_each_in_order(healed, central):
    for host in healed:
        host.has(20, 100)
    wait_until_each_has_its_own(healed, central.table)

    def told():
        by_instance = {}
        for _, fields in central.client.xrange(STREAM):
            by_instance.setdefault(fields["instance"], []).append(int(fields["seq"]))
        return by_instance
    instances = {host.daemon.instance for host in healed}
    eventually(lambda: all(len(numbers) >= 21 for numbers in told().values()) and
               set(told()) == instances, 10, "all have told")
    for numbers in told().values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_the_end_of_one_host_leaves_the_others_alone(healed, central):
    gone = healed[7]
    before = {key: value for key, value in central.table().items()
              if key.startswith(gone.prefix)}
    gone.daemon.kill()
    for host in healed:
        host.namespace.batch(removal(10, device="Ethernet0"))
    others = [host for host in healed if host is not gone]
    wait_until_each_has_its_own(
        others, lambda: {key: value for key, value in central.table().items()
                         if not key.startswith(gone.prefix)})
    # what it wrote is there until it comes back, and is then put right
    assert {key: value for key, value in central.table().items()
            if key.startswith(gone.prefix)} == before
    gone.daemon.clean_up()
    gone.join(central, "--stream", STREAM, url=f"tcp://127.0.0.1:{central.port}").daemon.start()
    wait_until_each_has_its_own(healed, central.table)


def test_a_redis_that_comes_back_empty_is_filled_by_all(healed, central):
    central.stop()
    for host in healed:
        host.has(50, 200)
        eventually(lambda: host.endpoint.request("/readyz")[0] == 503, 10,
                   f"{host.name} notices")
    central.start()
    wait_until_each_has_its_own(healed, central.table, 60)
    for host in healed:
        eventually(lambda: host.endpoint.request("/readyz")[0] == 200, 10,
                   f"{host.name} is ready again")


def test_the_tool_verifies_one_host_among_them(healed, central):
    wait_until_each_has_its_own(healed, central.table)
    host = healed[3]
    words = ("verify", "--netns", host.namespace.name, "--redis",
             f"tcp://127.0.0.1:{central.port}", "--ignore", "lo *-p", "--key-prefix")
    code, said, errors = tool(*words, host.prefix)
    assert (code, errors) == (0, "") and said.startswith("equal: "), said
    assert tool(*words, healed[4].prefix)[0] != 0


def test_the_metrics_of_all_add_up(healed, central):
    wait_until_each_has_its_own(healed, central.table)
    assert sum(host.endpoint.value("neightrack_neighbours") for host in healed) == \
        len(central.table())
    for host in healed:
        assert host.endpoint.value("neightrack_audit_repairs_total") == 0
        assert host.endpoint.value("neightrack_stream_cut_total") == 0

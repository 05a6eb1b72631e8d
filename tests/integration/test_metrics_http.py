# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTTP side of the metrics: who is answered what, and that nobody holds the daemon."""
import http.client
import os
import pathlib
import socket
import ssl
import subprocess

import pytest
from harness.daemon import neightrackd
from harness.metrics import Endpoint, client_context
from harness.namespace import Namespace, burst
from harness.redis_server import free_port
from harness.waiting import eventually, stay_quiet

CONNECTIONS = 16


def test_health_is_told_as_long_as_the_loop_turns(watched, redis_server):
    assert watched.endpoint.request("/healthz")[::2] == (200, "ok\n")
    redis_server.stop()
    assert watched.endpoint.request("/healthz")[::2] == (200, "ok\n")


def test_readiness_follows_redis(watched, redis_server):
    endpoint = watched.endpoint
    assert endpoint.request("/readyz")[::2] == (200, "ok\n")
    assert endpoint.value("neightrack_ready") == 1
    redis_server.stop()
    eventually(lambda: endpoint.request("/readyz")[0] == 503)
    assert endpoint.request("/readyz")[2] == "Redis is away\n"
    assert endpoint.value("neightrack_ready") == 0
    redis_server.start()
    eventually(lambda: endpoint.request("/readyz")[0] == 200, 15)


def test_it_is_not_ready_before_all_is_in_redis(veth, make_watched, namespace, tmp_path):
    namespace.batch(burst(10))
    daemon = make_watched(url=f"unix://{tmp_path}/nobody.sock").launch()
    eventually(lambda: daemon.said("snapshot: "), 20)
    assert daemon.endpoint.request("/readyz")[::2] == (503, "Redis is away\n")


def test_a_daemon_that_waits_for_its_namespace_is_alive_and_not_ready(make_watched):
    own = Namespace()
    try:
        daemon = make_watched("--netns-gone", "wait")
        daemon.namespace = own
        daemon.start()
        own.remove()
        eventually(lambda: daemon.said("waiting for network namespace"), 10)
        eventually(lambda: daemon.endpoint.request("/readyz")[0] == 503)
        assert daemon.endpoint.request("/readyz")[2] == "the network namespace is waited for\n"
        assert daemon.endpoint.request("/healthz")[0] == 200
        assert daemon.endpoint.value("neightrack_ready") == 0
        assert daemon.endpoint.value("neightrack_build_info", source="none") == 1
    finally:
        own.remove()


def test_a_head_has_no_body(watched):
    status, headers, body = watched.endpoint.request("/metrics", "HEAD")
    assert (status, body) == (200, "") and int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_refused(watched, method):
    status, headers, _ = watched.endpoint.request("/metrics", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_other_paths_are_not_found(watched):
    for path in ("/", "/metrics/", "/../metrics", "*", "/readyz?", "//"):
        status = watched.endpoint.request(path)[0]
        assert status in ((200,) if path == "/readyz?" else (404, 400)), path


def test_garbage_is_answered_and_does_no_harm(watched):
    for garbage in (b"\0" * 100, b"GET /metrics\r\n\r\n", b"GET " + b"a" * 100000,
                    b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 100000, os.urandom(4096)):
        with watched.endpoint.open_socket() as client:
            try:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass
    assert watched.endpoint.request("/healthz")[0] == 200


def is_closed(client):
    """Whether the other side has closed it without a word."""
    client.settimeout(0.01)
    try:
        return client.recv(1) == b""
    except socket.timeout:
        return False
    except ConnectionError:
        return True


def test_connections_beyond_the_bound_are_refused_and_slow_ones_expire(
        watched, namespace, equals_kernel):
    endpoint = watched.endpoint
    clients = [endpoint.open_socket() for _ in range(CONNECTIONS + 5)]
    try:
        for client in clients[:CONNECTIONS]:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")     # and no end
        eventually(lambda: [is_closed(client) for client in clients] ==
                   [False] * CONNECTIONS + [True] * 5)
        # they hold neither the daemon ...
        namespace.batch(burst(1000))
        assert len(equals_kernel(2)) == 1000
        # ... nor, by a byte now and then, their places
        def expired():
            for client in clients[:CONNECTIONS]:
                try:
                    client.sendall(b"A")
                except OSError:
                    pass
            stay_quiet(0.5)
            return all(is_closed(client) for client in clients[:CONNECTIONS])
        eventually(expired, 20)
        assert endpoint.request("/healthz")[0] == 200
        assert endpoint.value("neightrack_http_connections_expired_total") == CONNECTIONS
        assert endpoint.value("neightrack_http_connections_refused_total") == 5
    finally:
        for client in clients:
            client.close()


def test_a_client_that_does_not_read_holds_nobody(watched, namespace, equals_kernel):
    clients = []
    try:
        for _ in range(8):
            client = watched.endpoint.open_socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
        namespace.batch(burst(1000))
        assert len(equals_kernel(2)) == 1000
        assert watched.endpoint.value("neightrack_http_requests_total") >= 8
    finally:
        for client in clients:
            client.close()


def test_clients_that_come_and_go_leave_nothing_behind(watched):
    def descriptors():
        return len(os.listdir(f"/proc/{watched.process.pid}/fd"))
    watched.endpoint.text()
    eventually(lambda: descriptors() and watched.endpoint.request("/healthz"))
    before = descriptors()
    for _ in range(200):
        watched.endpoint.open_socket().close()
        watched.endpoint.request("/healthz")
    eventually(lambda: descriptors() <= before)


def test_nobody_wakes_the_daemon_when_nobody_scrapes(in_quiet, make_watched):
    daemon = in_quiet(make_watched("--audit-interval", "0")).start()
    daemon.endpoint.text()
    # what the start and the scrape have armed
    eventually(lambda: sleeps_on(daemon), 20, "the daemon sleeps")


def sleeps_on(daemon):
    before = daemon.wakeups()
    stay_quiet(1.5)
    return daemon.wakeups() == before


def test_it_listens_at_an_ipv4_and_an_ipv6_address(veth, make_daemon):
    for host in ("127.0.0.1", "[::1]"):
        address = f"{host}:{free_port(host.strip('[]'))}"
        daemon = make_daemon("--metrics", address).start()
        assert Endpoint(address).request("/readyz")[0] == 200
        daemon.stop()


def loaded(daemon):
    maps = pathlib.Path(f"/proc/{daemon.process.pid}/maps").read_text(encoding="ascii")
    return {name for name in ("microhttpd", "gnutls") if f"lib{name}." in maps}


def test_what_serves_metrics_is_loaded_for_them_alone(daemon, make_watched):
    assert loaded(daemon) == set()
    daemon.stop()
    assert "microhttpd" in loaded(make_watched().start())


def test_a_library_that_cannot_be_loaded_is_named(veth, make_watched, tmp_path):
    (tmp_path / "libmicrohttpd.so.12").write_text("no library")
    daemon = make_watched()
    daemon.wrapper = [*daemon.wrapper, "env", f"LD_LIBRARY_PATH={tmp_path}"]
    daemon.launch()
    assert daemon.process.wait(20) == 1
    daemon.reader.join()
    assert daemon.said("metrics: cannot load libmicrohttpd.so.12: ")
    assert daemon.said("(install libmicrohttpd, or set metrics = off)")


def test_an_address_in_use_is_named(veth, make_daemon):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = make_daemon("--metrics", address).launch()
        assert daemon.process.wait(20) == 1
        daemon.reader.join()
        assert daemon.said(f"metrics = {address}: cannot listen there: Address already in use")


def test_an_address_that_others_reach_is_said_to_be_open(veth, make_daemon):
    address = f"0.0.0.0:{free_port()}"
    daemon = make_daemon("--metrics", address).start()
    assert daemon.said("whoever reaches this address can read the metrics")


def test_a_unix_socket_is_for_the_group_and_goes_with_the_daemon(watched):
    path = watched.endpoint.address[len("unix:"):]
    assert os.stat(path).st_mode & 0o777 == 0o660
    watched.stop()
    assert not os.path.exists(path)


def test_the_socket_of_a_daemon_that_was_killed_is_replaced(veth, make_watched, make_daemon):
    first = make_watched().start()
    path = first.endpoint.address[len("unix:"):]
    first.kill()
    assert os.path.exists(path)
    second = make_daemon("--metrics", first.endpoint.address, instance=first.instance).start()
    assert first.endpoint.request("/readyz")[0] == 200
    second.stop()


def test_a_file_that_is_no_socket_is_not_replaced(veth, make_daemon, tmp_path):
    path = tmp_path / "precious"
    path.write_text("kept")
    daemon = make_daemon("--metrics", f"unix:{path}").launch()
    assert daemon.process.wait(20) == 1
    assert path.read_text() == "kept"


@pytest.mark.parametrize("value", ["on", ":9732", "localhost:9732", "127.0.0.1", "unix:a"])
def test_an_address_that_is_none_is_refused(value):
    code, _, errors = neightrackd("--check-config", "--metrics", value)
    assert code == 2 and "allowed are off, an address and a port" in errors


class Authority:
    """A CA, and certificates that it has signed, by openssl."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key,
                      "-out", self.certificate)

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def sign(self, name):
        """(certificate, key) of localhost."""
        base = self.folder / f"{self.name}-{name}"
        certificate, key, request = (base.with_suffix(end) for end in (".pem", ".key", ".csr"))
        extensions = base.with_suffix(".ext")
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key


@pytest.fixture
def tls_daemon(veth, make_daemon, tmp_path):
    """(address, its CA) of one that wants certificates of clients."""
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.sign("server")
    address = f"127.0.0.1:{free_port()}"
    make_daemon("--metrics", address, "--metrics-cert", str(certificate), "--metrics-key",
                str(key), "--metrics-client-ca", str(authority.certificate)).start()
    return address, authority


def test_a_client_with_a_certificate_of_the_ca_reads_the_metrics_by_tls(tls_daemon):
    address, authority = tls_daemon
    context = client_context(authority.certificate, *authority.sign("client"))
    assert Endpoint(address, tls=context).value("neightrack_ready") == 1


def test_a_client_without_a_certificate_is_refused(tls_daemon):
    address, authority = tls_daemon
    context = client_context(authority.certificate)
    status, _, body = Endpoint(address, tls=context).request("/metrics")
    assert status == 403 and "neightrack_" not in body


def test_a_client_with_a_certificate_of_another_ca_is_refused(tls_daemon, tmp_path):
    address, authority = tls_daemon
    context = client_context(authority.certificate, *Authority(tmp_path, "theirs").sign("client"))
    try:
        assert Endpoint(address, tls=context).request("/metrics")[0] == 403
    except (ssl.SSLError, ConnectionError):
        pass                            # or the handshake already tells


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_plain_http_and_old_tls_are_not_answered(tls_daemon):
    address, authority = tls_daemon
    with pytest.raises((OSError, http.client.HTTPException)):
        Endpoint(address).request("/metrics")
    context = client_context(authority.certificate, *authority.sign("client"))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Endpoint(address, tls=context).request("/metrics")


def test_a_handshake_that_never_ends_holds_nobody(tls_daemon, namespace, equals_kernel):
    address, authority = tls_daemon
    with Endpoint(address).open_socket() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")
        namespace.batch(burst(200))
        assert len(equals_kernel(2)) == 200
        context = client_context(authority.certificate, *authority.sign("client"))
        assert Endpoint(address, tls=context).request("/healthz")[0] == 200
        client.settimeout(20)
        while client.recv(100):         # an alert may come before the end
            pass


@pytest.mark.parametrize("which", ["missing", "empty", "not PEM", "another key"])
def test_files_that_tls_cannot_use_are_named(veth, make_daemon, tmp_path, which):
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.sign("server")
    bad = tmp_path / "bad.pem"
    if which == "empty":
        bad.write_text("")
    elif which == "not PEM":
        bad.write_text("-----BEGIN NOTHING-----\n")
    elif which == "another key":
        bad = authority.sign("other")[1]
    daemon = make_daemon("--metrics", f"127.0.0.1:{free_port()}", "--metrics-cert",
                         str(certificate), "--metrics-key", str(bad)).launch()
    assert daemon.process.wait(20) == 1
    daemon.reader.join()
    assert daemon.said("metrics_key"), daemon.lines
    assert key.exists()

# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's metrics, read as Prometheus reads them."""
import http.client
import socket
import ssl

from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from .waiting import TIME_SCALE

OPENMETRICS = "application/openmetrics-text"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Endpoint:
    """Where a daemon serves its metrics; `address` as its option metrics says it."""

    def __init__(self, address, tls=None):
        self.address = address
        self.tls = tls

    def open_socket(self):
        """A connection without a request on it."""
        if self.address.startswith("unix:"):
            opened = socket.socket(socket.AF_UNIX)
            opened.settimeout(10 * TIME_SCALE)
            opened.connect(self.address[len("unix:"):])
            return opened
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), 10 * TIME_SCALE)

    def _connection(self):
        if self.address.startswith("unix:"):
            return _UnixConnection(self.address[len("unix:"):], 10 * TIME_SCALE)
        host, port = self.address.rsplit(":", 1)
        if self.tls:
            return http.client.HTTPSConnection("localhost", int(port), context=self.tls,
                                               timeout=10 * TIME_SCALE)
        return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=10 * TIME_SCALE)

    def request(self, path, method="GET", body=None, **headers):
        """(status, headers, body)"""
        connection = self._connection()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def text(self):
        status, headers, body = self.request("/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return body

    def families(self):
        return list(parse_text(self.text()))

    def openmetrics(self):
        status, headers, body = self.request("/metrics", Accept=OPENMETRICS)
        assert status == 200 and headers["Content-Type"].startswith(OPENMETRICS)
        return list(parse_openmetrics(body))

    def values(self, name):
        """[(labels, value)] of the samples of that name."""
        return [(sample.labels, sample.value) for family in self.families()
                for sample in family.samples if sample.name == name]

    def value(self, name, **labels):
        """The sum over the samples that have these labels; there must be one."""
        found = [value for has, value in self.values(name)
                 if all(has.get(label) == word for label, word in labels.items())]
        assert found, f"no sample {name} {labels}"
        return sum(found)


def client_context(ca, certificate=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context

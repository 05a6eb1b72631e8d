# SPDX-License-Identifier: GPL-2.0-or-later
"""A man in the middle of daemon and Redis: passes on, swallows, spoils and cuts."""
import os
import selectors
import socket
import struct
import threading

CHUNK_BYTES = 1 << 20


def shut(*sockets):
    for end in sockets:
        try:
            end.close()
        except OSError:
            pass


class Connection:
    """The daemon's end, Redis' end, and what is still to be done to it."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.is_deaf = False        # reads what comes, passes on nothing
        self.spoil = None           # of the next reply

    def ends(self):
        return self.client, self.server


class Proxy:
    """Listens on a unix socket (`folder`) or on a port of 127.0.0.1, serves one upstream socket.

    While it is a black hole, it neither reads nor writes: new connections are accepted by the
    kernel alone, as with a machine whose cable was pulled.
    """

    def __init__(self, upstream, folder=None, port=None):
        self.upstream = upstream
        if port is None:
            self.path = os.path.join(str(folder), "proxy.sock")
            self.url = f"unix://{self.path}"
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
        else:
            self.url = f"tcp://127.0.0.1:{port}"
            self.listener = socket.socket(socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", port))
        self.listener.listen(16)
        self.connections = []
        self.accepted = 0
        self.ended_by_client = 0    # while they were deaf
        self.is_black_hole = False
        self.ends = False
        self.rule = None            # (word of a request, what it does to the reply)
        self.lock = threading.Lock()
        self.wake_reader, self.wake_writer = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self):
        self._tell(ends=True)
        self.thread.join(timeout=5)
        for connection in self.connections:
            shut(*connection.ends())
        shut(self.listener, self.wake_reader, self.wake_writer)

    def black_hole(self):
        self._tell(is_black_hole=True)

    def pass_on(self):
        self._tell(is_black_hole=False)

    def spoil(self, word, change, then_cut=False):
        """The next reply after a request with `word` is changed; that connection is deaf then.

        So whoever does not give it up by itself waits for ever. change() makes the bytes that
        the daemon gets of the bytes that Redis sent.
        """
        self._tell(rule=(word, change, then_cut))

    def was_spoilt(self):
        return self.rule is None

    def cut(self):
        """Ends all connections at once, by RST where that exists."""
        with self.lock:
            for connection in self.connections:
                connection.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                             struct.pack("ii", 1, 0))
                for end in connection.ends():
                    end.shutdown(socket.SHUT_RDWR)

    def _tell(self, **attributes):
        with self.lock:
            for name, value in attributes.items():
                setattr(self, name, value)
        self.wake_writer.send(b"!")

    def _run(self):
        while not self.ends:
            with selectors.DefaultSelector() as selector:
                selector.register(self.wake_reader, selectors.EVENT_READ, None)
                if not self.is_black_hole:
                    selector.register(self.listener, selectors.EVENT_READ, None)
                    for connection in self.connections:
                        for end in connection.ends():
                            selector.register(end, selectors.EVENT_READ, connection)
                ready = [(key.fileobj, key.data) for key, _ in selector.select()]
            with self.lock:
                for end, connection in ready:
                    self._serve(end, connection)

    def _serve(self, end, connection):
        if end is self.wake_reader:
            end.recv(CHUNK_BYTES)
        elif end is self.listener:
            self._accept()
        elif connection in self.connections:
            try:
                self._move(end, connection)
            except OSError:
                self._end(connection)

    def _accept(self):
        client = self.listener.accept()[0]
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.upstream)
        except OSError:
            shut(client, server)
            return
        self.accepted += 1
        self.connections.append(Connection(client, server))

    def _end(self, connection):
        self.connections.remove(connection)
        shut(*connection.ends())

    def _move(self, end, connection):
        data = end.recv(CHUNK_BYTES)
        if not data:
            if connection.is_deaf and end is connection.client:
                self.ended_by_client += 1
            self._end(connection)
        elif connection.is_deaf:
            return
        elif end is connection.client:
            if self.rule and self.rule[0] in data:
                connection.spoil, self.rule = self.rule, None
            connection.server.sendall(data)
        elif connection.spoil:
            _, change, then_cut = connection.spoil
            connection.is_deaf = True
            connection.client.sendall(change(data))
            if then_cut:
                self._end(connection)
        else:
            connection.client.sendall(data)


class ClosedPort:
    """A port of 127.0.0.1 whose connections never come to be: its queue is full."""

    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(0)
        self.url = f"tcp://127.0.0.1:{port}"
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            self.fillers.append(filler)

    def stop(self):
        shut(self.listener, *self.fillers)

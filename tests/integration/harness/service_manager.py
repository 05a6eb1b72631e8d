# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of sd_notify(3) that systemd has: a datagram socket, and what arrived there."""
import os
import socket
import threading


class ServiceManager:
    """environment: for the daemon; messages: [{variable: value}, ...] in their order."""

    def __init__(self, folder, watchdog_s=0):
        self.path = os.path.join(str(folder), "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.environment = {"NOTIFY_SOCKET": self.path}
        if watchdog_s:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.messages = []
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def _receive(self):
        while True:
            text = self.socket.recv(65536).decode()
            if not text:
                return
            self.messages.append(dict(line.split("=", 1) for line in text.splitlines()))

    def values(self, variable):
        return [message[variable] for message in self.messages if variable in message]

    def has(self, variable):
        return bool(self.values(variable))

    def status(self):
        return (self.values("STATUS") or [""])[-1]

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.path)
        self.thread.join(timeout=5)
        self.socket.close()

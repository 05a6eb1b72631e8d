# SPDX-License-Identifier: GPL-2.0-or-later
"""A real redis-server of the test's own, on a unix socket in a folder of its own."""
import os
import signal
import socket
import subprocess

import redis

from .waiting import eventually

WRITES = {"hset", "hmset", "hdel", "del", "unlink", "set", "sadd", "multi", "exec", "evalsha",
          "eval"}


def free_port(host="127.0.0.1"):
    """A TCP port that nobody uses now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def read_table(client, pattern="*NEIGH_TABLE:*"):
    """{key: fields}; a key of another type has its type as its value."""
    keys = list(client.scan_iter(match=pattern, count=1000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hgetall(key)
    values = pipeline.execute(raise_on_error=False)
    return {key: value if isinstance(value, dict) else str(value)
            for key, value in zip(keys, values) if value}


class RedisServer:
    """port 0: the unix socket alone. `config` are further words of the command line."""

    def __init__(self, folder, port=0, config=()):
        self.folder = str(folder)
        self.port = port
        self.config = list(config)
        self.socket = os.path.join(self.folder, "redis.sock")
        self.url = f"unix://{self.socket}"
        self.process = None
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)

    def start(self, *config):
        """Returns as soon as it answers."""
        self.launch(*config)
        eventually(self.answers, 10, "redis-server answers")

    def launch(self, *config):
        """`config` holds for this run alone."""
        listen = ["--bind", "127.0.0.1", "-::1"] if self.port else []
        with open(os.path.join(self.folder, "redis.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), *listen, "--unixsocket", self.socket,
                 "--unixsocketperm", "777", "--save", "", "--appendonly", "no", "--dir",
                 self.folder, *self.config, *config],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.RedisError:
            return False

    def is_loading(self):
        try:
            return not self.client.ping()
        except redis.exceptions.BusyLoadingError:
            return True
        except redis.exceptions.RedisError:
            return False

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None
        self.client.connection_pool.disconnect()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def table(self, pattern="*NEIGH_TABLE:*"):
        return read_table(self.client, pattern)

    def forget_statistics(self):
        self.client.config_resetstat()

    def calls(self):
        """How many commands of each kind were called since forget_statistics()."""
        statistics = self.client.info("commandstats")
        return {name.replace("cmdstat_", ""): value["calls"]
                for name, value in statistics.items()}

    def writes(self):
        """The same of those that write."""
        return {name: calls for name, calls in self.calls().items() if name in WRITES}

    def kill_clients(self):
        """Every connection but our own."""
        return self.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

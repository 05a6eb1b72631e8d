# SPDX-License-Identifier: GPL-2.0-or-later
"""A real redis-server of the test's own, on a unix socket in a folder of its own."""
import os
import signal
import subprocess

import redis

from .waiting import eventually

WRITES = {"hset", "hmset", "hdel", "del", "unlink", "set", "sadd", "multi", "exec", "evalsha",
          "eval"}


class RedisServer:
    def __init__(self, folder):
        self.folder = str(folder)
        self.socket = os.path.join(self.folder, "redis.sock")
        self.url = f"unix://{self.socket}"
        self.process = None
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)

    def start(self):
        with open(os.path.join(self.folder, "redis.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
                 "--appendonly", "no", "--dir", self.folder],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self.answers, 10, "redis-server answers")

    def answers(self):
        try:
            return self.client.ping()
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
        """{key: fields}; a key of another type has its type as its value."""
        keys = list(self.client.scan_iter(match=pattern, count=1000))
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        values = pipeline.execute(raise_on_error=False)
        return {key: value if isinstance(value, dict) else str(value)
                for key, value in zip(keys, values) if value}

    def forget_statistics(self):
        self.client.config_resetstat()

    def writes(self):
        """How many commands that write were called since forget_statistics()."""
        statistics = self.client.info("commandstats")
        return {name: value["calls"] for name, value in
                ((name.replace("cmdstat_", ""), value) for name, value in statistics.items())
                if name in WRITES}

    def kill_clients(self):
        """Every connection but our own."""
        return self.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

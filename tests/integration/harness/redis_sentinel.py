# SPDX-License-Identifier: GPL-2.0-or-later
"""A master, its replica and three sentinels, on ports of 127.0.0.1."""
import os
import subprocess

import redis

from .redis_server import RedisServer, free_port, read_table
from .waiting import eventually

MASTER_NAME = "neighbours"
QUORUM = 2
# sentinels look at everything more often than they would; but four times the publish-period
# must be longer than the second in which a promotion is noticed, or they take it back
HURRY = {"info-period": 200, "ping-period": 100, "ask-period": 100, "publish-period": 500,
         "election-timeout": 1000, "slave-reconf-timeout": 1000}


class Sentinel:
    def __init__(self, folder, master_port):
        self.port = free_port()
        self.folder = str(folder)
        self.config = os.path.join(self.folder, "sentinel.conf")
        self.process = None
        self.client = redis.Redis(port=self.port, decode_responses=True)
        with open(self.config, "w", encoding="ascii") as config:
            config.write(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
                         f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master_port} {QUORUM}\n"
                         f"sentinel down-after-milliseconds {MASTER_NAME} 400\n"
                         f"sentinel failover-timeout {MASTER_NAME} 3000\n")

    def start(self):
        with open(os.path.join(self.folder, "sentinel.log"), "ab") as log:
            self.process = subprocess.Popen(["redis-server", self.config, "--sentinel"],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self.answers, 10, "the sentinel answers")
        for name, value in HURRY.items():
            self.client.execute_command("SENTINEL", "DEBUG", name, value)

    def answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.RedisError:
            return False

    def master_port(self):
        return int(self.ask("GET-MASTER-ADDR-BY-NAME")[1])

    def ask(self, what):
        return self.client.execute_command("SENTINEL", what, MASTER_NAME)

    def knows_all(self):
        """A failover would work, and lead to a server that is there."""
        state = self.ask("MASTER")
        flags = {flag for replica in self.ask("REPLICAS") for flag in flags_of(replica)}
        others = [flags_of(other) for other in self.ask("SENTINELS")]
        return (flags_of(state) == {"master"} and flags == {"slave"} and
                len(others) == 2 and all(other == {"sentinel"} for other in others))

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.client.connection_pool.disconnect()


def flags_of(state):
    """The client library does not agree with itself about the form of these answers."""
    if isinstance(state, list):
        state = dict(zip(state[::2], state[1::2]))
    flags = state["flags"]
    return set(flags.split(",")) if isinstance(flags, str) else set(flags)


class SentinelSet:
    """Two servers, of which one is the master; tests may kill what heal() starts again."""

    def __init__(self, folder):
        self.servers = []
        for i in range(2):
            (folder / f"server{i}").mkdir()
            self.servers.append(RedisServer(folder / f"server{i}", port=free_port(), config=[
                "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]))
        self.sentinels = []
        for i in range(3):
            (folder / f"sentinel{i}").mkdir()
            self.sentinels.append(Sentinel(folder / f"sentinel{i}", self.servers[0].port))

    def start(self):
        for server in self.servers:
            server.start()
        self.servers[1].client.replicaof("127.0.0.1", self.servers[0].port)
        for sentinel in self.sentinels:
            sentinel.start()
        self.heal()

    def url(self, name=MASTER_NAME, database=""):
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"sentinel://{hosts}/{name}{database}"

    def heal(self):
        """Starts what a test has killed, waits until all is well, and empties the master."""
        for each in [*self.servers, *self.sentinels]:
            if not each.process or each.process.poll() is not None:
                each.start()
        eventually(self.is_well, 20, "the sentinels agree, and the replica follows")
        self.master().client.flushall()

    def is_well(self):
        try:
            return (all(sentinel.knows_all() for sentinel in self.sentinels) and
                    {sentinel.master_port() for sentinel in self.sentinels} ==
                    {self.master().port} and
                    self.replica().client.info("replication")["master_link_status"] == "up")
        except redis.exceptions.RedisError:
            return False

    def stop(self):
        for each in [*self.sentinels, *self.servers]:
            each.stop()

    def master(self):
        """By what the servers say of themselves, not the sentinels."""
        masters = [server for server in self.servers if server.process and server.answers() and
                   server.client.info("replication")["role"] == "master"]
        if len(masters) != 1:
            raise redis.exceptions.ConnectionError("there is no master, or one too many")
        return masters[0]

    def replica(self):
        master = self.master()
        return next(server for server in self.servers if server is not master)

    def table(self):
        return read_table(self.master().client)

    def fail_over(self):
        """By order: the old master lives, and becomes the replica."""
        self.sentinels[-1].ask("FAILOVER")

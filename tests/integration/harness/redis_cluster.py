# SPDX-License-Identifier: GPL-2.0-or-later
"""Three nodes of a Redis Cluster on ports of 127.0.0.1, without replicas."""
import redis

from .redis_server import RedisServer, free_port, read_table
from .waiting import eventually

SLOTS = 16384
TAG = "nt"
PREFIX = f"{{{TAG}}}:"          # one hash tag: every key is in one slot


class RedisCluster:
    def __init__(self, folder):
        self.nodes = []
        for i in range(3):
            (folder / f"node{i}").mkdir()
            self.nodes.append(RedisServer(folder / f"node{i}", port=free_port(), config=[
                "--cluster-enabled", "yes", "--cluster-port", str(free_port()),
                "--cluster-node-timeout", "2000", "--cluster-announce-ip", "127.0.0.1"]))
        self.ids = []
        self.slot = None

    def start(self):
        for i, node in enumerate(self.nodes):
            node.start()
            self.ids.append(node.client.execute_command("CLUSTER", "MYID"))
            self.command(node, "ADDSLOTSRANGE", SLOTS * i // 3, SLOTS * (i + 1) // 3 - 1)
            self.command(node, "SET-CONFIG-EPOCH", i + 1)
        first = self.nodes[0]
        self.slot = self.command(first, "KEYSLOT", TAG)
        for node in self.nodes[1:]:
            self.command(first, "MEET", "127.0.0.1", node.port,
                         node.config[node.config.index("--cluster-port") + 1])
        eventually(self.is_well, 20, "the cluster is well")

    def stop(self):
        for node in self.nodes:
            node.stop()

    @staticmethod
    def command(node, *words):
        return node.client.execute_command("CLUSTER", *words)

    def url(self, node):
        return f"tcp://127.0.0.1:{node.port}"

    def is_well(self):
        """All nodes are in it and agree whose every slot is; none is on the way."""
        views = []
        for node in self.nodes:
            info = node.client.execute_command("CLUSTER INFO")
            if info["cluster_state"] != "ok" or info["cluster_known_nodes"] != "3":
                return False
            state = node.client.execute_command("CLUSTER NODES")
            if any(one["migrations"] for one in state.values()):
                return False
            views.append(sorted((one["node_id"], str(one["slots"])) for one in state.values()))
        return views[0] == views[1] == views[2]

    def heal(self):
        """Gives our slot to whoever last had it, and empties all nodes."""
        owner = self.owner() or self.nodes[0]
        for node in self.nodes:
            self.command(node, "SETSLOT", self.slot, "STABLE")
        if not self.owner():
            self.assign(owner)
        eventually(self.is_well, 20, "the cluster is well again")
        for node in self.nodes:
            node.client.flushall()

    def owner(self):
        """The node that says that it serves our slot."""
        for node, node_id in zip(self.nodes, self.ids):
            for first, last, server, *_ in self.slots(node):
                if first <= self.slot <= last and server == node_id:
                    return node
        return None

    @staticmethod
    def slots(node):
        raw = node.client.execute_command("CLUSTER NODES")
        for one in raw.values():
            for spread in one["slots"]:
                yield int(spread[0]), int(spread[-1]), one["node_id"]

    def another(self, *nodes):
        return next(node for node in self.nodes if node not in nodes)

    def id_of(self, node):
        return self.ids[self.nodes.index(node)]

    def table(self):
        """Of our slot's owner alone."""
        return read_table(self.owner().client)

    def tables(self):
        """Of all nodes together."""
        together = {}
        for node in self.nodes:
            keys = list(node.client.scan_iter(match="*NEIGH_TABLE:*", count=1000))
            pipeline = node.client.pipeline(transaction=False)
            for key in keys:
                # a node that a slot is on its way to answers for it only so
                pipeline.execute_command("ASKING")
                pipeline.hgetall(key)
            values = pipeline.execute(raise_on_error=False)[1::2]
            together.update({key: value for key, value in zip(keys, values) if value})
        return together

    def begin_migration(self, target):
        source = self.owner()
        self.command(target, "SETSLOT", self.slot, "IMPORTING", self.id_of(source))
        self.command(source, "SETSLOT", self.slot, "MIGRATING", self.id_of(target))
        return source

    def move_keys(self, source, target, at_most=None):
        """Some of the keys, or, again and again, all of them."""
        moved = 0
        while at_most is None or moved < at_most:
            keys = self.command(source, "GETKEYSINSLOT", self.slot, 100)
            if not keys:
                break
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000,
                                          "REPLACE", "KEYS", *keys)
            moved += len(keys)
        return moved

    def end_migration(self, source, target):
        self.move_keys(source, target)
        for node in (target, source, self.another(source, target)):
            self.command(node, "SETSLOT", self.slot, "NODE", self.id_of(target))

    def unassign(self):
        owner = self.owner()
        for node in self.nodes:
            self.command(node, "DELSLOTS", self.slot)
        return owner

    def assign(self, node):
        self.command(node, "ADDSLOTS", self.slot)


def error_of(client, *words):
    """What Redis answers if it refuses, else nothing."""
    try:
        client.execute_command(*words)
        return ""
    except redis.exceptions.RedisError as error:
        return f"{type(error).__name__} {error}"

# SPDX-License-Identifier: GPL-2.0-or-later
"""The consumer's side of SONiC's ProducerStateTable, in the place of orchagent.

Written from the protocol alone. It pops at random moments, in batches of random
sizes, and keeps what it was told; what it must never be told is remembered.
"""
import random
import threading

import redis

TABLE = "NEIGH_TABLE"

# KEYS: the set of keys, the set of deletions, the hashes that wait, the table's hashes
# (both by what they begin with). ARGV: how many keys at most.
POP = """
local popped = {}
for _, key in ipairs(redis.call('SPOP', KEYS[1], ARGV[1])) do
    local deleted = redis.call('SREM', KEYS[2], key)
    if deleted == 1 then
        redis.call('DEL', KEYS[4] .. key)
    end
    local fields = redis.call('HGETALL', KEYS[3] .. key)
    for i = 1, #fields, 2 do
        redis.call('HSET', KEYS[4] .. key, fields[i], fields[i + 1])
    end
    redis.call('DEL', KEYS[3] .. key)
    popped[#popped + 1] = {key, deleted, fields}
end
return popped
"""


class SonicConsumer:
    """table: {key: fields}, as its owner believes it to be; told: [(key, op, fields)]."""

    def __init__(self, server, seed=0, greedy=False):
        self.client = redis.Redis(unix_socket_path=server.socket, decode_responses=True)
        self.greedy = greedy            # takes all, at once
        self.random = random.Random(f"consumer {seed}")
        self.table = self.stored()
        self.told = []
        self.faults = []
        self.notifications = 0
        self.away = threading.Event()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def stored(self):
        """The table's hashes in Redis, by their keys without its name."""
        return {key.split(":", 1)[1]: self.client.hgetall(key)
                for key in self.client.scan_iter(match=f"{TABLE}:*", count=1000)}

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.ending.set()
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()
        assert not self.faults, self.faults[:5]

    def pending(self):
        return self.client.scard(f"{TABLE}_KEY_SET")

    def clear(self):
        """Forgets what it was told of single neighbours."""
        self.told.clear()

    def _run(self):
        while not self.ending.is_set():
            try:
                self._follow()
            except redis.exceptions.RedisError:
                # it is away, or loads; the answer to a pop may be lost: begin anew
                self.ending.wait(0.02)
                self.table = None

    def _follow(self):
        """As a consumer does: what is there first, then whenever it is notified."""
        with self.client.pubsub() as channel:
            channel.subscribe(f"{TABLE}_CHANNEL@0")
            channel.get_message(timeout=1)
            if self.table is None:
                self.table = self.stored()
            self._take_all()
            while not self.ending.is_set():
                message = channel.get_message(timeout=0.05)
                if message and message["type"] == "message":
                    self.notifications += 1
                    if message["data"] != "G":
                        self.faults.append(("notification", message["data"]))
                    self._take_all()

    def _take_all(self):
        while not self.ending.is_set():
            while self.away.is_set() and not self.ending.is_set():
                self.ending.wait(0.01)
            if not self._take(1024 if self.greedy else self.random.choice((1, 2, 7, 128, 1024))):
                return
            if not self.greedy:
                self.ending.wait(self.random.choice((0, 0, 0, 0.001, 0.02, 0.3)))

    def _take(self, most):
        popped = self.client.eval(POP, 4, f"{TABLE}_KEY_SET", f"{TABLE}_DEL_SET", f"_{TABLE}:",
                                  f"{TABLE}:", most)
        for key, deleted, pairs in popped:
            fields = dict(zip(pairs[::2], pairs[1::2]))
            if not fields and not deleted:
                self.faults.append((key, "neither deleted nor set"))
            if fields and list(fields) != ["neigh", "family"]:
                self.faults.append((key, fields))
            if fields:
                self.table[key] = fields
            else:
                self.table.pop(key, None)
            self.told.append((key, "SET" if fields else "DEL", fields))
        return len(popped)

    def read(self):
        """Its table by the full names of the keys, once nothing is pending."""
        if self.pending() or self.table is None:
            return None
        return {f"{TABLE}:{key}": fields for key, fields in dict(self.table).items()}

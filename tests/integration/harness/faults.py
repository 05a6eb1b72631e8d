# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults that are injected while a storm goes on."""
import collections
import signal
import time

import redis


class Faults:
    """`make()` returns a new Daemon of the same instance that is not started yet, and
    `configuration` is the path of its file."""

    # of the processes and of what is between them
    BREAKS = ("pause_daemon", "kill_daemon", "pause_redis", "kill_clients", "restart_redis")
    # what only an audit finds, and audits
    AUDITED = ("flush_redis", "audit")
    # what reconfigure chooses from; the first is what the others end with
    CONFIGURATIONS = ("", "ignore = lo ignored* *-p ra\n", "ipv6 = no\n",
                      "ignore = lo *-p\nnoarp = yes\n", "interfaces = r*\nbatch_size = 7\n")

    def __init__(self, daemon, redis_server, make, kinds, configuration, config_db=None):
        self.daemon = daemon
        self.redis_server = redis_server
        self.make = make
        self.kinds = kinds
        self.chosen = kinds
        self.configuration = configuration
        self.config_db = config_db
        self.counts = collections.Counter()

    @property
    def number(self):
        return sum(self.counts.values())

    def choose(self, rng):
        """Some kinds alone for what follows: a restart repairs what others have broken."""
        self.chosen = rng.sample(self.kinds, rng.choice((1, 2, len(self.kinds))))

    def inject(self, rng):
        """One after a while."""
        time.sleep(rng.random() * 0.4)
        kind = rng.choice(self.chosen)
        self.counts[kind] += 1
        getattr(self, kind)(rng)

    def pause_daemon(self, rng):
        self.daemon.signal(signal.SIGSTOP)
        time.sleep(rng.random() * 0.3)
        self.daemon.signal(signal.SIGCONT)

    def kill_daemon(self, rng):
        self.daemon.kill()
        time.sleep(rng.random() * 0.1)
        self.daemon = self.make()
        self.daemon.launch()

    def pause_redis(self, rng):
        self.redis_server.pause()
        time.sleep(rng.random() * 0.3)
        self.redis_server.resume()

    def kill_clients(self, rng):
        del rng
        self.redis_server.kill_clients()

    def restart_redis(self, rng):
        """It comes back empty."""
        self.redis_server.stop()
        time.sleep(rng.random() * 0.3)
        self.redis_server.start()

    def flush_redis(self, rng):
        del rng
        try:
            self.redis_server.client.flushall()
        except redis.exceptions.RedisError:
            pass

    def audit(self, rng):
        del rng
        if self.daemon.takes_signals():
            self.daemon.audit()

    def reconfigure(self, rng):
        self.configure(rng.choice(self.CONFIGURATIONS))

    def configure(self, text):
        self.write_configuration(text)
        if self.daemon.takes_signals():
            self.daemon.signal(signal.SIGHUP)

    def change_switch(self, rng):
        self.set_dual_tor(rng.random() < 0.5)

    def set_dual_tor(self, is_one):
        if is_one:
            self.config_db.hset("PEER_SWITCH|lower_tor", "address_ipv4", "10.1.0.33")
        else:
            self.config_db.delete("PEER_SWITCH|lower_tor")

    def write_configuration(self, text):
        """In one step, as the daemon may be reading it."""
        usual = "" if "ignore" in text else "ignore = lo ignored* *-p\n"
        fresh = self.configuration.with_suffix(".new")
        fresh.write_text(f"[neightrackd]\n{usual}{text}")
        fresh.rename(self.configuration)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Random changes of neighbours and links, in rounds. In each round each thread does
what a generator of its own says, which depends on nothing but the seed and the
round's number: the same seed, the same sequences (of which a run does as much as its
time allows). A round has some kinds of changes alone, as others would repair what
these have broken."""
import collections
import itertools
import random
import socket
import threading
import time

from . import rtnetlink
from .rtnetlink import delete, replace, replace_proxy

DEVICES = ("veth0", "ra", "rb")
PEER_ADDRESSES = [f"192.0.2.{i}" for i in range(2, 10)]
PEER_ADDRESSES_6 = [f"2001:db8::{i}" for i in range(2, 10)]
STATES = ("reachable", "stale", "permanent", "noarp", "noarp extern_learn", "failed", "delay",
          "probe", "incomplete", "none")
PAUSES_S = (0, 0, 0, 0.002, 0.05)
STEPS_A_PAUSE = 20
TRACE_LINES = 8
# short, so that the kernel itself changes states and collects what is stale
TIMERS = {"base_reachable_time_ms": (200, 1000, 5000), "delay_first_probe_time": (0, 1),
          "retrans_time_ms": (20, 100), "gc_stale_time": (1, 3, 60), "locktime": (0, 100),
          "ucast_solicit": (0, 1, 2), "mcast_solicit": (1, 2)}


def landmarks(rng, device):
    """Neighbours that nobody else touches, so that what is lost of them stays lost."""
    return [replace(f"10.8.0.{rng.randrange(1, 9)}", device,
                    f"02:00:00:00:03:{rng.randrange(256):02x}", "permanent") for _ in range(3)]


def up_again(rng, device):
    return [f"link set {device} down", f"link set {device} up", *landmarks(rng, device)]


def made_again(rng, old, new, index=""):
    """`new` in the place of `old`, with an ifindex that another one may have had."""
    return [f"link del {old}", f"link add {new} {index} type veth peer name {new}-p",
            f"link set {new}-p up", f"link set {new} up", *landmarks(rng, new)]


def moved(storm, rng, device):
    """To the other namespace, where it has a neighbour too, and back."""
    return [("here", [f"link set {device} netns {storm.peer.name}"]),
            ("peer", [*landmarks(rng, device),
                      f"link set {device} netns {storm.namespace.name}"]),
            ("here", [f"link set {device} up", *landmarks(rng, device)])]


def some_index(rng):
    return f"index {rng.randrange(2000, 2003)}"


# name: function of storm and generator that returns [(where, lines), ...]
LINK_STEPS = {
    "ra-down-up": lambda storm, rng: [("here", up_again(rng, "ra"))],
    "veth0-down-up": lambda storm, rng: [("here", ["link set veth0 down", "link set veth0 up"])],
    "swap": lambda storm, rng: [("here", ["link set ra name rx", "link set rb name ra",
                                          *landmarks(rng, "ra"), "link set rx name rb"])],
    "ignored": lambda storm, rng: [("here", ["link set rb name ignored0",
                                             *landmarks(rng, "ignored0"),
                                             "link set ignored0 name rb"])],
    "made": lambda storm, rng: [("here", made_again(rng, "rb", "rb"))],
    "made-index": lambda storm, rng: [("here", made_again(rng, "rb", "rb", some_index(rng)))],
    "made-other": lambda storm, rng: [("here", made_again(rng, "rb", "rz", some_index(rng)) +
                                       made_again(rng, "rz", "rb", some_index(rng)))],
    "made-ignored": lambda storm, rng: [
        ("here", made_again(rng, "rb", "ignored0", some_index(rng)) +
         made_again(rng, "ignored0", "rb", some_index(rng)))],
    "address": lambda storm, rng: [
        ("here", [f"addr {rng.choice(('replace', 'del'))} 198.51.100.{rng.randrange(4)}/24 "
                  "dev ra"])],
    "mac": lambda storm, rng: [
        ("here", [f"link set rb address 02:00:00:00:01:{rng.randrange(4):02x}"])],
    "arp": lambda storm, rng: [("here", ["link set rb arp off", "link set rb arp on"])],
    "moved-ra": lambda storm, rng: moved(storm, rng, "ra"),
    "moved-rb": lambda storm, rng: moved(storm, rng, "rb"),
}


class Storm:
    """Set up, then run_for(); changes is the number of commands and packets."""

    def __init__(self, namespace, peer, seed, addresses):
        self.namespace = namespace
        self.peer = peer
        self.seed = seed
        self.addresses = addresses      # this many a family and interface
        self.stopped = threading.Event()
        self.round = 0
        self.link_steps = ()
        self.counts = collections.Counter()
        self.traces = {}
        self.senders = {}
        self.failures = []

    @property
    def changes(self):
        return sum(self.counts.values())

    def set_up(self):
        for name in ("ra", "rb"):
            self.namespace.add_interface(name)
        for address in PEER_ADDRESSES[1:]:
            self.peer.ip("addr", "add", f"{address}/24", "dev", "veth0")
        for address in PEER_ADDRESSES_6[1:]:
            self.peer.ip("addr", "add", f"{address}/64", "dev", "veth0", "nodad")
        if self.addresses > 1000:
            rtnetlink.Neighbours(self.namespace).send(
                [replace(self.ipv4(i), device, "02:00:00:00:00:00", "permanent")
                 for device in DEVICES for i in range(self.addresses)])

    def run_for(self, seconds, inject):
        """One round. Calls inject(rng) again and again meanwhile."""
        steps = {"neighbours 1": self.change_neighbours, "neighbours 2": self.change_neighbours,
                 "links": self.change_links, "resolution": self.resolve}
        self.round += 1
        self.stopped.clear()
        rng = self.generator("faults")
        all_steps = list(LINK_STEPS)
        self.link_steps = rng.sample(all_steps, rng.choice((1, 2, 4, len(all_steps))))
        threads = [threading.Thread(target=self.repeat, args=item) for item in steps.items()]
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.start()
        try:
            while time.monotonic() < deadline:
                inject(rng)
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join()
        assert not self.failures, self.failures

    def generator(self, name):
        return random.Random(f"{self.seed} {self.round} {name}")

    def repeat(self, name, step):
        rng = self.generator(name)
        trace = self.traces[name] = collections.deque(maxlen=TRACE_LINES)
        for namespace in (self.namespace, self.peer):
            if (name, namespace) not in self.senders:
                self.senders[name, namespace] = rtnetlink.Neighbours(namespace)
        pause_s = 0
        while not self.stopped.is_set():
            if rng.randrange(STEPS_A_PAUSE) == 0:
                pause_s = rng.choice(PAUSES_S)
            try:
                what = step(rng, name)
            except Exception as failure:        # of the storm itself
                self.failures.append(repr(failure))
                return
            trace.append(f"{time.monotonic():.3f} {what}")
            self.stopped.wait(pause_s)

    def end(self):
        for sender in self.senders.values():
            sender.close()

    def tell(self):
        print(f"round {self.round}; links: {' '.join(self.link_steps)}")
        for name, trace in self.traces.items():
            print(f"last steps of {name}:", *trace, sep="\n  ")

    def run(self, name, steps, namespace=None):
        """Lines for iproute2 and changes, in their order. What fails (an interface that is
        just gone) is part of the storm."""
        where = namespace or self.namespace
        for is_line, group in itertools.groupby(steps, lambda step: isinstance(step, str)):
            if is_line:
                where.try_batch(group)
            else:
                self.senders[name, where].send(list(group))
        self.counts[name] += len(steps)
        words = [step if isinstance(step, str) else rtnetlink.text(step) for step in steps[:6]]
        return "; ".join(words) + (f"; ... {len(steps)} in all" if len(steps) > 6 else "")

    def ipv4(self, number):
        return f"10.{9 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"

    def random_change(self, rng):
        device = rng.choice(DEVICES)
        address = self.ipv4(rng.randrange(1, self.addresses))
        if rng.random() < 0.3:
            address = f"2001:db8:9::{rng.randrange(1, self.addresses):x}"
        kind = rng.random()
        if kind < 0.25:
            return delete(address, device)
        if kind < 0.27:
            return replace_proxy(address, device)
        return replace(address, device, f"02:00:00:00:00:{rng.randrange(4):02x}",
                       rng.choice(STATES))

    def change_neighbours(self, rng, name):
        kind = rng.random()
        if kind < 0.03:
            return self.run(name, [f"neigh flush dev {rng.choice(DEVICES)}"])
        if kind < 0.04:
            return self.run(name, ["neigh flush all"])
        if kind < 0.10:
            # again and again the same: one CPU's record may overtake the other's
            return self.run(name, [self.random_change(rng) for _ in range(3)] * 100)
        count = rng.choice((1, 10, 200, 2000))
        return self.run(name, [self.random_change(rng) for _ in range(count)])

    def change_links(self, rng, name):
        self.stopped.wait(rng.random() * 0.2)
        return "; ".join(self.run(name, lines, self.peer if where == "peer" else None)
                         for where, lines in LINK_STEPS[rng.choice(self.link_steps)](self, rng))

    def resolve(self, rng, name):
        """What packets make the kernel do by itself, and with which timers."""
        kind = rng.random()
        if kind < 0.1:
            timer, values = rng.choice(sorted(TIMERS.items()))
            path = f"{rng.choice(('ipv4', 'ipv6'))}/neigh/{rng.choice(DEVICES)}/{timer}"
            value = rng.choice(values)
            self.counts[name] += 1
            try:
                self.namespace.sysctl(path, value)
            except AssertionError:
                pass        # the interface is just gone
            return f"{path} = {value}"
        if kind < 0.25:
            word = rng.choice(("del", "add"))
            address = f"{rng.choice(PEER_ADDRESSES)}/24"
            if rng.random() < 0.5:
                address = f"{rng.choice(PEER_ADDRESSES_6)}/64"
            nodad = " nodad" if word == "add" and ":" in address else ""
            return self.run(name, [f"addr {word} {address} dev veth0{nodad}"], self.peer)
        if kind < 0.3:
            mac = f"02:00:00:00:02:{rng.randrange(4):02x}"
            return self.run(name, [f"link set veth0 address {mac}"], self.peer)
        # half of these have nobody who answers
        targets = [rng.choice(PEER_ADDRESSES + PEER_ADDRESSES_6 +
                              ["192.0.2.200", "192.0.2.201", "2001:db8::200", "198.51.100.77"])
                   for _ in range(rng.choice((1, 8, 64)))]
        return self.send(name, targets)

    def send(self, name, targets):
        sockets = {family: self.namespace.open_socket(family, socket.SOCK_DGRAM)
                   for family in (socket.AF_INET, socket.AF_INET6)}
        for target in targets:
            sender = sockets[socket.AF_INET6 if ":" in target else socket.AF_INET]
            try:
                sender.sendto(b"x", socket.MSG_DONTWAIT, (target, 9))
            except OSError:
                pass        # no route, no buffer
        for sender in sockets.values():
            sender.close()
        self.counts[name] += len(targets)
        return "send to " + " ".join(targets[:8])

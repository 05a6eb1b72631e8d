# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces, by iproute2 alone: none of our own code tells the truth."""
import ctypes
import itertools
import json
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def run(*words, text=None):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """A namespace with a name of its own, removed by remove()."""

    def __init__(self, name=None):
        self.name = name or f"nt{os.getpid()}x{next(_numbers)}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL, check=False)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def batch(self, lines):
        """Many iproute2 commands in one process."""
        run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    def try_batch(self, lines):
        """The same, where some may fail: their interface or neighbour may just be gone."""
        subprocess.run(["ip", "-n", self.name, "-force", "-batch", "-"], check=False,
                       input="\n".join(lines) + "\n", text=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def execute(self, *words):
        return run("ip", "netns", "exec", self.name, *words)

    def open_socket(self, *arguments):
        """A socket of this process that belongs to this namespace."""
        made = []

        def enter():
            with open(f"/run/netns/{self.name}", encoding="ascii") as namespace:
                # of this thread alone, which ends here
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(*arguments))
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert made, f"cannot open a socket in {self.name}"
        return made[0]

    def can_ping(self, address):
        command = ["ip", "netns", "exec", self.name, "ping", "-q", "-c", "1", "-W", "1", address]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def sysctl(self, path, value):
        self.execute("sh", "-c", f"echo {value} > /proc/sys/net/{path}")

    def join(self, other, interface="veth0", other_interface="veth0"):
        """A veth pair, up at both ends."""
        self.ip("link", "add", interface, "type", "veth", "peer", "name", other_interface,
                "netns", other.name)
        self.ip("link", "set", interface, "up")
        other.ip("link", "set", other_interface, "up")

    def add_interface(self, name):
        """An interface that is up and has nobody at its other end."""
        self.ip("link", "add", name, "type", "veth", "peer", "name", f"{name[:12]}-p")
        self.ip("link", "set", f"{name[:12]}-p", "up")
        self.ip("link", "set", name, "up")

    def neighbours(self):
        return json.loads(self.ip("-j", "neigh", "show", "nud", "all") or "[]")


UNRESOLVED = {"INCOMPLETE", "FAILED"}
VALID = {"PERMANENT", "NOARP", "REACHABLE", "STALE", "DELAY", "PROBE"}


def expected_table(namespace, ignored=("lo",), link_local=(), noarp=False,
                   families=("IPv4", "IPv6"), prefix="", dual_tor=False):
    """What Redis must hold, from iproute2's view of the kernel, under the policy."""
    table = {}
    for neighbour in namespace.neighbours():
        address, device = neighbour["dst"], neighbour["dev"]
        mac, states = neighbour.get("lladdr"), set(neighbour.get("state", []))
        family = "IPv6" if ":" in address else "IPv4"
        if device in ignored or device.endswith("-p") or family not in families:
            continue
        if dual_tor and states & UNRESOLVED:
            mac, states = "00:00:00:00:00:00", VALID - {"NOARP"}
        if not states & VALID or not mac or len(mac) != 17 or mac == "ff:ff:ff:ff:ff:ff":
            continue
        if "NOARP" in states and not noarp and "extern_learn" not in neighbour:
            continue
        if address.startswith("fe80:") and device not in link_local:
            continue
        if address.startswith("ff") or (family == "IPv4" and
                                        (int(address.split(".")[0]) >= 224 or
                                         address.split(".")[0] in ("0", "127"))):
            continue
        table[f"{prefix}NEIGH_TABLE:{device}:{address}"] = {"neigh": mac, "family": family}
    return table


def burst(count, device="veth0", mac=0, state="reachable", net="10"):
    """`neigh replace` lines for `count` neighbours; `mac` varies all MACs."""
    return [f"neigh replace {net}.{1 + (i >> 16)}.{(i >> 8) & 255}.{i & 255} "
            f"lladdr 02:00:{mac:02x}:{(i >> 16) & 255:02x}:{(i >> 8) & 255:02x}:{i & 255:02x} "
            f"dev {device} nud {state}" for i in range(count)]


def removal(count, device="veth0", net="10"):
    return [f"neigh del {net}.{1 + (i >> 16)}.{(i >> 8) & 255}.{i & 255} dev {device}"
            for i in range(count)]

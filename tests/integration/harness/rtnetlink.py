# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of neighbours sent to the kernel without iproute2, which ends a batch at the
first one that the kernel refuses. Here the others follow, and no process is started."""
import collections
import fcntl
import socket
import struct

RTM_NEWNEIGH, RTM_DELNEIGH = 28, 29
NLM_F_REQUEST, NLM_F_REPLACE, NLM_F_CREATE = 0x1, 0x100, 0x400
NDA_DST, NDA_LLADDR = 1, 2
NTF_PROXY, NTF_EXT_LEARNED = 0x08, 0x10
SIOCGIFINDEX = 0x8933
NUD = {"none": 0, "incomplete": 1, "reachable": 2, "stale": 4, "delay": 8, "probe": 16,
       "failed": 32, "noarp": 64, "permanent": 128}
MESSAGES_A_SEND = 500

# in the words of `ip neigh`; state: a key of NUD, perhaps with " extern_learn"
Change = collections.namedtuple("Change", "word address device mac state")


def replace(address, device, mac, state="reachable"):
    return Change("replace", address, device, mac, state)


def delete(address, device):
    return Change("del", address, device, None, "none")


def replace_proxy(address, device):
    return Change("replace proxy", address, device, None, "none")


def text(change):
    mac = f" lladdr {change.mac} nud {change.state}" if change.mac else ""
    return f"neigh {change.word} {change.address} dev {change.device}{mac}"


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(change, ifindex):
    family = socket.AF_INET6 if ":" in change.address else socket.AF_INET
    state, _, learned = change.state.partition(" ")
    flags = (NTF_EXT_LEARNED if learned else 0) | (NTF_PROXY if "proxy" in change.word else 0)
    body = struct.pack("=BxHiHBB", family, 0, ifindex, NUD[state], flags, 0)
    body += attribute(NDA_DST, socket.inet_pton(family, change.address))
    if change.mac:
        body += attribute(NDA_LLADDR, bytes.fromhex(change.mac.replace(":", "")))
    kind, how = RTM_DELNEIGH, NLM_F_REQUEST
    if change.word != "del":
        kind, how = RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE
    return struct.pack("=IHHII", 16 + len(body), kind, how, 0, 0) + body


class Neighbours:
    """Sends changes to one namespace. For one thread."""

    def __init__(self, namespace):
        self.route = namespace.open_socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.route.setblocking(False)
        self.any = namespace.open_socket(socket.AF_INET, socket.SOCK_DGRAM)

    def close(self):
        self.route.close()
        self.any.close()

    def ifindex(self, name):
        try:
            answer = fcntl.ioctl(self.any, SIOCGIFINDEX, struct.pack("16s16x", name.encode()))
        except OSError:
            return 0
        return struct.unpack_from("=i", answer, 16)[0]

    def send(self, changes):
        """What the kernel refuses (the interface is just gone) is left out."""
        for at in range(0, len(changes), MESSAGES_A_SEND):
            some = changes[at:at + MESSAGES_A_SEND]
            indices = {name: self.ifindex(name) for name in {change.device for change in some}}
            messages = [message(change, indices[change.device]) for change in some
                        if indices[change.device]]
            if messages:
                self.route.sendto(b"".join(messages), (0, 0))
                self.forget_errors()

    def forget_errors(self):
        try:
            while self.route.recv(1 << 16):
                pass
        except OSError:
            pass

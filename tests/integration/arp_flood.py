#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends ARP requests for one address from ever other ones, each of which makes a
neighbour at whoever has it or changes its MAC:
arp_flood.py INTERFACE OUR_ADDRESS SECONDS NETWORK COUNT SEED. Prints how many."""
import ipaddress
import random
import socket
import struct
import sys
import time

BURST = 64


def request(sender, mac, target):
    ethernet = b"\xff" * 6 + mac + struct.pack("!H", 0x0806)
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return ethernet + arp + mac + sender + bytes(6) + target


def main():
    interface, target, seconds, network, count, seed = sys.argv[1:]
    target = socket.inet_aton(target)
    first = int(ipaddress.ip_address(network))
    rng = random.Random(seed)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    deadline = time.monotonic() + float(seconds)
    sent = 0
    while time.monotonic() < deadline:
        for _ in range(BURST):
            address = struct.pack("!I", first + rng.randrange(int(count)))
            mac = bytes([2, 0, 0, 0, 0x44, rng.randrange(4)])
            sender.send(request(address, mac, target))
        sent += BURST
    print(sent)


main()

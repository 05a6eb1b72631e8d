#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks for one address, by ARP or neighbour solicitations, from ever other addresses,
each of which makes a neighbour at whoever has it, or changes its MAC:
flood.py INTERFACE ADDRESS SECONDS NETWORK COUNT SEED. Prints how many were sent.
"""
import ipaddress
import random
import socket
import struct
import sys
import time

BURST = 64
MACS = 4
ETH_ARP, ETH_IPV6 = 0x0806, 0x86dd
NEIGHBOUR_SOLICITATION, SOURCE_LINK_LAYER_ADDRESS = 135, 1


def arp_request(sender, mac, target):
    ethernet = b"\xff" * 6 + mac + struct.pack("!H", ETH_ARP)
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return ethernet + arp + mac + sender + bytes(6) + target


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def solicitation(sender, mac, target):
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + target[13:]
    ethernet = b"\x33\x33" + group[12:] + mac + struct.pack("!H", ETH_IPV6)
    option = struct.pack("!BB", SOURCE_LINK_LAYER_ADDRESS, 1) + mac
    body = bytes(4) + target + option
    icmp = struct.pack("!BBH", NEIGHBOUR_SOLICITATION, 0, 0) + body
    pseudo = sender + group + struct.pack("!IHBB", len(icmp), 0, 0, socket.IPPROTO_ICMPV6)
    icmp = struct.pack("!BBH", NEIGHBOUR_SOLICITATION, 0, checksum(pseudo + icmp)) + body
    header = struct.pack("!IHBB", 6 << 28, len(icmp), socket.IPPROTO_ICMPV6, 255)
    return ethernet + header + sender + group + icmp


def main():
    interface, target, seconds, network, count, seed = sys.argv[1:]
    make = solicitation if ":" in target else arp_request
    target = ipaddress.ip_address(target).packed
    first = ipaddress.ip_address(network)
    rng = random.Random(seed)
    packets = [make((first + i).packed, bytes([2, 0, 0, 0, 0x44, mac]), target)
               for i in range(int(count)) for mac in range(MACS)]
    rng.shuffle(packets)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    deadline = time.monotonic() + float(seconds)
    sent = 0
    while time.monotonic() < deadline:
        for _ in range(BURST):
            sender.send(packets[sent % len(packets)])
            sent += 1
    print(sent)


main()

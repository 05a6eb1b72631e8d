#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends ARP replies that claim a few addresses with ever other MACs, as fast as it
can: arp_storm.py INTERFACE TARGET_MAC SECONDS ADDRESS... Prints how many."""
import itertools
import socket
import struct
import sys
import time


def reply(target, mac, address):
    ethernet = target + mac + struct.pack("!H", 0x0806)
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2)
    ip = socket.inet_aton(address)
    return ethernet + arp + mac + ip + target + ip


def main():
    interface, target, seconds, *addresses = sys.argv[1:]
    target = bytes.fromhex(target.replace(":", ""))
    packets = [reply(target, bytes([2, 0, 0, 0, 0x55, i]), address)
               for i in range(4) for address in addresses]
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    deadline = time.monotonic() + float(seconds)
    sent = 0
    for packet in itertools.cycle(packets):
        sender.send(packet)
        sent += 1
        if sent % 64 == 0 and time.monotonic() > deadline:
            break
    print(sent)


main()

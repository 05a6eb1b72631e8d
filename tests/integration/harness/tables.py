# SPDX-License-Identifier: GPL-2.0-or-later
"""The one question of most tests: is Redis equal to the kernel?"""
import redis

from .namespace import expected_table
from .waiting import eventually


def wait_until_equal(read, namespace, timeout_s=5.0, **policy):
    """Waits until read() is exactly what iproute2's view of the kernel says; returns that."""

    def equal():
        try:
            return read() == expected_table(namespace, **policy)
        except redis.exceptions.RedisError:
            return False            # it has just been started, or has just failed over
    try:
        eventually(equal, timeout_s)
    except AssertionError:
        have, want = read(), expected_table(namespace, **policy)
        assert have == want         # pytest shows what differs
    return expected_table(namespace, **policy)

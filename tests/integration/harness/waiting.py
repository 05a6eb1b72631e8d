# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for a condition, never for a time."""
import os
import time

# instrumented builds are slower by this factor
TIME_SCALE = float(os.environ.get("TIME_SCALE", "1"))


def eventually(condition, timeout_s=5.0, what=""):
    """Returns the condition's value as soon as it is true; fails after the timeout."""
    deadline = time.monotonic() + timeout_s * TIME_SCALE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s * TIME_SCALE:.1f} s: "
                                 f"{what or condition.__name__}")
        time.sleep(0.002)


def eventually_holds(check, timeout_s=5.0):
    """Returns check()'s value as soon as it raises no AssertionError; after the
    timeout its last one is raised."""
    deadline = time.monotonic() + timeout_s * TIME_SCALE
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def stay_quiet(seconds=0.3):
    """A deliberate interval in which nothing is to happen."""
    # what an instrumented build would do it does later, but not that much
    time.sleep(seconds * min(TIME_SCALE, 2))

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a long test has done, in a line that scripts/soak reads."""


def report(test, **values):
    print(f"\nSUMMARY {test} " + " ".join(f"{name}={value}" for name, value in values.items()),
          flush=True)

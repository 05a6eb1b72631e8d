# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest: one kernel, booted in qemu by software emulation, and what it reports."""
import os
import re
import subprocess
import threading

COMMON = ["-smp", "2", "-m", "768", "-nodefaults", "-no-user-config", "-display", "none",
          "-no-reboot", "-serial", "stdio"]
KINDS = {
    "amd64": {
        "command": ["qemu-system-x86_64", "-cpu", "max", "-accel", "tcg,thread=multi"],
        "append": "console=ttyS0 mitigations=off no_timer_check tsc=reliable "
                  "random.trust_cpu=on",
    },
    "arm64": {
        # its pointer authentication is computed with every call, at a third of the speed
        "command": ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72",
                    "-accel", "tcg,thread=multi"],
        "append": "console=ttyAMA0 mitigations=off",
    },
}


class Report:
    """What the guest said: facts, and a list of results in their order."""

    def __init__(self):
        self.facts = {}
        self.results = []
        self.finished = False
        self.console = []

    def take(self, line):
        line = line.rstrip("\r\n")
        self.console.append(line)
        if match := re.match(r"@fact\|([^|]*)\|(.*)$", line):
            self.facts[match[1]] = match[2]
        elif match := re.match(r"@\|([^|]*)\|([^|]*)\|(ok|failed|skipped)\|(.*)$", line):
            self.results.append(dict(zip(("source", "check", "verdict", "words"),
                                         match.groups())))
        elif line == "@end":
            self.finished = True


def boot(architecture, kernel, initramfs, limit_s, on_line):
    """Runs until the guest switches off, or for limit_s. on_line: called with each line."""
    kind = KINDS[architecture]
    command = [*kind["command"], *COMMON, "-kernel", kernel, "-initrd", initramfs, "-append",
               f"{kind['append']} quiet panic=-1 nokaslr"]
    report = Report()
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace",
                             env={**os.environ, "LC_ALL": "C"})
    too_late = threading.Timer(limit_s, guest.kill)
    too_late.start()
    try:
        for line in guest.stdout:
            report.take(line)
            on_line(report.console[-1])
    finally:
        too_late.cancel()
        guest.kill()
        guest.wait()
    return report

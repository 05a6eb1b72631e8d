# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal of the test's own, as a person would have it: by tmux."""
import itertools
import os
import shlex
import subprocess

_numbers = itertools.count()


class Terminal:
    """Runs words in a window; ended() tells that they have, and with which code."""

    def __init__(self, *words, columns=120, lines=16, environment=None):
        self.server = f"nt{os.getpid()}x{next(_numbers)}"
        settings = " ".join(f"{name}={shlex.quote(value)}"
                            for name, value in (environment or {}).items())
        # (the key C-c is meant for the words alone)
        command = f"trap : INT; {settings} {shlex.join(words)}; echo ended=$?; exec cat"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                   "sh", "-c", command)

    def _tmux(self, *words):
        done = subprocess.run(["tmux", "-L", self.server, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def text(self, *flags):
        """What is on the screen; with the flag -e its colours too."""
        return self._tmux("capture-pane", "-p", *flags)

    def press(self, *keys):
        self._tmux("send-keys", *keys)

    def resize(self, columns, lines):
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def ended(self):
        return "ended=" in self.text()

    def close(self):
        subprocess.run(["tmux", "-L", self.server, "kill-server"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)

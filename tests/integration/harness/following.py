# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack monitor as a process whose lines are read as they come."""
import json
import os
import subprocess
import threading

from .daemon import BUILD, FAULTY
from .waiting import TIME_SCALE, eventually


class Monitor:
    def __init__(self, namespace, *words, json_lines=True):
        self.lines = []
        self.json_lines = json_lines
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "neightrack"), "--netns", namespace.name,
             *(["-j"] if json_lines else []), "monitor", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        eventually(lambda: self.lines, 10, "its first line")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line) if self.json_lines else line.rstrip("\n"))

    def events(self):
        """Without the start, and without times."""
        return [{name: value for name, value in line.items() if name != "time"}
                for line in self.lines[1:]]

    def end(self, number=None):
        """Returns the exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=10 * TIME_SCALE)
        self.reader.join(timeout=5)
        return code

    def clean_up(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(timeout=5)
        self.process.stdout.close()
        errors = self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.returncode != FAULTY, errors

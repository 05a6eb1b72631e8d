# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrackd and neightrack as separate processes, as a user starts them."""
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time

from .waiting import TIME_SCALE, eventually

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
WRAPPER = shlex.split(os.environ.get("WRAPPER", ""))
# what sanitizers and valgrind make of a fault that they found
FAULTY = 99
os.environ.setdefault("ASAN_OPTIONS", f"exitcode={FAULTY}")
os.environ.setdefault("UBSAN_OPTIONS", f"exitcode={FAULTY}:print_stacktrace=1")
# what daemons use that are not told otherwise
SOURCE = os.environ.get("SOURCE", "auto")
# whom they become when all is attached; empty: they stay root without its privileges
USER = os.environ.get("DAEMON_USER", "")
# a wrapper such as valgrind makes system calls of its own, in the daemon's process
ALWAYS = [*(["--user", USER] if USER else []), *(["--seccomp", "off"] if WRAPPER else [])]
PINS = "/sys/fs/bpf/neightrack"
LOCKS = "/run/neightrack"

_numbers = itertools.count()


def tool(*words):
    """(exit code, stdout, stderr) of neightrack."""
    done = subprocess.run([os.path.join(BUILD, "neightrack"), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                          timeout=60 * TIME_SCALE, check=False)
    return done.returncode, done.stdout, done.stderr


def neightrackd(*words):
    """The daemon for what ends by itself, such as --check-config."""
    done = subprocess.run([os.path.join(BUILD, "neightrackd"), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                          timeout=20 * TIME_SCALE, check=False)
    return done.returncode, done.stdout, done.stderr


def dump_map(instance, name):
    output = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", f"{PINS}/{instance}/{name}"],
                            stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output)


def pinned_programs(instance):
    """{name: the kernel's id of what is pinned under it}."""
    shown = {}
    for name in ("neigh_update", "neigh_update_2", "neigh_timer", "neigh_cleanup"):
        output = subprocess.run(["bpftool", "-j", "prog", "show", "pinned",
                                 f"{PINS}/{instance}/{name}"],
                                stdout=subprocess.PIPE, check=True).stdout
        shown[name] = json.loads(output)["id"]
    return shown


def pinned(instance):
    """What is pinned, by name."""
    folder = f"{PINS}/{instance}"
    return os.listdir(folder) if os.path.isdir(folder) else []


def refused_calls(pid, since):
    """System calls that the filter refused to a process, as the kernel's log has them."""
    found = []
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return found
    try:
        while True:
            try:
                head, _, text = os.read(log, 8192).decode(errors="replace").partition(";")
            except BrokenPipeError:
                continue        # what came next was overwritten meanwhile
            except BlockingIOError:
                return found
            if "type=1326" in text and f" pid={pid} " in text and \
                    int(head.split(",")[2]) / 1e6 >= since:
                found.append(text.strip())
    finally:
        os.close(log)


def let_daemons_read(path):
    """A file that nobody else may read."""
    os.chmod(path, 0o600)
    if USER:
        shutil.chown(path, USER)


class Daemon:
    def __init__(self, namespace, redis, *options, instance=None, url=None):
        self.instance = instance or f"test{os.getpid()}x{next(_numbers)}"
        self.redis = redis
        self.url = url or redis.url
        self.namespace = namespace
        self.options = [*options]
        self.wrapper = WRAPPER
        self.program = os.path.join(BUILD, "neightrackd")
        self.lines = []
        self.process = None
        self.launched_s = 0
        self.reader = None

    def mirrored(self):
        """Which namespace, and where to."""
        return ["--netns", self.namespace.name, "--redis", self.url]

    def launch(self):
        self.lines = []
        self.launched_s = time.clock_gettime(time.CLOCK_BOOTTIME) - 1
        self.process = subprocess.Popen(
            [*self.wrapper, self.program, *self.mirrored(), "--instance", self.instance,
             "--log-level", "info", "--source", SOURCE, "--pins", "remove", *ALWAYS,
             *self.options],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        return self

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def start(self):
        self.launch()
        eventually(lambda: self.said("ready: ") or self.process.poll() is not None, 20,
                   "a line with the word ready")
        assert self.process.poll() is None, self.lines
        return self

    def said(self, words):
        return any(words in line for line in self.lines)

    def times_said(self, words):
        return sum(words in line for line in self.lines)

    def resident_kb(self):
        return self._status("VmRSS")

    def wakeups(self):
        """How often it has slept so far."""
        return self._status("voluntary_ctxt_switches")

    def _status(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(f"{name}:"))

    def stop(self):
        """SIGTERM, and the promise that goes with it."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10 * TIME_SCALE)
        self.reader.join(timeout=5)
        assert code == 0, (code, self.lines)
        # an empty folder stays, as only root may remove that
        assert bool(pinned(self.instance)) == ("keep" in self.options)
        return self.lines

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(timeout=5)

    def signal(self, number):
        self.process.send_signal(number)

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout=10 * TIME_SCALE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.reader:
            self.reader.join(timeout=5)
        assert not self.process or self.process.returncode != FAULTY, self.lines
        assert not self.process or not refused_calls(self.process.pid, self.launched_s)
        folder = f"{PINS}/{self.instance}"
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
        if os.path.exists(f"{LOCKS}/{self.instance}.lock"):
            os.unlink(f"{LOCKS}/{self.instance}.lock")

    def counters(self):
        """{hook: {counter: sum over CPUs}}, `filtered` being the sum of its reasons too."""
        sums = {}
        for entry in dump_map(self.instance, "counters"):
            formatted = entry["formatted"]
            totals = sums.setdefault(formatted["key"], {})
            for cpu in formatted["values"]:
                for name, value in cpu["value"].items():
                    value = sum(value) if isinstance(value, list) else value
                    totals[name] = totals.get(name, 0) + value
        return sums

    def statistics(self):
        """What the daemon says that it has counted, as numbers."""
        before = len(self._statistics_lines())
        self.signal(signal.SIGUSR1)
        lines = eventually(lambda: self._statistics_lines()[before:], 10, "a line of statistics")
        pairs = dict(word.split("=") for word in lines[0].split("statistics: ")[1].split())
        return {name: value if name == "source" else int(value) for name, value in pairs.items()}

    def _statistics_lines(self):
        return [line for line in self.lines if "statistics: " in line]

    def audit(self):
        """Asks for an audit of the kernel and of Redis."""
        self.signal(signal.SIGUSR2)

    def takes_signals(self):
        """Whether it has come so far that SIGUSR1 and SIGUSR2 do not end it."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            blocked = next(int(line.split()[1], 16) for line in status
                           if line.startswith("SigBlk"))
        return bool(blocked >> (signal.SIGUSR2 - 1) & 1)

    def count(self, name):
        return self.statistics()[name]

    def assert_accounts_balance(self):
        """At rest everything that was seen has had one outcome, and was consumed."""
        outcomes = ("other_netns", "filtered", "suppressed", "superseded", "discarded",
                    "submitted", "ring_full")
        total = self.statistics()
        parts = [total]
        if total["source"] != "netlink":
            parts += self.counters().values()
        for c in parts:
            assert c["seen"] + c["rechecked"] == sum(c[name] for name in outcomes), c
        assert total["submitted"] == total["consumed"], total

    def verify(self, *options):
        return tool("verify", "--netns", self.namespace.name, "--redis", self.url, *options)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian with a systemd of its own, in namespaces of its own: nothing of it is left."""
import os
import signal
import subprocess

from harness.waiting import TIME_SCALE, eventually

# A cgroup, and a file system over the one that is shared, whose changes are in memory.
START = """
set -eu
mount -t cgroup2 cgroup2 /mnt
mkdir "/mnt/$NAME"
echo 0 >"/mnt/$NAME/cgroup.procs"
umount /mnt
exec unshare --cgroup --pid --ipc --uts --fork --kill-child sh -c "$BOOT"
"""
BOOT = """
set -eu
mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$BASE,upperdir=/mnt/changes,workdir=/mnt/work" overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t bpf -o mode=0700 bpf sys/fs/bpf
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=0755 tmpfs dev
for name in null zero full random urandom tty; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir outside
pivot_root . outside
exec env -u BASE sh -c 'umount -l /outside && rmdir /outside && exec "$@"' sh \\
    env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \\
    /lib/systemd/systemd
"""
STOP = 'mount -t cgroup2 cgroup2 /mnt && find "/mnt/$NAME" -depth -type d -exec rmdir {} +'


class Machine:
    """In the network namespace; base: the folder with a Debian."""

    def __init__(self, namespace, base):
        self.namespace = namespace
        self.base = base
        self.environment = dict(os.environ, BASE=base, BOOT=BOOT, NAME=f"machine-{namespace.name}")
        self.process = None
        self.init = None

    def boot(self):
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.namespace.name}", "unshare", "--mount",
             "sh", "-c", START], env=self.environment, stdin=subprocess.DEVNULL)
        eventually(self.is_up, 60, "systemd has started")

    def is_up(self):
        assert self.process.poll() is None
        pid = self.process.pid
        if self.init is None:
            self.init = self.child("systemd")
            return False
        state = self.run("systemctl", "is-system-running", check=False)
        return state.strip() in ("running", "degraded")

    def child(self, name):
        """None as long as there are those alone that prepare it."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for word in children.read().split():
                try:
                    with open(f"/proc/{word}/comm", encoding="ascii") as comm:
                        if comm.read().strip() == name:
                            return int(word)
                except FileNotFoundError:
                    pass
        return None

    def run(self, *words, check=True, text=None):
        """stdout and stderr of a command there."""
        if self.init is None or not os.path.exists(f"/proc/{self.init}"):
            raise AssertionError("the machine is not there")
        done = subprocess.run(["nsenter", f"--target={self.init}", "--all", "--root",
                               "--wd", "env", "-i",
                               "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root",
                               "DEBIAN_FRONTEND=noninteractive", *words], input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60 * TIME_SCALE, check=False)
        assert not check or done.returncode == 0, f"{words}: {done.stdout}"
        return done.stdout

    def path(self, name):
        """From here, of a file there."""
        return f"/proc/{self.init}/root{name}"

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def stop(self):
        if self.init:
            os.kill(self.init, signal.SIGKILL)
        if self.process:
            try:
                self.process.wait(timeout=10 * TIME_SCALE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run(["unshare", "--mount", "sh", "-c", STOP], env=self.environment, check=False)

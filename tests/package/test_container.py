# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipe for a container, as far as it goes without an engine."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from conftest import ROOT
from harness.waiting import TIME_SCALE, eventually

FOLDER = os.path.join(ROOT, "scripts", "container")
KNOWN = {"FROM", "COPY", "WORKDIR", "RUN", "USER", "ENTRYPOINT"}


def stages():
    """[[(instruction, words), ...] of each stage]"""
    text = open(os.path.join(FOLDER, "Dockerfile")).read()
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    found = []
    for instruction, words in lines:
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, " ".join(words.split())))
    return found


def words_of(stage, instruction):
    return [words for name, words in stage if name == instruction]


def capabilities():
    """Those that the document gives the container."""
    text = open(os.path.join(FOLDER, "README.md")).read()
    return sorted(word.lower() for word in re.findall(r"--cap-add ([A-Z_]+)", text))


def test_the_recipe_is_of_two_stages_and_ends_without_root():
    build, final = stages()
    assert {name for name, _ in build + final} <= KNOWN
    assert words_of(build, "FROM")[0].split()[-1] == "build"
    assert words_of(final, "COPY")[0].startswith("--from=build ")
    assert words_of(final, "USER") == ["neightrack"]
    assert json.loads(words_of(final, "ENTRYPOINT")[0]) == ["/usr/sbin/neightrackd"]


def test_the_capabilities_of_the_file_are_those_that_the_document_gives():
    setcap = re.search(r"setcap (\S+)\+ep", " ".join(words_of(stages()[1], "RUN")))[1]
    assert sorted(word.removeprefix("cap_") for word in setcap.split(",")) == capabilities()


@pytest.fixture
def root(base, package, tmp_path):
    """What the second stage makes, of a Debian that is no more than the image's."""
    changes, folder = tmp_path / "changes", tmp_path / "root"
    folder.mkdir()
    changes.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", changes], check=True)
    (changes / "upper").mkdir()
    (changes / "work").mkdir()
    try:
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir={base},upperdir={changes}/upper,"
                        f"workdir={changes}/work", "overlay", folder], check=True)
        shutil.copy(package, folder / "tmp")
        for command in words_of(stages()[1], "RUN"):
            subprocess.run(["chroot", folder, "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c",
                            command], check=True, stdout=subprocess.DEVNULL,
                           timeout=300 * TIME_SCALE)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        subprocess.run(["umount", "-l", changes], check=False)


START = """
set -eu
cd "$FOLDER"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t bpf -o mode=0777 bpf sys/fs/bpf
mount -t tmpfs -o mode=1777 tmpfs run
mkdir -m 1777 run/neightrack
ip link set lo up
redis-server --port 6379 --save '' --daemonize yes --logfile /dev/null --dir /tmp \
    --pidfile "$FOLDER/run/redis.pid" >/dev/null
exec chroot . setpriv --reuid neightrack --regid neightrack --init-groups --inh-caps=-all \
    --bounding-set="$BOUNDS" "$@"
"""


def test_the_program_mirrors_with_the_rights_of_the_container(namespace, root):
    namespace.add_interface("dummy0")
    namespace.batch([f"neigh replace 192.0.2.{i} lladdr 02:00:00:00:00:{i:02x} dev dummy0 "
                     "nud permanent" for i in range(1, 8)])
    bounds = ",".join(["-all", *("+" + word for word in capabilities())])
    there = ["nsenter", f"--net=/run/netns/{namespace.name}"]
    process = subprocess.Popen(
        [*there, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", START, "sh",
         *json.loads(words_of(stages()[1], "ENTRYPOINT")[0]), "--source", "tp_btf"],
        env=dict(os.environ, FOLDER=str(root), BOUNDS=bounds), stdin=subprocess.DEVNULL)
    try:
        def size():
            done = subprocess.run([*there, "redis-cli", "dbsize"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=False)
            assert process.poll() is None
            return done.stdout.strip()
        eventually(lambda: size() == "7", 30)
    finally:
        # the first process there, with which all others end; to become another user has
        # made it forget that it is to end with its parent
        with open(f"/proc/{process.pid}/task/{process.pid}/children",
                  encoding="ascii") as children:
            for pid in children.read().split():
                os.kill(int(pid), signal.SIGKILL)
        process.wait()

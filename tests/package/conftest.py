# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: the package, and a Debian to install it in."""
import glob
import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
os.environ["PATH"] += ":/usr/sbin:/sbin"

from harness.namespace import Namespace                              # noqa: E402
from machine import Machine                                          # noqa: E402


def build_package(folder):
    subprocess.run([os.path.join(ROOT, "scripts", "package")], check=True,
                   env=dict(os.environ, BUILD=str(folder)))
    return [path for path in glob.glob(f"{folder}/package/*.deb") if "dbgsym" not in path][0]


@pytest.fixture(scope="session")
def package():
    """What scripts/package makes."""
    return build_package(BUILD)


@pytest.fixture(scope="session")
def older_package(package, tmp_path_factory):
    """The same under an older version, and with another configuration file."""
    folder = tmp_path_factory.mktemp("older")
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    text = control.read_text()
    version = text.split("Version: ")[1].split("\n")[0]
    control.write_text(text.replace(f"Version: {version}", "Version: 0.0.1"))
    with open(tree / "etc" / "neightrack" / "neightrackd.conf", "a", encoding="ascii") as file:
        file.write("\n# as it was in 0.0.1\n")
    path = folder / "neightrack_0.0.1.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True,
                   stdout=subprocess.DEVNULL)
    return str(path)


@pytest.fixture(scope="session")
def base(package):
    """A Debian without the package, kept from one run to the next."""
    folder = os.path.join(ROOT, "build", "debian-root")
    subprocess.run([os.path.join(ROOT, "scripts", "debian-root"), folder, package], check=True)
    return folder


@pytest.fixture
def namespace():
    made = Namespace()
    yield made
    made.remove()


@pytest.fixture
def machine(namespace, base, package, older_package):
    """Running, with both packages in /root and nothing installed."""
    made = Machine(namespace, base)
    try:
        made.boot()
        shutil.copy(package, made.path("/root/neightrack.deb"))
        shutil.copy(older_package, made.path("/root/older.deb"))
        yield made
    finally:
        made.stop()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages of either architecture, downloaded and unpacked below a cache, and
never installed: apt is given lists and a state of its own, so this machine stays as it is.
"""
import glob
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# what neightrack is built with, and what a guest runs: all of another architecture's that is
# not in this machine
SYSROOT = ["libc6-dev", "libbpf-dev", "libelf-dev", "zlib1g-dev", "libhiredis-dev", "libmnl-dev",
           "libinih-dev", "libjson-c-dev", "libcap-ng-dev", "libseccomp-dev",
           "libmicrohttpd-dev", "libgnutls28-dev", "libsystemd-dev", "libncurses-dev",
           "libcmocka-dev", "redis-server", "redis-tools", "iproute2", "busybox-static"]
CACHE = os.path.abspath(os.environ.get("CACHE", os.path.join(ROOT, ".cache")))


def run(command, **arguments):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **arguments)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()[-2000:]}")
    return done.stdout


class Archive:
    """architecture: as Debian calls it, amd64 or arm64."""

    def __init__(self, architecture):
        self.folder = os.path.join(CACHE, architecture)
        for name in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        # no package is installed, as apt is to see it: all that is needed is downloaded
        open(os.path.join(self.folder, "status"), "a", encoding="ascii").close()
        settings = {
            "APT::Architecture": architecture, "APT::Architectures": architecture,
            "APT::Sandbox::User": "", "Debug::NoLocking": "true",
            "Dir::State::Lists": f"{self.folder}/lists",
            "Dir::State::Status": f"{self.folder}/status",
            "Dir::Cache": self.folder, "Dir::Cache::Archives": f"{self.folder}/archives",
        }
        self.options = [word for name, value in settings.items()
                        for word in ("-o", f"{name}={value}")]

    def update(self):
        run(["apt-get", *self.options, "-q", "update"])

    def kernel(self, meta_package):
        """The folder with the kernel that a package such as linux-image-cloud-amd64 stands for."""
        depends = run(["apt-cache", *self.options, "depends", meta_package])
        package = next(line.split()[-1] for line in depends.splitlines()
                       if "Depends: linux-image-" in line)
        target = os.path.join(self.folder, "kernels", package)
        if not os.path.isdir(target):
            run(["apt-get", *self.options, "-q", "download", package], cwd=self.folder)
            [file] = glob.glob(f"{self.folder}/{package}_*.deb")
            unpack([file], target)
        return target

    def sysroot(self):
        """A folder with the packages of SYSROOT and all that they depend on."""
        target = os.path.join(self.folder, "sysroot")
        listed = os.path.join(self.folder, "sysroot.packages")
        if not os.path.exists(listed) or open(listed, encoding="ascii").read().split() != SYSROOT:
            self.update()
            run(["apt-get", *self.options, "-q", "-y", "--no-install-recommends",
                 "--download-only", "install", *SYSROOT])
            unpack(sorted(glob.glob(f"{self.folder}/archives/*.deb")), target)
            with open(listed, "w", encoding="ascii") as file:
                file.write("\n".join(SYSROOT))
        return target


def unpack(files, target):
    """All or nothing: a folder that is there is whole. The files are removed."""
    unfinished = target + ".new"
    run(["rm", "-rf", unfinished, target])
    os.makedirs(unfinished)
    for file in files:
        run(["dpkg-deb", "--extract", file, unfinished])
        os.unlink(file)
    os.rename(unfinished, target)

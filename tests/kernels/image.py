# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest boots from: an initramfs with busybox, iproute2, a redis-server, the
portable binary, the modules that make network interfaces, and the checks."""
import glob
import lzma
import os
import re
import shutil
import subprocess

from debian import run

HERE = os.path.dirname(os.path.abspath(__file__))
# as they come: what each needs is put before it
MODULES = ["veth", "dummy", "bridge", "8021q", "macvlan", "bonding", "vrf", "vxlan"]
PROGRAMS = {"busybox": "bin/busybox", "ip": "iproute2/ip", "redis-server": "bin/redis-server",
            "redis-cli": "bin/redis-cli"}


class Image:
    """root: where programs and libraries are taken from; `/`, or a sysroot."""

    def __init__(self, folder, root, triplet):
        self.folder = folder
        self.root = root
        self.libraries = [os.path.join(root, path) for path in
                          (f"lib/{triplet}", f"usr/lib/{triplet}", "lib", "usr/lib", "lib64")]
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)

    def add(self, source, target):
        path = os.path.join(self.folder, target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)
        os.chmod(path, 0o755)

    def write(self, target, content):
        with open(os.path.join(self.folder, target), "wb") as file:
            file.write(content)

    def _find(self, name, folders):
        for folder in folders:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                return path
        raise RuntimeError(f"{name} is in none of {', '.join(folders)}")

    def add_programs(self):
        folders = [os.path.join(self.root, path) for path in
                   ("bin", "sbin", "usr/bin", "usr/sbin")]
        for name, target in PROGRAMS.items():
            path = self._find(name, folders)
            self.add(path, target)
            self._add_libraries(path)

    def _add_libraries(self, program):
        """Those that it names, and that they name, and so on; and the loader."""
        headers = run(["readelf", "--wide", "--program-headers", "--dynamic", program])
        loader = re.search(r"interpreter: /([^\]]+)\]", headers)
        if loader:
            self.add(self._find(os.path.basename(loader[1]), self.libraries), loader[1])
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", headers):
            if not os.path.exists(os.path.join(self.folder, "lib", name)):
                path = self._find(name, self.libraries)
                self.add(path, f"lib/{name}")
                self._add_libraries(path)

    def add_modules(self, kernel_folder):
        """In the order in which they can be loaded; a kernel may have some within, or not."""
        files = {}
        for path in glob.glob(f"{kernel_folder}/lib/modules/**/*.ko*", recursive=True):
            files[os.path.basename(path).split(".ko")[0].replace("-", "_")] = path
        order = []

        def add(name):
            if name in order or name not in files:
                return
            content = read_module(files[name])
            for needed in re.findall(rb"\0depends=([\w,-]*)\0", content):
                for other in filter(None, needed.decode().replace("-", "_").split(",")):
                    add(other)
            order.append(name)
            self.write(f"modules/{name}", content)

        os.makedirs(os.path.join(self.folder, "modules"))
        for module in MODULES:
            add(module)
        self.write("modules/order", "\n".join(order).encode())

    def pack(self, path):
        """As the kernel unpacks it. Its root is that of the guest, for every user."""
        os.chmod(self.folder, 0o755)
        names = [os.path.relpath(os.path.join(folder, name), self.folder)
                 for folder, folders, files in os.walk(self.folder) for name in folders + files]
        with open(path, "wb") as file:
            subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=self.folder, check=True,
                           input="\n".join(sorted(names)).encode(), stdout=file,
                           stderr=subprocess.DEVNULL)


def read_module(path):
    with open(path, "rb") as file:
        content = file.read()
    return lzma.decompress(content) if path.endswith(".xz") else content

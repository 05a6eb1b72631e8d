# SPDX-License-Identifier: GPL-2.0-or-later
"""One neightrackd that mirrors several network namespaces, each into a Redis of its own."""
import os
import signal

from .daemon import Daemon
from .namespace import Namespace, expected_table
from .tables import wait_until_equal
from .waiting import eventually


class Place:
    """One of them: a namespace with a veth0, whatever the others have, and its Redis."""

    def __init__(self, name, server):
        self.name = name
        self.server = server
        self.namespace = Namespace()
        self.make_links()

    def make_links(self):
        self.namespace.add_interface("veth0")
        self.namespace.add_interface("veth1")

    def delete_namespace(self):
        self.namespace.remove()

    def make_namespace_again(self):
        """Of the same name, with links of the same names and ifindexes."""
        self.namespace = Namespace(self.namespace.name)
        self.make_links()

    def equals_kernel(self, timeout_s=5.0, **policy):
        return wait_until_equal(self.server.table, self.namespace, timeout_s, **policy)

    def section(self, *lines):
        return "\n".join([f"[instance {self.name}]", f"netns = {self.namespace.name}",
                          f"redis = {self.server.url}", *lines, ""])


class Instances(Daemon):
    """Its file has a section for each place, and what else it is given."""

    def __init__(self, places, folder, *options, instance=None):
        super().__init__(None, None, *options, instance=instance, url="each its own")
        self.places = places
        self.file = os.path.join(folder, f"{self.instance}.conf")
        self.write()

    def write(self, common="", **lines):
        """lines: of the sections, by the places' names."""
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(f"[neightrackd]\n{common}\n")
            for place in self.places:
                file.write(place.section(*lines.get(place.name, ())))
        os.rename(self.file + ".new", self.file)

    def mirrored(self):
        return ["--config", self.file]

    def start(self):
        self.launch()
        eventually(lambda: self.times_said("ready: ") == len(self.places) or
                   self.process.poll() is not None, 20, "each of them is ready")
        assert self.process.poll() is None, self.lines
        return self

    def statistics_of(self, name):
        """What is counted of one of them."""
        def lines():
            return [line for line in self.lines if f"{name}: statistics: " in line]
        before = len(lines())
        self.signal(signal.SIGUSR1)
        line = eventually(lambda: lines()[before:], 10, f"a line of statistics of {name}")[0]
        pairs = dict(word.split("=") for word in line.split("statistics: ")[1].split())
        return {key: value if key == "source" else int(value) for key, value in pairs.items()}


def never_mix(places):
    """Each Redis holds its own kernel's neighbours, which are others than the others'."""
    tables = [place.equals_kernel(20) for place in places]
    assert all(tables)
    for place, table in zip(places, tables):
        assert table == expected_table(place.namespace)
    return tables

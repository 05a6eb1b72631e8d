# SPDX-License-Identifier: GPL-2.0-or-later
"""Interfaces that come, go, and change their names."""
import pytest
from harness.namespace import burst
from harness.waiting import eventually

COUNT = 300


@pytest.fixture
def mirrored(veth, namespace, make_daemon, equals_kernel):
    """A daemon on interfaces one and two with neighbours of their own."""
    for number, name in enumerate(("one", "two"), start=1):
        namespace.add_interface(name)
        namespace.batch(burst(COUNT, name, mac=number))
    daemon = make_daemon().start()
    assert len(equals_kernel()) == 2 * COUNT
    return daemon


def test_a_renamed_interface_has_its_keys_under_the_new_name(mirrored, namespace, equals_kernel):
    namespace.ip("link", "set", "one", "name", "renamed")
    table = equals_kernel()
    assert len(table) == 2 * COUNT
    assert sum(key.startswith("NEIGH_TABLE:renamed:") for key in table) == COUNT


def test_two_interfaces_that_swap_names_swap_their_keys(mirrored, namespace, equals_kernel):
    before = equals_kernel()
    namespace.batch(["link set one name between", "link set two name one",
                     "link set between name two"])
    after = equals_kernel()
    assert after.keys() == before.keys() and after != before


def test_a_deleted_interface_takes_its_keys_with_it(mirrored, namespace, equals_kernel):
    namespace.ip("link", "del", "one")
    assert len(equals_kernel()) == COUNT


def test_an_interface_made_again_under_its_name_has_its_new_neighbours(mirrored, namespace,
                                                                       equals_kernel):
    namespace.ip("link", "del", "one")
    namespace.add_interface("one")
    namespace.batch(burst(COUNT // 2, "one", mac=7))
    assert len(equals_kernel()) == COUNT + COUNT // 2


def test_an_ifindex_used_again_for_another_name_is_followed(mirrored, namespace, equals_kernel):
    index = namespace.ip("-o", "link", "show", "one").split(":")[0]
    namespace.ip("link", "del", "one")
    namespace.ip("link", "add", "new", "index", index, "type", "veth", "peer", "name", "new-p")
    namespace.ip("link", "set", "new-p", "up")
    namespace.ip("link", "set", "new", "up")
    namespace.batch(burst(COUNT, "new", mac=8))
    table = equals_kernel()
    assert sum(key.startswith("NEIGH_TABLE:new:") for key in table) == COUNT


def test_an_interface_moved_away_and_back_is_followed(mirrored, namespace, peer, equals_kernel):
    namespace.ip("link", "set", "one", "netns", peer.name)
    assert len(equals_kernel()) == COUNT
    peer.ip("link", "set", "one", "netns", namespace.name)
    namespace.ip("link", "set", "one", "up")
    namespace.batch(burst(COUNT, "one", mac=9))
    assert len(equals_kernel()) == 2 * COUNT


def test_neighbours_of_an_interface_made_after_the_start_are_mirrored(mirrored, namespace,
                                                                      equals_kernel):
    namespace.add_interface("late")
    namespace.batch(burst(COUNT, "late", mac=3))
    assert len(equals_kernel()) == 3 * COUNT


def test_a_rename_to_an_ignored_name_removes_the_keys(veth, namespace, make_daemon, redis_server):
    namespace.add_interface("one")
    namespace.batch(burst(COUNT, "one"))
    make_daemon("--ignore", "lo hidden*").start()
    eventually(lambda: len(redis_server.table()) == COUNT)
    namespace.ip("link", "set", "one", "name", "hidden1")
    eventually(lambda: not redis_server.table())
    namespace.ip("link", "set", "hidden1", "name", "one")
    eventually(lambda: len(redis_server.table()) == COUNT)

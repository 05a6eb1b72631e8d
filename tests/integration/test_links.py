# SPDX-License-Identifier: GPL-2.0-or-later
"""Interfaces that come, go, and change their names, with each source."""
import json
import signal

import pytest
from harness.daemon import dump_map
from harness.namespace import burst
from harness.waiting import eventually

COUNT = 300


@pytest.fixture(params=["tp_btf", "netlink"])
def mirrored(request, veth, namespace, make_daemon, equals_kernel):
    """A daemon on interfaces one and two with neighbours of their own."""
    for number, name in enumerate(("one", "two"), start=1):
        namespace.add_interface(name)
        namespace.batch(burst(COUNT, name, mac=number))
    # no audit is to find what a notification has told
    daemon = make_daemon("--source", request.param, "--audit-interval", "0", "--ignore",
                         "lo hidden* *-p").start()
    assert len(equals_kernel()) == 2 * COUNT
    return daemon


def index_of(namespace, name):
    return str(json.loads(namespace.ip("-j", "link", "show", name))[0]["ifindex"])


def made_again(namespace, old, new):
    """`new` gets the ifindex of `old`, and a neighbour, at once."""
    return [f"link del {old}",
            f"link add {new} index {index_of(namespace, old)} type veth peer name {new}-p",
            f"link set {new}-p up", f"link set {new} up", *burst(50, new, mac=7)]


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
    index = index_of(namespace, "one")
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


@pytest.fixture
def while_it_rests(mirrored):
    """Everything that is done with it reaches the daemon at once, when the test says so."""
    mirrored.signal(signal.SIGSTOP)
    return lambda: mirrored.signal(signal.SIGCONT)


def test_a_name_and_ifindex_made_again_at_once_have_their_new_neighbours(
        while_it_rests, namespace, equals_kernel):
    namespace.batch(made_again(namespace, "one", "one"))
    while_it_rests()
    assert len(equals_kernel()) == COUNT + 50


def test_an_ifindex_used_again_at_once_has_its_new_neighbours(while_it_rests, namespace,
                                                              equals_kernel):
    namespace.batch(made_again(namespace, "one", "new"))
    while_it_rests()
    assert len(equals_kernel()) == COUNT + 50


def test_an_ifindex_of_an_ignored_interface_used_again_at_once_is_mirrored(mirrored, namespace,
                                                                           equals_kernel):
    namespace.add_interface("hidden0")
    namespace.batch(burst(10, "hidden0"))
    equals_kernel(ignored=("lo", "hidden0"))
    mirrored.signal(signal.SIGSTOP)
    namespace.batch(made_again(namespace, "hidden0", "new"))
    mirrored.signal(signal.SIGCONT)
    assert len(equals_kernel(ignored=("lo", "hidden0"))) == 2 * COUNT + 50


@pytest.mark.parametrize("mirrored", ["tp_btf"], indirect=True)
def test_what_was_claimed_before_an_interface_was_known_to_be_ignored_goes_with_its_neighbour(
        while_it_rests, mirrored, namespace):
    ifindexes = claimed_ifindexes(mirrored)
    namespace.add_interface("hidden0")
    namespace.batch(burst(10, "hidden0"))
    assert claimed_ifindexes(mirrored) > ifindexes
    while_it_rests()
    eventually(lambda: mirrored.said("is hidden0 now"))
    namespace.ip("link", "del", "hidden0")
    eventually(lambda: claimed_ifindexes(mirrored) == ifindexes)


def claimed_ifindexes(daemon):
    return {row["formatted"]["key"]["ifindex"] for row in dump_map(daemon.instance, "neighbours")}


def test_an_interface_moved_away_and_back_at_once_is_followed(while_it_rests, namespace, peer,
                                                              equals_kernel):
    namespace.ip("link", "set", "one", "netns", peer.name)
    peer.ip("link", "set", "one", "netns", namespace.name)
    namespace.batch(["link set one up", *burst(50, "one", mac=9)])
    while_it_rests()
    assert len(equals_kernel()) == COUNT + 50


def test_names_that_change_hands_at_once_are_followed(while_it_rests, namespace, equals_kernel):
    namespace.batch(["link set one name between", *burst(20, "between", mac=5),
                     "link set two name one", *burst(30, "one", mac=6),
                     "link set between name two", *burst(40, "two", mac=7)])
    while_it_rests()
    assert len(equals_kernel()) == 2 * COUNT


def test_lost_notifications_of_interfaces_are_repaired(while_it_rests, mirrored, namespace,
                                                       equals_kernel):
    """More than their socket holds."""
    pairs = 800
    namespace.batch([f"link add a{i} type veth peer name a{i}-p" for i in range(pairs)])
    namespace.batch([f"link set a{i}{end} up" for i in range(pairs) for end in ("", "-p")])
    namespace.batch([f"neigh add 10.1.1.1 lladdr 02:00:00:00:00:01 dev a{i}"
                     for i in range(pairs)])
    namespace.batch([f"link set a{i} name c{i}" for i in range(0, pairs, 2)] +
                    [f"link del a{i}" for i in range(1, 100, 2)] +
                    ["link set one name renamed", "link del two"])
    while_it_rests()
    assert len(equals_kernel(20)) == COUNT + pairs - 50
    assert mirrored.said("notifications of interfaces were lost")

# SPDX-License-Identifier: GPL-2.0-or-later
"""EVPN: a neighbour in a VRF takes the place of the host route to its address."""
import pytest
from harness.switch import Switch
from harness.waiting import eventually, stay_quiet

MAC, OTHER_MAC = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
KEYS = ("ROUTE_TABLE_KEY_SET", "ROUTE_TABLE_DEL_SET")


@pytest.fixture
def switch(namespace, redis_server, tmp_path):
    """Vlan10 is in Vrf1, Vlan20 in no VRF, Vlan30 in a bridge. Vrf1 is a bridge as well, as
    not every kernel has VRFs: the rule goes by the master's name alone."""
    for name in ("Vlan10", "Vlan20", "Vlan30"):
        namespace.add_interface(name)
    namespace.ip("link", "add", "Vrf1", "type", "bridge")
    namespace.ip("link", "set", "Vrf1", "up")
    namespace.ip("link", "set", "Vlan10", "master", "Vrf1")
    namespace.ip("link", "add", "Bridge", "type", "bridge")
    namespace.ip("link", "set", "Vlan30", "master", "Bridge")
    return Switch(redis_server, tmp_path)


@pytest.fixture
def daemon(switch, make_daemon):
    def start():
        return make_daemon("--schema", "sonic", "--policy", "sonic", "--ignore", "lo *-p Vrf1",
                           "--database-config", switch.config_file).start()

    return start


def neighbour(namespace, verb, address, device, mac=MAC):
    words = [] if verb == "del" else ["lladdr", mac]
    namespace.ip("neigh", verb, address, "dev", device, *words)


def written(switch, key):
    return eventually(lambda: switch.appl_db.sismember("NEIGH_TABLE_KEY_SET", key))


def deleted_routes(switch):
    both = switch.appl_db.pipeline(transaction=True)
    for key in KEYS:
        both.smembers(key)
    key_set, del_set = both.execute()
    assert key_set == del_set
    return key_set


def test_8_the_host_route_is_deleted_when_a_neighbour_in_a_vrf_is_set(namespace, switch, daemon):
    switch.config_db.hset("VXLAN_EVPN_NVO|nvo", "source_vtep", "vtep")
    switch.appl_db.hset("_ROUTE_TABLE:Vrf1:192.0.2.9", "nexthop", "10.0.0.1")
    with switch.appl_db.pubsub() as channel:
        channel.subscribe("ROUTE_TABLE_CHANNEL@0")
        daemon()
        for address in ("192.0.2.9", "2001:db8::9"):
            neighbour(namespace, "add", address, "Vlan10")
            written(switch, f"Vlan10:{address}")
            message = eventually(lambda: channel.get_message(ignore_subscribe_messages=True))
            assert message["data"] == "G"
    assert deleted_routes(switch) == {"Vrf1:192.0.2.9", "Vrf1:2001:db8::9"}
    assert not switch.appl_db.exists("_ROUTE_TABLE:Vrf1:192.0.2.9")


def test_8_no_route_is_deleted_when_the_neighbour_goes(namespace, switch, daemon):
    switch.config_db.hset("VXLAN_EVPN_NVO|nvo", "source_vtep", "vtep")
    neighbour(namespace, "add", "192.0.2.9", "Vlan10")
    daemon()
    switch.appl_db.delete(*KEYS)
    neighbour(namespace, "del", "192.0.2.9", "Vlan10")
    eventually(lambda: switch.appl_db.sismember("NEIGH_TABLE_DEL_SET", "Vlan10:192.0.2.9"))
    assert deleted_routes(switch) == set()


@pytest.mark.parametrize("device", ["Vlan20", "Vlan30"])
def test_8_outside_of_vrfs_no_route_is_deleted(namespace, switch, daemon, device):
    switch.config_db.hset("VXLAN_EVPN_NVO|nvo", "source_vtep", "vtep")
    daemon()
    neighbour(namespace, "add", "192.0.2.9", device)
    written(switch, f"{device}:192.0.2.9")
    assert deleted_routes(switch) == set()


def test_8_follows_evpn_and_the_master_at_run_time(namespace, switch, daemon):
    running = daemon()
    neighbour(namespace, "add", "192.0.2.9", "Vlan10")
    neighbour(namespace, "add", "192.0.2.8", "Vlan20")
    written(switch, "Vlan10:192.0.2.9")
    assert deleted_routes(switch) == set()
    switch.config_db.hset("VXLAN_EVPN_NVO|nvo", "source_vtep", "vtep")
    eventually(lambda: running.said("EVPN yes"))
    namespace.ip("link", "set", "Vlan20", "master", "Vrf1")
    stay_quiet()
    neighbour(namespace, "replace", "192.0.2.9", "Vlan10", OTHER_MAC)
    eventually(lambda: deleted_routes(switch) == {"Vrf1:192.0.2.9"})
    neighbour(namespace, "replace", "192.0.2.8", "Vlan20", OTHER_MAC)
    eventually(lambda: deleted_routes(switch) == {"Vrf1:192.0.2.9", "Vrf1:192.0.2.8"})

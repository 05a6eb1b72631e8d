# SPDX-License-Identifier: GPL-2.0-or-later
"""policy = sonic: SONiC's rules of which neighbours count, with CONFIG_DB in a real Redis
that changes while the daemon runs."""
import json
import signal

import pytest
import redis
from harness.daemon import SOURCE, neightrackd
from harness.waiting import eventually, eventually_holds, stay_quiet

CONFIG_DB = 4
MAC, ZERO = "02:00:00:00:00:0a", "00:00:00:00:00:00"
FLAGS = "notify-keyspace-events"
# the daemon's own interval while nothing tells it of changes is 10 s
UNTOLD_S = 15


@pytest.fixture
def switch(namespace):
    """The interfaces of a switch, without anybody at their other ends."""
    for name in ("Vlan1000", "Ethernet0", "PortChannel1"):
        namespace.add_interface(name)
    return namespace


@pytest.fixture
def config_db(redis_server):
    return redis.Redis(unix_socket_path=redis_server.socket, db=CONFIG_DB, decode_responses=True)


@pytest.fixture
def make_sonic_daemon(switch, redis_server, make_daemon):
    def make(*options):
        return make_daemon("--policy", "sonic", "--ignore", "lo *-p",
                           "--config-db", f"{redis_server.url}?db={CONFIG_DB}", *options)
    return make


@pytest.fixture
def sonic(make_sonic_daemon):
    return make_sonic_daemon().start()


def dual_tor(config_db):
    config_db.hset("PEER_SWITCH|lower_tor", "address_ipv4", "10.1.0.33")


def evpn(config_db):
    config_db.hset("VXLAN_EVPN_NVO|nvo", "source_vtep", "vtep")


def link_local(config_db, key, value="enable"):
    config_db.hset(key, "ipv6_use_link_local_only", value)


def add(namespace, address, device="Vlan1000", *state, mac=MAC):
    namespace.ip("neigh", "replace", address, "lladdr", mac, "dev", device, *state)


def have(redis_server, *expected):
    """{(device, address): MAC} is all there is, or comes to be so."""
    want = {f"NEIGH_TABLE:{device}:{address}":
            {"neigh": mac, "family": "IPv6" if ":" in address else "IPv4"}
            for device, address, mac in expected}

    def check():
        assert redis_server.table() == want
    eventually_holds(check, 5)


def has_read(daemon, words, times=1):
    eventually(lambda: daemon.times_said(words) >= times, 5, f"{words}: {daemon.lines}")


# --- the rules, by their numbers -----------------------------------------------------


def test_1_neighbours_of_both_families_are_published(sonic, switch, redis_server):
    add(switch, "192.0.2.9")
    add(switch, "2001:db8::9", "Ethernet0")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Ethernet0", "2001:db8::9", MAC))
    switch.ip("neigh", "del", "192.0.2.9", "dev", "Vlan1000")
    have(redis_server, ("Ethernet0", "2001:db8::9", MAC))


def test_2_link_local_ipv4_counts_unless_it_is_dual_tor(sonic, switch, redis_server, config_db):
    add(switch, "169.254.1.9")
    add(switch, "192.0.2.9")
    both = ("Vlan1000", "169.254.1.9", MAC), ("Vlan1000", "192.0.2.9", MAC)
    have(redis_server, *both)
    dual_tor(config_db)
    have(redis_server, both[1])
    add(switch, "169.254.1.10")
    stay_quiet()
    have(redis_server, both[1])
    config_db.delete("PEER_SWITCH|lower_tor")
    have(redis_server, *both, ("Vlan1000", "169.254.1.10", MAC))


ROWS = [("Vlan1000", "VLAN_INTERFACE|Vlan1000"), ("Ethernet0", "INTERFACE|Ethernet0"),
        ("PortChannel1", "PORTCHANNEL_INTERFACE|PortChannel1")]


@pytest.mark.parametrize("device, row", ROWS)
def test_3_link_local_ipv6_counts_where_it_is_enabled_from_then_on(
        sonic, switch, redis_server, config_db, device, row):
    for name, _ in ROWS:
        add(switch, "fe80::9", name)
    stay_quiet()
    assert redis_server.table() == {}
    link_local(config_db, row)
    have(redis_server, (device, "fe80::9", MAC))
    add(switch, "fe80::10", device)
    have(redis_server, (device, "fe80::9", MAC), (device, "fe80::10", MAC))
    link_local(config_db, row, "disable")
    have(redis_server)
    link_local(config_db, row)
    have(redis_server, (device, "fe80::9", MAC), (device, "fe80::10", MAC))
    config_db.delete(row)
    have(redis_server)


@pytest.mark.parametrize("row", [
    "INTERFACE|Vlan1000", "VLAN_INTERFACE|Ethernet0", "INTERFACE|eth0", "LOOPBACK_INTERFACE|lo",
    "VLAN_INTERFACE|Vlan1000|fe80::1/64", "VLAN_INTERFACE|Vlan100"])
def test_3_other_rows_enable_nothing(make_sonic_daemon, switch, redis_server, config_db, row):
    switch.add_interface("eth0")
    link_local(config_db, row)
    link_local(config_db, "PORTCHANNEL_INTERFACE|PortChannel1")
    for name in ("Vlan1000", "Ethernet0", "PortChannel1", "eth0"):
        add(switch, "fe80::9", name)
    make_sonic_daemon().start()
    have(redis_server, ("PortChannel1", "fe80::9", MAC))


def test_3_the_deletion_of_a_link_local_neighbour_passes(sonic, switch, redis_server, config_db):
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    add(switch, "fe80::9")
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    switch.ip("neigh", "del", "fe80::9", "dev", "Vlan1000")
    have(redis_server)


def test_4_link_local_multicast_is_ignored(sonic, switch, redis_server):
    add(switch, "ff02::9")
    add(switch, "2001:db8::9")
    have(redis_server, ("Vlan1000", "2001:db8::9", MAC))


@pytest.mark.parametrize("with_evpn", [False, True])
def test_5_and_6_noarp_counts_if_it_was_learned_externally(sonic, switch, redis_server,
                                                           config_db, with_evpn):
    if with_evpn:
        evpn(config_db)
        has_read(sonic, "EVPN yes")
    add(switch, "192.0.2.8", "Vlan1000", "nud", "noarp")
    add(switch, "192.0.2.9", "Vlan1000", "nud", "noarp", "extern_learn")
    add(switch, "192.0.2.10")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Vlan1000", "192.0.2.10", MAC))
    add(switch, "192.0.2.10", "Vlan1000", "nud", "noarp")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))


def test_5_probing_alone_writes_nothing_with_evpn(sonic, switch, redis_server, config_db):
    evpn(config_db)
    has_read(sonic, "EVPN yes")
    add(switch, "192.0.2.9", "Vlan1000", "nud", "reachable")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))
    written = sonic.count("sets")
    add(switch, "192.0.2.9", "Vlan1000", "nud", "probe")
    add(switch, "192.0.2.9", "Vlan1000", "nud", "reachable")
    stay_quiet()
    assert (sonic.count("sets"), sonic.count("deletes")) == (written, 0)
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))


def test_6_what_fails_is_deleted_without_dual_tor(sonic, switch, redis_server):
    add(switch, "192.0.2.9")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))
    switch.ip("neigh", "change", "192.0.2.9", "dev", "Vlan1000", "nud", "failed")
    have(redis_server)


def test_6_what_fails_has_a_zero_mac_on_dual_tor_until_it_is_deleted(sonic, switch, redis_server,
                                                                    config_db):
    dual_tor(config_db)
    has_read(sonic, "dual-ToR yes")
    add(switch, "192.0.2.9")
    add(switch, "2001:db8::9", "Ethernet0")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Ethernet0", "2001:db8::9", MAC))
    switch.ip("neigh", "change", "192.0.2.9", "dev", "Vlan1000", "nud", "failed")
    switch.ip("neigh", "change", "2001:db8::9", "dev", "Ethernet0", "nud", "failed")
    have(redis_server, ("Vlan1000", "192.0.2.9", ZERO), ("Ethernet0", "2001:db8::9", ZERO))
    add(switch, "192.0.2.9")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Ethernet0", "2001:db8::9", ZERO))
    switch.ip("neigh", "del", "2001:db8::9", "dev", "Ethernet0")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))


def test_6_a_packet_to_an_absent_host_makes_a_zero_mac_on_dual_tor(sonic, switch, redis_server,
                                                                   config_db):
    dual_tor(config_db)
    has_read(sonic, "dual-ToR yes")
    switch.ip("addr", "add", "192.0.2.1/24", "dev", "Vlan1000")
    assert not switch.can_ping("192.0.2.77")
    have(redis_server, ("Vlan1000", "192.0.2.77", ZERO))
    # somebody has come, and has gone
    add(switch, "192.0.2.77")
    have(redis_server, ("Vlan1000", "192.0.2.77", MAC))
    switch.ip("neigh", "del", "192.0.2.77", "dev", "Vlan1000")
    have(redis_server)


def test_6_an_audit_during_a_first_look_is_no_alarm(sonic, switch, redis_server, config_db):
    dual_tor(config_db)
    has_read(sonic, "dual-ToR yes")
    switch.sysctl("ipv4/neigh/Vlan1000/retrans_time_ms", 30000)
    switch.ip("addr", "add", "192.0.2.1/24", "dev", "Vlan1000")
    assert not switch.can_ping("192.0.2.77")
    assert redis_server.table() == {}
    sonic.audit()
    have(redis_server, ("Vlan1000", "192.0.2.77", ZERO))
    assert not sonic.said("were wrong")
    add(switch, "192.0.2.77")
    have(redis_server, ("Vlan1000", "192.0.2.77", MAC))


def test_6_dual_tor_switched_on_and_off_changes_neighbours_that_exist(sonic, switch, redis_server,
                                                                      config_db):
    add(switch, "192.0.2.8")
    add(switch, "192.0.2.9")
    have(redis_server, ("Vlan1000", "192.0.2.8", MAC), ("Vlan1000", "192.0.2.9", MAC))
    switch.ip("neigh", "change", "192.0.2.9", "dev", "Vlan1000", "nud", "failed")
    have(redis_server, ("Vlan1000", "192.0.2.8", MAC))
    dual_tor(config_db)
    have(redis_server, ("Vlan1000", "192.0.2.8", MAC), ("Vlan1000", "192.0.2.9", ZERO))
    config_db.delete("PEER_SWITCH|lower_tor")
    have(redis_server, ("Vlan1000", "192.0.2.8", MAC))


def test_7_a_broadcast_mac_or_another_length_is_not_published(sonic, switch, redis_server):
    switch.ip("tuntap", "add", "mode", "tun", "name", "Ethernet4")
    switch.ip("link", "set", "Ethernet4", "up")
    add(switch, "192.0.2.8", mac="ff:ff:ff:ff:ff:ff")
    add(switch, "192.0.2.9", "Ethernet4", "nud", "permanent")
    add(switch, "192.0.2.10")
    have(redis_server, ("Vlan1000", "192.0.2.10", MAC))


EVERY_KIND = [f"neigh replace {address} lladdr {mac} dev {device} nud {state}"
              for device in ("Vlan1000", "Ethernet0", "PortChannel1")
              for address, mac, state in (
                  ("192.0.2.10", MAC, "reachable"), ("192.0.2.11", MAC, "stale"),
                  ("192.0.2.12", MAC, "permanent"), ("192.0.2.13", MAC, "noarp"),
                  ("192.0.2.14", MAC, "noarp extern_learn"), ("192.0.2.15", MAC, "failed"),
                  ("192.0.2.16", MAC, "none"),
                  ("192.0.2.18", "ff:ff:ff:ff:ff:ff", "permanent"),
                  ("192.0.2.19", ZERO, "permanent"), ("169.254.3.4", MAC, "permanent"),
                  ("224.0.0.5", MAC, "permanent"), ("2001:db8::10", MAC, "permanent"),
                  ("2001:db8::13", MAC, "failed"), ("fe80::10", MAC, "permanent"),
                  ("ff02::10", MAC, "permanent"), ("ff05::10", MAC, "permanent"))]


@pytest.mark.parametrize("rows", [(), (dual_tor,), (evpn,), (dual_tor, evpn)],
                         ids=lambda rows: "+".join(row.__name__ for row in rows) or "none")
def test_hooks_snapshot_and_verify_give_one_answer(make_sonic_daemon, switch, redis_server,
                                                   config_db, rows):
    for row in rows:
        row(config_db)
    link_local(config_db, "INTERFACE|Ethernet0")
    daemon = make_sonic_daemon().start()
    switch.batch(EVERY_KIND)
    eventually(lambda: len(redis_server.table()) >= 20)
    if SOURCE == "netlink":
        daemon.audit()      # the kernel notifies of no neighbour that somebody makes as failed
        stay_quiet()
    options = ("--policy", "sonic", "--ignore", "lo *-p", "--config-db",
               f"{redis_server.url}?db={CONFIG_DB}")
    assert daemon.verify(*options)[0] == 0, daemon.verify(*options)
    told_by_hooks = redis_server.table()
    zeros = {key for key, value in told_by_hooks.items() if value["neigh"] == ZERO}
    assert len(zeros) == (9 if dual_tor in rows else 3)
    daemon.stop()
    redis_server.client.flushdb()
    daemon = make_sonic_daemon().start()
    assert daemon.verify(*options)[0] == 0, daemon.verify(*options)
    # (the kernel may have collected some of those that failed meanwhile)
    told_by_snapshot = redis_server.table()
    assert set(told_by_hooks) - zeros <= set(told_by_snapshot) <= set(told_by_hooks)
    assert all(told_by_hooks[key] == value for key, value in told_by_snapshot.items())


# --- how CONFIG_DB is followed -------------------------------------------------------


def test_what_counts_is_known_before_anything_is_removed(make_sonic_daemon, switch, redis_server,
                                                         config_db):
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    dual_tor(config_db)
    add(switch, "fe80::9")
    add(switch, "192.0.2.9")
    switch.ip("neigh", "change", "192.0.2.9", "dev", "Vlan1000", "nud", "failed")
    daemon = make_sonic_daemon().start()
    have(redis_server, ("Vlan1000", "fe80::9", MAC), ("Vlan1000", "192.0.2.9", ZERO))
    daemon.stop()
    redis_server.forget_statistics()
    make_sonic_daemon().start()
    have(redis_server, ("Vlan1000", "fe80::9", MAC), ("Vlan1000", "192.0.2.9", ZERO))
    assert set(redis_server.writes()) <= {"hsetnx"}


@pytest.mark.parametrize("before, after", [
    ("", set("Kgh")), ("AKE", set("AKE")), ("Kgh", set("Kgh")), ("Ex", set("ExKgh")),
    ("K$", set("K$gh"))])
def test_flags_of_notifications_are_added_and_none_is_taken_away(
        make_sonic_daemon, redis_server, config_db, before, after):
    redis_server.client.config_set(FLAGS, before)
    make_sonic_daemon().start()
    assert set(redis_server.client.config_get(FLAGS)[FLAGS]) == after


def forbid(redis_server, *rules):
    redis_server.client.execute_command("ACL", "SETUSER", "default", *rules)


def test_without_the_right_to_configure_redis_changes_are_found_by_reading(
        make_sonic_daemon, switch, redis_server, config_db):
    forbid(redis_server, "-config")
    daemon = make_sonic_daemon().start()
    add(switch, "fe80::9")
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    eventually(redis_server.table, UNTOLD_S)
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    assert daemon.times_said("changes of it are found by reading it") == 1


def test_without_the_right_to_subscribe_changes_are_found_by_reading(
        make_sonic_daemon, switch, redis_server, config_db):
    forbid(redis_server, "-psubscribe")
    daemon = make_sonic_daemon().start()
    add(switch, "fe80::9")
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    eventually(redis_server.table, UNTOLD_S)
    assert daemon.times_said("PSUBSCRIBE: it answers: NOPERM") == 1


def test_flags_that_somebody_sets_serve_without_the_right_to_set_them(
        make_sonic_daemon, switch, redis_server, config_db):
    redis_server.client.config_set(FLAGS, "KA")
    forbid(redis_server, "-config|set")
    daemon = make_sonic_daemon().start()
    add(switch, "fe80::9")
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    assert not daemon.said("found by reading it")


def test_without_the_right_to_read_it_goes_on_after_a_while(switch, redis_server, make_redis,
                                                           make_daemon):
    config = make_redis()
    config.start()
    forbid(config, "-scan")
    add(switch, "192.0.2.9")
    daemon = make_daemon("--policy", "sonic", "--config-db", config.url).launch()
    eventually(redis_server.table, UNTOLD_S)
    eventually(lambda: daemon.said("going on as if it were empty"))
    assert daemon.said("SCAN: it answers: NOPERM")
    forbid(config, "+scan")
    config.client.hset("VLAN_INTERFACE|Vlan1000", "ipv6_use_link_local_only", "enable")
    add(switch, "fe80::9")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Vlan1000", "fe80::9", MAC))


def test_rows_changed_while_the_connection_was_away_are_taken_in(make_sonic_daemon, switch,
                                                                redis_server, config_db, tmp_path):
    daemon = make_sonic_daemon().start()
    add(switch, "fe80::9")
    add(switch, "192.0.2.9")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC))
    before = daemon.lines[:]
    redis_server.stop()
    eventually(lambda: daemon.said("is away"))
    add(switch, "192.0.2.10")
    redis_server.start()
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Vlan1000", "192.0.2.10", MAC),
         ("Vlan1000", "fe80::9", MAC))
    assert len(daemon.lines) < len(before) + 30
    # the new server has been made to notify, too
    config_db.delete("VLAN_INTERFACE|Vlan1000")
    have(redis_server, ("Vlan1000", "192.0.2.9", MAC), ("Vlan1000", "192.0.2.10", MAC))


def test_the_last_answers_hold_on_while_config_db_is_away(switch, redis_server, make_redis,
                                                          make_daemon):
    config = make_redis()
    config.start()
    config.client.hset("VLAN_INTERFACE|Vlan1000", "ipv6_use_link_local_only", "enable")
    daemon = make_daemon("--policy", "sonic", "--ignore", "lo *-p", "--config-db",
                         config.url).start()
    add(switch, "fe80::9")
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    config.stop()
    eventually(lambda: daemon.said("what is known of the switch stays"))
    add(switch, "fe80::10")
    have(redis_server, ("Vlan1000", "fe80::9", MAC), ("Vlan1000", "fe80::10", MAC))
    daemon.audit()
    stay_quiet()
    have(redis_server, ("Vlan1000", "fe80::9", MAC), ("Vlan1000", "fe80::10", MAC))
    config.start()          # and is empty
    have(redis_server)
    eventually(lambda: daemon.said("its configuration was read again"))


def test_the_listener_alone_lost_is_made_again(sonic, switch, redis_server, config_db):
    add(switch, "fe80::9")
    stay_quiet()
    assert redis_server.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    eventually(lambda: redis_server.client.pubsub_numpat() == 6)


def test_a_row_that_is_replaced_in_two_steps_moves_no_neighbour(sonic, switch, redis_server,
                                                               config_db):
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    add(switch, "fe80::9")
    have(redis_server, ("Vlan1000", "fe80::9", MAC))
    deletes = sonic.count("deletes")
    for _ in range(5):
        config_db.delete("VLAN_INTERFACE|Vlan1000")
        stay_quiet(0.01)
        link_local(config_db, "VLAN_INTERFACE|Vlan1000")
        stay_quiet(0.2)
    assert sonic.count("deletes") == deletes


def test_config_db_is_not_asked_for_each_neighbour(sonic, switch, redis_server, config_db):
    dual_tor(config_db)
    has_read(sonic, "dual-ToR yes")
    stay_quiet()
    redis_server.forget_statistics()
    switch.batch([f"neigh replace 10.1.{i >> 8}.{i & 255} lladdr {MAC} dev Vlan1000"
                  for i in range(2000)])
    eventually(lambda: len(redis_server.table()) == 2000)
    statistics = redis_server.client.info("commandstats")
    assert "cmdstat_keys" not in statistics
    assert statistics.get("cmdstat_hget", {"calls": 0})["calls"] == 0


def test_many_rows_are_read_in_one_walk(make_sonic_daemon, switch, redis_server, config_db):
    pipeline = config_db.pipeline(transaction=False)
    for i in range(3000):
        pipeline.hset(f"PORT|Ethernet{i}", "lanes", "1")
        pipeline.hset(f"INTERFACE|Ethernet{i}", "ipv6_use_link_local_only",
                      "enable" if i % 2 == 0 else "disable")
        pipeline.hset(f"INTERFACE|Ethernet{i}|10.0.0.0/31", "NULL", "NULL")
    pipeline.set("INTERFACE|Ethernet9999", "this is no hash")
    pipeline.execute()
    daemon = make_sonic_daemon().start()
    eventually(lambda: daemon.said("link-local neighbours count on 1500 interfaces"))
    add(switch, "fe80::9", "Ethernet0")
    have(redis_server, ("Ethernet0", "fe80::9", MAC))


# --- LOGGER, and where the databases are ---------------------------------------------


def test_the_logger_row_is_made_and_followed(sonic, switch, config_db):
    row = "LOGGER|neighsyncd"
    eventually(lambda: config_db.hgetall(row) == {"LOGLEVEL": "INFO", "LOGOUTPUT": "SYSLOG"})
    config_db.hset(row, "LOGLEVEL", "DEBUG")
    def says_debug():
        switch.try_batch(["link set Ethernet0 mtu 1400"])
        config_db.hset(row, "LOGLEVEL", "nonsense")
        return sonic.said("LOGLEVEL of LOGGER|neighsyncd is 'nonsense'")
    eventually(says_debug)
    config_db.hset(row, "LOGLEVEL", "ERROR")
    stay_quiet()
    before = len(sonic.lines)
    sonic.signal(signal.SIGUSR1)
    stay_quiet()
    assert len(sonic.lines) == before
    config_db.hset(row, "LOGLEVEL", "NOTICE")
    stay_quiet()
    assert sonic.statistics()["redis_connects"] >= 1


def test_a_logger_row_that_is_there_is_left_as_it_is(make_sonic_daemon, config_db):
    config_db.hset("LOGGER|neighsyncd", mapping={"LOGLEVEL": "NOTICE", "LOGOUTPUT": "STDERR"})
    make_sonic_daemon().start()
    stay_quiet()
    assert config_db.hgetall("LOGGER|neighsyncd") == {"LOGLEVEL": "NOTICE", "LOGOUTPUT": "STDERR"}


def write_database_config(folder, redis_server):
    databases = {name: {"id": number, "separator": separator, "instance": "redis"}
                 for name, number, separator in
                 (("APPL_DB", 2, ":"), ("CONFIG_DB", CONFIG_DB, "|"), ("STATE_DB", 6, "|"))}
    (folder / "database_config.json").write_text(json.dumps({
        "INSTANCES": {"redis": {"hostname": "127.0.0.1", "port": 6379,
                                "unix_socket_path": redis_server.socket}},
        "DATABASES": databases, "VERSION": "1.0"}))
    (folder / "database_global.json").write_text(json.dumps({"INCLUDES": [
        {"include": "nowhere.json"},
        {"namespace": "asic0", "include": "database_config.json"}]}))


@pytest.mark.parametrize("words", [("database_config.json",),
                                   ("database_global.json", "--database-namespace", "asic0")])
def test_a_switchs_own_file_says_where_the_databases_are(switch, redis_server, make_daemon,
                                                         config_db, tmp_path, words):
    write_database_config(tmp_path, redis_server)
    link_local(config_db, "VLAN_INTERFACE|Vlan1000")
    add(switch, "fe80::9")
    make_daemon("--policy", "sonic", "--ignore", "lo *-p", "--database-config",
                str(tmp_path / words[0]), *words[1:], url="tcp://127.0.0.1:1").start()
    appl_db = redis.Redis(unix_socket_path=redis_server.socket, db=2, decode_responses=True)
    assert appl_db.hgetall("NEIGH_TABLE:Vlan1000:fe80::9") == {"neigh": MAC, "family": "IPv6"}
    assert redis_server.table() == {}


@pytest.mark.no_root
def test_a_broken_file_of_databases_is_an_error_at_start(tmp_path):
    path = tmp_path / "database_config.json"
    path.write_text('{"INSTANCES": {}, "DATABASES": {"APPL_DB": {"id": 0}}}')
    code, _, errors = neightrackd("--database-config", str(path), "--check-config")
    assert code == 2
    assert errors == (f"{path}: APPL_DB: separator is no single character other than "
                      "* ? [ ] \\\n")

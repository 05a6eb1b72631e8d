# SPDX-License-Identifier: GPL-2.0-or-later
"""One process mirrors several network namespaces, with the same names of interfaces and
the same addresses in them, and nothing of one shows in another."""
import json
import os
import random
import signal
import subprocess
import threading

import pytest
from harness.daemon import ROOT, SOURCE, dump_map, neightrackd, pinned_programs, tool
from harness.instances import Instances, Place, never_mix
from harness.metrics import Endpoint
from harness.namespace import burst, removal
from harness.rtnetlink import Neighbours, delete, replace
from harness.sonic_consumer import SonicConsumer
from harness.switch import Switch
from harness.tables import wait_until_equal
from harness.waiting import eventually, eventually_holds, stay_quiet

SOURCES = ["tp_btf", "netlink"]
BY_BPF = pytest.mark.skipif(SOURCE == "netlink", reason="that source has no BPF programs")


@pytest.fixture
def places(make_redis):
    made = []
    for name in ("asic0", "asic1"):
        server = make_redis()
        server.start()
        made.append(Place(name, server))
    yield made
    for place in made:
        place.namespace.remove()


@pytest.fixture
def make_instances(places, tmp_path):
    made = []

    def make(*options, **arguments):
        made.append(Instances(places, str(tmp_path), *options, **arguments))
        return made[-1]

    yield make
    for daemon in made:
        daemon.clean_up()


def attached(daemon):
    """[(program's id, type of the link)] of what is pinned and attached."""
    numbers = set(pinned_programs(daemon.instance).values())
    links = subprocess.run(["bpftool", "-j", "link"], stdout=subprocess.PIPE, check=True).stdout
    return [link["prog_id"] for link in json.loads(links) if link.get("prog_id") in numbers]


# --- what happens in one of them ------------------------------------------------------------

@pytest.mark.parametrize("source", SOURCES)
def test_the_same_addresses_on_the_same_interfaces_never_mix(places, make_instances, source):
    daemon = make_instances("--source", source)
    places[0].namespace.batch(burst(300, mac=1))
    places[1].namespace.batch(burst(200, mac=2))
    daemon.start()
    tables = never_mix(places)
    assert [len(table) for table in tables] == [300, 200]
    # added, deleted, moved
    places[0].namespace.batch(burst(400, mac=3))
    places[1].namespace.batch(removal(100))
    tables = never_mix(places)
    assert [len(table) for table in tables] == [400, 100]
    places[1].namespace.batch(burst(150, mac=1) + burst(50, device="veth1", mac=4))
    places[0].namespace.batch(["neigh flush all nud reachable"])
    places[0].namespace.batch(burst(1, mac=9))
    tables = never_mix(places)
    assert [len(table) for table in tables] == [1, 250]


@pytest.mark.parametrize("source", SOURCES)
def test_a_rename_in_one_leaves_the_others_names(places, make_instances, source):
    make_instances("--source", source).start()
    for number, place in enumerate(places):
        place.namespace.batch(burst(20, mac=number))
    never_mix(places)
    places[0].namespace.batch(["link set veth0 name uplink", *burst(30, "uplink", mac=5)])
    places[1].namespace.batch(burst(25, mac=6))
    tables = never_mix(places)
    assert {key.split(":")[1] for key in tables[0]} == {"uplink"}
    assert {key.split(":")[1] for key in tables[1]} == {"veth0"}


@pytest.mark.parametrize("source", SOURCES)
def test_what_one_does_not_watch_the_other_may(places, make_instances, source):
    daemon = make_instances("--source", source)
    daemon.write(asic0=["ignore = lo veth0 *-p", "ipv6 = no"], asic1=["ignore = lo veth1 *-p"])
    daemon.start()
    for place in places:
        place.namespace.batch(burst(5) + burst(6, device="veth1") +
                              ["neigh replace 2001:db8::7 lladdr 02:00:00:00:00:07 dev veth1"])
    eventually(lambda: len(places[0].server.table()) == 6 and len(places[1].server.table()) == 5)
    assert {key.split(":")[1] for key in places[0].server.table()} == {"veth1"}
    assert {key.split(":")[1] for key in places[1].server.table()} == {"veth0"}


@pytest.mark.parametrize("busy, quiet", [(0, 1), (1, 0)])
@pytest.mark.parametrize("source, options", [("tp_btf", ("--ring-size", "4096")),
                                             ("netlink", ("--netlink-buffer", "16K"))])
def test_what_overflows_for_one_loses_nothing_of_the_other(places, make_instances, source,
                                                           options, busy, quiet):
    daemon = make_instances("--source", source, *options).start()
    daemon.signal(signal.SIGSTOP)
    places[busy].namespace.batch(burst(3000, mac=1))
    places[quiet].namespace.batch(burst(10, mac=2))
    daemon.signal(signal.SIGCONT)
    tables = never_mix(places)
    assert len(tables[busy]) == 3000 and len(tables[quiet]) == 10
    busy, quiet = (daemon.statistics_of(places[number].name) for number in (busy, quiet))
    assert busy["lost"] > 0 and busy["dumps"] > 1
    assert quiet["lost"] == 0
    if source == "tp_btf":
        assert busy["ring_full"] > 0 and quiet["ring_full"] == 0


@pytest.mark.parametrize("source", SOURCES)
def test_one_redis_away_stops_the_other_not(places, make_instances, source):
    daemon = make_instances("--source", source).start()
    places[0].server.stop()
    eventually(lambda: daemon.said("warning: asic0: Redis at "))
    for number, place in enumerate(places):
        place.namespace.batch(burst(500, mac=number))
    places[1].equals_kernel()
    places[1].namespace.batch(burst(500, mac=7))
    places[1].equals_kernel()
    assert not daemon.said("asic1: Redis at " + places[1].server.url + " is away")
    places[0].server.start()
    assert [len(table) for table in never_mix(places)] == [500, 500]


@pytest.mark.parametrize("source", SOURCES)
def test_a_namespace_goes_and_comes_again_while_the_other_goes_on(places, make_instances, source):
    daemon = make_instances("--source", source)
    daemon.write("netns_gone = wait\n")
    daemon.start()
    for number, place in enumerate(places):
        place.namespace.batch(burst(200, mac=number))
    never_mix(places)
    for number in range(3):
        places[0].delete_namespace()
        eventually(lambda: daemon.times_said("asic0: waiting for network namespace") == number + 1)
        eventually(lambda: places[0].server.table() == {})
        places[1].namespace.batch(burst(200, mac=10 + number))
        places[1].equals_kernel()
        places[0].make_namespace_again()
        # what was claimed of those in the old one, with the same ifindex, suppresses nothing
        places[0].namespace.batch(burst(100))
        places[1].namespace.batch(burst(50, device="veth1", mac=20 + number))
        assert [len(table) for table in never_mix(places)] == [100, 250]
    for name in ("asic0", "asic1"):
        counted = daemon.statistics_of(name)
        assert counted["submitted"] == counted["consumed"] and counted["lost"] == 0


def test_a_namespace_that_is_not_there_yet_is_waited_for(places, make_instances):
    places[0].delete_namespace()
    daemon = make_instances()
    daemon.write("netns_gone = wait\n")
    daemon.launch()
    eventually(lambda: daemon.said("asic0: waiting for network namespace"))
    places[1].namespace.batch(burst(10))
    places[1].equals_kernel()
    places[0].make_namespace_again()
    places[0].namespace.batch(burst(20, mac=1))
    assert [len(table) for table in never_mix(places)] == [20, 10]


def test_a_namespace_that_is_not_waited_for_ends_all(places, make_instances):
    daemon = make_instances().start()
    for number, place in enumerate(places):
        place.namespace.batch(burst(20, mac=number))
    never_mix(places)
    places[0].delete_namespace()
    assert daemon.process.wait(timeout=20) == 1
    assert places[0].server.table() == {}
    assert len(places[1].equals_kernel()) == 20


def random_change(rng, number):
    """MACs tell whose it was."""
    address = f"10.1.0.{rng.randrange(1, 200)}"
    device = rng.choice(("veth0", "veth1"))
    if rng.random() < 0.3:
        return delete(address, device)
    return replace(address, device, f"02:00:00:00:{number:02x}:{rng.randrange(4):02x}",
                   rng.choice(("reachable", "stale", "permanent", "failed", "noarp")))


def storm(place, number, seed, rounds=60):
    rng = random.Random(f"{seed} {number}")
    sender = Neighbours(place.namespace)
    for _ in range(rounds):
        sender.send([random_change(rng, number) for _ in range(rng.choice((1, 50, 1000)))])
    sender.close()


@pytest.mark.parametrize("source, options", [
    ("tp_btf", ()), ("tp_btf", ("--ring-size", "4096", "--map-size", "150")),
    ("netlink", ()), ("netlink", ("--netlink-buffer", "16K"))])
def test_storms_in_both_end_equal_and_never_mix(places, make_instances, source, options):
    seed = random.randrange(1 << 30)
    print(f"SEED={seed}")
    daemon = make_instances("--source", source, *options).start()
    threads = [threading.Thread(target=storm, args=(place, number, seed))
               for number, place in enumerate(places)]
    for thread in threads:
        thread.start()
    places[0].server.kill_clients()
    for thread in threads:
        thread.join()
    for place in places:
        place.namespace.batch(burst(1, net="11"))
    for number, place in enumerate(places):
        table = place.equals_kernel(30)
        macs = {fields["neigh"][12:14] for key, fields in table.items() if ":10.1." in key}
        assert macs <= {f"{number:02x}"}
    if source == "tp_btf":
        eventually_holds(lambda: assert_counted(daemon))


def assert_counted(daemon):
    outcomes = ("other_netns", "filtered", "suppressed", "superseded", "discarded", "submitted",
                "ring_full")
    for row, c in daemon.counters().items():
        assert c["seen"] + c["rechecked"] == sum(c[name] for name in outcomes), (row, c)
        # what happens in namespaces of nobody's is counted once
        assert row < 4 or c["other_netns"] == 0


# --- a switch of several ASICs ----------------------------------------------------------------

@pytest.fixture
def asics(places, tmp_path):
    """{"asic0": (place, its databases, its consumer), ...}, and database_global.json."""
    made = {}
    includes = [{"include": "host.json"}]
    for place in places:
        folder = tmp_path / place.name
        folder.mkdir()
        made[place.name] = (place, Switch(place.server, str(folder)), SonicConsumer(place.server))
        includes.append({"namespace": place.name,
                         "include": f"{place.name}/database_config.json"})
    (tmp_path / "host.json").write_text((tmp_path / "asic0/database_config.json").read_text())
    (tmp_path / "database_global.json").write_text(
        json.dumps({"INCLUDES": includes, "VERSION": "1.0"}))
    yield made
    for _, _, consumer in made.values():
        if consumer.thread.is_alive():
            consumer.stop()


def start_asics(make_instances, tmp_path, *options, **lines):
    daemon = make_instances(*options)
    daemon.write("schema = sonic\npolicy = sonic\nignore = lo *-p\n"
                 f"database_config = {tmp_path}/database_global.json\n",
                 **{name: [f"database_namespace = {name}", *lines.get(name, ())]
                    for name in ("asic0", "asic1")})
    return daemon.start()


@pytest.mark.parametrize("source", SOURCES)
def test_each_asics_consumer_ends_with_its_own_neighbours(asics, make_instances, tmp_path, source):
    for _, _, consumer in asics.values():
        consumer.start()
    start_asics(make_instances, tmp_path, "--source", source)
    threads = [threading.Thread(target=storm, args=(place, number, 1))
               for number, (place, _, _) in enumerate(asics.values())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, _, consumer in asics.values():
        place.namespace.batch(burst(1, net="11"))
        assert wait_until_equal(consumer.read, place.namespace, 30)
        consumer.stop()


def test_each_asics_config_db_is_its_own(asics, make_instances, tmp_path):
    """One of them becomes dual-ToR, and shows what cannot be resolved."""
    start_asics(make_instances, tmp_path)
    asics["asic1"][1].config_db.hset("PEER_SWITCH|lower_tor", "address_ipv4", "10.1.0.33")
    for place, _, consumer in asics.values():
        consumer.start()
        place.namespace.batch(burst(20) + burst(1, state="failed", net="11"))
    for name, (place, _, consumer) in asics.items():
        table = wait_until_equal(consumer.read, place.namespace, 20, dual_tor=name == "asic1")
        assert len(table) == (21 if name == "asic1" else 20)


def test_a_warm_restart_is_each_asics_own(asics, make_instances, tmp_path):
    for place, _, consumer in asics.values():
        place.namespace.batch(burst(50))
        consumer.start()
    words = {"asic0": ["warm_restart = yes"], "asic1": ["warm_restart = yes"]}
    daemon = start_asics(make_instances, tmp_path, **words)
    for place, _, consumer in asics.values():
        wait_until_equal(consumer.read, place.namespace, 20)
        consumer.clear()
    daemon.kill()
    asics["asic0"][1].enable_warm_restart()
    asics["asic0"][1].neighbours_are_restored()
    for place, _, _ in asics.values():
        place.namespace.batch(burst(1, mac=5))
    daemon.launch()
    for place, _, consumer in asics.values():
        wait_until_equal(consumer.read, place.namespace, 20)
        assert [key for key, _, _ in consumer.told] == ["veth0:10.1.0.0"]
    eventually(lambda: asics["asic0"][1].warm_restart().get("state") == "reconciled", 20)
    assert asics["asic0"][1].warm_restart()["restore_count"] == "1"
    assert asics["asic1"][1].warm_restart() == {"restore_count": "0"}


def test_log_levels_are_each_asics_own(asics, make_instances, tmp_path):
    daemon = start_asics(make_instances, tmp_path)
    asics["asic0"][1].config_db.hset("LOGGER|neighsyncd", "LOGLEVEL", "ERROR")
    eventually(lambda: asics["asic1"][1].config_db.hgetall("LOGGER|neighsyncd"))
    stay_quiet()
    before = len(daemon.lines)
    eventually(lambda: daemon.statistics_of("asic1"))
    stay_quiet()
    assert not [line for line in daemon.lines[before:] if "asic0: " in line]


def test_the_configuration_that_is_shipped_for_several_asics_is_right(asics, tmp_path):
    with open(os.path.join(ROOT, "docs", "sonic", "neightrackd-multi-asic.conf"),
              encoding="ascii") as file:
        text = file.read()
    assert "/var/run/redis/sonic-db/database_global.json" in text
    path = tmp_path / "neightrackd.conf"
    path.write_text(text.replace("/var/run/redis/sonic-db", str(tmp_path)))
    assert neightrackd("--config", str(path), "--check-config") == (0, "", "")
    assert text.count("[instance ") == len(asics)


# --- the programs -----------------------------------------------------------------------------

@BY_BPF
def test_the_programs_are_attached_once(places, make_instances):
    daemon = make_instances("--source", "tp_btf").start()
    assert len(attached(daemon)) == 4 and len(set(attached(daemon))) == 4
    assert daemon.times_said("attached tp_btf") == 1
    for place in places:
        place.namespace.batch(burst(10))
    never_mix(places)
    owners = {row["formatted"]["key"]["instance"] for row in dump_map(daemon.instance, "neighbours")}
    assert owners == {0, 1}


@BY_BPF
def test_the_next_daemon_takes_over_what_this_one_has_pinned(places, make_instances):
    for number, place in enumerate(places):
        place.namespace.batch(burst(100, mac=number))
    keep = ("--source", "tp_btf", "--pins", "keep")
    daemon = make_instances(*keep).start()
    never_mix(places)
    ids = pinned_programs(daemon.instance)
    daemon.stop()
    places[1].namespace.batch(burst(10, mac=8))
    again = make_instances(*keep, instance=daemon.instance).start()
    assert pinned_programs(again.instance) == ids
    places[0].namespace.batch(burst(10, mac=9))
    never_mix(places)
    again.stop()
    # another number of them needs other maps
    again.places = again.places[:1]
    again.write()
    again.start()
    assert not set(pinned_programs(again.instance).values()) & set(ids.values())


@BY_BPF
def test_one_namespace_by_two_names_is_refused(places, make_instances):
    daemon = make_instances("--source", "tp_btf")
    places[1].namespace.remove()
    daemon.write()
    text = open(daemon.file, encoding="ascii").read()
    path = f"/run/netns/{places[0].namespace.name}"
    with open(daemon.file, "w", encoding="ascii") as file:
        file.write(text.replace(f"netns = {places[1].namespace.name}", f"netns = {path}"))
    daemon.launch()
    assert daemon.process.wait(timeout=20) == 1
    eventually(lambda: daemon.said(f"error: asic1: network namespace {path} is another instance's"))


# --- what is told of each ---------------------------------------------------------------------

def test_a_reload_takes_over_what_is_each_ones_own(places, make_instances):
    daemon = make_instances().start()
    for place in places:
        place.namespace.batch(burst(5) + burst(6, device="veth1"))
    never_mix(places)
    daemon.write(asic1=["ignore = lo veth1 *-p"])
    daemon.signal(signal.SIGHUP)
    assert len(places[1].equals_kernel(ignored=("lo", "veth1"))) == 5
    assert len(places[0].equals_kernel()) == 11
    daemon.write(asic1=["netns = elsewhere"])
    text = open(daemon.file, encoding="ascii").read()
    with open(daemon.file, "w", encoding="ascii") as file:
        file.write(text.replace(f"netns = {places[1].namespace.name}\n", ""))
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.said("[instance asic1] netns cannot change while neightrackd runs"))
    daemon.places = places[:1]
    daemon.write()
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.said("other [instance] sections than before need a restart"))
    assert len(places[0].equals_kernel()) == 11


def test_each_line_of_the_log_says_of_whom_it_tells(places, make_instances):
    daemon = make_instances().start()
    ready = [line for line in daemon.lines if "ready: " in line]
    assert sorted(line.split(": ")[1] for line in ready) == ["asic0", "asic1"]
    daemon.stop()
    told = make_instances("--log-format", "json").launch()
    eventually(lambda: told.times_said('"message":"ready: ') == 2)
    assert {json.loads(line)["mirror"] for line in told.lines if "ready: " in line} == \
        {"asic0", "asic1"}
    told.stop()


def test_metrics_tell_which_mirror_and_all_must_be_ready(places, make_instances, tmp_path):
    address = f"unix:{tmp_path}/metrics.sock"
    endpoint = Endpoint(address)
    daemon = make_instances("--metrics", address, "--metrics-interfaces", "4").start()
    places[0].namespace.batch(burst(7))
    places[1].namespace.batch(burst(9))
    never_mix(places)
    eventually(lambda: endpoint.value("neightrack_neighbours", mirror="asic0") == 7)
    assert endpoint.value("neightrack_neighbours", mirror="asic1") == 9
    assert endpoint.request("/readyz")[0] == 200
    text = endpoint.text()
    assert subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          check=False).returncode == 0
    families = [family.name for family in endpoint.families()]
    assert len(families) == len(set(families))
    assert {family.name for family in endpoint.openmetrics()} == set(families)
    shared = ("neightrack_http_", "neightrack_bpf_", "neightrack_build", "process_")
    for family in endpoint.families():
        whose = {sample.labels.get("mirror") for sample in family.samples}
        assert whose == ({None} if family.name.startswith(shared) else {"asic0", "asic1"}), family
    places[1].server.stop()
    eventually(lambda: endpoint.request("/readyz")[0] == 503)
    assert endpoint.request("/readyz")[2].startswith("asic1: ")
    assert endpoint.values("neightrack_ready") == [({"mirror": "asic0"}, 1),
                                                   ({"mirror": "asic1"}, 0)]
    places[1].server.start()
    eventually(lambda: endpoint.request("/readyz")[0] == 200, 20)
    daemon.stop()


def test_the_tool_looks_at_the_one_that_is_chosen(places, make_instances):
    daemon = make_instances().start()
    places[0].namespace.batch(burst(3))
    places[1].namespace.batch(burst(4))
    never_mix(places)
    for place, count in zip(places, (3, 4)):
        code, out, _ = tool("verify", "--config", daemon.file, "--mirror", place.name)
        assert code == 0 and f"equal: {count} neighbours" in out
        code, out, _ = tool("show", "-j", "--config", daemon.file, "--mirror", place.name)
        assert code == 0 and len(json.loads(out)) == count
    code, _, errors = tool("verify", "--config", daemon.file)
    assert code == 2 and "choose one with --mirror (asic0 asic1)" in errors
    code, _, errors = tool("show", "--config", daemon.file, "--mirror", "asic7")
    assert code == 2 and "there is no [instance asic7]" in errors
    code, _, errors = neightrackd("--config", daemon.file, "--mirror", "asic0", "--check-config")
    assert code == 2 and "neightrackd serves every instance" in errors

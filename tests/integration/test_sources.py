# SPDX-License-Identifier: GPL-2.0-or-later
"""Which source is taken on which kernel, and what is said of those that were not."""
import json
import os
import subprocess

import pytest
from harness.daemon import BUILD, ROOT
from harness.namespace import burst

RUNNING_BTF = "/sys/kernel/btf/vmlinux"
HAS_KPROBES = os.path.exists("/sys/bus/event_source/devices/kprobe/type")

# a kernel of its day: seqlock_t without seqcount_spinlock_t, and flags of one byte
OLD_SHAPES = """
typedef unsigned char u8;
struct seqcount { unsigned int sequence; };
typedef struct { struct seqcount seqcount; int lock; } seqlock_t;
struct ns_common { char before[%(ns_common.inum)d]; unsigned int inum; };
struct net { char before[%(net.ns)d]; struct ns_common ns; };
typedef struct { struct net *net; } possible_net_t;
struct net_device {
	union {
		struct { char before1[%(net_device.ifindex)d]; int ifindex; };
		struct { char before2[%(net_device.addr_len)d]; unsigned char addr_len; };
		struct { char before3[%(net_device.nd_net)d]; possible_net_t nd_net; };
	};
};
struct neigh_table { char before[%(neigh_table.family)d]; int family; };
struct neighbour {
	union {
		struct { char before1[%(neighbour.tbl)d]; struct neigh_table *tbl; };
		struct { char before2[%(neighbour.nud_state)d]; u8 nud_state; };
		struct { char before3[%(neighbour.dead)d]; u8 dead; };
		struct { char before4[%(neighbour.flags)d]; u8 flags; };
		struct { char before5[%(neighbour.ha_lock)d]; seqlock_t ha_lock; };
		struct { char before6[%(neighbour.ha)d]; unsigned char ha[32]; };
		struct { char before7[%(neighbour.dev)d]; struct net_device *dev; };
		struct { char before8[%(neighbour.primary_key)d]; u8 primary_key[16]; };
	};
};
/* one of each, or what is only pointed at would be left out */
struct neighbour neighbour;
struct net_device net_device;
struct neigh_table neigh_table;
struct net net;
"""


def offsets():
    """{'struct.member': bytes} of the running kernel."""
    types = json.loads(subprocess.run(["bpftool", "-j", "btf", "dump", "file", RUNNING_BTF],
                                      stdout=subprocess.PIPE, check=True).stdout)["types"]
    by_id = {entry["id"]: entry for entry in types}
    found = {}

    def look(name, struct, base):
        for member in struct["members"]:
            at = base + member["bits_offset"] // 8
            inner = by_id.get(member["type_id"], {})
            if member["name"] == "(anon)" and inner.get("kind") in ("STRUCT", "UNION"):
                look(name, inner, at)
            found.setdefault(f"{name}.{member['name']}", at)

    for entry in types:
        if entry["kind"] == "STRUCT" and entry["name"] in (
                "ns_common", "net", "net_device", "neigh_table", "neighbour"):
            look(entry["name"], entry, 0)
    return found


@pytest.fixture
def minimal_btf(tmp_path):
    path = str(tmp_path / "minimal.btf")
    subprocess.run([f"{ROOT}/scripts/minimal-btf", path], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, BUILD=os.path.relpath(BUILD, ROOT)))
    return path


def without_btf(daemon):
    """On a kernel that hides its types."""
    daemon.wrapper = ["unshare", "--mount", "sh", "-c",
                      'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh", *daemon.wrapper]
    return daemon


def mirrors(namespace, equals_kernel):
    namespace.batch(burst(200))
    namespace.batch(burst(100, mac=1))
    return len(equals_kernel()) == 200


def test_the_best_source_of_this_kernel_is_taken(daemon):
    assert daemon.said("attached tp_btf") and daemon.statistics()["source"] == "tp_btf"


def test_a_file_of_types_of_a_few_kilobytes_is_enough(veth, namespace, make_daemon, minimal_btf,
                                                      equals_kernel):
    assert os.path.getsize(minimal_btf) < 8192
    daemon = make_daemon("--source", "raw_tp", "--btf", minimal_btf).start()
    assert daemon.statistics()["source"] == "raw_tp"
    assert mirrors(namespace, equals_kernel)
    daemon.assert_accounts_balance()


def test_without_btf_and_with_a_file_of_types_raw_tp_is_taken(veth, namespace, make_daemon,
                                                              minimal_btf, equals_kernel):
    daemon = without_btf(make_daemon("--source", "auto", "--btf", minimal_btf)).start()
    assert daemon.said("warning: tp_btf: cannot load the BPF programs: ")
    assert daemon.said("(needs a kernel with BTF: CONFIG_DEBUG_INFO_BTF; trying raw_tp)")
    assert daemon.statistics()["source"] == "raw_tp"
    assert mirrors(namespace, equals_kernel)


def test_without_btf_it_is_said_what_makes_a_file_of_types(veth, namespace, make_daemon,
                                                           equals_kernel):
    daemon = without_btf(make_daemon("--source", "auto")).start()
    for name, following in (("raw_tp", "kprobe"), ("kprobe", "netlink")):
        assert [line for line in daemon.lines if f"warning: {name}: cannot load" in line and
                "made by scripts/minimal-btf" in line and f"trying {following})" in line]
    assert daemon.statistics()["source"] == "netlink"
    assert mirrors(namespace, equals_kernel)


def test_with_a_file_of_the_types_of_something_else_netlink_is_taken(
        veth, namespace, make_daemon, tmp_path, equals_kernel):
    types = tmp_path / "other.o"
    subprocess.run(["clang", "-g", "-target", "bpf", "-x", "c", "-c", "-", "-o", str(types)],
                   input=b"struct something { int else_; } something;", check=True)
    daemon = without_btf(make_daemon("--source", "auto", "--btf", str(types))).start()
    assert daemon.said("warning: raw_tp: cannot load the BPF programs: Invalid argument")
    assert daemon.statistics()["source"] == "netlink"
    assert mirrors(namespace, equals_kernel)


def test_a_file_of_types_that_cannot_be_read_is_named_as_the_reason(veth, make_daemon):
    daemon = make_daemon("--source", "raw_tp", "--btf", "/no/such/file").launch()
    assert daemon.process.wait(timeout=20) == 1
    daemon.reader.join(timeout=5)
    assert daemon.said("error: raw_tp: cannot read the file that is named by --btf: No such file")


@pytest.mark.skipif(HAS_KPROBES, reason="this kernel has kprobes: tests/kernels tests them")
def test_without_kprobes_it_is_said_what_the_kernel_lacks(veth, make_daemon):
    daemon = make_daemon("--source", "kprobe").launch()
    assert daemon.process.wait(timeout=20) == 1
    daemon.reader.join(timeout=5)
    assert daemon.said("error: kprobe: cannot ") and daemon.said("CONFIG_KPROBE_EVENTS")


def test_the_shapes_of_older_kernels_types_are_met(veth, namespace, make_daemon, tmp_path,
                                                   equals_kernel):
    source, types = tmp_path / "old.c", tmp_path / "old.o"
    source.write_text(OLD_SHAPES % offsets())
    subprocess.run(["clang", "-g", "-target", "bpf", "-c", str(source), "-o", str(types)],
                   check=True)
    daemon = make_daemon("--source", "raw_tp", "--btf", str(types)).start()
    assert mirrors(namespace, equals_kernel)
    # NTF_EXT_LEARNED is what lets a neighbour count that needs no ARP
    for number, flag in ((101, ["extern_learn"]), (102, [])):
        namespace.ip("neigh", "add", f"192.0.2.{number}", "lladdr", "02:00:00:00:00:05", "dev",
                     "veth0", "nud", "noarp", *flag)
    assert len(equals_kernel()) == 201
    assert daemon.statistics()["lost"] == 0


def test_programs_of_another_kind_are_not_taken_over(veth, make_daemon, equals_kernel):
    first = make_daemon("--pins", "keep", "--source", "tp_btf").start()
    first.stop()
    daemon = make_daemon("--pins", "keep", "--source", "raw_tp", instance=first.instance).start()
    assert not daemon.said("are used again") and daemon.statistics()["source"] == "raw_tp"
    equals_kernel()
    daemon.stop()
    daemon.start()
    assert daemon.said("are used again")

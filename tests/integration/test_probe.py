# SPDX-License-Identifier: GPL-2.0-or-later
"""neightrack probe: what it finds on this machine, with more and less privilege."""
import json
import os
import shutil
import subprocess

import pytest
from harness.daemon import BUILD, PINS
from harness.waiting import TIME_SCALE, eventually

SECRET = "corr3ct-h0rse"
BPF_SOURCES = ("tp_btf", "raw_tp", "kprobe")


@pytest.fixture
def tmp_path(open_folder):
    return open_folder


@pytest.fixture
def probe(redis_server, tmp_path):
    """(exit code, what it prints as JSON) of neightrack probe with further words."""
    program = shutil.copy(os.path.join(BUILD, "neightrack"), tmp_path)

    def run(*words, wrapper=(), flags=("-j",)):
        done = subprocess.run([*wrapper, program, "probe", *flags, "--redis", redis_server.url,
                               *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, timeout=60 * TIME_SCALE, check=False)
        assert done.stderr == "" or not flags, done.stderr
        return done.returncode, json.loads(done.stdout) if "-j" in flags or "-p" in flags \
            else done.stdout

    return run


def rows(found):
    return {row["check"]: row for row in found["checks"]}


def states(found, *names):
    return [rows(found)[name]["state"] for name in names]


def as_nobody(*held):
    names = ",".join(f"+{name}" for name in held) or "-all"
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
            f"--inh-caps={names}", *([f"--ambient-caps={names}"] if held else [])]


def test_root_is_told_that_all_is_there(probe, redis_server):
    code, found = probe()
    assert code == 0 and found["can_run"] is True
    assert found["source"] in BPF_SOURCES
    assert states(found, "kernel", "btf", "tracepoints", "ring buffer", "atomics", "CAP_BPF",
                  "bpffs", "netlink", "strict checking", "tp_btf", "source", "redis",
                  "redis version", "redis rights") == ["yes"] * 14
    assert rows(found)["kernel"]["found"].split()[0] == os.uname().release
    assert rows(found)["redis version"]["found"] == redis_server.client.info()["redis_version"]


def test_every_row_that_lacks_something_says_what_would_help(probe):
    _, found = probe("--redis", "tcp://127.0.0.1:1", wrapper=as_nobody())
    assert [row for row in found["checks"] if row["state"] in ("less", "no")]
    for row in found["checks"]:
        assert row["state"] not in ("less", "no") or row["hint"], row


def test_without_capabilities_netlink_is_what_is_left(probe):
    code, found = probe(wrapper=as_nobody())
    assert code == 0 and found["source"] == "netlink"
    assert states(found, "CAP_BPF", "CAP_PERFMON", *BPF_SOURCES) == ["less"] * 5
    assert "needs CAP_BPF and CAP_PERFMON" in rows(found)["tp_btf"]["hint"]
    assert states(found, "ring buffer", "atomics") == ["unknown"] * 2


def test_two_capabilities_are_enough(probe):
    code, found = probe(wrapper=as_nobody("bpf", "perfmon"))
    assert code == 0 and found["source"] == "tp_btf"
    assert states(found, "CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN") == ["yes", "yes", "less"]


def test_a_source_that_was_asked_for_and_cannot_be_had_is_no_way_to_run(probe):
    code, found = probe("--source", "tp_btf", wrapper=as_nobody())
    assert code == 1 and found["can_run"] is False and found["source"] is None
    assert rows(found)["source"]["state"] == "no"


def test_a_redis_that_is_away_is_said_with_the_reason(probe, redis_server):
    redis_server.stop()
    code, found = probe()
    assert code == 1 and found["can_run"] is False and found["source"]
    assert rows(found)["redis"]["state"] == "no"
    assert "Connection refused" in rows(found)["redis"]["found"]


def test_a_namespace_that_is_not_there_is_said(probe):
    code, found = probe("--netns", "no-such-namespace")
    assert code == 1 and "No such file" in rows(found)["netlink"]["found"]


def as_user(server, tmp_path, *rules):
    server.client.execute_command("ACL", "SETUSER", "mirror", "reset", "on", f">{SECRET}", *rules)
    path = tmp_path / "password"
    path.write_text(SECRET + "\n", encoding="ascii")
    path.chmod(0o600)
    return "--redis-user", "mirror", "--redis-password-file", str(path)


NEEDED = ("~NEIGH_TABLE:*", "+scan", "+hmget", "+hset", "+del")
ASKING = ("+multi", "+discard")


def test_the_rights_that_the_documentation_names_are_enough(probe, redis_server, tmp_path):
    code, found = probe(*as_user(redis_server, tmp_path, *NEEDED, *ASKING))
    assert code == 0 and rows(found)["redis rights"]["state"] == "yes"
    assert rows(found)["redis version"]["state"] == "unknown"


@pytest.mark.parametrize("missing, said", [("+hset", "HSET"), ("+del", "DEL"), ("+scan", "SCAN")])
def test_a_right_that_is_missing_is_named(probe, redis_server, tmp_path, missing, said):
    rules = [rule for rule in (*NEEDED, *ASKING) if rule != missing]
    code, found = probe(*as_user(redis_server, tmp_path, *rules))
    assert code == 1 and rows(found)["redis rights"]["found"] == f"refused: {said}"
    assert "ACL SETUSER" in rows(found)["redis rights"]["hint"]


def test_other_keys_than_ours_are_not_enough(probe, redis_server, tmp_path):
    words = as_user(redis_server, tmp_path, "~OTHER:*", *NEEDED[1:], *ASKING)
    code, found = probe(*words)
    assert code == 1 and rows(found)["redis rights"]["found"] == "refused: HMGET, HSET, DEL"
    assert probe(*words, "--key-prefix", "OTHER:")[0] == 0


def test_a_schema_for_a_consumer_needs_more(probe, redis_server, tmp_path):
    words = as_user(redis_server, tmp_path, *NEEDED, *ASKING, "+exec")
    code, found = probe("--schema", "sonic", *words)
    assert code == 1
    assert {"SADD", "PUBLISH"} <= set(rows(found)["redis rights"]["found"][9:].split(", "))
    words = as_user(redis_server, tmp_path, "allkeys", "allchannels", "+@all")
    assert probe("--schema", "sonic", *words)[0] == 0


def test_whoever_may_not_ask_by_a_transaction_may_ask_by_dry_run(probe, redis_server, tmp_path):
    words = as_user(redis_server, tmp_path, *NEEDED, "+acl|dryrun")
    assert rows(probe(*words)[1])["redis rights"]["state"] == "yes"
    words = as_user(redis_server, tmp_path, *NEEDED[:-1], "+acl|dryrun")
    assert rows(probe(*words)[1])["redis rights"]["found"] == "refused: DEL"


def test_rights_that_nothing_tells_of_are_unknown(probe, redis_server, tmp_path):
    code, found = probe(*as_user(redis_server, tmp_path, *NEEDED))
    assert code == 0 and rows(found)["redis rights"]["state"] == "unknown"


def test_a_wrong_password_is_said(probe, redis_server, tmp_path):
    words = as_user(redis_server, tmp_path, *NEEDED)
    (tmp_path / "password").write_text("wrong\n", encoding="ascii")
    code, found = probe(*words)
    assert code == 1 and "AUTH: WRONGPASS" in rows(found)["redis"]["found"]


def test_nothing_is_left_behind(probe, redis_server):
    redis_server.forget_statistics()
    before = sorted(os.listdir(PINS)) if os.path.isdir(PINS) else []
    assert probe("--schema", "sonic", "--stream", "changes", "--instance", "probed")[0] == 0
    assert redis_server.client.dbsize() == 0 and not redis_server.writes().keys() - {"multi"}
    assert f"{PINS}/probed" not in before and not os.path.exists(f"{PINS}/probed")


def test_people_get_one_line_a_check_in_columns(probe):
    code, text = probe(flags=())
    lines = text.splitlines()
    table, verdict = lines[:lines.index("")], lines[-1]
    column = table[0].index("STATE")
    assert code == 0 and len(table) > 20
    for line in table[1:]:
        assert line[column - 2:column] == "  " and line[column:].split()[0] in (
            "yes", "less", "no", "unknown"), line
    assert verdict == "neightrackd can run here, with source tp_btf"


def test_pretty_json_is_the_same(probe):
    # what is found changes when a daemon beside this test makes or removes its pins
    eventually(lambda: probe(flags=("-p",))[1] == probe()[1], 20, "two equal answers")


def test_a_word_too_many_is_a_wrong_use(probe):
    done = subprocess.run([os.path.join(BUILD, "neightrack"), "probe", "everything"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "no argument is allowed" in done.stderr

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a daemon that starts takes from its configuration, and what it says."""
import json

from harness.namespace import burst


def test_a_flag_overrides_the_file(veth, namespace, redis_server, make_daemon, tmp_path,
                                   equals_kernel):
    path = tmp_path / "neightrackd.conf"
    path.write_text("[neightrackd]\nkey_prefix = file:\ninstance = notused\n")
    make_daemon("--config", str(path), "--key-prefix", "flag:").start()
    namespace.batch(burst(10))
    assert len(equals_kernel(prefix="flag:")) == 10


def test_each_line_of_the_json_log_is_an_object(veth, make_daemon):
    daemon = make_daemon("--log-format", "json").start()
    lines = [json.loads(line) for line in daemon.stop()]
    assert any("ready" in line["message"] for line in lines)
    assert all({"time", "level", "message"} <= line.keys() for line in lines)


def test_a_namespace_that_does_not_exist_is_named(redis_server, make_daemon, peer):
    daemon = make_daemon()
    daemon.namespace = type("Missing", (), {"name": "no-such-namespace"})
    daemon.launch()
    assert daemon.process.wait(timeout=20) == 1
    daemon.reader.join(timeout=5)
    assert daemon.said("cannot open network namespace no-such-namespace: No such file")

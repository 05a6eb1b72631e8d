# SPDX-License-Identifier: GPL-2.0-or-later
"""Passwords and permissions: what is wrong is said, and what is put right is noticed."""
import pytest
from harness.daemon import let_daemons_read
from harness.namespace import burst
from harness.waiting import eventually

SECRET = "corr3ct-h0rse"


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(SECRET + "\n", encoding="ascii")
    let_daemons_read(path)
    return path


def acl(server, user, *rules):
    server.client.execute_command("ACL", "SETUSER", user, *rules)


def assert_the_secret_is_secret(daemon):
    assert daemon.process.poll() is None
    for name in "cmdline", "environ":
        with open(f"/proc/{daemon.process.pid}/{name}", "rb") as file:
            assert SECRET.encode() not in file.read()
    assert not daemon.said(SECRET)


def test_a_password_that_is_missing_is_said_until_none_is_needed(veth, namespace, make_daemon,
                                                                 redis_server, equals_kernel):
    redis_server.client.config_set("requirepass", SECRET)
    namespace.batch(burst(100))
    daemon = make_daemon().launch()
    eventually(lambda: daemon.said("NOAUTH"))
    redis_server.client.config_set("requirepass", "")
    eventually(lambda: daemon.said("ready: "), 10)
    assert len(equals_kernel()) == 100


def test_a_password_that_is_demanded_at_run_time_is_waited_for(
        veth, namespace, make_daemon, redis_server, equals_kernel):
    daemon = make_daemon("--log-level", "debug").start()
    redis_server.client.config_set("requirepass", SECRET)
    redis_server.kill_clients()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("NOAUTH"))
    redis_server.client.config_set("requirepass", "")
    assert len(equals_kernel(10)) == 100


@pytest.mark.parametrize("content", [SECRET, SECRET + "\n", SECRET + "\nanother line\n"],
                         ids=["no newline", "newline", "two lines"])
def test_the_first_line_of_the_password_file_is_the_password(
        veth, namespace, make_daemon, redis_server, password_file, equals_kernel, content):
    password_file.write_text(content)
    redis_server.client.config_set("requirepass", SECRET)
    daemon = make_daemon("--redis-password-file", str(password_file)).start()
    namespace.batch(burst(10))
    assert len(equals_kernel()) == 10
    assert_the_secret_is_secret(daemon)


def test_a_user_and_a_password_suffice_and_appear_nowhere(
        veth, namespace, make_daemon, redis_server, password_file, equals_kernel):
    acl(redis_server, "mirror", "on", f">{SECRET}", "~NEIGH_TABLE:*", "+@all")
    acl(redis_server, "default", "-@all", "+@connection")
    redis_server.client.execute_command("AUTH", "mirror", SECRET)
    try:
        daemon = make_daemon("--redis-user", "mirror", "--redis-password-file",
                             str(password_file), "--log-level", "debug").start()
        namespace.batch(burst(100))
        assert len(equals_kernel()) == 100
        assert daemon.verify("--redis-user", "mirror", "--redis-password-file",
                             str(password_file))[0] == 0
        users = {client["user"] for client in redis_server.client.client_list()
                 if client["name"].startswith("neightrack-")}
        assert users == {"mirror"}
        redis_server.kill_clients()
        namespace.batch(burst(200))
        assert len(equals_kernel(10)) == 200
        assert_the_secret_is_secret(daemon)
    finally:
        acl(redis_server, "default", "+@all")


def test_a_wrong_password_is_said_until_the_file_is_corrected(
        veth, namespace, make_daemon, redis_server, password_file, equals_kernel):
    redis_server.client.config_set("requirepass", SECRET)
    password_file.write_text("wr0ng-passw0rd\n")
    namespace.batch(burst(100))
    daemon = make_daemon("--redis-password-file", str(password_file),
                         "--log-level", "debug").launch()
    eventually(lambda: daemon.said("WRONGPASS"))
    password_file.write_text(SECRET + "\n")
    eventually(lambda: daemon.said("ready: "), 10)
    assert len(equals_kernel()) == 100
    assert_the_secret_is_secret(daemon)
    assert not daemon.said("wr0ng-passw0rd")


def test_a_password_changed_at_run_time_is_read_again(
        veth, namespace, make_daemon, redis_server, password_file, equals_kernel):
    redis_server.client.config_set("requirepass", SECRET)
    daemon = make_daemon("--redis-password-file", str(password_file),
                         "--log-level", "debug").start()
    redis_server.client.config_set("requirepass", SECRET + "2")
    redis_server.kill_clients()
    namespace.batch(burst(100))
    eventually(lambda: daemon.said("WRONGPASS"))
    password_file.write_text(SECRET + "2\n")
    assert len(equals_kernel(10)) == 100


def test_a_password_for_a_server_that_wants_none_is_said(
        veth, namespace, make_daemon, redis_server, password_file, equals_kernel):
    """Redis refuses such an AUTH: perhaps somebody relies on a protection that is not there."""
    namespace.batch(burst(100))
    daemon = make_daemon("--redis-password-file", str(password_file)).launch()
    eventually(lambda: daemon.said("AUTH"))
    redis_server.client.config_set("requirepass", SECRET)
    eventually(lambda: daemon.said("ready: "), 10)
    assert len(equals_kernel()) == 100


@pytest.mark.parametrize("option", [(), ("--transaction", "yes")], ids=["plain", "transaction"])
def test_writes_that_are_not_permitted_are_kept_until_they_are(
        veth, namespace, make_daemon, redis_server, equals_kernel, option):
    daemon = make_daemon(*option).start()
    acl(redis_server, "default", "-hset")
    namespace.batch(burst(200))
    eventually(lambda: daemon.said("NOPERM"))
    acl(redis_server, "default", "+hset")
    assert len(equals_kernel(15)) == 200


def test_a_scan_that_is_not_permitted_is_said_until_it_is(veth, namespace, make_daemon,
                                                          redis_server, equals_kernel):
    """Without it nobody knows what a daemon before this one has left behind."""
    client = redis_server.client
    client.hset("NEIGH_TABLE:veth0:10.9.9.9", "neigh", "02:00:00:00:00:99")
    acl(redis_server, "default", "-scan")
    namespace.batch(burst(100))
    daemon = make_daemon().launch()
    eventually(lambda: daemon.said("NOPERM"))
    acl(redis_server, "default", "+scan")
    eventually(lambda: daemon.said("ready: "), 10)
    assert len(equals_kernel()) == 100


@pytest.mark.parametrize("command", ["client|setname", "client", "ping", "info", "hello"])
def test_a_command_that_can_be_done_without_may_be_forbidden(
        veth, namespace, make_daemon, redis_server, equals_kernel, command):
    acl(redis_server, "default", f"-{command}")
    try:
        make_daemon().start()
        namespace.batch(burst(100))
        assert len(equals_kernel()) == 100
    finally:
        acl(redis_server, "default", "+@all")


def test_permission_for_our_keys_alone_suffices(veth, namespace, make_daemon, redis_server,
                                                equals_kernel):
    acl(redis_server, "default", "resetkeys", "~NEIGH_TABLE:*")
    make_daemon().start()
    namespace.batch(burst(100))
    assert len(equals_kernel()) == 100

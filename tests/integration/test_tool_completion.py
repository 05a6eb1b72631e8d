# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion in a real bash and a real zsh: what is offered is what the programs take."""
import os
import re
import shlex
import shutil
import subprocess

import pytest
from harness.daemon import BUILD, ROOT, neightrackd, tool

BASH = os.path.join(ROOT, "scripts", "completion", "neightrack.bash")
ZSH = os.path.join(ROOT, "scripts", "completion", "_neightrack")
PROGRAMS = os.path.join(ROOT, BUILD)

# What readline sets before it calls the function.
DRIVER = """
source {script}
COMP_LINE={line}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({words}); COMP_CWORD={last}
complete -p {program} >/dev/null || exit 9
_neightrack {program} '' ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def run(*command, text=None, folder=None):
    environment = dict(os.environ, PATH=f"{PROGRAMS}:{os.environ['PATH']}")
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0 and done.stderr == "", (done.returncode, done.stderr)
    return done.stdout


def offered(*words, folder=None):
    """What bash offers for the last of the words, the first of which is the program."""
    script = DRIVER.format(script=shlex.quote(BASH), line=shlex.quote(" ".join(words)),
                           words=shlex.join(words), last=len(words) - 1, program=words[0])
    return set(run("bash", "--norc", "-c", script, folder=folder).split())


def commands():
    out = tool("help")[1]
    return set(re.findall(r"^  (\w+) +\S", out.split("Flags:")[0], re.M))


def test_commands_are_those_of_the_help():
    assert offered("neightrack", "") == commands()
    assert offered("neightrack", "st") == {"stats"}
    assert offered("neightrack", "help", "s") == {"show", "stats"}


def test_a_command_is_found_behind_options():
    assert offered("neightrack", "--netns", "x", "-j", "sh") == {"show"}
    assert offered("neightrack", "--netns", "show", "--pins=keep", "v") == {"verify"}


@pytest.mark.parametrize("program", ["neightrack", "neightrackd"])
def test_options_are_those_that_the_daemon_names(program):
    named = set(re.findall(r"^  (--[a-z0-9-]+) ", neightrackd("--help")[1], re.M))
    switches = {"--check-config", "--help", "--version"}
    assert len(named) > 50
    found = offered(program, "--")
    if program == "neightrackd":
        assert found == named
    else:
        assert named - switches <= found and "--check-config" not in found


def test_flags_are_those_of_the_help_and_each_is_taken():
    flags = set(re.findall(r"^  (-\w)", tool("top", "help")[1].split("Flags:")[1], re.M))
    assert {word for word in offered("neightrack", "-") if len(word) == 2} == flags
    for flag in flags - {"-n", "-i"}:
        assert tool(flag, "help")[0] == 0, flag


@pytest.mark.parametrize("option, values", [
    ("source", {"auto", "tp_btf", "raw_tp", "kprobe", "netlink"}),
    ("pins", {"keep", "remove"}),
    ("log-level", {"error", "warning", "notice", "info", "debug"}),
])
def test_values_are_those_of_the_table_and_each_is_taken(option, values):
    assert offered("neightrackd", f"--{option}", "") == values
    # as bash splits --option=, and --option=x
    assert offered("neightrackd", f"--{option}", "=") == values
    first = sorted(values)[0]
    assert first in offered("neightrackd", f"--{option}", "=", first[0])
    for value in values:
        assert neightrackd("--check-config", f"--{option}", value)[0] == 0


def test_a_boolean_may_stand_alone():
    assert offered("neightrackd", "--transaction", "") == {"no", "yes"}
    assert offered("neightrack", "--transaction", "ver") == {"verify"}
    # and the tool takes that for the command
    code, _, errors = tool("--transaction", "verify", "--redis", "unix:///nowhere/redis.sock")
    assert code == 2 and "cannot connect" in errors


def test_words_of_a_command():
    assert offered("neightrack", "show", "") == {"stats", "dev", "help"}
    assert offered("neightrack", "show", "stats", "d") == {"dev"}
    assert offered("neightrack", "sho", "dev", "l") == {"lo"}
    assert {"all", "ablation", "burst"} <= offered("neightrack", "bench", "")
    assert offered("neightrack", "s", "") == set()


def test_files_where_a_file_is_meant(tmp_path):
    (tmp_path / "one.conf").write_text("")
    (tmp_path / "two.txt").write_text("")
    assert offered("neightrackd", "--config", "one", folder=tmp_path) == {"one.conf"}
    assert offered("neightrackd", "--metrics-cert", "", folder=tmp_path) == {"one.conf", "two.txt"}


def test_what_is_not_known_offers_nothing():
    assert offered("neightrackd", "--batch-size", "") == set()
    assert offered("neightrack", "top", "-n", "") == set()
    assert offered("neightrack", "frobnicate", "") == set()


def test_the_hidden_command_ends_with_2_without_words():
    assert tool("complete")[0] == 2


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh_takes_the_script():
    run("zsh", "-n", ZSH)


# The script calls its function once when it is read, as zsh wants it: that has no candidates.
ZSH_DRIVER = """
autoload -U compinit && compinit -D -u
words=(neightrack zz); CURRENT=2
source {script} 2>/dev/null
compadd() {{ shift; print -rl -- "$@" }}
_files() {{ print -r -- FILES }}
compset() {{ : }}
words=({words}); CURRENT=${{#words}}; PREFIX=$words[-1]
_neightrack
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
@pytest.mark.parametrize("words, candidates", [
    (("neightrack", "st"), {"stats"}),
    (("neightrackd", "--pins", ""), {"keep", "remove"}),
    (("neightrackd", "--pins=k"), {"keep"}),
    (("neightrackd", "--config", ""), {"FILES"}),
    (("neightrack", "show", ""), {"stats", "dev", "help"}),
])
def test_zsh_offers_the_same(words, candidates):
    script = ZSH_DRIVER.format(script=shlex.quote(ZSH), words=shlex.join(words))
    assert set(run("zsh", "-f", "-c", script).split()) == candidates


@pytest.fixture
def installed(tmp_path):
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr",
                    f"BUILD={os.environ.get('BUILD', 'build')}"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    return tmp_path / "usr" / "share"


def test_make_install_puts_them_where_the_shells_look(installed):
    for name in ("neightrack", "neightrackd"):
        assert open(installed / "bash-completion" / "completions" / name).read() \
            == open(BASH).read()
    assert open(installed / "zsh" / "site-functions" / "_neightrack").read() == open(ZSH).read()


def test_interfaces_namespaces_and_instances_are_those_of_the_machine(daemon, namespace):
    assert offered("neightrack", "--netns", "nt") >= {namespace.name}
    assert offered("neightrack", "--instance", "test") >= {daemon.instance}
    found = offered("neightrack", "--netns", namespace.name, "show", "dev", "")
    assert found == {"lo", "veth0"}

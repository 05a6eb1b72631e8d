# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages: well formed, whole, and installed."""
import os
import re
import shutil
import subprocess

import pytest
from harness.daemon import BUILD, ROOT, neightrackd, tool

pytestmark = pytest.mark.no_root

CONFIGURATION = os.path.join(ROOT, BUILD, "man", "neightrackd.conf.5")
PAGES = [os.path.join(ROOT, "docs", "man", "neightrackd.8"),
         os.path.join(ROOT, "docs", "man", "neightrack.8"), CONFIGURATION]
EXAMPLE = os.path.join(ROOT, "docs", "neightrackd.conf.example")


def text(page):
    return open(page, encoding="utf-8").read()


def options():
    """{option: default} as the daemon itself tells; not what a file cannot hold."""
    told = re.findall(r"^  --([a-z0-9-]+) .*?  \S.*\(default: (.*)\)$", neightrackd("--help")[1],
                      re.M)
    found = {name.replace("-", "_"): "" if default == "empty" else default
             for name, default in told}
    for flag in ("config", "mirror"):
        del found[flag]
    assert len(found) > 50
    return found


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
@pytest.mark.parametrize("page", PAGES, ids=os.path.basename)
def test_a_page_is_well_formed(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_option_is_in_neightrackd_conf_with_its_default():
    page = dict(re.findall(r"^\.It Ic (\w+) =(?: Ar (.*))?$", text(CONFIGURATION), re.M))
    assert page == options()


def test_every_option_of_the_page_is_explained():
    items = re.split(r"(?m)^\.It Ic \w+ =.*\n", text(CONFIGURATION).split(".Ss Redis")[1])[1:]
    # items may share their text: then it stands below the last of them
    assert len(items) == len(options())
    assert items[-1].strip().startswith("Form of log lines")
    assert sum(not item.strip() for item in items) < len(items) / 3


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
def test_no_word_of_the_example_is_lost():
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", CONFIGURATION],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    shown = re.sub(".\x08", "", shown)        # bold is overstriking
    comments = text(EXAMPLE).split("### Redis")[1]
    wanted = re.findall(r"[A-Za-z]{4,}", "\n".join(
        line for line in comments.split("\n") if not re.match(r"# \w+ =|###", line)))
    have = set(re.findall(r"[A-Za-z]{4,}", shown))
    assert {word for word in wanted if word not in have} == set()


def test_every_command_and_flag_is_in_neightrack():
    page = text(PAGES[1])
    out = tool("help")[1]
    commands = re.findall(r"^  (\w+) +\S", out.split("Flags:")[0], re.M)
    assert len(commands) >= 8
    for name in commands:
        assert name == "help" or re.search(rf"^\.It Cm {name}\b", page, re.M), name
    for letter, name in re.findall(r"^  -(\w)(?:, --(\w+))?", tool("top", "help")[1], re.M):
        assert re.search(rf"^\.It Fl {letter}\b{' , -' + name if name else ''}", page, re.M), letter


def test_make_install_installs_them(tmp_path):
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr",
                    f"BUILD={os.environ.get('BUILD', 'build')}"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    for page in PAGES:
        name = os.path.basename(page)
        installed = tmp_path / "usr" / "share" / "man" / f"man{name[-1]}" / name
        assert installed.read_text(encoding="utf-8") == text(page)

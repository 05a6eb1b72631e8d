# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration file and the flags, as the daemon takes them."""
import os
import re

import pytest
from harness.daemon import ROOT, neightrackd

pytestmark = pytest.mark.no_root
EXAMPLE = os.path.join(ROOT, "docs", "neightrackd.conf.example")


def check(*words):
    return neightrackd("--check-config", *words)


def test_the_example_file_is_right():
    assert check("--config", EXAMPLE) == (0, "", "")


def test_the_example_file_is_right_with_every_option_uncommented(tmp_path):
    text = re.sub(r"^#\s?(\w+ =)", r"\1", open(EXAMPLE).read(), flags=re.M)
    assert text.count("\nbatch_size = 100") == 1
    path = tmp_path / "all.conf"
    path.write_text(text)
    assert check("--config", str(path)) == (0, "", "")


def test_the_sections_that_the_example_shows_are_right(tmp_path):
    shown = open(EXAMPLE).read().split("### Several network namespaces")[1]
    lines = re.findall(r"^#   (.*)$", shown, flags=re.M)
    assert len(lines) == 6
    path = tmp_path / "sections.conf"
    path.write_text("\n".join(lines))
    assert check("--config", str(path)) == (0, "", "")


@pytest.mark.parametrize("line, words", [
    ("batchsize = 1", "unknown key 'batchsize'"),
    ("batch_size = 0", "allowed are 1 to 10000"),
    ("schema = tree", "allowed"),
    ("ring_size = 5000", "powers of two"),
    ("transaction = maybe", "allowed"),
    ("redis = http://localhost", "allowed"),
    ("instance = ../../etc", "allowed"),
])
def test_a_bad_line_is_named_with_what_is_allowed_and_ends_with_2(tmp_path, line, words):
    path = tmp_path / "bad.conf"
    path.write_text(f"# a comment\n[neightrackd]\n{line}\n")
    code, out, errors = check("--config", str(path))
    assert code == 2 and out == ""
    assert errors.startswith(f"{path}:3: ") and words in errors
    assert errors.count("\n") == 1


def test_an_unknown_section_is_named(tmp_path):
    path = tmp_path / "bad.conf"
    path.write_text("[neightrack]\nbatch_size = 1\n")
    code, _, errors = check("--config", str(path))
    assert code == 2 and errors.startswith(f"{path}:1: ")


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "missing.conf"
    code, _, errors = check("--config", str(path))
    assert code == 2 and str(path) in errors and "No such file" in errors


def test_a_bad_flag_starts_nothing():
    code, _, errors = neightrackd("--batch-size", "0")
    assert code == 2 and "--batch-size" in errors and "1 to 10000" in errors


def test_an_operand_starts_nothing():
    code, _, errors = neightrackd("verify")
    assert code == 2 and "'verify'" in errors


def test_help_names_every_option_of_the_example():
    code, out, _ = neightrackd("--help")
    options = set(re.findall(r"^#\s?(\w+) =", open(EXAMPLE).read(), flags=re.M))
    assert code == 0 and len(options) >= 20
    for option in options:
        assert "--" + option.replace("_", "-") in out

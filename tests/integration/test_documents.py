# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents name exists."""
import glob
import hashlib
import os
import re

import pytest
from harness.daemon import ROOT

pytestmark = pytest.mark.no_root
FOLDERS = ("tests/integration", "tests/unit", "tests/package", "tests/fuzz")
DOCUMENTS = ("docs/NIST-800-53.md", "docs/RELIABILITY.md", "docs/SONIC.md", "docs/STREAM.md",
             "docs/FLEET.md", "docs/METRICS.md")
# test_file: `name of a test`, `beginning_of_another_...`
MODULE = re.compile(r"\b((?:test|fuzz)_\w+)\b(?:\.\w+)?(?:: ((?:`[^`]+`(?:, )?)+))?")


def names_in(module):
    """None: there is no such file."""
    paths = [path for folder in FOLDERS for path in glob.glob(f"{ROOT}/{folder}/{module}.*")]
    return re.findall(r"\btest_(\w+)\(", open(paths[0]).read()) if paths else None


def named_tests(document):
    """(module, name) of each; the name is None where a document names all of a module."""
    text = open(os.path.join(ROOT, document)).read()
    for module, names in MODULE.findall(text):
        yield from ((module, name) for name in re.findall("`([^`]+)`", names) or [None])


def is_there(module, name):
    tests = names_in(module)
    if tests is None or name is None:
        return tests is not None
    if name.endswith("..."):
        return any(test.startswith(name.removesuffix("...")) for test in tests)
    return name in tests


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def test_the_readme_leads_to_every_document_and_to_nothing_else():
    links = set(re.findall(r"\]\((?!http)([^)#]+)", read("README.md")))
    documents = {os.path.relpath(path, ROOT) for path in glob.glob(f"{ROOT}/docs/*.md")}
    assert documents - links == set()
    assert [link for link in links if not os.path.exists(os.path.join(ROOT, link))] == []


def anchors(path):
    """Those that its headings have where Markdown is shown."""
    headings = re.findall("^#+ (.*)$", read(path), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_documents_lead_somewhere():
    for path in glob.glob(f"{ROOT}/**/*.md", recursive=True):
        if os.path.relpath(path, ROOT).startswith("build"):
            continue
        for link, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", read(path)):
            target = os.path.join(os.path.dirname(path), link) if link else path
            assert os.path.exists(target), (path, link)
            assert not anchor or anchor in anchors(target), (path, link, anchor)


def test_each_picture_is_of_its_source():
    sources = glob.glob(f"{ROOT}/docs/*.dot")
    assert sources
    for source in sources:
        with open(source, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        assert f"sha256 {digest} " in read(source.removesuffix(".dot") + ".svg"), "make pictures"


def test_the_recording_of_the_demo_has_its_steps():
    recorded = re.findall("^==> (.*)$", read("docs/demo.txt"), flags=re.M)
    assert recorded == re.findall('^step "(.*)"$', read("scripts/demo"), flags=re.M)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_test_that_a_document_names_exists(document):
    assert [f"{module}: {name}" for module, name in named_tests(document)
            if not is_there(module, name)] == []


def test_the_documents_of_faults_and_controls_name_tests():
    for document in DOCUMENTS[:3]:
        assert len(list(named_tests(document))) >= 20


def test_each_control_that_was_asked_for_has_tests_in_each_of_its_rows():
    text = open(os.path.join(ROOT, DOCUMENTS[0])).read()
    sections = dict(re.findall(r"^## ([A-Z]{2}-\d+)[^\n]*\n(.*?)(?=^## |\Z)", text,
                               flags=re.M | re.S))
    assert set(sections) == {"SC-5", "AU-12", "CP-10", "SI-4", "CM-8", "SC-7", "SC-8", "AC-6",
                             "AU-5", "AU-9"}
    for control, section in sections.items():
        rows = re.findall(r"^\| (?!what|-).*$", section, flags=re.M)
        untested = [row for row in rows if not MODULE.search(row) and "**not met" not in row]
        assert rows and untested == [], control

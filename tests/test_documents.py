"""The documents: what they link to is there, down to the heading, and so are the modules that they name."""

import importlib.util
import re

import pytest
from helpers.places import ROOT

DOCUMENTS = [
    "README.md",
    ".github/CONTRIBUTING.md",
    "cs231n/checks/README.md",
    "cs231n/instructor/README.md",
    "datasets/README.md",
    "tests/README.md",
    "tests/benchmarks/README.md",
]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(text):
    """Return the anchors of a Markdown text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path):
    """Return the links of a Markdown file, within the kit, that lead nowhere."""
    broken = []
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(f"{target}#{anchor}" if anchor else target)
    return broken


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_within_the_kit_leads_somewhere(name):
    assert broken_links(ROOT / name) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_the_kit_is_there(name):
    for module in re.findall(r"-m (cs231n[\w.]*\w)", (ROOT / name).read_text(encoding="utf-8")):
        assert importlib.util.find_spec(module), module


def test_a_link_to_a_file_or_a_heading_that_is_not_there_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# A mistake's name\n```sh\n# no heading\n```\n")
    text = "[a](other.md) [b](other.md#a-mistakes-name) [c](#here) [d](https://example.org/nowhere)\n## Here\n"
    (tmp_path / "page.md").write_text(text)
    assert broken_links(tmp_path / "page.md") == []
    (tmp_path / "page.md").write_text(text + "[e](gone.md) [f](other.md#no-heading) [g](#there)\n")
    assert broken_links(tmp_path / "page.md") == ["gone.md", "other.md#no-heading", "#there"]


def test_no_document_of_the_kit_is_left_out():
    found = {
        path.relative_to(ROOT).as_posix() for folder in (".github", "cs231n", "tests") for path in (ROOT / folder).rglob("*.md")
    }
    assert found - set(DOCUMENTS) == {path for path in found if path.endswith("student_README.md")}  # test_release looks at it

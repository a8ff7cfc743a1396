import os
import subprocess
import sys

import pytest
from helpers.places import ROOT

from cs231n.console import WIDTH, say, wrapped

TEXT = "✓ fine … ✗ wrong: ± 3, naïve, 'なに'"


def printed(encoding, text=TEXT):
    """Return what a Python with this encoding writes into a pipe."""
    code = f"from cs231n.console import say; say({text!r})"
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    return result.stdout.decode(encoding).rstrip()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", TEXT),
        ("cp1252", "[ok] fine … [x] wrong: ± 3, naïve, '\\u306a\\u306b'"),
        ("ascii", "[ok] fine ... [x] wrong: +- 3, na\\xefve, '\\u306a\\u306b'"),
    ],
)
def test_what_is_said_arrives_in_every_encoding(encoding, expected):
    assert printed(encoding) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("module", ["checks", "download", "pages", "submit"])
def test_each_command_explains_itself_in_every_encoding(module, encoding):
    command = [sys.executable, "-m", f"cs231n.{module}", "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode(encoding).startswith("usage: ")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("module", ["checks", "pages", "submit"])
def test_each_command_names_a_file_that_it_cannot_read_in_every_encoding(module, encoding):
    name = "Größe なに.ipynb"
    command = [sys.executable, "-m", f"cs231n.{module}", name, *(["page.html"] if module == "pages" else [])]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert result.returncode == (2 if module == "checks" else 1)
    said = " ".join(result.stderr.decode(encoding).split())
    assert name.encode(encoding, "backslashreplace").decode(encoding) in said
    assert "Traceback" not in said


def test_where_the_output_names_no_encoding_all_signs_are_kept(monkeypatch):
    class Output:
        text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    output = Output()
    monkeypatch.setattr(sys, "stdout", output)
    say(TEXT)
    assert output.text == f"{TEXT}\n"


def test_lines_are_full_and_break_between_words_only():
    words = ("cross-entropy " * 30).split()
    lines = wrapped(" ".join(words), "  ")
    assert [word for line in lines for word in line.split()] == words
    assert all(line.startswith("  ") and len(line) <= 88 for line in lines)
    assert all(len(line) + 1 + len("cross-entropy") > 88 for line in lines[:-1])


def test_a_word_that_is_longer_than_a_line_stays_whole():
    address = "https://example.org/" + "a" * WIDTH
    assert wrapped(f"See {address} for more.") == ["See", address, "for more."]


def test_an_empty_paragraph_is_an_empty_line():
    assert wrapped("", "  ") == [""]

import json
import os
import re
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


COMMANDS = "checks", "download", "pages", "submit"
UNREADABLE = "Größe なに.ipynb"
# One Python runs them all, each as if it had been started for it: importing PyTorch takes seconds.
RUNS_ALL = """
import json, runpy, sys
for module, *arguments in json.loads(sys.argv[1]):
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(f"cs231n.{module}", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    for stream in (sys.stdout, sys.stderr):
        print("END", code, flush=True, file=stream)
"""


@pytest.fixture(scope="module", params=["utf-8", "cp1252", "ascii"])
def ran(request):
    """(encoding, [(exit status, standard output, standard error)]) of the commands: all --help, and then with a file each."""
    given = [[module, "--help"] for module in COMMANDS]
    given += [[module, UNREADABLE, *(["page.html"] if module == "pages" else [])] for module in COMMANDS if module != "download"]
    command = [sys.executable, "-c", RUNS_ALL, json.dumps(given)]
    environment = os.environ | {"PYTHONIOENCODING": request.param}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, check=True)
    pieces = [re.split(r"END (\d)\r?\n", stream.decode(request.param)) for stream in (done.stdout, done.stderr)]
    assert len(pieces[0]) == len(pieces[1]) == 2 * len(given) + 1
    statuses = map(int, pieces[0][1::2])
    return request.param, list(zip(statuses, pieces[0][::2], pieces[1][::2], strict=False))


@pytest.mark.parametrize("module", COMMANDS)
def test_each_command_explains_itself_in_every_encoding(module, ran):
    _, found = ran
    status, out, errors = found[COMMANDS.index(module)]
    assert (status, errors) == (0, "")
    assert out.startswith("usage: ")


@pytest.mark.parametrize("module", ["checks", "pages", "submit"])
def test_each_command_names_a_file_that_it_cannot_read_in_every_encoding(module, ran):
    encoding, found = ran
    status, _, errors = found[len(COMMANDS) :][["checks", "pages", "submit"].index(module)]
    assert status == (2 if module == "checks" else 1)
    said = " ".join(errors.split())
    assert UNREADABLE.encode(encoding, "backslashreplace").decode(encoding) in said
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


def test_a_line_has_88_columns_and_no_more():
    assert [max(map(len, wrapped("a " * 200, indent))) for indent in (" ", "  ")] == [88, 87]

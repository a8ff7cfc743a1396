"""`grade --resume` with nothing new: it says the same again, at once; whatever has changed, the work is done."""

import os
import subprocess
import sys

import pytest
from helpers.places import ROOT

from cs231n.instructor.grading import unchanged
from cs231n.instructor.grading.unchanged import NAME, Said, Watch, said_before

NOTHING = "Nothing has changed since the last run."


@pytest.fixture
def folders(tmp_path):
    """(submissions, out), of which the last run has said "one" on the standard error and "two" on the standard output."""
    submissions, out = tmp_path / "in", tmp_path / "out"
    for path in (submissions / "ada" / "ada.ipynb", out / "rows" / "ada.json", out / "marking" / "question-1.csv"):
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
    remember(submissions, out)
    return submissions, out


def remember(submissions, out, gallery=(), between=lambda: None):
    watch, said = Watch.begun(submissions, out, gallery), Said()
    said.notice("one")
    said.result("two")
    made = watch.made()
    between()
    watch.keep(said, made)


def test_what_the_last_run_said_is_said_again_where_it_was_said(folders, capsys):
    capsys.readouterr()
    said_before(*folders, ()).repeat()
    assert tuple(capsys.readouterr()) == ("two\n", "one\n")


def added(submissions, out):
    (submissions / "ben.ipynb").write_text("{}", encoding="utf-8")


def another_empty_folder(submissions, out):
    (submissions / "ben").mkdir()


def removed(submissions, out):
    (submissions / "ada" / "ada.ipynb").unlink()


def rewritten_in_the_same_size(submissions, out):
    (submissions / "ada" / "ada.ipynb").write_text("[]", encoding="utf-8")


def rewritten_with_the_old_time(submissions, out):
    path = submissions / "ada" / "ada.ipynb"
    before = path.stat()
    path.write_text("[]", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def marked(submissions, out):
    with (out / "marking" / "question-1.csv").open("a", encoding="utf-8") as file:
        file.write("ada,2")


def marked_in_the_browser(submissions, out):
    (out / "marking" / "journal").mkdir()
    (out / "marking" / "journal" / "ann.jsonl").write_text("{}", encoding="utf-8")


def another_course(submissions, out):
    (out / "course.toml").write_text("title = 'A'", encoding="utf-8")


def row_removed(submissions, out):
    (out / "rows" / "ada.json").unlink()


def being_graded(submissions, out):
    (out / "grading.lock").touch()


def a_link_to_elsewhere(submissions, out):
    (submissions / "ben").symlink_to(out)


@pytest.mark.parametrize(
    "change",
    [
        *(added, another_empty_folder, removed, rewritten_in_the_same_size, rewritten_with_the_old_time, marked),
        *(marked_in_the_browser, another_course, row_removed, being_graded, a_link_to_elsewhere),
    ],
)
def test_whatever_has_changed_is_seen(folders, change):
    assert said_before(*folders, ())
    change(*folders)
    assert said_before(*folders, ()) is None


def test_other_pictures_in_the_summary_are_a_change(folders):
    assert said_before(*folders, ("ada",)) is None
    remember(*folders, gallery=("ada",))
    assert said_before(*folders, ("ada",))
    assert said_before(*folders, ()) is None


@pytest.mark.parametrize("part", ["module.py", "page.html"])
def test_another_version_of_the_kit_is_a_change(folders, part, tmp_path, monkeypatch):
    package = tmp_path / "cs231n"
    package.mkdir()
    monkeypatch.setattr(unchanged, "PACKAGE", package)
    remember(*folders)
    assert said_before(*folders, ())
    (package / part).touch()
    assert said_before(*folders, ()) is None


def test_other_packages_and_another_time_zone_are_changes(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))
    remember(*folders)
    assert said_before(*folders, ())
    (tmp_path / "pillow-12.0.dist-info").mkdir()
    assert said_before(*folders, ()) is None
    remember(*folders)
    monkeypatch.setattr("time.tzname", ("XST", "XDT"))
    assert said_before(*folders, ()) is None


@pytest.mark.parametrize("change", [added, removed, marked, row_removed])
def test_what_changes_while_a_run_comes_to_its_end_is_left_to_the_next_one(folders, change):
    (folders[1] / NAME).unlink()
    remember(*folders, between=lambda: change(*folders))
    assert not (folders[1] / NAME).exists()


def test_what_only_one_run_has_to_say_is_not_said_again(folders):
    (folders[1] / NAME).unlink()
    watch, said = Watch.begun(*folders, ()), Said()
    said.news("ben is gone.")
    watch.keep(said, watch.made())
    assert said_before(*folders, ()) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"given": 1, "made": 2, "said": {"wrong": 3}}'])
def test_a_damaged_file_means_that_the_work_is_done(folders, content):
    (folders[1] / NAME).write_text(content, encoding="utf-8")
    assert said_before(*folders, ()) is None


def test_nothing_but_the_options_and_what_was_said_is_imported(folders):
    code = """
import sys
from cs231n.instructor.__main__ import main
assert main(["grade", sys.argv[1], "--out", sys.argv[2], "--resume"]) == 0
assert not {"torch", "numpy", "PIL", "nbconvert"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, *map(str, folders)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "two\n", f"{NOTHING}\none\n")

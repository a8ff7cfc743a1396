"""What becomes of GRADES around the grading itself: who is in it, whose marks count, and that nothing is lost when it ends early.

Here no submission is run: a record comes from the answer that a file holds.
"""

import contextlib
import csv
import dataclasses
import errno
import fcntl
import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.places import ROOT

from cs231n.checks.report import Verdict
from cs231n.instructor.__main__ import main
from cs231n.instructor.grading import carried_out, grading
from cs231n.instructor.platforms import gradebook
from cs231n.instructor.reports import journal, marks, records, writing
from cs231n.instructor.reports.items import item_id
from cs231n.instructor.reports.records import Record, Result, State

QUESTIONS = [f"question-{number}" for number in range(1, 10)]


def graded_quickly(found, rubric, *_, **__):
    """Yield a record of each Submission: the text of its file answers question 1."""
    for submission in found:
        yield Record(
            submission.student,
            sha256=submission.sha256(),
            **submission.as_told(),
            verdict=State.GRADED,
            exercises=dict.fromkeys(rubric.exercises, Result(Verdict.MISSING)),
            answers=dict.fromkeys(rubric.questions, "") | {"question-1": submission.path.read_text(encoding="utf-8")},
        )


@pytest.fixture
def grade(tmp_path, monkeypatch):
    """The command, for the folder `in` and the results `out`; returns its exit code."""
    monkeypatch.setattr(grading, "_graded", graded_quickly)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("ada", "ben", "cy"):
        (tmp_path / "in" / f"{name}.py").write_text(f"# {name}", encoding="utf-8")
    return lambda *more: main(["grade", "in", "--out", "out", *more])


def rows(path="out/grades.csv"):
    with open(path, encoding="utf-8-sig", newline="") as file:  # noqa: PTH123
        return list(csv.DictReader(file))


def students():
    return [row["student"] for row in rows()]


def everything(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Who is in the grades


def test_a_submission_that_is_gone_leaves_the_grades_and_comes_back_with_its_mark(grade, tmp_path, capsys, monkeypatch):
    assert grade() == 0
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ben": (2.0, "")})
    content = (tmp_path / "in/ben.py").read_bytes()
    (tmp_path / "in/ben.py").unlink()
    assert grade("--resume") == 0
    said = capsys.readouterr().err
    assert "ben: results from an earlier run, but no submission now. They are no longer in the grades" in said
    assert students() == ["ada", "cy"]
    assert [record.student for record in gradebook.read_records("out")] == ["ada", "cy"]
    assert not (tmp_path / "out/feedback/ben.html").exists()
    assert grade("--resume") == 0
    assert "no submission now" not in capsys.readouterr().err

    (tmp_path / "in/ben.py").write_bytes(content)
    monkeypatch.setattr(grading, "_graded", lambda found, *_, **__: (pytest.fail("it was graded before") for _ in found))
    assert grade("--resume") == 0
    assert [(row["student"], row["question-1"]) for row in rows()] == [("ada", ""), ("ben", "2"), ("cy", "")]
    assert (tmp_path / "out/feedback/ben.html").exists()
    assert list((tmp_path / "out/rows/gone").iterdir()) == []


@pytest.mark.parametrize("content", ["{}", "[1]", "{", ""])
def test_a_damaged_row_is_graded_again(grade, tmp_path, content):
    assert grade() == 0
    (tmp_path / "out/rows/ben.json").write_text(content, encoding="utf-8")
    (tmp_path / "out/rows/zoe.json").write_text(content, encoding="utf-8")
    assert grade("--resume") == 0
    assert students() == ["ada", "ben", "cy"]


def test_results_of_an_older_kit_stay_as_they_are_and_it_is_said_that_they_hold_no_code(grade, tmp_path, capsys):
    assert grade() == 0
    for student, sources in (("ada", {}), ("ben", {"compute_saliency_maps": "def ..."})):
        path = tmp_path / f"out/rows/{student}.json"
        record = records.read(path)
        done = {**record.exercises, "compute_saliency_maps": Result(Verdict.RIGHT)}
        records.write(path, dataclasses.replace(record, exercises=done, sources=sources))
    capsys.readouterr()
    assert grade("--resume") == 0
    said = capsys.readouterr().err
    assert "ada: graded by an earlier version of this kit, which did not keep the code" in said
    assert [row["compute_saliency_maps"] == "0" for row in rows()] == [False, False, True]
    (tmp_path / "out/rows/ada.json").unlink()
    assert grade("--resume") == 0
    assert "earlier version" not in capsys.readouterr().err


def test_what_names_say_is_brought_up_to_date_without_grading_again(grade, tmp_path, monkeypatch):
    for number, name in enumerate(("ada", "ben", "cy")):
        (tmp_path / f"in/{name}.py").rename(tmp_path / f"in/{name}_470{number}_990{number}_nb.py")
    assert grade() == 0
    assert {record.late for record in records.read_all(tmp_path / "out/rows")} == {False}
    late = next((tmp_path / "in").glob("ada_*"))
    late.rename(late.with_name(late.name.replace("ada_", "ada_LATE_")))
    monkeypatch.setattr(grading, "_graded", lambda found, *_: (pytest.fail(f"{one.student} is graded again") for one in found))
    assert grade("--resume") == 0
    told = {record.student: (record.platform, record.late) for record in records.read_all(tmp_path / "out/rows")}
    assert told == {"ada_4700": ("Canvas", True), "ben_4701": ("Canvas", False), "cy_4702": ("Canvas", False)}


def test_a_roster_gives_ids_and_rows_of_those_who_handed_in_nothing(grade, tmp_path, capsys):
    (tmp_path / "class.csv").write_text("id;name;login\n0042;Ada King;ada\n0043;Ben Li;ben\n0044;Dan Wu;dan\n", encoding="utf-8")
    assert grade("--roster", "class.csv") == 0
    assert [(row["student"], row["name"], row["verdict"]) for row in rows()] == [
        ("'0042", "Ada King", "graded"),
        ("'0043", "Ben Li", "graded"),
        ("cy", "cy", "graded"),
        ("'0044", "Dan Wu", "no submission"),
    ]
    said = capsys.readouterr().err
    assert "1 of the 3 students on the roster handed in nothing: 0044 Dan Wu." in said
    assert "cy: not on the roster, and graded under this name." in said
    assert "1 on the roster handed in nothing" in (tmp_path / "out/summary.html").read_text(encoding="utf-8")


def test_going_on_without_the_roster_uses_the_one_from_before(grade, tmp_path, capsys, monkeypatch):
    (tmp_path / "class.csv").write_text("id;name;login\n0042;Ada King;ada\n0043;Ben Li;ben\n0044;Dan Wu;dan\n", encoding="utf-8")
    assert grade("--roster", "class.csv") == 0
    before = rows()
    (tmp_path / "class.csv").unlink()
    monkeypatch.setattr(grading, "_graded", lambda found, *_: (pytest.fail(f"{one.student} is graded again") for one in found))
    assert grade("--resume") == 0
    assert rows() == before
    assert "Using out/roster.csv from the earlier run" in capsys.readouterr().err
    (tmp_path / "other.csv").write_text("id;name;login\n0042;Ada King;ada\n0043;Ben Li;ben\n0045;Eve Ma;eve\n", encoding="utf-8")
    assert grade("--resume", "--roster", "other.csv") == 0
    assert [row["student"] for row in rows()] == ["'0042", "'0043", "cy", "'0045"]


def test_what_turned_out_to_be_unreadable_is_named_and_does_not_count_in_intake(grade, monkeypatch, capsys):
    def graded(found, rubric, *_, **__):
        for one in graded_quickly(found, rubric):
            torn = {"verdict": State.UNREADABLE, "note": "ben.py is torn."} if one.student == "ben" else {}
            yield dataclasses.replace(one, **torn)

    monkeypatch.setattr(grading, "_graded", graded)
    assert grade() == 0
    assert "Could not be read: ben." in capsys.readouterr().out
    told = {row["file"]: (row["counted"], row["why"]) for row in rows("out/intake.csv")}
    assert told == {"ada.py": ("yes", ""), "ben.py": ("no", "ben.py is torn."), "cy.py": ("yes", "")}


def test_the_console_points_to_what_is_unusual_and_intake_has_a_line_for_every_file(grade, tmp_path, capsys):
    (tmp_path / "in/ada-99.py").write_text("# a file that somebody named after ada", encoding="utf-8")
    (tmp_path / "in/.hidden").touch()
    (tmp_path / "in/link").symlink_to("ada.py")
    assert grade() == 0
    said = capsys.readouterr().err
    assert "Please check (out/intake.csv has a line for every file):" in said
    assert "ada-99: named like another attempt of a row that is there" in said
    assert [tuple(row.values()) for row in rows("out/intake.csv")] == [
        (".hidden", "", "no", "hidden"),
        ("ada-99.py", "ada-99", "yes", ""),
        ("ada.py", "ada", "yes", ""),
        ("ben.py", "ben", "yes", ""),
        ("cy.py", "cy", "yes", ""),
        ("link", "link", "no", "link is a link, not a file."),
    ]


def test_a_usual_folder_is_graded_without_a_word_on_it(grade, capsys):
    assert grade() == 0
    assert "Please check" not in capsys.readouterr().err


# Late days and groups


LATE = '[late]\ndue = 2026-10-05T23:59:00\ntimezone = "Europe/Berlin"\ndeduction = 1.5\nfree-days = 1\n'


def test_late_days_are_counted_deducted_and_remembered(grade, tmp_path, capsys):
    (tmp_path / "course.toml").write_text(LATE + "[late.extensions]\nben = 3\n", encoding="utf-8")
    (tmp_path / "when.csv").write_text("id,time\nada,2026-10-07 12:00\nben,2026-10-07 12:00\n", encoding="utf-8")
    (tmp_path / "used.csv").write_text("id,days used\nada,1\n", encoding="utf-8")
    more = ("--times", "when.csv", "--days-used", "used.csv")
    assert grade("--course", "course.toml", *more) == 0
    said = capsys.readouterr().err
    assert "Due: Monday, 5 October 2026, 23:59. Times without a zone are read in Europe/Berlin." in said
    assert "1 late, 0 of them with a deduction." in said  # there are no points yet
    assert "1 without a known time (0 of them late according to the platform): nothing is deducted." in said

    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ada": (4.0, ""), "ben": (4.0, "")})
    for name in ("when.csv", "used.csv", "course.toml"):
        (tmp_path / name).unlink()
    assert grade("--resume") == 0
    said = capsys.readouterr().err
    assert "Using out/times.csv from the earlier run" in said
    assert "Using out/days-used.csv from the earlier run" in said
    shown = [(row["student"], row["late_days"], row["deduction"], row["total"]) for row in rows()]
    assert shown == [("ada", "2", "3", "1"), ("ben", "0", "0", "4"), ("cy", "", "0", "0")]


def test_an_extension_can_be_given_later_without_grading_again(grade, tmp_path, monkeypatch):
    (tmp_path / "course.toml").write_text(LATE, encoding="utf-8")
    (tmp_path / "when.csv").write_text("id,time\nada,2026-10-07 12:00\n", encoding="utf-8")
    assert grade("--course", "course.toml", "--times", "when.csv") == 0
    assert rows()[0]["late_days"] == "2"
    monkeypatch.setattr(grading, "_graded", lambda found, *_: (pytest.fail(f"{one.student} is graded again") for one in found))
    (tmp_path / "course.toml").write_text(LATE + "[late.extensions]\nada = 1\n", encoding="utf-8")
    assert grade("--course", "course.toml", "--resume") == 0
    assert rows()[0]["late_days"] == "1"


def test_what_is_handed_back_has_the_deductions_and_a_later_extension_is_noticed(grade, tmp_path, capsys):
    for name, day in (("ada", "07"), ("ben", "05"), ("cy", "05")):
        (tmp_path / f"in/{name}.py").rename(tmp_path / f"in/HW_{name}_attempt_2026-10-{day}-12-00-00_nb.py")
    (tmp_path / "course.toml").write_text(LATE, encoding="utf-8")
    assert grade("--course", "course.toml") == 0
    found = {"ada": (4.0, ""), "ben": (3.0, ""), "cy": (1.0, "")}
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), found)
    assert grade("--resume") == 0
    back = ["export", "out", "--to", "blackboard"]
    assert main(back) == 0
    with Path("out/export/blackboard/mail_merge.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["id"]: row["points"] for row in csv.DictReader(file)} == {"ada": "2.5", "ben": "3", "cy": "1"}
    page = Path("out/feedback/ada.html").read_text(encoding="utf-8")
    assert "Late by 2 days" in page
    assert "Free late days used: 1 of 1. 1.5 points for 1 day." in page
    assert "Late by" not in Path("out/feedback/ben.html").read_text(encoding="utf-8")

    Path("out/course.toml").write_text(LATE + "[late.extensions]\nada = 1\n", encoding="utf-8")
    capsys.readouterr()
    assert main(back) == 2
    assert "are older than the results or the marks of ada. Run `grade --resume` first" in capsys.readouterr().err
    assert grade("--resume") == 0
    assert main(back) == 0


def test_a_regrade_in_spreadsheets_alone_is_logged_with_its_reason(grade, tmp_path):
    assert grade() == 0
    path = tmp_path / "out/marking/question-1.csv"
    marks.fill(path, gradebook.read_records("out"), {"ada": (4.0, ""), "ben": (1.0, "")})
    assert grade("--resume") == 0
    assert not (tmp_path / "out/marking/regrades.csv").exists()  # what was not in the grades yet is no regrade
    header, *lines = path.read_text(encoding="utf-8-sig").splitlines()
    lines = [line.replace('"4"', '"3"') + (",added up wrongly" if '"ada"' in line else ",") for line in lines]
    path.write_text("\n".join([f"{header},reason", *lines]), encoding="utf-8")
    assert grade("--resume") == 0
    (row,) = rows("out/marking/regrades.csv")
    assert (row["student"], row["old"], row["new"], row["reason"]) == ("ada", "4", "3", "added up wrongly")
    assert [row["question-1"] for row in rows()] == ["3", "1", ""]


def test_an_extension_of_nobody_is_refused_before_anything_is_written(grade, tmp_path, capsys):
    (tmp_path / "course.toml").write_text(LATE + "[late.extensions]\nbenn = 3\n", encoding="utf-8")
    assert grade("--course", "course.toml") == 2
    assert "[late.extensions] names benn, who has neither a submission nor a line in a roster. Closest ids: ben." in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()
    (tmp_path / "class.csv").write_text("id,name\n7,Benn\n", encoding="utf-8")
    assert grade("--course", "course.toml", "--roster", "class.csv") == 0


def test_a_class_may_be_named_by_any_id_on_the_roster(grade, tmp_path, capsys):
    (tmp_path / "class.csv").write_text(
        "id,name,login,mail\n0041,Ada King,ada,ada@example.edu\n0042,Ben Li,ben,ben@example.edu\n0043,Dan Wu,dan,d@example.edu\n",
        encoding="utf-8",
    )
    extended = '[late.extensions]\n"ada@example.edu" = 1\ndan = 1\n'
    (tmp_path / "course.toml").write_text(LATE + extended, encoding="utf-8")
    when = "email,time\nada@example.edu,2026-10-07 12:00\nben@example.edu,2026-10-07 12:00\n"
    (tmp_path / "when.csv").write_text(when, encoding="utf-8")
    (tmp_path / "used.csv").write_text("id,days used\nben@example.edu,1\neve@example.edu,1\n", encoding="utf-8")
    lists = ("--roster", "class.csv", "--times", "when.csv", "--days-used", "used.csv")
    assert grade("--course", "course.toml", *lists) == 0
    said = capsys.readouterr().err
    assert "eve@example.edu" in said
    assert "in --days-used, but with neither a submission nor a line in a roster." in said
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"0041": (4.0, ""), "0042": (4.0, "")})
    assert grade("--resume") == 0
    shown = [(row["student"], row["late_days"], row["deduction"]) for row in rows()]
    assert shown[:2] == [("'0041", "1", "0"), ("'0042", "2", "3")]

    twice = LATE + '[late.extensions]\n"ada@example.edu" = 1\nada = 2\n'
    (tmp_path / "course.toml").write_text(twice, encoding="utf-8")
    capsys.readouterr()
    assert grade("--course", "course.toml", "--resume") == 2
    assert "[late.extensions] names 0041 twice, as ada@example.edu and as ada." in capsys.readouterr().err


def test_each_member_of_a_group_has_a_row_and_the_list_is_remembered(grade, tmp_path, capsys):
    (tmp_path / "together.csv").write_text("group,id,name\nada,x1,Ada King\nada,x2,Zoe Li\n", encoding="utf-8")
    (tmp_path / "class.csv").write_text("id,name\nx1,Ada King\nx2,Zoe Li\nx3,Max Roe\nben,Ben Li\n", encoding="utf-8")
    assert grade("--members", "together.csv", "--roster", "class.csv") == 0
    expected = [("x1", "ada"), ("x2", "ada"), ("ben", ""), ("cy", ""), ("x3", "")]
    assert [(row["student"], row["group"]) for row in rows()] == expected
    (tmp_path / "together.csv").unlink()
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ada": (4.0, "")})
    assert grade("--resume", "--roster", "class.csv") == 0
    assert "Using out/members.csv from the earlier run" in capsys.readouterr().err
    assert [(row["student"], row["question-1"]) for row in rows()][:3] == [("x1", "4"), ("x2", "4"), ("ben", "")]


# Whose marks count


def in_browser(student, points):
    """Mark an answer to question 1 as the marking server does that is killed a moment later."""
    record = next(record for record in gradebook.read_records("out") if record.student == student)
    item = item_id(record, "question-1")
    writer = journal.Writer(Path("out/marking", journal.FOLDER, "anna.jsonl"))
    writer.append([journal.Entry(journal.Kind.MARK, "question-1", item, "anna", (student,), points=points)])
    writer.close()


def test_marks_from_the_browser_are_in_the_grades_and_a_row_that_says_otherwise_is_said(grade, tmp_path, capsys):
    assert grade() == 0
    in_browser("ada", 3.5)
    assert grade("--resume") == 0
    assert [row["question-1"] for row in rows()] == ["3.5", "", ""]
    assert "3.5" in (tmp_path / "out/feedback/ada.html").read_text(encoding="utf-8")
    assert next(row for row in rows("out/marking/question-1.csv") if row["student"] == "ada")["points"] == "3.5"
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ben": (1.0, "")})
    in_browser("ben", 2.0)
    capsys.readouterr()
    assert grade("--resume") == 0
    assert "ben, question-1: 1 points in the marks file, 2 points in the browser." in capsys.readouterr().err
    assert [row["question-1"] for row in rows()] == ["3.5", "2", ""]
    (tmp_path / "in/ada.py").write_text("# another answer", encoding="utf-8")
    in_browser("ada", 3.0)
    assert grade("--resume") == 0
    assert [row["question-1"] for row in rows()] == ["", "2", ""]


def test_a_changed_answer_is_to_mark_again_and_it_is_said(grade, tmp_path, capsys):
    assert grade() == 0
    assert "3 answers have to be marked" in capsys.readouterr().out
    marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ada": (3.5, "Fine."), "ben": (1.0, "")})
    assert grade("--resume") == 0
    assert "1 answer has to be marked" in capsys.readouterr().out
    assert [row["question-1"] for row in rows()] == ["3.5", "1", ""]

    (tmp_path / "in/ada.py").write_text("# another answer", encoding="utf-8")
    assert grade("--resume") == 0
    said = capsys.readouterr()
    assert "2 answers have to be marked" in said.out
    assert "ada, question-1: the answer has changed since it got 3.5 points. It has to be marked again." in said.err
    assert [row["question-1"] for row in rows()] == ["", "1", ""]
    row = next(row for row in rows("out/marking/question-1.csv") if row["student"] == "ada")
    assert (row["points"], row["before"]) == ("", "3.5 points for an earlier answer: Fine.")
    page = (tmp_path / "out/marking/question-1.html").read_text(encoding="utf-8")
    assert "3.5 points for an earlier answer: Fine." in page
    assert "not marked yet" in (tmp_path / "out/feedback/ada.html").read_text(encoding="utf-8")
    assert grade("--resume") == 0
    assert "changed" not in capsys.readouterr().err


def test_marks_saved_by_a_spreadsheet_of_another_country_are_taken(grade, tmp_path):
    (tmp_path / "in/007.py").write_text("# bond", encoding="utf-8")
    assert grade() == 0
    path = tmp_path / "out/marking/question-1.csv"
    lines = [[row["student"], "2,5" if row["student"] == "'007" else "", "Schön", row["answer"]] for row in rows(path)]
    text = "\r\n".join(";".join(line) for line in (["student", "points", "comment", "answer"], *lines))
    path.write_bytes(text.encode("cp1252"))
    assert grade("--resume") == 0
    assert next((row["student"], row["question-1"]) for row in rows()) == ("'007", "2.5")
    assert "Schön" in (tmp_path / "out/feedback/007.html").read_text(encoding="utf-8")


# The gallery


def test_a_picture_is_chosen_by_naming_a_student_who_is_there(grade, tmp_path, capsys):
    assert grade("--gallery", "ada", "cy") == 0
    assert grade("--resume", "--gallery", "zoe") == 2
    assert "--gallery names zoe, who handed in nothing." in capsys.readouterr().err


# What ends early


@pytest.mark.parametrize("out", ["in", "in/grades", "in/deep/er", "in/../in/x", "."])
def test_results_do_not_lie_among_submissions_nor_these_among_results(grade, tmp_path, capsys, out):
    before = everything(tmp_path)
    assert main(["grade", "in", "--out", out]) == 2
    assert "is inside of" in capsys.readouterr().err
    assert everything(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_that_only_begins_with_the_same_name_is_another(grade):
    assert main(["grade", "in", "--out", "in-grades"]) == 0


def test_ctrl_c_leaves_what_is_done_and_nothing_else(grade, tmp_path, capsys, monkeypatch):
    def interrupted(found, *more, **others):
        yield from graded_quickly(found[:1], *more, **others)
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "_graded", interrupted)
    assert grade() == 1
    assert "Interrupted. 1 result is kept in out/rows: continue with --resume." in capsys.readouterr().err
    assert set(everything(tmp_path / "out")) == {"intake.csv", "rows/ada.json"}
    monkeypatch.setattr(grading, "_graded", graded_quickly)
    assert grade("--resume") == 0
    assert students() == ["ada", "ben", "cy"]


@pytest.fixture
def small_disk():
    """A limit on the size of files, set by calling it: more is refused in the middle of writing, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("size", "name"), [(100, "out/intake.csv"), (400, "out/rows/ada.json"), (9000, "out/feedback/ada.html")])
def test_when_the_disk_is_full_the_file_is_named_and_the_run_can_go_on(grade, tmp_path, capsys, small_disk, size, name):
    small_disk(size)
    assert grade() == 2
    small_disk(resource.RLIM_INFINITY)
    said = capsys.readouterr().err
    assert (
        f"{name} could not be written: File too large. What was there before is still there. All other files are complete."
        in said
    )
    assert "Traceback" not in said
    assert not [path for path in everything(tmp_path / "out") if path.endswith(".lock") or ".part-" in path]
    assert grade("--resume") == 0
    assert students() == ["ada", "ben", "cy"]


# What the folder remembers

COURSE = """title = "Seeing"
left-out = ["7.1", "question-2"]

[points]
saliency_maps = 7.5

[question-3]
points = 4.5
text = "Why is the sky **blue**?"
rubric = "* 4.5: it scatters."
"""


@pytest.fixture
def course(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(COURSE, encoding="utf-8")
    return path


def columns():
    return list(rows()[0])


def test_a_courses_columns_pages_and_points_are_its_own(grade, course):
    assert grade("--course", str(course)) == 0
    assert "compute_smoothgrad_maps" not in columns()
    assert "question-2" not in columns()
    assert {"compute_saliency_maps", "transform_images", "question-3", "question-9"} <= set(columns())
    assert sorted(path.name for path in Path("out/marking").iterdir() if path.suffix == ".html") == [
        f"question-{number}.html" for number in (1, 3, 4, 5, 6, 9)
    ]
    marking = Path("out/marking/question-3.html").read_text(encoding="utf-8")
    assert "Why is the sky <strong>blue</strong>?" in marking
    assert "it scatters" in marking
    assert "from 0 to 4.5" in marking
    page = Path("out/feedback/ada.html").read_text(encoding="utf-8")
    assert "Seeing" in page
    assert "0 of 39 points" in page  # 40 - 3 for question 2, and 1.5 + 0.5 more for question 3 and the maps
    for name in ("compute_smoothgrad_maps", "compute_grad_cam_maps", "Inline question 2", "Inline question 7"):
        assert name not in page + Path("out/summary.html").read_text(encoding="utf-8")


def test_resume_goes_on_with_the_course_and_the_rubric_of_the_folder_and_says_so(grade, course, tmp_path, capsys):
    (tmp_path / "kept.toml").write_text("[kept]\nbatch-mean = 0.5\n", encoding="utf-8")
    assert grade("--course", str(course), "--rubric", str(tmp_path / "kept.toml")) == 0
    before = everything(tmp_path / "out" / "rows")
    course.unlink()
    (tmp_path / "kept.toml").unlink()
    capsys.readouterr()
    assert grade("--resume") == 0
    said = capsys.readouterr().err
    assert f"Using {Path('out/course.toml')}" in said
    assert f"Using {Path('out/rubric.toml')}" in said
    assert "compute_smoothgrad_maps" not in columns()
    assert Path("out/course.toml").read_text(encoding="utf-8") == COURSE
    assert everything(tmp_path / "out" / "rows") == before


def test_resume_with_the_same_course_in_other_words_goes_on(grade, course):
    assert grade("--course", str(course)) == 0
    course.write_text(COURSE.replace('["7.1", "question-2"]', '["question-2", "7.1"]'), encoding="utf-8")
    assert grade("--course", str(course), "--resume") == 0


def test_resume_with_another_course_says_what_differs_and_what_to_do(grade, course, tmp_path, capsys):
    assert grade("--course", str(course)) == 0
    before = everything(tmp_path / "out")
    course.write_text(COURSE.replace("7.5", "8").replace('"7.1", ', "").replace("scatters", "does"), encoding="utf-8")
    assert grade("--course", str(course), "--resume") == 2
    said = capsys.readouterr().err
    assert "saliency_maps was 7.5 points and is 8 points" in said
    assert "smoothgrad was left out and is 2 bonus points" in said
    assert "question-3 has another text or rubric" in said
    assert f"copy it to {Path('out/course.toml')}" in said
    assert everything(tmp_path / "out") == before


def test_a_course_that_is_copied_into_the_folder_counts_and_what_it_changes_is_graded_again(grade, course):
    assert grade("--course", str(course)) == 0
    Path("out/course.toml").write_text(COURSE.replace('["7.1", "question-2"]', '["question-4"]'), encoding="utf-8")
    assert grade("--resume") == 0
    assert {"compute_smoothgrad_maps", "question-2"} <= set(columns())
    assert "question-4" not in columns()
    assert not Path("out/marking/question-4.html").exists()
    assert Path("out/marking/question-4.csv").exists()  # marks are never thrown away


def test_a_question_that_comes_back_has_its_answers_read_again(grade, course):
    course.write_text('left-out = ["question-2"]\n', encoding="utf-8")
    assert grade("--course", str(course)) == 0
    Path("out/course.toml").write_text("", encoding="utf-8")
    assert grade("--resume") == 0
    assert "question-2" in json.loads(Path("out/rows/ada.json").read_text(encoding="utf-8"))["answers"]


def test_grades_that_were_begun_without_a_course_refuse_one_that_changes_something(grade, course, capsys):
    assert grade() == 0
    assert grade("--course", str(course), "--resume") == 2
    assert "differs from the kit's own points and questions" in capsys.readouterr().err
    course.write_text("[points]\nquestion-1 = 4\n", encoding="utf-8")  # as it is anyway
    assert grade("--course", str(course), "--resume") == 0


def test_a_course_that_is_not_one_is_refused_before_anything_is_written(grade, course, tmp_path, capsys):
    course.write_text("[points]\nquestion-10 = 1\n", encoding="utf-8")
    assert grade("--course", str(course)) == 2
    assert "own.toml: [points] 'question-10' is not known" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_course_that_contradicts_the_notebook_is_refused_before_anything_is_written(grade, course, tmp_path, capsys):
    course.write_text('left-out = ["fooling_image"]\n', encoding="utf-8")
    assert grade("--course", str(course)) == 2
    assert "question-3 is kept and needs fooling_image" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# One grader at a time

HOLD = """
import sys
from pathlib import Path
from cs231n.instructor.reports.writing import only_grader
with only_grader(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_grader(tmp_path):
    """Another process that writes into `out`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_grader_is_refused_and_changes_nothing(grade, tmp_path, capsys, other_grader):
    before = everything(tmp_path)
    assert grade("--resume") == 2
    assert f"Another command is writing into out (process {other_grader.pid} on " in capsys.readouterr().err
    assert everything(tmp_path) == before
    other_grader.communicate()  # it ends
    assert grade("--resume") == 0
    assert not (tmp_path / "out" / writing.LOCK).exists()


def test_a_lock_file_that_a_killed_grader_left_behind_locks_nothing(grade, tmp_path, other_grader):
    other_grader.kill()
    other_grader.wait()
    assert (tmp_path / "out" / writing.LOCK).exists()
    assert grade() == 0
    assert not (tmp_path / "out" / writing.LOCK).exists()


def test_a_lock_ends_with_an_error_and_a_new_folder_that_stays_empty_goes(tmp_path):
    with pytest.raises(ZeroDivisionError), writing.only_grader(tmp_path / "out"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_was_removed_meanwhile_is_not_taken_for_the_lock(tmp_path, monkeypatch):
    """Between opening and locking another grader may end and remove its lock file; then a third one makes a new file."""
    path, real, raced = tmp_path / writing.LOCK, fcntl.flock, []

    def racing(file, how):
        if not raced:
            raced.append(path.unlink())
        return real(file, how)

    monkeypatch.setattr(fcntl, "flock", racing)
    with writing.only_grader(tmp_path):
        assert f"process {os.getpid()} on" in path.read_text(encoding="utf-8")
    assert everything(tmp_path) == {}


@pytest.mark.parametrize(
    ("holder", "is_refused"),
    [("here and running", True), ("here and ended", False), ("elsewhere", True), ("unreadable", False)],
)
def test_on_a_file_system_without_locks_the_note_in_the_file_counts(tmp_path, monkeypatch, holder, is_refused):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    notes = {
        "here and running": f"process {os.getpid()} on {socket.gethostname()} since today",
        "here and ended": f"process {ended.pid} on {socket.gethostname()} since today",
        "elsewhere": "process 1 on a.machine.far.away since today",
        "unreadable": "",
    }
    (tmp_path / writing.LOCK).write_text(notes[holder], encoding="utf-8")
    expected = pytest.raises(ValueError, match="Another command is writing") if is_refused else contextlib.nullcontext()
    with expected, writing.only_grader(tmp_path):
        assert f"process {os.getpid()} on" in (tmp_path / writing.LOCK).read_text(encoding="utf-8")
    assert (tmp_path / writing.LOCK).exists() == is_refused


def test_what_was_found_of_a_student_is_not_lost_when_two_students_swap_names(grade, tmp_path):
    """A row is kept only for the same bytes under the same name."""
    assert grade() == 0
    (tmp_path / "in/ada.py").rename(tmp_path / "in/x.py")
    (tmp_path / "in/ben.py").rename(tmp_path / "in/ada.py")
    (tmp_path / "in/x.py").rename(tmp_path / "in/ben.py")
    assert grade("--resume") == 0
    answers = {
        path.stem: json.loads(path.read_text())["answers"]["question-1"] for path in (tmp_path / "out/rows").glob("*.json")
    }
    assert answers == {"ada": "# ben", "ben": "# ada", "cy": "# cy"}


# With nothing new


@pytest.fixture
def said(capsys):
    """What a command prints, as (its exit code, standard output, standard error)."""

    def of(command, *options):
        capsys.readouterr()
        return command(*options), *capsys.readouterr()

    return of


def test_with_nothing_new_resume_says_what_a_whole_run_would_and_does_nothing(grade, said, tmp_path, monkeypatch):
    (tmp_path / "in/zoe.txt").write_text("a note", encoding="utf-8")
    (tmp_path / "class.csv").write_text("id,name\nada,Ada King\n", encoding="utf-8")
    assert grade("--roster", "class.csv") == 0
    monkeypatch.setattr(carried_out, "grade_folder", lambda *_, **__: pytest.fail("there is nothing to do"))
    code, results, errors = said(grade, "--resume")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out/last-run.json").unlink()
    assert said(grade, "--resume") == (code, results, errors.replace("Nothing has changed since the last run.\n", ""))
    assert "Using out/roster.csv from the earlier run." in errors
    assert "zoe.txt" in errors
    assert "4 submissions" in results


@pytest.mark.parametrize("options", [["--roster", "class.csv"], ["--gallery", "ada"], []])
def test_a_resume_with_options_or_after_a_mark_does_the_work(grade, said, tmp_path, monkeypatch, options):
    (tmp_path / "class.csv").write_text("id,name\nada,Ada King\n", encoding="utf-8")
    assert grade() == 0
    if not options:
        marks.fill(tmp_path / "out/marking/question-1.csv", gradebook.read_records("out"), {"ben": (2.0, "")})
    whole, runs = carried_out.grade_folder, []
    monkeypatch.setattr(carried_out, "grade_folder", lambda *given, **named: runs.append(1) or whole(*given, **named))
    code, _, errors = said(grade, "--resume", *options)
    assert (code, runs) == (0, [1])
    assert "Nothing has changed" not in errors

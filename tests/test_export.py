"""Handing back: what each learning platform gets, that nothing else of its file changes, and that nobody is dropped silently.

What is written is read here by Python's csv and zipfile and by the platforms' own rules, never by the code that wrote it.
"""

import base64
import codecs
import csv
import io
import re
import shutil
import unicodedata
import zipfile

import pytest
from helpers.places import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cs231n.checks.explanations import EXERCISES as EXPLAINED
from cs231n.checks.report import Verdict
from cs231n.instructor.__main__ import main
from cs231n.instructor.grading import rubric
from cs231n.instructor.platforms import gradebook
from cs231n.instructor.platforms.export.names import readable_names, safe_name
from cs231n.instructor.platforms.export.sheet import Sheet
from cs231n.instructor.reports import marks as marks_files
from cs231n.instructor.reports import pages, records
from cs231n.instructor.reports.records import Member, Record, Result, State
from cs231n.instructor.reports.reference import reference_material
from cs231n.instructor.reports.safe import file_name

RUBRIC = rubric.load()
EXERCISES = tuple(EXPLAINED)
FULL = RUBRIC.full_marks()
FIRST = EXERCISES[0]
FIRST_POINTS = f"{RUBRIC.points[FIRST]:g}"
ALL_RIGHT = f"{sum(RUBRIC.points[name] for name in EXERCISES):g}"


@pytest.fixture(scope="module")
def reference():
    """What the pages take from the reference, with small pictures: test_journey.py hands back whole pages."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 3)).save(picture, "JPEG")
    whole = reference_material(ROOT / "NetworkVisualization.ipynb")
    small = [base64.b64encode(picture.getvalue()).decode()]
    return whole._replace(figures=dict.fromkeys(whole.figures, small))


def record(student, name="", right=(FIRST,), answers=None, **fields):
    """A record in which the exercises in `right` are right, and the others are missing."""
    results = {one: Result(Verdict.RIGHT if one in right else Verdict.MISSING) for one in EXERCISES}
    texts = dict.fromkeys(RUBRIC.questions, "") | (answers or {})
    default = {"submission": f"{student}.ipynb", "sha256": "0" * 64, "verdict": State.GRADED}
    return Record(student, name or student, exercises=results, answers=texts, **default | fields)


def canvas(name, number, file="submission.zip", late="", **fields):
    """A record as Canvas's download gives it."""
    path = f"{name}_{late}{number}_{int(number) + 90000}_{file}"
    return record(f"{name}_{number}", name, platform="Canvas", ids=(number,), submission=path, **fields)


def moodle(name, number, **fields):
    """A record as Moodle's download gives it."""
    path = f"{name}_{number}_assignsubmission_file/submission.zip"
    return record(f"{name}_{number}", name, platform="Moodle", ids=(number,), submission=path, **fields)


@pytest.fixture
def export(tmp_path, reference, monkeypatch):
    """A function: write the records' grades and pages, then run the command, given as its options; returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(found, *options, regrade=True):
        if regrade:
            shutil.rmtree(tmp_path / "grades" / "rows", ignore_errors=True)
            for one in found:
                records.write(tmp_path / "grades" / "rows" / f"{file_name(one.student)}.json", one)
            write_pages(tmp_path / "grades", found, reference)
        return main(["export", "grades", *options, "--out", "out"])

    return run


def write_pages(grades, found, reference):
    course = grades / "course.toml"
    own = rubric.load(None, course if course.exists() else None)
    pages.write_pages(grades, found, own, marks_files.read(grades, own), reference)


def rows(path, **form):
    with path.open(encoding=form.pop("encoding", "utf-8"), newline="") as file:
        return list(csv.reader(file, **form))


def listed(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# Canvas's gradebook

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,Homework 1 (501),Network Visualization (502),Current Score,Final Score\r\n"
    ",,,,,,Manual Posting,,,\r\n"
    "    Points Possible,,,,,,10.00,30.00,(read only),(read only)\r\n"
    '"Doe, Jane",4711,0012,jdoe,"Section ""A""",,9.00,,90.0,30.0\r\n'
    '"Žofie, Nováková",4712,0013,zofie,Section A,"two\nlines",EX,,0,0\r\n'
    '"=HYPERLINK(""x"")",4713,0014,evil,Section A,-1,8.00,"3,5",0,0\r\n'
    "Nobody,4714,0015,nobody,Section A,,,,0,0\r\n"
    '"Student, Test",4799,,,Section A,,,,0,0\r\n'
)
THREE = [canvas("doejane", "4711", right=EXERCISES), canvas("nováková", "4712"), canvas("evil", "4713", right=())]


def with_points(text, jane, zofie, evil):
    """Return Canvas's file with the three students' points in the column of the assignment 502."""
    text = text.replace("9.00,,90.0", f"9.00,{jane},90.0").replace("EX,,0,0", f"EX,{zofie},0,0")
    return text.replace('8.00,"3,5",0', f"8.00,{evil},0")


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (b"", "cp1252")]
)
@pytest.mark.parametrize("ends", ["\r\n", "\n", "no end"])
def test_of_the_platforms_own_file_only_the_assignments_cells_change(export, tmp_path, mark, encoding, ends):
    text = CANVAS if encoding != "cp1252" else CANVAS.replace("á", "é").replace("ů", "u")
    text = text.removesuffix("\r\n") if ends == "no end" else text.replace("\r\n", ends)
    text = "".join(one for one in text if one.encode(encoding, "ignore"))
    (tmp_path / "theirs.csv").write_bytes(mark + text.encode(encoding))
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--unmarked-as-zero") == 0
    expected = with_points(text, ALL_RIGHT, FIRST_POINTS, '"0"')
    assert (tmp_path / "out/canvas_grades.csv").read_bytes() == mark + expected.encode(encoding)
    assert (tmp_path / "theirs.csv").read_bytes() == mark + text.encode(encoding)


def test_a_file_with_semicolons_and_decimal_commas_gets_the_like(export, tmp_path):
    theirs = "Student;ID;Section;Network Visualization (502);Other (7)\nJane;4711;A;;8,25\n"
    (tmp_path / "theirs.csv").write_text(theirs, encoding="utf-8")
    answered = canvas("doejane", "4711", answers={"question-1": "Because."})
    (tmp_path / "grades/marking").mkdir(parents=True)
    (tmp_path / "grades/marking/question-1.csv").write_text("student,points,comment\ndoejane_4711,1.5,\n", encoding="utf-8")
    assert export([answered], "--to", "canvas", "--gradebook", "theirs.csv") == 0
    points = f"{RUBRIC.points[FIRST] + 1.5:g}".replace(".", ",")
    assert (tmp_path / "out/canvas_grades.csv").read_text(encoding="utf-8") == theirs.replace("A;;", f"A;{points};")


def test_what_was_there_before_and_who_keeps_what_is_said(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv") == 0
    said = capsys.readouterr()
    assert "Points in the gradebook that are replaced: 1. evil_4713 (3,5)." in said.err
    assert "Students without a submission who keep what the gradebook has: 1. Nobody." in said.err
    assert "Test Student: the platform's own test student. The row stays as it is." in said.err
    assert f"That column takes 30 points, and this assignment gives {FULL:g}. Points are not scaled." in said.err
    assert "3 grades in out:" in said.out
    assert re.search(r"canvas_feedback.zip, [0-9.]+ (MB|kB)\n", said.out)


def test_students_without_a_submission_get_0_only_if_asked_for_and_never_the_test_student(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(CANVAS.replace("0015,nobody,Section A,,,,", "0015,nobody,A,,5,,"), encoding="utf-8")
    more = "Has points,4715,0016,has,A,,,12,0,0\n"
    with (tmp_path / "theirs.csv").open("a", encoding="utf-8") as file:
        file.write(more)
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--zero-missing") == 0
    points = {row[0]: row[7] for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert (points["Nobody"], points["Has points"], points["Student, Test"]) == ("0", "12", "")
    said = capsys.readouterr().err
    assert "who keep what the gradebook has: 1. Has points." in said
    assert "who get 0: 1. Nobody." in said


def test_whose_grade_is_not_settled_does_not_count_as_missing(export, tmp_path):
    text = CANVAS.replace("9.00,,90.0", "9.00,,90").replace("EX,,0,0", "7,,0,0")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    unmarked = canvas("nováková", "4712", answers={"question-1": "Why not?"})
    rivals = [canvas("doejane", "4711"), record("0012", "X")]
    command = ("--to", "canvas", "--gradebook", "theirs.csv", "--zero-missing", "--partial")
    assert export([*rivals, unmarked, THREE[2]], *command) == 0
    points = {row[1]: row[7] for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert [points[number] for number in ("4711", "4712", "4713", "4714")] == ["", "", "0", "0"]


@pytest.mark.parametrize("posting", ["Manual Posting,,,", "Manual Posting,,whoever,"])
@pytest.mark.parametrize("note", ["", "(read only)"])
def test_a_row_that_names_nobody_is_no_student(export, tmp_path, capsys, posting, note):
    text = CANVAS.replace(",,,,,,Manual Posting,,,", f",,,,,{note},{posting}")
    assert text != CANVAS or (posting, note) == ("Manual Posting,,,", "")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--zero-missing") == 0
    with_zero = with_points(text, ALL_RIGHT, FIRST_POINTS, '"0"').replace("nobody,Section A,,,,", "nobody,Section A,,,0,")
    assert (tmp_path / "out/canvas_grades.csv").read_bytes() == with_zero.encode()
    assert "who get 0: 1. Nobody." in capsys.readouterr().err


def test_zeros_need_a_gradebook(export, capsys):
    assert export(THREE, "--to", "canvas", "--zero-missing") == 2
    assert "--zero-missing needs --gradebook" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["Homework 1", "homework 1 (501)"])
def test_the_column_can_be_named_by_title_or_header(export, tmp_path, wanted):
    text = CANVAS.replace("Homework 1 (501),Network Visualization (502)", "Homework 1 (501),Homework 2 (502)").replace("EX", "1")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--column", wanted) == 0
    found = {row[1]: (row[6], row[7]) for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert (found["4711"], found["4713"]) == ((ALL_RIGHT, ""), ("0", "3,5"))


@pytest.mark.parametrize("options", [(), ("--column", "Homework 3")])
def test_a_column_that_cannot_be_told_is_refused_with_the_list_of_columns(export, tmp_path, capsys, options):
    text = CANVAS.replace("Network Visualization (502)", "Homework 2 (502)")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", *options) == 2
    assert "Its columns are 'Homework 1 (501)'; 'Homework 2 (502)'." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("first", "second", "most", "hint"),
    [
        ("Homework 1", "HW 3: network visualization", "30.00", "Only 'HW 3: network visualization (502)' contains that name."),
        ("Homework 1", "Homework 2", f"{FULL:g}", f"Only 'Homework 2 (502)' takes {FULL:g} points, as this assignment gives."),
        ("Homework 1", "Homework 2", "30.00", None),
        ("Network Visualization A", "Network Visualization B", "30.00", None),
    ],
)
def test_a_refusal_names_the_likely_column_if_there_is_only_one(export, tmp_path, capsys, first, second, most, hint):
    text = CANVAS.replace("Network Visualization (502)", f"{second} (502)").replace("Homework 1 (501)", f"{first} (501)")
    (tmp_path / "theirs.csv").write_text(text.replace("30.00,(read", f"{most},(read"), encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv") == 2
    said = capsys.readouterr().err
    assert "has no column named 'Network Visualization'." in said
    assert "Pass the right one as --column NAME." in said
    assert hint in said if hint else "Only " not in said


def test_the_highest_total_is_only_named_if_there_is_one(export, capsys):
    assert export([THREE[0]], "--to", "moodle") == 1
    assert "highest total" not in capsys.readouterr().err


def test_the_unreadable_are_named(export, capsys):
    broken = [canvas(name, number, verdict=State.UNREADABLE, right=()) for name, number in (("cy", "4712"), ("di", "4713"))]
    assert export([THREE[0], *broken], "--to", "canvas") == 0
    assert "2 submissions could not be read (cy_4712, di_4713); they get the points in grades.csv." in capsys.readouterr().err
    assert export([THREE[0], broken[0]], "--to", "canvas") == 0
    assert "1 submission could not be read (cy_4712); it gets the points in grades.csv." in capsys.readouterr().err


def test_two_columns_of_the_same_title_are_told_apart_by_their_header_only(export, tmp_path, capsys):
    text = CANVAS.replace("Homework 1 (501)", "Network Visualization (501)").replace("EX", "1")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv") == 2
    assert "has 2 columns named 'Network Visualization'." in capsys.readouterr().err
    name = "Network Visualization (501)"
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--column", name) == 0
    assert rows(tmp_path / "out/canvas_grades.csv")[3][6] == ALL_RIGHT


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("EX", "is excused from the assignment (EX) in the gradebook"), ("N/A", "is not assigned the assignment (N/A)")],
)
def test_a_cell_that_canvas_would_undo_or_ignore_is_not_filled(export, tmp_path, capsys, cell, reason):
    (tmp_path / "theirs.csv").write_text(CANVAS.replace("9.00,,90.0", f"9.00,{cell},90.0"), encoding="utf-8", newline="")
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv") == 1
    assert f"doejane_4711, doejane, {reason}" in capsys.readouterr().err
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv", "--partial") == 0
    assert [row[7] for row in rows(tmp_path / "out/canvas_grades.csv")[3:6]] == [cell, FIRST_POINTS, "0"]


def test_first_and_last_names_in_two_columns_are_read_and_totals_take_no_points(export, tmp_path):
    text = (
        "LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,Visualization (502),Final Score (9),Override Score (2026)\n"
        "Points Possible,,,,,,30,,\nDoe,Jane,4711,,,A,,1,2\n"
    )
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8")
    assert export([THREE[0]], "--to", "canvas", "--gradebook", "theirs.csv") == 0
    assert rows(tmp_path / "out/canvas_grades.csv")[2] == ["Doe", "Jane", "4711", "", "", "A", ALL_RIGHT, "1", "2"]


def test_without_a_gradebook_canvas_gets_its_own_columns_and_ids_and_no_name_acts_in_a_spreadsheet(export, tmp_path):
    assert export([canvas("=cmd|'/c calc'!A0", "4711"), canvas("nováková", "0012")], "--to", "canvas", "--column", "HW (77)") == 0
    header, points, *students = rows(tmp_path / "out/canvas_grades.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "HW (77)"]
    assert (points[0], points[5]) == ("    Points Possible", f"{FULL:g}")
    assert students == [["'=cmd|'/c calc'!A0", "4711", "", "", "", FIRST_POINTS], ["nováková", "0012", "", "", "", FIRST_POINTS]]


def canvas_finds(name):
    """Return (student's number, file's number), as Canvas's infer_comment_context_from_filename reads them from a name."""
    parts = [part for part in name.split("_") if part != "LATE"]
    return tuple([part for part in parts if re.fullmatch(r"\d+", part)][:2])


def test_canvas_finds_the_student_and_the_file_in_the_names_of_the_zip_and_each_gets_the_own_page(export, tmp_path):
    found = [
        canvas("doejane", "4711", late="LATE_"),
        canvas("nováková", "4712", file="Network_12_Visualization.ipynb"),
        canvas("evil", "4713", file="my.py"),
    ]
    assert export(found, "--to", "canvas") == 0
    with zipfile.ZipFile(tmp_path / "out/canvas_feedback.zip") as archive:
        assert archive.testzip() is None
        content = {canvas_finds(name): (name, archive.read(name)) for name in archive.namelist()}
    assert content.keys() == {("4711", "94711"), ("4712", "94712"), ("4713", "94713")}
    for one in found[1:]:
        name, page = content[one.ids[0], f"9{one.ids[0]}"]
        assert name.endswith(".html")
        assert page == (tmp_path / "grades/feedback" / f"{file_name(one.student)}.html").read_bytes()
    name, packed = content["4711", "94711"]
    assert name == "doejane_LATE_4711_94711_submission.zip"
    with zipfile.ZipFile(io.BytesIO(packed)) as inner:
        assert inner.read("feedback.html") == (tmp_path / "grades/feedback/doejane_4711.html").read_bytes()


def test_who_wrote_online_has_no_place_in_canvas_zip_and_that_is_said(export, tmp_path, capsys):
    online = record("cy_4714", platform="Canvas", ids=("4714",), submission="cy_4714_text.html")
    assert export([THREE[0], online], "--to", "canvas") == 0
    assert (
        "1 page not in the zip, since no file name in a download from Canvas says where to put them: cy_4714."
        in capsys.readouterr().err
    )
    assert len(rows(tmp_path / "out/canvas_grades.csv")) == 4


# The roster that GRADES remembers


def test_the_rosters_addresses_are_in_the_list_for_mail_merge_and_its_other_columns_are_no_ids(export, tmp_path):
    (tmp_path / "grades").mkdir()
    roster = "id,name,email,section\n0015,Ada King,ada@example.edu,4711\n"
    (tmp_path / "grades" / "roster.csv").write_text(roster, encoding="utf-8")
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    assert export([*THREE, record("0015", "Ada King")], "--to", "canvas", "--gradebook", "theirs.csv") == 0
    addresses = {one["id"]: one["email"] for one in listed(tmp_path / "out/mail_merge.csv")}
    assert addresses["'0015"] == "ada@example.edu"
    assert set(addresses.values()) == {"", "ada@example.edu"}


def test_a_student_is_found_in_moodles_worksheet_by_the_rosters_address(export, tmp_path):
    (tmp_path / "grades").mkdir()
    (tmp_path / "grades" / "roster.csv").write_text("id,name,email\n0015,A. King,ada@example.edu\n", encoding="utf-8")
    header = "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed"
    row = "Participant 55,Ada King,ada@example.edu,Submitted,,40.00,Yes"
    (tmp_path / "theirs.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert export([record("0015", "A. King")], "--to", "moodle", "--gradebook", "theirs.csv") == 0
    (filled,) = listed(tmp_path / "out/moodle_grades.csv")
    assert float(filled["Grade"]) > 0


# Who is left out


def test_a_submission_without_a_row_is_refused_by_name_and_partial_says_who_is_missing(export, tmp_path, capsys):
    found = [*THREE, canvas("ghost", "9999"), record("0015", "Nobody Else"), record("stranger", "A Stranger")]
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    command = ("--to", "canvas", "--gradebook", "theirs.csv")
    assert export(found, *command) == 1
    said = capsys.readouterr().err
    assert "ghost_9999, ghost, has no row in the gradebook with the Canvas ID 9999." in said
    assert "stranger, A Stranger, has no row in the gradebook by id or name." in said
    assert "Nothing is written." in said
    assert not (tmp_path / "out").exists()
    assert export(found, *command, "--partial") == 0
    left = listed(tmp_path / "out/left_out.csv")
    assert [(one["student"], one["name"]) for one in left] == [("ghost_9999", "ghost"), ("stranger", "A Stranger")]
    points = {row[1]: row[7] for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert points["4714"] == FIRST_POINTS  # by the SIS User ID 0015
    merged = listed(tmp_path / "out/mail_merge.csv")
    assert [one["name"] for one in merged] == ["Nobody", "Jane Doe", '\'=HYPERLINK("x")', "Nováková Žofie"]
    assert {one["feedback"] for one in merged} >= {"feedback/Jane Doe.html", "feedback/Nováková Žofie.html"}


def test_a_number_of_canvas_is_never_taken_for_somebody_elses_number(export, tmp_path, capsys):
    text = CANVAS.replace("4714,0015,nobody", "4714,4720,nobody")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export([*THREE, canvas("nobody", "4720")], "--to", "canvas", "--gradebook", "theirs.csv") == 1
    assert "nobody_4720, nobody, has no row in the gradebook with the Canvas ID 4720." in capsys.readouterr().err
    assert export([*THREE, record("4711", "X"), record("4720", "Y")], "--to", "canvas", "--gradebook", "theirs.csv") == 1


def test_an_id_that_is_in_two_rows_is_refused(export, tmp_path, capsys):
    text = CANVAS.replace("4714,0015,nobody", "4714,4711,nobody")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export([record("4711", "X")], "--to", "canvas", "--gradebook", "theirs.csv") == 1
    assert "4711, X, could be any of 2 rows of the gradebook: Jane Doe (row 4), Nobody (row 7)." in capsys.readouterr().err


def test_two_submissions_of_one_row_are_both_refused_and_one_by_id_keeps_it_from_one_by_name(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    command = ("--to", "canvas", "--gradebook", "theirs.csv", "--partial")
    assert export([THREE[1], THREE[2], canvas("doejane", "4711"), record("0012", "X")], *command) == 0
    assert [one["student"] for one in listed(tmp_path / "out/left_out.csv")] == ["'0012", "doejane_4711"]
    assert rows(tmp_path / "out/canvas_grades.csv")[3][7] == ""
    assert export([record("b", "Jane Doe"), canvas("doejane", "4711", right=EXERCISES), record("0012", "X")][:2], *command) == 0
    assert "b, Jane Doe, matches row 4 of the gradebook, and so does doejane_4711." in capsys.readouterr().err
    assert rows(tmp_path / "out/canvas_grades.csv")[3][7] == ALL_RIGHT


def test_two_who_are_found_by_the_same_name_are_both_refused(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    found = [THREE[1], record("a", "Jane Doe"), record("b", "Doe, Jane")]
    assert export(found, "--to", "canvas", "--gradebook", "theirs.csv", "--partial") == 0
    assert [one["student"] for one in listed(tmp_path / "out/left_out.csv")] == ["a", "b"]
    assert "by name alone" not in capsys.readouterr().err


def test_who_is_found_by_name_alone_is_named(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    assert export([record("group 3", "Jane Doe")], "--to", "canvas", "--gradebook", "theirs.csv") == 0
    assert "Matched to the gradebook by name alone, since no id matches: 1. Please check: group 3 as Jane Doe." in (
        capsys.readouterr().err
    )


def test_a_name_that_two_rows_have_finds_neither(export, tmp_path, capsys):
    text = CANVAS.replace("Nobody,4714", '"Jane, Doe",4714')
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8", newline="")
    assert export([record("b", "Jane Doe")], "--to", "canvas", "--gradebook", "theirs.csv") == 1
    assert "could be any of 2 rows of the gradebook: Jane Doe (row 4), Doe Jane (row 7)" in capsys.readouterr().err


def test_without_a_gradebook_those_without_the_platforms_id_are_refused(export, tmp_path, capsys):
    anonymous = record("anon_x7f3q", platform="Canvas", ids=("anon_x7f3q",), submission="anon_x7f3q_99887_submission.zip")
    assert export([*THREE, record("jane"), anonymous], "--to", "canvas") == 1
    said = capsys.readouterr().err
    assert "jane was not downloaded from Canvas, so the Canvas id is unknown; pass the gradebook as --gradebook." in said
    assert "anon_x7f3q has no known Canvas id: the names in the download do not contain it; pass the gradebook" in said
    assert "--unmarked-as-zero" not in said
    assert export([canvas("a", "4711"), canvas("b", "4711"), canvas("c", "4712")], "--to", "canvas", "--partial") == 0
    assert [row[1] for row in rows(tmp_path / "out/canvas_grades.csv")[2:]] == ["4712"]
    assert [one["student"] for one in listed(tmp_path / "out/left_out.csv")] == ["a_4711", "b_4711"]


def test_answers_that_nobody_marked_are_refused_or_count_0_if_asked_for(export, tmp_path, capsys):
    found = [THREE[0], canvas("cy", "4712", answers={"question-1": "Why not?", "question-2": "So."})]
    assert export(found, "--to", "canvas") == 1
    said = capsys.readouterr().err
    assert "cy_4712, cy, has 2 answers that nobody has marked yet." in said
    assert "--unmarked-as-zero" in said
    assert export(found, "--to", "canvas", "--partial") == 0
    assert [row[1] for row in rows(tmp_path / "out/canvas_grades.csv")[2:]] == ["4711"]
    assert export(found, "--to", "canvas", "--unmarked-as-zero") == 0
    assert "Students with unmarked answers, which count as 0: 1. cy_4712." in capsys.readouterr().err
    assert {row[1]: row[5] for row in rows(tmp_path / "out/canvas_grades.csv")[2:]} == {"4711": ALL_RIGHT, "4712": FIRST_POINTS}
    assert not (tmp_path / "out/left_out.csv").exists()


# What the pages say is what is handed back


def test_marks_and_comments_given_after_the_last_grading_are_refused_until_the_pages_have_them(
    export, tmp_path, capsys, reference
):
    one = canvas("cy", "4712", answers={"question-1": "Because."})
    assert export([one, THREE[0]], "--to", "canvas", "--unmarked-as-zero") == 0
    grades = tmp_path / "grades"
    for mark in ((1.0, ""), (1.0, "Well put."), (2.0, "Well put.")):
        path = grades / "marking/question-1.csv"
        text = path.read_text(encoding="utf-8-sig").splitlines()[0]
        cells = f'"cy_4712","{mark[0]}","{mark[1]}","",""'
        path.write_text(f"\ufeff{text}\n{cells}\n", encoding="utf-8")
        capsys.readouterr()
        assert export([one, THREE[0]], "--to", "canvas", regrade=False) == 2
        assert "are older than the results or the marks of cy_4712. Run `grade --resume` first" in capsys.readouterr().err
        write_pages(grades, gradebook.read_records(grades), reference)
        assert export([one, THREE[0]], "--to", "canvas", regrade=False) == 0
    points = {row[1]: row[5] for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert points["4712"] == f"{RUBRIC.points[FIRST] + 2:g}"


def test_what_is_deducted_for_being_late_is_deducted_here_and_a_new_due_date_needs_new_pages(export, tmp_path, capsys):
    course = tmp_path / "grades/course.toml"
    course.parent.mkdir()
    course.write_text('[late]\ndue = 2026-10-05T23:59:00\ntimezone = "UTC"\ndeduction = 1.5\n', encoding="utf-8")
    found = [
        canvas("late", "4711", handed_in="2026-10-07T10:00:00+00:00"),
        canvas("punctual", "4712", handed_in="2026-10-05T10:00:00+00:00"),
    ]
    assert export(found, "--to", "canvas") == 0
    points = {row[1]: row[5] for row in rows(tmp_path / "out/canvas_grades.csv")}
    assert (points["4711"], points["4712"]) == (f"{RUBRIC.points[FIRST] - 3:g}", FIRST_POINTS)
    course.write_text(course.read_text(encoding="utf-8").replace("10-05T", "10-06T"), encoding="utf-8")
    assert export(found, "--to", "canvas", regrade=False) == 2
    assert "are older than the results or the marks of late_4711. Run" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["{", "[]", None])
def test_grades_that_do_not_say_what_they_were_made_from_are_refused(export, tmp_path, capsys, harm):
    assert export(THREE, "--to", "canvas") == 0
    path = tmp_path / "grades/current.json"
    path.unlink() if harm is None else path.write_text(harm, encoding="utf-8")
    assert export(THREE, "--to", "canvas", regrade=False) == 2
    assert "the marks of doejane_4711, evil_4713, nováková_4712" in capsys.readouterr().err


def test_a_page_that_is_missing_is_named(export, tmp_path, capsys):
    assert export(THREE, "--to", "canvas") == 0
    (tmp_path / "grades/feedback/doejane_4711.html").unlink()
    assert export(THREE, "--to", "canvas", regrade=False) == 2
    assert "doejane_4711.html is missing. Run grade --resume" in capsys.readouterr().err


# Moodle

WORKSHEET = (
    '\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 4711","Jane Doe",0012,jane@example.edu,"Submitted - ",,60.00,Yes,"5 October, 10:10",-,"Keep ""me"""\n'
    '"Participant 4712","Žofie Nováková",0013,zofie@example.edu,"Submitted - ",,60.00,Yes,-,-,\n'
    '"Participant 4713",王小明,0014,wang@example.edu,"No submission - ",12.00,60.00,Yes,-,-,\n'
)


def moodle_finds(path):
    """Return (participant, the plugin's type and name, the file's name), as is_valid_filename_for_import reads a path."""
    parts = path.split("/")
    if parts[-1].startswith((".", "~")):
        return None
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) >= 4 and info[1].isdigit():
            return info[1], f"{info[2]}_{info[3]}", "/".join([*info[4:], *parts])
    return None


def test_moodles_worksheet_is_filled_and_its_zip_is_read_by_moodles_own_rule(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(WORKSHEET, encoding="utf-8")
    found = [moodle("Jane Doe", "4711"), moodle("Žofie Nováková", "4712", right=EXERCISES[:2])]
    assert export(found, "--to", "moodle", "--gradebook", "theirs.csv") == 0
    two = f"{sum(RUBRIC.points[name] for name in EXERCISES[:2]):g}"
    expected = WORKSHEET.replace('- ",,60.00', f'- ",{FIRST_POINTS},60.00', 1).replace('- ",,60.00', f'- ",{two},60.00', 1)
    assert (tmp_path / "out/moodle_grades.csv").read_text(encoding="utf-8") == expected
    assert "Students without a submission who keep what the gradebook has: 1. 王小明." in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "out/moodle_feedback.zip") as archive:
        names = archive.namelist()
        assert [moodle_finds(name) for name in sorted(names)] == [
            ("4711", "assignsubmission_file", "feedback.html"),
            ("4712", "assignsubmission_file", "feedback.html"),
        ]
        utf8 = [bool(info.flag_bits & 0x800) for info in archive.infolist()]
        assert utf8 == [not info.filename.isascii() for info in archive.infolist()]
    merged = listed(tmp_path / "out/mail_merge.csv")
    assert [(one["email"], one["feedback"]) for one in merged] == [
        ("jane@example.edu", "feedback/Jane Doe.html"),
        ("zofie@example.edu", "feedback/Žofie Nováková.html"),
    ]


def test_anonymous_submissions_on_moodle_go_by_the_participants_numbers(export, tmp_path):
    """Moodle then leaves names, ID numbers and addresses out, and names every folder of the download Participant."""
    header, *people = csv.reader(io.StringIO(WORKSHEET))
    (tmp_path / "theirs.csv").write_text("\n".join(",".join([row[0], *row[4:8]]) for row in (header, *people)), encoding="utf-8")
    found = [moodle("Participant", "4711"), moodle("Participant", "4712", right=())]
    assert export(found, "--to", "moodle", "--gradebook", "theirs.csv") == 0
    written = [(row[0], row[2]) for row in rows(tmp_path / "out/moodle_grades.csv")[1:]]
    assert written == [("Participant 4711", FIRST_POINTS), ("Participant 4712", "0"), ("Participant 4713", "12.00")]
    with zipfile.ZipFile(tmp_path / "out/moodle_feedback.zip") as archive:
        assert sorted(moodle_finds(name)[0] for name in archive.namelist()) == ["4711", "4712"]


def test_points_that_moodle_would_ignore_are_refused_or_capped(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(WORKSHEET.replace("60.00", "1.00"), encoding="utf-8")
    found = [moodle("Jane Doe", "4711"), moodle("Žofie Nováková", "4712", right=())]
    command = ("--to", "moodle", "--gradebook", "theirs.csv")
    assert export(found, *command) == 1
    assert f"has {FIRST_POINTS} points, and Moodle ignores more than 1 (--cap lowers them)" in capsys.readouterr().err
    assert export(found, *command, "--cap") == 0
    assert [row[5] for row in rows(tmp_path / "out/moodle_grades.csv")[1:]] == ["1", "0", "12.00"]


def test_a_locked_grade_is_refused(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(WORKSHEET.replace("60.00,Yes", "60.00,No", 1), encoding="utf-8")
    assert export([moodle("Jane Doe", "4711")], "--to", "moodle", "--gradebook", "theirs.csv") == 1
    assert "has a locked grade in Moodle" in capsys.readouterr().err


def test_each_member_of_a_group_gets_the_groups_points_and_page(export, tmp_path):
    members = (Member("Jane Doe", "Jane Doe", ("4711",)), Member("Žofie Nováková", "Žofie Nováková", ("4712",)))
    group = record(
        "Group A", "Group A", platform="Moodle", members=members, submission="Group A-Jane Doe_4711_assignsubmission_file"
    )
    (tmp_path / "theirs.csv").write_text(WORKSHEET, encoding="utf-8")
    assert export([group], "--to", "moodle", "--gradebook", "theirs.csv") == 0
    assert [row[5] for row in rows(tmp_path / "out/moodle_grades.csv")[1:]] == [FIRST_POINTS, FIRST_POINTS, "12.00"]
    with zipfile.ZipFile(tmp_path / "out/moodle_feedback.zip") as archive:
        assert {moodle_finds(name)[0] for name in archive.namelist()} == {"4711", "4712"}
        page = (tmp_path / "grades/feedback" / f"{file_name('Group A')}.html").read_bytes()
        assert {archive.read(name) for name in archive.namelist()} == {page}


def test_the_ids_of_a_list_of_members_are_never_taken_for_numbers_of_the_platform(export, tmp_path, capsys):
    members = (Member("4712", "Jane Doe", ("4712", "0012")), Member("0013", "Žofie Nováková", ("0013",)))
    group = record("Group A_55", "Group A", platform="Moodle", ids=("55",), members=members)
    assert export([group], "--to", "moodle") == 1
    assert "4712, Jane Doe, has no known Moodle id" in capsys.readouterr().err
    (tmp_path / "theirs.csv").write_text(WORKSHEET, encoding="utf-8")
    assert export([group], "--to", "moodle", "--gradebook", "theirs.csv") == 1
    assert "4712, Jane Doe, could be any of 2 rows of the gradebook" in capsys.readouterr().err
    (tmp_path / "theirs.csv").write_text(WORKSHEET.replace("Participant 4712", "Participant 4799"), encoding="utf-8")
    assert export([group], "--to", "moodle", "--gradebook", "theirs.csv") == 0
    assert [row[5] for row in rows(tmp_path / "out/moodle_grades.csv")[1:]] == [FIRST_POINTS, FIRST_POINTS, "12.00"]


def test_members_whom_gradescope_names_are_listed_each(export, tmp_path):
    members = (Member("0012", "Jane", ("0012", "jane@example.edu")), Member("0013", "Cy", ("0013",)))
    assert export([record("0012+0013", "Jane, Cy", platform="Gradescope", members=members)], "--to", "gradescope") == 0
    assert [row[:3] for row in rows(tmp_path / "out/gradescope_grades.csv")[1:]] == [
        ["Jane", "0012", "jane@example.edu"],
        ["Cy", "0013", ""],
    ]


def test_who_has_no_id_of_gradescopes_is_not_sent_for_a_gradebook_that_it_does_not_take(export, capsys):
    assert export([moodle("Jane Doe", "4711")], "--to", "gradescope") == 1
    said = capsys.readouterr().err
    assert "Jane Doe, was not downloaded from Gradescope, so the Gradescope id is unknown.\n" in said
    assert "--gradebook" not in said


def test_a_student_in_a_group_and_alone_is_refused(export, tmp_path, capsys):
    group = record("Group A", platform="Moodle", members=(Member("Jane", "Jane", ("4711",)), Member("Z", "Z", ("4712",))))
    (tmp_path / "theirs.csv").write_text(WORKSHEET, encoding="utf-8")
    assert export([group, moodle("Jane Doe", "4711")], "--to", "moodle", "--gradebook", "theirs.csv") == 1
    assert "Jane matches row 2 of the gradebook, and so does Jane Doe_4711." in capsys.readouterr().err


def test_a_worksheet_in_another_language_needs_the_columns_name(export, tmp_path, capsys):
    german = WORKSHEET.replace("Identifier", "ID").replace("Participant ", "Teilnehmer/in").replace("Grade,", "Bewertung,", 1)
    (tmp_path / "theirs.csv").write_text(german, encoding="utf-8")
    command = ("--to", "moodle", "--gradebook", "theirs.csv")
    assert export([moodle("Jane Doe", "4711")], *command) == 2
    assert "'Bewertung'" in capsys.readouterr().err
    assert export([moodle("Jane Doe", "4711")], *command, "--column", "Bewertung") == 0
    assert rows(tmp_path / "out/moodle_grades.csv")[1][5] == FIRST_POINTS


def test_moodles_course_gradebook_goes_by_id_number_and_address(export, tmp_path):
    text = (
        '"First name","Last name","ID number","Email address","Assignment: Network Visualization (Real)","Course total (Real)"\n'
        'Jane,Doe,0012,jane@example.edu,-,-\n"Wang","Xiaoming",0014,wang@example.edu,-,-\n'
    )
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8")
    found = [record("0012", "J"), record("w", "W", ids=("WANG@example.edu",))]
    assert export(found, "--to", "moodle", "--gradebook", "theirs.csv") == 0
    assert [row[4:] for row in rows(tmp_path / "out/moodle_grades.csv")[1:]] == [[FIRST_POINTS, "-"], [FIRST_POINTS, "-"]]


def test_without_a_worksheet_moodle_gets_the_columns_that_its_import_requires(export, tmp_path, capsys):
    assert export([moodle("Jane_Doe", "4711"), moodle("-1+1", "4712")], "--to", "moodle") == 0
    assert f"The highest total is {FIRST_POINTS}." in capsys.readouterr().err
    header, *students = rows(tmp_path / "out/moodle_grades.csv")
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(header)
    assert [(row[0], row[1], row[2]) for row in students] == [
        ("Participant 4712", "'-1+1", FIRST_POINTS),
        ("Participant 4711", "Jane_Doe", FIRST_POINTS),
    ]
    with zipfile.ZipFile(tmp_path / "out/moodle_feedback.zip") as archive:
        assert {moodle_finds(name)[0] for name in archive.namelist()} == {"4711", "4712"}


# Brightspace, Blackboard, Gradescope

BRIGHTSPACE = (
    "\ufeffOrgDefinedId,Username,Last Name,First Name,Email,Quiz Points Grade <Numeric MaxPoints:5>,"
    'Network Visualization Points Grade <Numeric MaxPoints:30 Weight:10 Category:"Labs">,End-of-Line Indicator\r\n'
    "#0012,#jdoe,Doe,Jane,jane@example.edu,4,,#\r\n"
    "#0013,#wang,小明,王,wang@example.edu,5,20,#\r\n"
)


def brightspace(name, number, **fields):
    folder = f"{number}-777 - {name} - Oct 5, 2026 1010 AM"
    return record(f"{name}_{number}", name, platform="Brightspace", ids=(number,), submission=f"{folder}/a.ipynb", **fields)


def test_brightspace_is_found_by_name_and_keeps_its_marks_of_ids_and_of_line_ends(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(BRIGHTSPACE, encoding="utf-8", newline="")
    found = [brightspace("Jane Doe", "12345", right=EXERCISES), record("0013", "")]
    assert export(found, "--to", "brightspace", "--gradebook", "theirs.csv", "--column", "network visualization") == 0
    expected = BRIGHTSPACE.replace(",4,,#", f",4,{ALL_RIGHT},#").replace(",5,20,#", f",5,{FIRST_POINTS},#")
    assert (tmp_path / "out/brightspace_grades.csv").read_bytes() == expected.encode()
    said = capsys.readouterr().err
    assert "Jane Doe_12345 as Jane Doe" in said
    assert "0013 as" not in said
    with zipfile.ZipFile(tmp_path / "out/brightspace_feedback.zip") as archive:
        assert archive.namelist() == ["12345-777 - Jane Doe - Oct 5, 2026 1010 AM/feedback.html"]


def test_in_brightspaces_flat_download_the_page_is_beside_the_file(export, tmp_path):
    (tmp_path / "theirs.csv").write_text(BRIGHTSPACE, encoding="utf-8", newline="")
    flat = record("j", "Jane Doe", submission="1-7 - Jane Doe - Oct 5, 2026 1010 AM - my - file.ipynb", platform="Brightspace")
    assert export([flat], "--to", "brightspace", "--gradebook", "theirs.csv") == 0
    with zipfile.ZipFile(tmp_path / "out/brightspace_feedback.zip") as archive:
        assert archive.namelist() == ["1-7 - Jane Doe - Oct 5, 2026 1010 AM - feedback.html"]


def test_that_brightspace_caps_points_is_said(export, tmp_path, capsys):
    (tmp_path / "theirs.csv").write_text(BRIGHTSPACE.replace("MaxPoints:30", "MaxPoints:1"), encoding="utf-8", newline="")
    command = ("--to", "brightspace", "--gradebook", "theirs.csv")
    assert export([brightspace("Jane Doe", "12345")], *command) == 0
    assert f"allows more (1 here). The highest total is {FIRST_POINTS}." in capsys.readouterr().err
    assert rows(tmp_path / "out/brightspace_grades.csv")[1][6] == FIRST_POINTS
    assert export([brightspace("Jane Doe", "12345")], *command, "--cap") == 0
    assert rows(tmp_path / "out/brightspace_grades.csv")[1][6] == "1"


def test_members_of_groups_who_share_a_key_each_get_a_page_and_a_row(export, tmp_path):
    members = [Member("Jane", "Jane", (number,)) for number in ("4711", "4712", "4713")]
    groups = [record("A", platform="Moodle", members=tuple(members[:2])), record("B", platform="Moodle", members=(members[2],))]
    (tmp_path / "theirs.csv").write_text(WORKSHEET, encoding="utf-8")
    assert export(groups, "--to", "moodle", "--gradebook", "theirs.csv") == 0
    assert len(list((tmp_path / "out/feedback").iterdir())) == 3
    with zipfile.ZipFile(tmp_path / "out/moodle_feedback.zip") as archive:
        assert len(archive.namelist()) == 3


def test_brightspace_needs_its_gradebook(export, tmp_path, capsys):
    assert export([brightspace("Jane Doe", "12345")], "--to", "brightspace") != 0
    assert "--gradebook" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_blackboards_download_of_the_original_view_stays_utf_16_and_tabs(export, tmp_path, capsys):
    text = (
        '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Total [Total Pts: up to 95 Score] |1"\t'
        '"Network Visualization [Total Pts: 69 Score] |1281892"\n'
        '"Doe"\t"Jane"\t"jdoe"\t"0012"\t"40.00"\t""\n"王"\t"小明"\t"wang"\t"0013"\t""\t""\n'
        '"Lee_PreviewUser"\t"A"\t"lee_previewuser"\t""\t""\t""\n'
    )
    (tmp_path / "gc.xls").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    found = [record(name, platform="Blackboard", ids=(name,)) for name in ("jdoe", "wang")]
    assert export(found, "--to", "blackboard", "--gradebook", "gc.xls") == 0
    expected = text.replace('"40.00"\t""', f'"40.00"\t"{FIRST_POINTS}"').replace(
        '"0013"\t""\t""', f'"0013"\t""\t"{FIRST_POINTS}"'
    )
    assert (tmp_path / "out/blackboard_grades.xls").read_bytes() == codecs.BOM_UTF16_LE + expected.encode("utf-16-le")
    said = capsys.readouterr()
    assert "A Lee_PreviewUser: the platform's own test student." in said.err
    assert "Blackboard takes feedback files only one by one" in said.out
    assert not list((tmp_path / "out").glob("*.zip"))


def test_without_a_gradebook_blackboard_gets_user_names_and_one_column(export, tmp_path):
    assert export([record("jdoe", platform="Blackboard", ids=("jdoe",))], "--to", "blackboard") == 0
    content = (tmp_path / "out/blackboard_grades.csv").read_bytes()
    assert content == f'\ufeff"Username","Network Visualization"\r\n"jdoe","{FIRST_POINTS}"\r\n'.encode()


def test_gradescope_takes_nothing_back_and_says_so(export, tmp_path, capsys):
    one = record("0012", "Jane Doe", platform="Gradescope", ids=("0012", "jane@example.edu"))
    assert export([one], "--to", "gradescope") == 0
    assert "Gradescope imports neither grades nor feedback files." in capsys.readouterr().out
    assert rows(tmp_path / "out/gradescope_grades.csv")[1] == ["Jane Doe", "0012", "jane@example.edu", FIRST_POINTS, f"{FULL:g}"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["feedback", "gradescope_grades.csv", "mail_merge.csv"]
    (tmp_path / "theirs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert export([one], "--to", "gradescope", "--gradebook", "theirs.csv") == 2


@pytest.mark.parametrize("platform", ["canvas", "moodle", "brightspace", "blackboard"])
def test_another_platforms_file_is_refused_with_its_columns(export, tmp_path, capsys, platform):
    (tmp_path / "theirs.csv").write_text("Name,Points\nJane,3\n", encoding="utf-8")
    assert export(THREE, "--to", platform, "--gradebook", "theirs.csv") == 2
    assert "Name, Points" in capsys.readouterr().err


# Damaged and hostile input


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 an Excel file", "is an Excel workbook"),
        (b"", "is empty"),
        (b'Student,ID,Section\n"Jane,1,A\n', "its quotes do not pair"),
        (b"Student,ID,Section\n\x81\x8d\x8f,1,A\n", "is neither UTF-8 nor UTF-16 nor Windows-1252 text"),
        (codecs.BOM_UTF16_LE + b"S\x00t", "neither UTF-8"),
    ],
)
def test_a_gradebook_that_is_none_is_refused(export, tmp_path, capsys, content, said):
    (tmp_path / "theirs.csv").write_bytes(content)
    assert export(THREE, "--to", "canvas", "--gradebook", "theirs.csv") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_that_are_formulas_are_texts_in_the_list_and_ids_of_the_platforms_stay(export, tmp_path):
    (tmp_path / "theirs.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab (5)\n@x,4711,=1+1,-login,A,\n", encoding="utf-8"
    )
    assert export([canvas("@x", "4711")], "--to", "canvas", "--gradebook", "theirs.csv") == 0
    assert rows(tmp_path / "out/canvas_grades.csv")[1] == ["@x", "4711", "=1+1", "-login", "A", FIRST_POINTS]
    (merged,) = listed(tmp_path / "out/mail_merge.csv")
    assert (merged["id"], merged["name"], merged["feedback"]) == ("'@x_4711", "'@x", "feedback/@x.html")


def test_a_folder_with_other_files_is_left_alone_and_an_earlier_export_is_replaced_as_a_whole(export, tmp_path, capsys):
    assert export(THREE, "--to", "canvas") == 0
    assert (tmp_path / "out/feedback/evil.html").exists()
    (tmp_path / "theirs.csv").write_text(CANVAS, encoding="utf-8", newline="")
    assert export([*THREE, canvas("ghost", "1")], "--to", "canvas", "--gradebook", "theirs.csv", "--partial") == 0
    assert (tmp_path / "out/left_out.csv").exists()
    assert export(THREE[:2], "--to", "moodle") == 2
    assert "holds other files (canvas_feedback.zip, canvas_grades.csv)" in capsys.readouterr().err
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    assert export(THREE, "--to", "canvas") == 2
    assert "holds other files (notes.txt)" in capsys.readouterr().err
    (tmp_path / "out/notes.txt").rename(tmp_path / "out/feedback/notes.txt")
    assert export(THREE, "--to", "canvas") == 2
    assert "holds other files (feedback/notes.txt)" in capsys.readouterr().err
    assert (tmp_path / "out/feedback/notes.txt").read_text(encoding="utf-8") == "mine"


def test_an_export_that_cannot_be_written_leaves_the_earlier_one(export, tmp_path, monkeypatch, capsys):
    assert export(THREE[:1], "--to", "canvas") == 0
    before = (tmp_path / "out/canvas_grades.csv").read_bytes()
    rename = type(tmp_path).rename

    def failing(path, target):
        if path.name == "new":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", failing)
    assert export(THREE, "--to", "canvas") == 2
    assert "could not be written: No space left on device" in capsys.readouterr().err
    assert (tmp_path / "out/canvas_grades.csv").read_bytes() == before
    assert not list(tmp_path.glob(".part-*"))


def test_the_default_folder_is_in_grades_and_the_same_grades_give_the_same_bytes(export, tmp_path):
    assert export(THREE, "--to", "canvas") == 0
    assert main(["export", "grades", "--to", "canvas"]) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    second = {path.name: path.read_bytes() for path in (tmp_path / "grades/export/canvas").rglob("*") if path.is_file()}
    assert first == second
    assert len(first) == 6


# Names of files


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Jane Doe", "Jane Doe"),
        ("Žofie Nováková", "Žofie Nováková"),
        ("Z\u030cofie", "Žofie"),
        ("王小明", "王小明"),
        ("محمد علي", "محمد علي"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("ends. ", "ends"),
        ("~hidden", "hidden"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("  two\tspaces\n", "two spaces"),
        ("", "student"),
        ("...", "student"),
    ],
)
def test_a_name_of_any_script_becomes_a_name_of_a_file(name, safe):
    assert safe_name(name) == safe


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=200)), max_size=6))
def test_names_of_files_are_valid_everywhere_and_differ_also_where_capitals_do_not_count(people):
    names = readable_names(people)
    assert len({unicodedata.normalize("NFC", name.casefold()) for name in names}) == len(names) == len(people)
    for name in names:
        assert 0 < len(name.encode()) <= 140
        assert not set(name) & set('<>:"/\\|?*\0\n')
        assert name == name.strip(" .")
        assert unicodedata.is_normalized("NFC", name)


def test_people_of_the_same_name_have_their_keys_in_the_names():
    people = [("4711", "Jane Doe"), ("4712", "jane doe"), ("4713", "Cy"), ("4711", "Jane Doe")]
    assert readable_names(people) == ["Jane Doe (4711)", "jane doe (4712)", "Cy", "Jane Doe (4711) 2"]


# Any CSV file

CELLS = st.text(alphabet=st.sampled_from('ab,;\t"\n\r =0.1é王'), max_size=6)


def same_at_the_start(one, other):
    return next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=2, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.data(),
)
def test_filling_a_cell_of_any_file_changes_that_cell_and_no_other_byte(tmp_path_factory, table, delimiter, quoting, data):
    table[0] = [f"name{index}" for index in range(4)]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(table)
    path = tmp_path_factory.mktemp("sheet") / "any.csv"
    path.write_bytes(text.getvalue().encode())
    sheet = Sheet.read(path)
    row = data.draw(st.integers(1, len(table) - 1))
    column = data.draw(st.integers(0, 3))
    new = data.draw(CELLS.filter(lambda cell: "\r" not in cell))
    now = sheet.filled({(row, column): new}).decode()
    cells = list(csv.reader(io.StringIO(now, newline=""), delimiter=delimiter))
    expected = [list(one) for one in table]
    expected[row] += [""] * (column + 1 - len(expected[row]))
    expected[row][column] = new
    assert cells == expected
    before = text.getvalue()
    start = same_at_the_start(before, now)
    end = same_at_the_start(before[start:][::-1], now[start:][::-1])
    assert len(before) - start - end <= 2 + 2 * len(table[row][column] if column < len(table[row]) else "")
    assert sheet.filled({}) == path.read_bytes()

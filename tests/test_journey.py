"""From a learning platform's download of sixty submissions to the files that it takes back, checked without the kit's own code.

What is graded is graded in the sandbox; of those who handed in the same bytes, once. (Sixty different ones take minutes;
tests/helpers/exports.py writes them for a run by hand.)
"""

import csv
import dataclasses
import io
import re
import zipfile

import pytest
from helpers import exports

from cs231n.instructor.__main__ import main
from cs231n.instructor.grading import grading
from cs231n.instructor.grading.worker import close_sandbox, in_worker
from cs231n.instructor.reports.safe import file_name

POINTS = {"question-1": 1, "question-2": 2}  # which a person gives to everybody who answered; the others' answers get 0.5
PUPILS = exports.class_of_sixty()
HANDED_IN = {  # on Moodle the last two as a group
    "canvas": [pupil for pupil in PUPILS if pupil.content],
    "moodle": PUPILS,
}


@pytest.fixture(scope="module")
def graded_once(run):
    """A function instead of the grader's own: it yields the records of Submissions, and grades the same bytes once."""
    known = {}

    def graded(found, rubric, cells, *_):
        for submission in found:
            sha256 = submission.sha256()
            if sha256 not in known:
                known[sha256] = in_worker(run.following(rubric, cells), submission)[0]
            yield dataclasses.replace(known[sha256], student=submission.student, sha256=sha256, **submission.as_told())

    yield graded
    close_sandbox()


def fill_in_marks(marking):
    """Give points as a person does in a spreadsheet."""
    for path in marking.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
        for row in rows:
            row[header.index("points")] = str(POINTS.get(path.stem, "0,5"))
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows([header, *rows])


@pytest.fixture(scope="module", params=["canvas", "moodle"])
def journey(request, graded_once, tmp_path_factory):
    """(platform, folder): the folder has the platform's gradebook, theirs.csv, the grades, and what is handed back, in out."""
    folder = tmp_path_factory.mktemp(request.param)
    write, gradebook = {
        "canvas": (exports.write_canvas, exports.canvas_gradebook),
        "moodle": (exports.write_moodle, exports.moodle_worksheet),
    }[request.param]
    write(folder / "in", PUPILS)
    (folder / "theirs.csv").write_bytes(gradebook(PUPILS))
    (folder / "members.csv").write_bytes(exports.members_list(PUPILS))
    grade = ["grade", str(folder / "in"), "--out", str(folder / "grades")]
    grade += ["--members", str(folder / "members.csv")] if request.param == "moodle" else []
    export = ["export", str(folder / "grades"), "--to", request.param, "--gradebook", str(folder / "theirs.csv")]
    export += ["--out", str(folder / "out")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "_graded", graded_once)
        assert main(grade) == 0
        assert main(export) == 1  # nothing is marked
        fill_in_marks(folder / "grades" / "marking")
        assert main(export) == 2  # what is marked is not on the pages yet
        assert not (folder / "out").exists()
        assert main([*grade, "--resume"]) == 0
        assert main(export) == 0
    return request.param, folder


def rows_of(path):
    """Return {the platform's number: row} of a gradebook, with the numbers that Canvas or Moodle write in it."""
    found = {}
    for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")):
        number = re.fullmatch(r"(?:Participant )?([0-9]+)", row[0]) or re.fullmatch("([0-9]+)", row[1])
        found[int(number[1]) if number else row[0].strip()] = row
    return found


def graded(folder):
    """Return the rows of grades.csv, as {column: cell}."""
    with (folder / "grades/grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def numbers(folder):
    """Return {student: the platform's number}. An id in grades.csv may carry an apostrophe."""
    return {row["student"].removeprefix("'"): int(row["student"][-4:]) for row in graded(folder)}


def totals(folder):
    """Return {the platform's number: total}."""
    return {int(row["student"][-4:]): float(row["total"]) for row in graded(folder)}


def test_everybodys_total_is_in_the_assignments_column_and_nothing_else_has_changed(journey):
    platform, folder = journey
    before, now, expected = rows_of(folder / "theirs.csv"), rows_of(folder / f"out/{platform}_grades.csv"), totals(folder)
    assert expected.keys() == {pupil.number for pupil in HANDED_IN[platform]}
    assert len(set(expected.values())) > 3
    assert now.keys() == before.keys()
    column = before["Student" if platform == "canvas" else "Identifier"].index(
        "Network Visualization (502)" if platform == "canvas" else "Grade"
    )
    for number, row in now.items():
        assert row[:column] + row[column + 1 :] == before[number][:column] + before[number][column + 1 :]
        if number in expected:
            assert float(row[column]) == expected[number]
        else:
            assert row[column] == before[number][column]


def test_the_file_keeps_its_form(journey):
    platform, folder = journey
    before, now = (folder / "theirs.csv").read_bytes(), (folder / f"out/{platform}_grades.csv").read_bytes()
    assert before[:3] == now[:3]
    assert before.count(b"\r\n") == now.count(b"\r\n")
    assert before.count(b"\n") == now.count(b"\n")


def number_in(platform, name):
    """Return the student's number in a name, by the rule with which the platform reads it."""
    if platform == "moodle":  # a folder's name in four parts
        return int(name.split("/")[0].split("_")[1])
    user, file = [part for part in name.split("_") if part.isdigit()][:2]  # Canvas: the first two that are numbers
    assert int(file) == int(user) + 90000
    return int(user)


def test_each_gets_the_own_feedback_page_and_no_other(journey):
    platform, folder = journey
    with zipfile.ZipFile(folder / f"out/{platform}_feedback.zip") as archive:
        assert archive.testzip() is None
        pages = {number_in(platform, name): archive.read(name) for name in archive.namelist()}
        assert len(archive.namelist()) == len(HANDED_IN[platform])
    assert pages.keys() == {pupil.number for pupil in HANDED_IN[platform]}
    students = {number: student for student, number in numbers(folder).items()}
    for pupil in HANDED_IN[platform]:
        page = pages[pupil.number]
        if platform == "canvas" and pupil.file.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(page)) as inner:
                page = inner.read("feedback.html")
        student = students[pupil.number] if pupil.content else "Group A_55"
        assert page == (folder / "grades/feedback" / f"{file_name(student)}.html").read_bytes()


def test_the_list_for_mail_merge_names_a_page_for_each_that_is_there(journey):
    platform, folder = journey
    with (folder / "out/mail_merge.csv").open(encoding="utf-8-sig", newline="") as file:
        merged = list(csv.DictReader(file))
    paths = [folder / "out" / one["feedback"].removeprefix("'") for one in merged]
    assert len({path.name.casefold() for path in paths}) == len(paths) == len(HANDED_IN[platform])
    assert set(paths) == set((folder / "out/feedback").iterdir())
    assert not any(cell.startswith(("=", "+", "-", "@")) for one in merged for cell in one.values())
    if platform == "moodle":
        assert {one["email"] for one in merged} == {f"u{pupil.number}@example.edu" for pupil in HANDED_IN[platform]}
    assert {"Žofie Nováková.html", "小明 王.html", "محمد علي.html"} <= {path.name for path in paths}
    assert sum(path.name.startswith("Jane Doe (") for path in paths) == 2


def test_the_unreadable_submission_is_among_them_and_says_so(journey):
    platform, folder = journey
    assert totals(folder)[4730] == 0
    assert rows_of(folder / f"out/{platform}_grades.csv")[4730]

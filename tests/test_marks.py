"""The marks files: what a person wrote stays, a mark is for one answer, and what cannot be right is told with its line."""

import csv
import dataclasses
import re

import pytest

from cs231n.instructor.grading import rubric
from cs231n.instructor.reports import marks, safe
from cs231n.instructor.reports.records import Record, write

RUBRIC = rubric.load()


def record(student, answer="An answer."):
    return Record(student, student, f"{student}.py", "0" * 64, answers={"question-1": answer})


def graded(folder, records):
    """Lay out what grading leaves: a row for each student."""
    (folder / "rows").mkdir(exist_ok=True)
    for one in records:
        write(folder / "rows" / f"{safe.file_name(one.student)}.json", one)
    return folder / "marking" / "question-1.csv"


def marks_file(folder, content, students=("jane", "ben")):
    path = graded(folder, map(record, students))
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def update(path, records):
    return marks.update(path, records, [one.student for one in records if one.answers["question-1"].strip()])


def rows_of(path):
    with path.open(encoding="utf-8-sig", errors="surrogatepass", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


STRANGE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "'=x",
    "''-y",
    "'plain",
    'a "quoted", one;\nin lines',
    "0012",
    "1-2",
    "MARCH1",
    "Zoë\ud800",
]


def test_students_with_strange_names_are_found_again_and_no_cell_is_a_formula(tmp_path):
    path = graded(tmp_path, map(record, STRANGE))
    update(path, [record(student) for student in STRANGE])
    with path.open(encoding="utf-8-sig", errors="surrogatepass", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["student", "points", "comment", "answer", "before"]
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r") or set(cell) & set(";\t\r\n")]
    filled = [rows[0], *([student, "1,5", f"'={number}", *more] for number, (student, _, _, *more) in enumerate(rows[1:]))]
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file, delimiter=";").writerows(filled)
    found = marks.read(tmp_path, RUBRIC)
    assert found == {student: {"question-1": (1.5, f"={number}")} for number, student in enumerate(STRANGE)}


def test_a_marks_file_has_the_order_of_its_page_and_no_row_for_an_empty_answer(tmp_path):
    records = [record("cy", "Two."), record("ada", "One."), record("ben", " ")]
    path = graded(tmp_path, records)
    update(path, records)
    assert path.read_bytes().startswith(b'\xef\xbb\xbf"student","points","comment","answer","before"\r\n"cy","","","sha256:')
    assert list(rows_of(path)) == ["cy", "ada"]


@pytest.mark.parametrize("ending", ["", "\n"])
def test_what_an_instructor_wrote_stays_and_new_students_are_appended(tmp_path, ending):
    path = marks_file(tmp_path, "comment;Student;Points;Seen by;\ngood, or so;ben;2,5;me;?\n;jane;;;" + ending)
    records = [record(student) for student in ("ada", "ben", "jane", "=zoe")]
    update(path, records)
    content = path.read_bytes()
    assert content.decode("utf-8-sig").splitlines()[0] == '"comment";"student";"points";"seen by";"";"answer";"before"'
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row[:5] for row in csv.reader(file, delimiter=";")][1:]
    assert rows == [
        ["good, or so", "ben", "2,5", "me", "?"],
        ["", "jane", "", "", ""],
        ["", "ada", "", "", ""],
        ["", "'=zoe", "", "", ""],
    ]
    update(path, records)
    assert path.read_bytes() == content
    graded(tmp_path, records)
    assert marks.read(tmp_path, RUBRIC) == {"ben": {"question-1": (2.5, "good, or so")}}


def test_a_file_in_which_nothing_changes_keeps_its_bytes(tmp_path):
    one = record("jane")
    content = f"student;points;comment;answer\r\njane;4;Naïve;{marks.answer_hash(one, 'question-1')}\r\n".encode("cp1252")
    path = marks_file(tmp_path, content)
    update(path, [one])
    assert path.read_bytes() == content
    assert marks.read(tmp_path, RUBRIC) == {"jane": {"question-1": (4.0, "Naïve")}}


def test_columns_without_a_name_are_kept(tmp_path):
    path = marks_file(tmp_path, "student,points,comment,,\njane,,,x,y\n")
    update(path, [record("jane")])
    assert '"jane","","","x","y","sha256:' in path.read_text(encoding="utf-8-sig")


def test_a_file_that_is_not_a_marks_file_is_neither_read_nor_overwritten(tmp_path):
    path = marks_file(tmp_path, "name,points\njane,3\n")
    with pytest.raises(ValueError, match=r"question-1\.csv, line 1: the columns are .*expected student, points, comment"):
        update(path, [record("jane")])
    assert path.read_text(encoding="utf-8") == "name,points\njane,3\n"


# A mark is for one answer


@pytest.fixture
def marked(tmp_path):
    """Two students, of whom jane has 3.5 points and a comment."""
    records = [record("jane", "The sign is lost."), record("ben", "No.")]
    path = graded(tmp_path, records)
    update(path, records)
    marks.fill(path, records, {"jane": (3.5, "Well; seen")})
    return tmp_path


def test_a_mark_counts_as_long_as_its_answer_stays(marked):
    assert marks.read(marked, RUBRIC) == {"jane": {"question-1": (3.5, "Well, seen")}}
    graded(marked, [record("jane", " The sign\nis  lost.")])
    assert marks.read(marked, RUBRIC) == {"jane": {"question-1": (3.5, "Well, seen")}}
    assert marks.outdated(marked, RUBRIC) == []


@pytest.mark.parametrize("answer", ["The sign is kept.", "", "the sign is lost."])
def test_a_changed_answer_is_unmarked_again_and_its_old_mark_stays_to_be_seen(marked, answer):
    path = graded(marked, [record("jane", answer)])
    assert marks.read(marked, RUBRIC) == {}
    assert marks.outdated(marked, RUBRIC) == [("jane", "question-1", 3.5)]
    records = [record("jane", answer), record("ben", "No.")]
    for _ in range(2):
        assert update(path, records) == {"jane": "3.5 points for an earlier answer: Well, seen"}
        row = rows_of(path)["jane"]
        assert (row["points"], row["comment"], row["before"]) == ("", "", "3.5 points for an earlier answer: Well, seen")
        assert marks.outdated(marked, RUBRIC) == []
    marks.fill(path, records, {"jane": (1.0, "")})
    assert marks.read(marked, RUBRIC) == {"jane": {"question-1": (1.0, "")}}
    assert update(path, records) == {}


def test_another_picture_in_an_answer_is_another_answer(tmp_path):
    one = dataclasses.replace(record("jane"), answer_pictures={"question-1": ["AAAA"]})
    other = dataclasses.replace(record("jane"), answer_pictures={"question-1": ["AAAB"]})
    hashes = {marks.answer_hash(graded, "question-1") for graded in (record("jane"), one, other)}
    assert len(hashes) == 3


def test_a_mark_that_says_of_no_answer_is_for_the_one_that_is_there(marked):
    path = marked / "marking" / "question-1.csv"
    path.write_text("student,points,comment\njane,2,\n", encoding="utf-8")
    assert marks.read(marked, RUBRIC) == {"jane": {"question-1": (2.0, "")}}
    update(path, [record("jane", "The sign is lost.")])
    graded(marked, [record("jane", "Another one.")])
    assert marks.read(marked, RUBRIC) == {}


def test_an_answer_that_changed_before_it_was_marked_is_marked_for_what_it_is_now(marked):
    path = graded(marked, [record("ben", "Yes.")])
    update(path, [record("jane", "The sign is lost."), record("ben", "Yes.")])
    assert rows_of(path)["ben"]["before"] == ""
    marks.fill(path, [record("ben", "Yes.")], {"ben": (1.0, "")})
    assert marks.read(marked, RUBRIC)["ben"] == {"question-1": (1.0, "")}


def test_marks_of_students_whose_results_were_set_aside_stay_in_the_file_and_count_nowhere(marked):
    (marked / "rows" / marks.GONE).mkdir()
    (marked / "rows" / "jane.json").rename(marked / "rows" / marks.GONE / "jane.json")
    path, before = marked / "marking" / "question-1.csv", (marked / "marking" / "question-1.csv").read_bytes()
    assert marks.read(marked, RUBRIC) == {}
    update(path, [record("ben", "No.")])
    assert path.read_bytes() == before


# Reading


@pytest.mark.parametrize("start", ["\ufeff", ""])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_are_read_as_a_spreadsheet_writes_them(tmp_path, delimiter, start):
    rows = [["student", "points", "comment", ""], ["jane", " 4 ", "well done", ""], ["ben", "", "later", ""], ["", "", "", ""]]
    marks_file(tmp_path, start + "\r\n".join(delimiter.join(row) for row in rows))
    assert marks.read(tmp_path, RUBRIC) == {"jane": {"question-1": (4.0, "well done")}}


def test_without_marks_files_there_are_no_marks(tmp_path):
    assert marks.read(tmp_path, RUBRIC) == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        *(
            (
                f"student,points,comment\nben,1,\njane,{points},\n",
                rf"line 3: the points of jane are '{points}'; expected .* 0 to 4",
            )
            for points in ("5", "-1", "4.01", "four", "nan", "inf", "1e0", "٣")
        ),
        ("student,points,comment\njan,1,\n", r"line 2: there is no submission of 'jan'"),
        ("student,points,comment\njane,1,\nben,1,\njane,2,\n", r"line 4: jane is in line 2, too"),
        ("student,points,comment\njane,1,\nben,1,\n jane ,2,\n", r"line 4: jane is in line 2, too"),
        ("student,points,comment\njane,1,good, but late\n", r"line 2: 4 cells, expected 3\. Put a text"),
        ("student,points\njane,1\n", r"line 1: the columns are"),
        ("", r"line 1: the columns are"),
        ("student,points,comment\njané,1,\n".encode("latin-1"), r"line 2: there is no submission of 'jané'"),
        (f"student,points,comment\njane,1,{'x' * 200_000}\n", r"line 2: field larger"),
    ],
)
def test_marks_that_cannot_be_right_are_refused_with_file_and_line(tmp_path, content, told):
    path = marks_file(tmp_path, content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}.*{told}"):
        marks.read(tmp_path, RUBRIC)

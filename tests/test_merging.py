"""Marks that people type into the marks files and marks given in the browser: each side gets the other's news, and nothing is
decided silently."""

import csv

import pytest
from helpers.marking import QUESTION, graded

from cs231n.instructor.grading import rubric
from cs231n.instructor.reports import journal, marks
from cs231n.instructor.reports.items import item_id
from cs231n.instructor.reports.journal import Entry, Journals, Kind
from cs231n.instructor.reports.records import read_all

RUBRIC = rubric.load()


class Folder:
    """A graded folder, with what one marker gives in the browser."""

    def __init__(self, path):
        self.path = graded(path, {"jane": "The sign is lost.", "ben": "No."})
        self.csv = path / "marking" / f"{QUESTION}.csv"
        self.journals = Journals(path / "marking" / journal.FOLDER)
        self.journals.folder.mkdir(parents=True)

    def give(self, student, points, comment="", **more):
        """Mark an answer in the browser, having seen the marks that it has."""
        record = next(record for record in read_all(self.path / "rows") if record.student == student)
        self.journals.refresh()
        item = item_id(record, QUESTION)
        heads = tuple(head.id for head in self.journals.standing.heads(QUESTION, item, student))
        writer = journal.Writer(self.journals.folder / "anna.jsonl")
        entry = Entry(Kind.MARK, QUESTION, item, "anna", (student,), points=points, comment=comment, replaces=heads, **more)
        writer.append([entry])
        writer.close()

    def type(self, student, points, comment=""):
        """Fill in a row of the marks file."""
        with self.csv.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["student"] == student:
                row.update(points=points, comment=comment)
        with self.csv.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)

    def rows(self):
        with self.csv.open(encoding="utf-8-sig", newline="") as file:
            return {row["student"]: (row["points"], row["comment"]) for row in csv.DictReader(file)}

    def merge(self, **more):
        return [(one.student, one.file, one.journal) for one in marks.merge(self.path, RUBRIC, **more)]

    def given(self):
        return {student: found[QUESTION] for student, found in marks.read(self.path, RUBRIC).items()}


@pytest.fixture
def folder(tmp_path):
    found = Folder(tmp_path)
    found.merge()
    return found


def test_a_mark_from_the_browser_is_read_before_and_after_it_is_in_the_marks_file(folder):
    folder.give("jane", 2.5, "Well; seen")
    assert folder.rows()["jane"] == ("", "")
    assert folder.given() == {"jane": (2.5, "Well; seen")}
    assert folder.merge() == []
    assert folder.rows() == {"jane": ("2.5", "Well, seen"), "ben": ("", "")}
    assert folder.given() == {"jane": (2.5, "Well; seen")}
    content = folder.csv.read_bytes()
    assert folder.merge() == []
    assert folder.csv.read_bytes() == content


def test_what_a_person_typed_is_taken_over_and_a_later_mark_in_the_browser_replaces_it(folder):
    folder.type("jane", "1", "half")
    assert folder.given() == {"jane": (1.0, "half")}
    assert folder.merge() == []
    folder.journals.refresh()
    assert [entry.by for entry in folder.journals.standing.entries.values()] == [f"{QUESTION}.csv"]
    folder.give("jane", 3.0)
    assert folder.merge() == []
    assert folder.rows()["jane"] == ("3", "")
    assert folder.given() == {"jane": (3.0, "")}


def test_the_first_mark_in_a_marks_file_begins_a_journal_and_is_taken_over_once(tmp_path):
    graded(tmp_path, {"jane": "The sign is lost."})
    path = tmp_path / "marking" / f"{QUESTION}.csv"
    path.parent.mkdir()
    path.write_text("student,points,comment\njane,,\n", encoding="utf-8")
    assert marks.merge(tmp_path, RUBRIC) == []
    assert not (path.parent / journal.FOLDER).exists()
    path.write_text("student,points,comment\njane,2,\n", encoding="utf-8")
    assert marks.merge(tmp_path, RUBRIC) == []
    assert marks.read(tmp_path, RUBRIC) == {"jane": {QUESTION: (2.0, "")}}
    assert len(read_journals(tmp_path).entries) == 1
    marks.merge(tmp_path, RUBRIC)
    assert len(read_journals(tmp_path).entries) == 1


def read_journals(path):
    journals = Journals(path / "marking" / journal.FOLDER)
    journals.refresh()
    return journals.standing


def test_a_mark_and_its_row_that_both_changed_are_a_conflict_and_until_it_is_decided_the_browser_counts(folder):
    folder.give("jane", 1.0)
    folder.merge()
    folder.type("jane", "2")
    folder.give("jane", 3.0, "all")
    conflict = ("jane", (2.0, ""), (3.0, "all"))
    for _ in range(2):
        assert folder.merge() == [conflict]
        assert (folder.rows()["jane"], folder.given()["jane"]) == (("2", ""), (3.0, "all"))
    assert "jane, question-2: 2 points in the marks file, 3 points (all) in the browser" in str(
        marks.conflicts(folder.path, RUBRIC)[0]
    )
    assert folder.merge(decided=[(QUESTION, "jane")]) == []
    assert folder.rows()["jane"] == ("3", "all")
    assert folder.merge() == []


def test_a_conflict_ends_when_both_say_the_same(folder):
    folder.give("jane", 1.0)
    folder.merge()
    folder.type("jane", "2")
    folder.give("jane", 3.0)
    assert len(folder.merge()) == 1
    folder.give("jane", 2.0)
    assert folder.merge() == []
    assert folder.given()["jane"] == (2.0, "")


@pytest.mark.parametrize("row", [("1", ""), ("", "")])
def test_a_spreadsheet_that_was_open_all_the_while_does_not_take_back_what_was_marked_in_the_browser(folder, row):
    folder.give("jane", 1.0)
    folder.merge()
    folder.give("jane", 3.0)
    folder.merge()
    folder.type("jane", *row)
    assert folder.merge() == [("jane", (1.0, "") if row[0] else None, (3.0, ""))]
    assert folder.given()["jane"] == (3.0, "")


def test_a_person_may_empty_or_change_back_a_row_that_only_people_filled_in(folder):
    for points, given in [("1", 1.0), ("2", 2.0), ("1", 1.0)]:
        folder.type("jane", points)
        assert folder.merge() == []
        assert folder.given()["jane"] == (given, "")
    folder.type("jane", "")
    assert folder.merge() == []
    assert folder.given() == {}
    assert folder.rows()["jane"] == ("", "")


def test_a_mark_that_is_taken_back_in_the_browser_leaves_its_row(folder):
    folder.give("jane", 1.0, "half")
    folder.merge()
    folder.give("jane", None)
    assert folder.given() == {}
    assert folder.merge() == []
    assert folder.rows()["jane"] == ("", "")


def test_a_comment_typed_before_there_were_points_stays(folder):
    folder.type("jane", "", "Come and see me.")
    folder.give("jane", 1.0)
    folder.merge()
    assert folder.rows()["jane"] == ("1", "Come and see me.")
    assert folder.merge() == []
    assert folder.given()["jane"] == (1.0, "Come and see me.")


def test_a_crash_between_the_marks_file_and_what_was_agreed_on_makes_no_conflict(folder):
    folder.give("jane", 1.0, "a; b")
    agreed = (folder.journals.folder / "agreed.json").read_bytes()
    folder.merge()
    (folder.journals.folder / "agreed.json").write_bytes(agreed)
    assert folder.merge() == []
    assert folder.given()["jane"] == (1.0, "a; b")


def test_a_damaged_record_of_what_was_agreed_on_decides_nothing(folder):
    folder.give("jane", 1.0)
    folder.merge()
    folder.type("jane", "2")
    (folder.journals.folder / "agreed.json").write_text("{", encoding="utf-8")
    assert folder.merge() == [("jane", (2.0, ""), (1.0, ""))]


def test_an_answer_that_has_changed_has_no_mark_and_its_row_shows_the_old_one(folder):
    folder.give("jane", 1.0, "half")
    folder.merge()
    graded(folder.path, {"jane": "The sign is kept."})
    assert folder.given() == {}
    assert marks.outdated(folder.path, RUBRIC) == [("jane", QUESTION, 1.0)]
    assert folder.merge() == []
    assert folder.rows()["jane"] == ("", "")
    assert "1 point for an earlier answer: half" in folder.csv.read_text(encoding="utf-8-sig")
    graded(folder.path, {"jane": "The sign is  lost."})  # and back again: the mark belongs to the text
    assert folder.given()["jane"] == (1.0, "half")
    assert folder.merge() == []
    assert folder.rows()["jane"] == ("1", "half")


def test_a_wrong_row_stops_the_merge_before_anything_is_written(folder):
    folder.give("jane", 1.0)
    folder.type("ben", "9")
    graded(folder.path, {"new": {"question-1": "A new answer.", "question-2": "x"}})
    content = folder.csv.read_bytes()
    first = (folder.path / "marking" / "question-1.csv").read_bytes()
    with pytest.raises(ValueError, match=r"question-2\.csv, line 2: the points of ben are '9'"):
        folder.merge()
    assert folder.csv.read_bytes() == content
    assert (folder.path / "marking" / "question-1.csv").read_bytes() == first


def grades(folder, points):
    (folder.path / "grades.csv").write_text(f"student,{QUESTION},total\njane,{points},9\n", encoding="utf-8")


def regrades(folder):
    path = folder.path / "marking" / marks.REGRADES
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["student"], row["by"], row["old"], row["new"], row["reason"]) for row in csv.DictReader(file)]


def test_a_row_that_changes_points_of_the_grades_is_in_the_regrade_log_and_others_are_not(folder):
    folder.give("jane", 1.0)
    folder.merge()
    folder.type("ben", "3")
    grades(folder, "1")
    folder.merge()
    assert regrades(folder) == []
    folder.type("jane", "1", "half")
    folder.merge()
    assert regrades(folder) == []
    folder.type("jane", "2", "half")
    folder.merge()
    assert regrades(folder) == [("jane", f"{QUESTION}.csv", "1", "2", f"changed in {QUESTION}.csv")]


def test_points_that_a_groups_members_have_in_the_grades_are_the_groups(folder):
    folder.type("jane", "1")
    folder.merge()
    text = f"student,group,{QUESTION},total\nx1,jane,1,9\nx2,jane,1,9\nben,,,9\n"
    (folder.path / "grades.csv").write_text(text, encoding="utf-8")
    folder.type("jane", "2")
    folder.type("ben", "3")
    folder.merge()
    assert regrades(folder) == [("jane", f"{QUESTION}.csv", "1", "2", f"changed in {QUESTION}.csv")]


def test_a_column_reason_of_the_marks_file_gives_the_reason(folder):
    folder.type("jane", "1")
    folder.merge()
    grades(folder, "1")
    text = folder.csv.read_text(encoding="utf-8-sig").splitlines()
    text = [f"{text[0]},reason", *(f'{line.replace(",1,", ",2,")},"=added up wrongly"' for line in text[1:])]
    folder.csv.write_text("\n".join(text), encoding="utf-8")
    folder.merge()
    assert regrades(folder) == [("jane", f"{QUESTION}.csv", "1", "2", "'=added up wrongly")]

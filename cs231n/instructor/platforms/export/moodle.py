"""Moodle: the assignment's grading worksheet and its zip of feedback files, or the course's gradebook.

The formats are those of Moodle's own code (github.com/moodle/moodle): mod/assign/gradingtable.php writes the worksheet;
mod/assign/feedback/offline/importgradeslib.php reads it by the columns Identifier ("Participant 4711"), Grade and Last modified
(grade), and locallib.php beside it passes over points above the maximum and grades changed since; importziplib.php in
mod/assign/feedback/file finds a student by the number in a folder's name, NAME_NUMBER_PLUGINTYPE_PLUGIN. Headers are in the
site's language. Of the course's gradebook (grade/export), the import lets a person say which column is which. The guide's names
of settings are those of lang/en there, in Moodle 5.1.
"""

import re
from collections.abc import Sequence

from ...reports.spreadsheets import text_cell
from .lms import Above, Column, Line, Platform, Student, position, value
from .names import safe_name
from .sheet import Sheet, decimal, written

PARTICIPANT = re.compile(r"\D*[^\d ] ?(?P<number>[0-9]+)")  # Participant 4711, Teilnehmer/in4711
REAL = re.compile(r"(?P<title>.+?) \([^()]*\)")  # Assignment: NAME (Real)
PEOPLE = ("id number", "email address", "username")  # of the course's gradebook


class Moodle(Platform):
    """Moodle. Its number of a participant is in the names of a download and in the worksheet's column Identifier."""

    key = "moodle"
    name = "Moodle"
    gradebook = "the assignment's Submissions page, Actions, Download grading worksheet"
    above = Above.IGNORED
    on_grades = (
        "Upload the grades on the assignment's Submissions page in Moodle, Actions, Upload grading worksheet (the feedback type "
        "Offline grading worksheet must be on). If grades were given in Moodle since the download, Moodle keeps those unless you "
        "allow updates of records that were modified more recently."
    )
    on_feedback = (
        "Upload the zip there, too: Upload feedback files in a zip, in older versions Upload multiple feedback files in a zip "
        "(the feedback type Feedback files must be on). A page that was uploaded before is replaced."
    )

    def is_own(self, text: str) -> bool:
        """Return whether it is a number, as in NAME_4711_assignsubmission_file."""
        return re.fullmatch("[0-9]+", text) is not None

    def columns(self, sheet: Sheet) -> list[Column]:
        """Return the worksheet's column Grade, or the course gradebook's columns, "Assignment: NAME (Real)"."""
        if _is_worksheet(sheet):
            index, most = position(sheet, "grade"), position(sheet, "maximum grade")
            mosts = {value(sheet.row(number), most) for number in sheet.rows}
            return (
                [] if index is None else [Column(index, sheet.header[index], _number(mosts.pop()) if len(mosts) == 1 else None)]
            )
        _require_gradebook(sheet)
        found = enumerate(map(REAL.fullmatch, sheet.header))
        return [Column(index, match["title"].removeprefix("Assignment: ")) for index, match in found if match]

    def lines(self, sheet: Sheet) -> list[Line]:
        """Return the students, by the worksheet's number, or by the course gradebook's ids."""
        is_worksheet = _is_worksheet(sheet)
        if not is_worksheet:
            _require_gradebook(sheet)
        first, last, full = (position(sheet, name) for name in ("first name", "last name", "full name"))
        ids = [column for name in PEOPLE if (column := position(sheet, name)) is not None]
        found = []
        for number in sheet.rows:
            texts = sheet.row(number)
            if not any(texts):
                continue
            match = PARTICIPANT.fullmatch(texts[0].strip()) if is_worksheet else None
            name = value(texts, full) or f"{value(texts, first)} {value(texts, last)}".strip()
            others = tuple(filter(None, (texts[column].strip() for column in ids)))
            found.append(Line(number, match["number"] if match else "", others, name))
        return found

    def closed(self, sheet: Sheet, row: int, column: int) -> str:
        """Return that a grade is locked, where the worksheet says so in English."""
        changeable = value(sheet.row(row), position(sheet, "grade can be changed"))
        return "has a locked grade in Moodle (Grade can be changed: No)" if changeable.casefold() == "no" else ""

    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Return a worksheet as a site in English writes it, with the columns that its import needs."""
        rows = [
            ["Identifier", "Full name", "Grade", "Last modified (grade)"],
            *([f"Participant {self.own_id(one)}", text_cell(one.name), decimal(one.points), "-"] for one in students),
        ]
        return ".csv", written(rows)

    def feedback_path(self, student: Student, own: str) -> str:
        """Return a path in the folder NAME_NUMBER_assignsubmission_file, of which Moodle reads the number and the end."""
        return f"{safe_name(student.name).replace('_', ' ').strip()}_{own}_assignsubmission_file/feedback.html" if own else ""


def _is_worksheet(sheet: Sheet) -> bool:
    """Return whether the first column has a participant's number in each row: its name depends on the site's language."""
    first = [texts[0].strip() for number in sheet.rows if any(texts := sheet.row(number))]
    return bool(first) and all(map(PARTICIPANT.fullmatch, first))


def _require_gradebook(sheet: Sheet) -> None:
    if position(sheet, *PEOPLE) is None:
        raise ValueError(
            f"{sheet.path} is not Moodle's: its columns are {', '.join(sheet.header[:6])!r}; expected the grading worksheet "
            f"(Identifier, Full name, ..., Grade), from {Moodle.gradebook}, or the course's gradebook with an ID number, e-mail "
            "address or username."
        )


def _number(text: str) -> float | None:
    """Return the maximum grade; None for a scale."""
    return float(text.replace(",", ".")) if re.fullmatch(r"[0-9]+([.,][0-9]+)?", text) else None

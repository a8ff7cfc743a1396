"""Canvas: the gradebook's CSV file, and the zip that "Re-Upload Submissions" takes.

The formats are those of Canvas's own code (github.com/instructure/canvas-lms): lib/gradebook_exporter.rb writes the gradebook
and lib/gradebook_importer.rb reads it, by ID first; lib/content_zipper.rb names the files of a download; and
infer_comment_context_from_filename in app/models/abstract_assignment.rb finds a student and a file again by their numbers,
which must be those of the file that the student handed in. Canvas shows the comment's file under the name of that file: so
a page that goes back for a zip goes as a zip.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...grading.layouts import CANVAS
from ...reports.spreadsheets import text_cell
from .lms import Above, Column, Line, Platform, Student, position, value
from .sheet import Sheet, decimal, written

ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<id>[0-9]+)\)", re.DOTALL)
# Headers of columns that the importer passes over, wherever in a header they are
TOTALS = re.compile(r"(?:Current|Final) (?:Score|Points|Grade)|Override (?:Score|Grade|Status)")
NOBODYS = re.compile(r"\s*(?:Muted|Manual Posting.*)?\s*", re.IGNORECASE | re.DOTALL)
POINTS = "Points Possible"
TEST_STUDENT = "test student"


class Canvas(Platform):
    """Canvas. Its number of a student is in the names of a download and in the gradebook's column ID."""

    key = "canvas"
    name = "Canvas"
    gradebook = "Grades, Export, Export Entire Gradebook"
    above = Above.TAKEN
    on_grades = (
        "Upload the grades in Canvas under Grades, Import. Canvas shows what will change before it changes anything. If the "
        "course has a late policy in Canvas, turn it off first: otherwise Canvas deducts from these points, too."
    )
    on_feedback = (
        "Upload the zip on the assignment's page in Canvas, Re-Upload Submissions: each page becomes a comment. Uploading it "
        "twice makes two comments."
    )

    def is_own(self, text: str) -> bool:
        """Return whether it is a number, which the names of an anonymous assignment do not have."""
        return re.fullmatch("[0-9]+", text) is not None

    def columns(self, sheet: Sheet) -> list[Column]:
        """Return the assignments: "NAME (NUMBER)" behind the column Section."""
        first = _columns(sheet)["section"] + 1
        points = next((sheet.row(number) for number in sheet.rows if POINTS in sheet.row(number)[0]), [""] * len(sheet.header))
        return [
            Column(index, found["title"], _number(points[index]))
            for index, header in enumerate(sheet.header)
            if index >= first and (found := ASSIGNMENT.fullmatch(header)) and not TOTALS.search(header)
        ]

    def lines(self, sheet: Sheet) -> list[Line]:
        """Return the students; rows with the points possible, and with what is posted by hand, are nobody's."""
        place = _columns(sheet)
        found = []
        for number in sheet.rows:
            texts = sheet.row(number)
            if POINTS in texts[0] or all(map(NOBODYS.fullmatch, texts)):
                continue
            name = f"{texts[1]} {texts[0]}".strip() if "firstname" in place else _first_name_first(texts[0])
            others = tuple(
                filter(None, (value(texts, place.get(one)) for one in ("sis user id", "sis login id", "integration id")))
            )
            found.append(Line(number, texts[place["id"]].strip(), others, name, name.casefold() == TEST_STUDENT))
        return found

    def closed(self, sheet: Sheet, row: int, column: int) -> str:
        """Return what EX and N/A mean."""
        cell = value(sheet.row(row), column).upper()
        if cell == "EX":
            return "is excused from the assignment (EX) in the gradebook; points would undo that"
        return "is not assigned the assignment (N/A) in the gradebook, and Canvas ignores points there" if cell == "N/A" else ""

    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Return a gradebook with this assignment alone. A student's name only serves people: Canvas goes by the ID."""
        rows = [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
            [f"    {POINTS}", "", "", "", "", decimal(full)],
            *([text_cell(one.name), self.own_id(one), "", "", "", decimal(one.points)] for one in students),
        ]
        return ".csv", written(rows)

    def feedback_path(self, student: Student, own: str) -> str:
        """Return the name that the file had in the download, with .html behind it if it is not a zip."""
        for name in PurePosixPath(student.record.submission).parts:
            found = CANVAS.fullmatch(name)
            if found and found["file"]:
                return name if name.lower().endswith(".zip") else f"{name}.html"
        return ""


def _columns(sheet: Sheet) -> dict[str, int]:
    """Return {name in small letters: index} of the columns up to Section. Raises ValueError if they are not Canvas's."""
    header = [name.casefold() for name in sheet.header]
    end = position(sheet, "section")
    own = header[: end + 1] if end is not None else []
    if own[:2] != ["student", "id"] and own[:3] != ["lastname", "firstname", "id"]:
        raise ValueError(
            f"{sheet.path} is not Canvas's gradebook: its columns are {', '.join(sheet.header[:6])!r}; expected Student, ID, "
            f"..., Section. Download it under {Canvas.gradebook}."
        )
    return {name: index for index, name in enumerate(own)}


def _first_name_first(name: str) -> str:
    """Return "Jane Doe" for "Doe, Jane"; a name without a comma, or with several, as it is."""
    last, *first = (part.strip() for part in name.split(","))
    return f"{first[0]} {last}".strip() if len(first) == 1 else name.strip()


def _number(text: str) -> float | None:
    """Return points possible; None for what is not a number, such as "(read only)"."""
    found = re.fullmatch(r"([0-9]+)(?:[.,]([0-9]+))?", text.strip())
    return float(f"{found[1]}.{found[2] or 0}") if found else None

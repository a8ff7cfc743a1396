"""Brightspace (D2L): the grades' CSV file, and the zip that "Add Feedback Files" takes.

The columns are those of D2L's own page on importing grades (community.d2l.com/brightspace/kb/articles/3538-importing-grades):
OrgDefinedId and Username, each with "#" before it in an export, "NAME Points Grade", to which an export adds
<Numeric MaxPoints:30 ...>, and End-of-Line Indicator. Rows go by the two ids, which the names of a download do not say. The zip
has the folders of a download, 12345-67890 - Jane Doe - Oct 5, 2026 1010 AM; that Brightspace goes by these names could not be
checked in its code, which is not public.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...grading.layouts import BRIGHTSPACE
from .lms import Above, Column, Line, Platform, Student, position, strip_hash, value
from .names import safe_name
from .sheet import Sheet

POINTS_GRADE = re.compile(r"(?P<title>.+?) Points Grade(?: <(?P<more>.*)>)?", re.DOTALL)
MOST = re.compile(r"MaxPoints:([0-9]+(?:\.[0-9]+)?)")


class Brightspace(Platform):
    """Brightspace. Its gradebook has ids that the names of a download lack, so a student is often found by name."""

    key = "brightspace"
    name = "Brightspace"
    gradebook = "Grades, Enter Grades, Export, with both key fields, Points Grade and the users' names"
    above = Above.CAPPED
    on_grades = "Import the grades in Brightspace under Grades, Enter Grades, Import."
    on_feedback = (
        "Upload the zip on the assignment's page, Add Feedback Files. Look at a few students' feedback there before you publish "
        "it: how Brightspace finds a student is not documented."
    )

    def is_own(self, text: str) -> bool:
        """Return False: the number in a download's names is nowhere in the gradebook."""
        return False

    def columns(self, sheet: Sheet) -> list[Column]:
        """Return the numeric grade items: "NAME Points Grade <Numeric MaxPoints:30 ...>"."""
        _require_ids(sheet)
        found = []
        for index, header in enumerate(sheet.header):
            if match := POINTS_GRADE.fullmatch(header):
                most = MOST.search(match["more"] or "")
                found.append(Column(index, match["title"], float(most[1]) if most else None))
        return found

    def lines(self, sheet: Sheet) -> list[Line]:
        """Return the students, by OrgDefinedId, Username and e-mail address."""
        _require_ids(sheet)
        ids = [position(sheet, name) for name in ("orgdefinedid", "username", "email")]
        first, last = position(sheet, "first name"), position(sheet, "last name")
        found = []
        for number in sheet.rows:
            texts = sheet.row(number)
            if any(texts):
                others = tuple(filter(None, (strip_hash(value(texts, column)) for column in ids)))
                found.append(Line(number, "", others, f"{value(texts, first)} {value(texts, last)}".strip()))
        return found

    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Raise ValueError: a download of submissions names nobody's OrgDefinedId or Username."""
        raise ValueError(
            "Brightspace's downloads of submissions do not say the OrgDefinedId or the Username by which it imports grades. "
            f"Export the gradebook ({self.gradebook}) and pass it as --gradebook."
        )

    def feedback_path(self, student: Student, own: str) -> str:
        """Return a path in the student's folder of the download, or beside the student's file."""
        for name in PurePosixPath(student.record.submission).parts:
            if found := BRIGHTSPACE.fullmatch(name):
                folder = safe_name(name.removesuffix(f" - {found['file']}") if found["file"] else name)
                return f"{folder} - feedback.html" if found["file"] else f"{folder}/feedback.html"
        return ""


def _require_ids(sheet: Sheet) -> None:
    if position(sheet, "orgdefinedid", "username") is None:
        raise ValueError(
            f"{sheet.path} is not Brightspace's: its columns are {', '.join(sheet.header[:6])!r}; expected OrgDefinedId or "
            f"Username. Export it under {Brightspace.gradebook}."
        )

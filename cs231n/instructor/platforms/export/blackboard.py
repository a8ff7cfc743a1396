"""Blackboard: the file that "Work Offline", "Upload" takes. It has no way to take back many feedback files at once.

The formats are those of Blackboard's help (library.blackboard.com, "Uploading or Downloading Grade Center Items for Working
Offline"): a row goes by Username, a column by the number at the end of its header, "NAME [Total Pts: 30 Score] |1281892"; cells
are divided by tabs, or by commas and then in quotes. A download is UTF-16 (Original) or UTF-8 with its mark (Ultra). A column
without a number becomes a new one.
"""

import re
from collections.abc import Sequence

from .lms import Above, Column, Line, Platform, Student, position, value
from .sheet import Sheet, decimal, written

ITEM = re.compile(r"(?P<title>.*) \[Total Pts: (?P<most>[0-9]+(?:[.,][0-9]+)?) [^\]]*\] \|(?P<id>[0-9]+)", re.DOTALL)
PREVIEW = "_previewuser"  # the end of the login that an instructor gets to see the course as a student


class Blackboard(Platform):
    """Blackboard. Its user names are in the names of a download and in the gradebook's column Username."""

    key = "blackboard"
    name = "Blackboard"
    gradebook = "Gradebook, Download (in the Original view: Full Grade Center, Work Offline, Download)"
    above = Above.TAKEN
    on_grades = (
        "Upload the grades in Blackboard's gradebook (in the Original view: Full Grade Center, Work Offline, Upload). A column "
        "without a number in its header becomes a new column; set its points there."
    )
    on_feedback = "Blackboard takes feedback files only one by one, so there is no zip: send the pages by mail merge."
    takes_zip = False

    def is_own(self, text: str) -> bool:
        """Return whether there is a user name at all: every id of a download is one."""
        return bool(text)

    def columns(self, sheet: Sheet) -> list[Column]:
        """Return the columns of items; those that are calculated say "Total Pts: up to 65"."""
        _require_username(sheet)
        found = enumerate(map(ITEM.fullmatch, sheet.header))
        return [Column(index, match["title"], float(match["most"].replace(",", "."))) for index, match in found if match]

    def lines(self, sheet: Sheet) -> list[Line]:
        """Return the students, by Username."""
        username = _require_username(sheet)
        number_of_student, first, last = (position(sheet, name) for name in ("student id", "first name", "last name"))
        found = []
        for number in sheet.rows:
            texts = sheet.row(number)
            if any(texts):
                own = value(texts, username)
                others = tuple(filter(None, (value(texts, number_of_student),)))
                name = f"{value(texts, first)} {value(texts, last)}".strip()
                found.append(Line(number, own, others, name, own.casefold().endswith(PREVIEW)))
        return found

    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Return Username and points, in quotes, with the mark by which UTF-8 is told."""
        rows = [["Username", title], *([self.own_id(one), decimal(one.points)] for one in students)]
        return ".csv", "\ufeff" + written(rows, quote_all=True)


def _require_username(sheet: Sheet) -> int:
    column = position(sheet, "username")
    if column is None:
        raise ValueError(
            f"{sheet.path} is not Blackboard's gradebook: its columns are {', '.join(sheet.header[:6])!r}; expected one called "
            f"Username. Download it under {Blackboard.gradebook}."
        )
    return column

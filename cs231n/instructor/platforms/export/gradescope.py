"""Gradescope: it imports neither grades nor feedback files, so there is a list for people, and for what reads Gradescope's.

The columns are those of Gradescope's own download of grades (Name, SID, Email, Total Score, Max Points), as its users' scripts
read it. Points that the autograder gave are in Gradescope already; see platforms/gradescope.py.
"""

from collections.abc import Sequence

from ...reports.spreadsheets import text_cell
from .lms import Above, Column, Line, Platform, Student
from .sheet import Sheet, decimal, written


class Gradescope(Platform):
    """Gradescope."""

    key = "gradescope"
    name = "Gradescope"
    gradebook = "none"
    above = Above.TAKEN
    on_grades = (
        "Gradescope imports neither grades nor feedback files. Its autograder gives the points of the exercises (the command "
        "`gradescope`); those of the answers are entered in Gradescope's own outline. The grades file has the "
        "columns of Gradescope's own download, for whatever reads that."
    )
    on_feedback = "Send the pages by mail merge."
    takes_zip = False
    has_gradebook = False
    names_members = True

    def is_own(self, text: str) -> bool:
        """Return whether there is an id at all: a student's number, or an e-mail address."""
        return bool(text)

    def columns(self, sheet: Sheet) -> list[Column]:
        """Raise ValueError: there is nothing to fill."""
        raise ValueError("Gradescope imports no grades, so there is no file of its own to fill. Leave --gradebook out.")

    def lines(self, sheet: Sheet) -> list[Line]:
        """Raise ValueError: see columns()."""
        raise ValueError("Gradescope imports no grades, so there is no file of its own to fill. Leave --gradebook out.")

    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Return the list."""
        rows = [["Name", "SID", "Email", "Total Score", "Max Points"]]
        for one in students:
            email = next((text for text in one.ids if "@" in text), "")
            number = next((text for text in one.ids if "@" not in text), "")
            rows.append([text_cell(one.name), number, email, decimal(one.points), decimal(full)])
        return ".csv", written(rows)

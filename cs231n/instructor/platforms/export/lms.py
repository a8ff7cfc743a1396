"""What a learning platform needs to take grades and feedback back. A further platform is one module with one Platform.

What each module knows of its platform's formats was looked up in the platform's own code or documentation, which its docstring
names.
"""

import abc
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from ...reports.records import Record
from .sheet import Sheet


@dataclass(frozen=True)
class Student:
    """One who gets a grade: the only owner of a submission, or a member of the group that handed it in.

    Parameters
    ----------
    key : str
        As in grades.csv.
    name : str
        For people.
    ids : tuple of str
        By which a roster or a platform knows the student.
    record : Record
        Of the submission.
    points : float
        The final total.
    unmarked : tuple of str
        The questions whose answers are not marked yet; they count 0 in `points`.
    """

    key: str
    name: str
    ids: tuple[str, ...]
    record: Record
    points: float
    unmarked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A student's row in a platform's gradebook.

    Parameters
    ----------
    row : int
        Its number in the Sheet.
    own : str
        The id by which the platform's downloads of submissions name the student, "" where the gradebook does not have it.
    others : tuple of str
        Further ids, such as a student number, a login or an e-mail address.
    name : str
        For people.
    is_test : bool
        Whether it is the platform's own test student.
    """

    row: int
    own: str
    others: tuple[str, ...]
    name: str
    is_test: bool = False

    @property
    def is_somebody(self) -> bool:
        """Return whether it names anybody: what a platform says about a column, in a row of its own, is nobody's."""
        return bool(self.own or self.others or self.name)


@dataclass(frozen=True)
class Column:
    """A column of a gradebook that takes points.

    Parameters
    ----------
    index : int
        From 0.
    title : str
        The assignment's, without what the platform adds.
    most : float or None
        The points that it takes, None where the gradebook does not say.
    """

    index: int
    title: str
    most: float | None = None


class Above(enum.Enum):
    """What a platform does with more points than the assignment gives."""

    TAKEN = "takes them"
    CAPPED = "lowers a total above the assignment's maximum to it, unless the assignment allows more"
    IGNORED = "silently ignores a total above the assignment's maximum"


class Platform(abc.ABC):
    """A learning platform: how its gradebook is read, and what its own files are called.

    Attributes
    ----------
    key : str
        As the command line names it.
    name : str
        As grading/layouts.py names it.
    gradebook : str
        What --gradebook takes: the download, and where it is.
    above : Above
        What becomes of bonus points.
    on_grades : str
        Where the grades file is uploaded, and what to watch.
    on_feedback : str
        The same for the zip; where it takes none, what to do instead.
    takes_zip : bool
        Whether there is a zip that it takes.
    has_gradebook : bool
        Whether it has a gradebook that --gradebook takes.
    names_members : bool
        Whether its downloads say who the members of a group are.
    """

    key: str
    name: str
    gradebook: str
    above: Above
    on_grades: str
    on_feedback: str
    takes_zip = True
    has_gradebook = True
    names_members = False

    def own_id(self, student: Student) -> str:
        """Return the id that the platform's own download gave a student, "" for one who came another way.

        The members of a group come from a list with ids of its own, unless the platform's downloads name members.
        """
        if student.record.platform != self.name or (student.record.members and not self.names_members):
            return ""
        return next((one for one in student.ids if self.is_own(one)), "")

    @abc.abstractmethod
    def is_own(self, text: str) -> bool:
        """Return whether an id is of the kind by which the platform's downloads and its gradebook name a student."""

    @abc.abstractmethod
    def columns(self, sheet: Sheet) -> list[Column]:
        """Return the columns that take points. Raises ValueError if it is not the platform's gradebook."""

    @abc.abstractmethod
    def lines(self, sheet: Sheet) -> list[Line]:
        """Return the rows that are students'. Raises ValueError if it is not the platform's gradebook."""

    def closed(self, sheet: Sheet, row: int, column: int) -> str:
        """Return why the platform takes no points in a cell, as a phrase, or ""."""
        return ""

    @abc.abstractmethod
    def fresh(self, students: Sequence[Student], title: str, full: float) -> tuple[str, str]:
        """Return (ending, text) of a grades file made from the ids of students who all have an own_id(). full: full marks.

        Raises ValueError if the platform's downloads do not say the ids that its gradebook needs.
        """

    def feedback_path(self, student: Student, own: str) -> str:
        """Return where in the zip a student's page is, "" where there is no place for it.

        own: the platform's id of the student. A path that ends in .zip holds the page as feedback.html.
        """
        return ""


def strip_hash(cell: str) -> str:
    """Return an id without the "#" that keeps a spreadsheet from changing it."""
    return cell.strip().removeprefix("#")


def position(sheet: Sheet, *names: str) -> int | None:
    """Return the first column with one of the names, in small letters, or None."""
    header = [name.casefold() for name in sheet.header]
    return next((header.index(name) for name in names if name in header), None)


def value(texts: Sequence[str], column: int | None) -> str:
    """Return the text of a row in a column, "" where there is no such column."""
    return "" if column is None else texts[column].strip()

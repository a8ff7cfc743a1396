"""Whom a list means that has a line for each student: extensions, and the free late days that were used before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..reports import spreadsheets
from .found_files import named, printable
from .owners import Submission
from .roster import Person, Roster, folded

Value = TypeVar("Value")


@dataclass(frozen=True)
class Called:
    """A student or a group of a class.

    Parameters
    ----------
    row : str
        The key of the submission; of a student who handed in nothing, the roster's id.
    texts : tuple of str
        The ids and the name by which a list may mean them, the key of the student or of the group first.
    """

    row: str
    texts: tuple[str, ...]


def comparable(text: str) -> str:
    """Return an id or a name, also one copied from grades.csv with its apostrophe, in the form in which it is compared."""
    return folded(spreadsheets.unguarded(text.strip()))


def everybody(found: Iterable[Submission], absent: Iterable[Person]) -> list[Called]:
    """Return all who have a row in the grades. A group is there as a whole and by each of its members."""
    here = [Called(one.student, (one.student, *one.ids, one.name)) for one in found]
    here += [Called(one.student, (member.student, *member.ids, member.name)) for one in found for member in one.members]
    return here + [Called(person.id, (person.id, person.name)) for person in absent]


def with_roster_ids(table: Mapping[str, Value], roster: Roster, place: str) -> dict[str, Value]:
    """Return a list with the roster's ids for the e-mail addresses, logins and other ids that it was written with.

    Raises ValueError, which names `place`, if two of its lines are about the same student.
    """
    found: dict[str, Value] = {}
    written: dict[str, str] = {}
    for text, value in table.items():
        person = roster.find([spreadsheets.unguarded(text.strip())], "")
        student = printable(person.id) if person else text
        if student in found:
            raise ValueError(f"{place} names {student} twice, as {written[student]} and as {text}. Remove one of the two.")
        found[student], written[student] = value, text
    return found


def unknown(lines: Collection[str], people: Sequence[Called], place: str) -> list[str]:
    """Return the lines of a list, each an id or a name, that are about nobody.

    Raises ValueError, which names `place`, for a line that could be about several rows, and for two about the same student.
    """
    by_text: dict[str, set[Called]] = defaultdict(set)
    for one in people:
        for text in one.texts:
            by_text[comparable(text)].add(one)
    first: dict[Called, str] = {}
    for line in lines:
        meant = by_text.get(comparable(line), set())
        rows = sorted({one.row for one in meant})
        if len(rows) > 1:
            raise ValueError(f"{place} names {line}, which could be {named(rows)}. Write an id that only one of them has.")
        for one in meant:
            if one in first:
                raise ValueError(f"{place} names {one.texts[0]} twice, as {first[one]} and as {line}. Remove one of the two.")
            first[one] = line
    return [line for line in lines if comparable(line) not in by_text]

"""Which row of a gradebook is whose, and for whom that cannot be said."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...grading.roster import Person, Roster
from .lms import Line, Platform, Student


@dataclass(frozen=True)
class LeftOut:
    """A student who does not get a grade in the file. why: a clause without its subject, "has no row in the gradebook"."""

    student: Student
    why: str


@dataclass
class Matched:
    """pairs: [(Student, Line)]. left_out: those without a row of their own. by_name: of the pairs those that share no id.
    claimed: the rows that are, or could be, somebody's."""

    pairs: list[tuple[Student, Line]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    by_name: list[Student] = field(default_factory=list)
    claimed: set[int] = field(default_factory=set)


def matched(students: Sequence[Student], lines: Sequence[Line], platform: Platform) -> Matched:
    """Return which Line is whose: by the platform's own id, else by another id, else by a name that only one row has.

    A student whom the platform's own download names by id is found by that id or not at all.
    """
    finder = _Finder(lines)
    result = Matched()
    for student in students:
        found, is_by_name = finder.find(student, platform)
        result.claimed |= {line.row for line in found}
        if len(found) != 1:
            result.left_out.append(LeftOut(student, _why_not(found, student, platform)))
            continue
        result.pairs.append((student, found[0]))
        if is_by_name:
            result.by_name.append(student)
    _separate_rivals(result)
    return result


class _Finder:
    """Finds Lines by ids and names."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._own: dict[str, list[Line]] = defaultdict(list)
        self._other: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            if line.own:
                self._own[_folded(line.own)].append(line)
            for other in {_folded(other) for other in line.others}:
                self._other[other].append(line)
        self._lines = {f"row {line.row}": line for line in lines}
        self._names = Roster([Person(key, line.name) for key, line in self._lines.items()])

    def find(self, student: Student, platform: Platform) -> tuple[list[Line], bool]:
        """Return (the Lines that can be a student's, whether by name alone)."""
        own = platform.own_id(student)
        if own and self._own:
            return self._own.get(_folded(own), []), False
        ids = {_folded(one) for one in (student.key, *student.ids)}
        found = _unique(line for one in ids for table in (self._own, self._other) for line in table.get(one, []))
        return (found, False) if found else (self._named(student.name), True)

    def _named(self, name: str) -> list[Line]:
        """Return the Lines with a name, in whatever order its words are."""
        if person := self._names.find((), name):
            return [self._lines[person.id]]
        return (
            [line for line in self._lines.values() if Roster([Person("", line.name)]).find((), name)]
            if self._names.knows(name)
            else []
        )


def _unique(lines: Iterable[Line]) -> list[Line]:
    return list({line.row: line for line in lines}.values())


def _why_not(found: list[Line], student: Student, platform: Platform) -> str:
    if found:
        rows = ", ".join(f"{line.name or line.own} (row {line.row + 1})" for line in found[:4])
        return f"could be any of {len(found)} rows of the gradebook: {rows}"
    own = platform.own_id(student)
    return (
        f"has no row in the gradebook with the {platform.name} ID {own}" if own else "has no row in the gradebook by id or name"
    )


def _separate_rivals(result: Matched) -> None:
    """Leave out students who were found in the same row; one who was found by id keeps it from those found by name."""
    rivals: dict[int, list[Student]] = defaultdict(list)
    for student, line in result.pairs:
        rivals[line.row].append(student)
    by_name = {id(student) for student in result.by_name}
    for student, line in list(result.pairs):
        others = [other for other in rivals[line.row] if other is not student]
        by_id = [other for other in others if id(other) not in by_name]
        if by_id or (others and id(student) in by_name):
            result.pairs.remove((student, line))
            names = ", ".join(other.key for other in others[:4])
            result.left_out.append(LeftOut(student, f"matches row {line.row + 1} of the gradebook, and so does {names}"))
    left = {id(one.student) for one in result.left_out}
    result.by_name = [student for student in result.by_name if id(student) not in left]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()

"""The list of a class: who there is, by which ids, and who handed in nothing."""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..reports import spreadsheets

ID = (
    "id",
    "student id",
    "student",
    "sid",
    "id number",
    "student number",
    "sis user id",
    "orgdefinedid",
)  # the first that is there
NAME = ("name", "full name", "student name")
FIRST = ("first name", "firstname", "given name", "first")
LAST = ("last name", "lastname", "surname", "family name", "last")


@dataclass(frozen=True)
class Person:
    """id: the course's own. name: for people. others: further ids, such as an e-mail address or a login."""

    id: str
    name: str
    others: tuple[str, ...] = ()


class Roster:
    """The people of a class, found by ids or, where only one has it, by name. path: the file that lists them."""

    def __init__(self, people: Sequence[Person], path: Path | None = None) -> None:
        self.people, self.path = people, path
        self._ids = {folded(person.id): person for person in people}
        others: dict[str, list[Person]] = defaultdict(list)
        for person in people:
            for other in person.others:
                others[folded(other)].append(person)
        for other, found in others.items():
            if len(found) == 1:
                self._ids.setdefault(other, found[0])
        self._names: dict[str, set[Person]] = defaultdict(set)
        for person in people:
            for name in _ways_to_write(person.name):
                self._names[name].add(person)

    def find(self, ids: Iterable[str], name: str) -> Person | None:
        """Return the Person with one of the ids, or else with the name; None if nobody or more than one has it."""
        found = {self._ids[folded(one)] for one in ids if folded(one) in self._ids}
        found = found or {person for written in _ways_to_write(name) for person in self._names.get(written, ())}
        return found.pop() if len(found) == 1 else None

    def knows(self, text: str) -> bool:
        """Return whether a text is somebody's id or name, also where it does not tell whose."""
        return folded(text) in self._ids or any(written in self._names for written in _ways_to_write(text))


def load(path: Path) -> Roster:
    """Return the Roster of a CSV file with the columns id and name, in any order, and others if you like.

    Instead of name there may be a first and a last name. Comma, semicolon and tab divide cells. Raises OSError if the file
    cannot be read, and ValueError, with file and line, for what is not a roster.
    """
    path = Path(path)
    _, header, rows = spreadsheets.read_table(path)
    id_column, name_columns = _columns(path, header)
    people: list[Person] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        cells = [spreadsheets.unguarded(cell.strip()) for cell in cells]
        student = cells[id_column]
        if not student:
            raise ValueError(f"{path}, line {line}: there is no id. Give one, or remove the line.")
        if folded(student) in lines:
            raise ValueError(f"{path}, line {line}: the id {student} is in line {lines[folded(student)]}, too. Remove one.")
        lines[folded(student)] = line
        name = " ".join(filter(None, (cells[column] for column in name_columns)))
        others = tuple(cell for column, cell in enumerate(cells) if cell and column not in (id_column, *name_columns))
        people.append(Person(student, name or student, others))
    if not people:
        raise ValueError(f"{path} lists nobody; expected a line for each student below the line with the columns' names.")
    return Roster(people, path)


def _columns(path: Path, header: Sequence[str]) -> tuple[int, list[int]]:
    """Return (column of the id, columns of the name in the order to read them)."""

    def first_of(names: Iterable[str]) -> int | None:
        return next((header.index(name) for name in names if name in header), None)

    one, name, first, last = map(first_of, (ID, NAME, FIRST, LAST))
    if one is None or (name is None and last is None):
        raise ValueError(
            f"{path}, line 1: the columns are {', '.join(header)!r}; expected id and name (or first name and last name)."
        )
    return one, [name] if name is not None else [column for column in (first, last) if column is not None]


def folded(text: str) -> str:
    """Return an id or a name in the form in which it is compared."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def _ways_to_write(name: str) -> set[str]:
    """Return a name in the ways that platforms write it: without accents and spaces, from each of its words on.

    "Jane Doe", "Doe, Jane" and Canvas's "doejane" have one in common.
    """
    letters = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("_", " "))
    return {"".join(itertools.chain(words[start:], words[:start])) for start in range(len(words))}

"""The journals of marking: GRADES/marking/journal/MARKER.jsonl, in which each line is a change that a marker made.

Lines are only ever appended, and each is on the disk before anybody is told that it was. Every marker writes a file of their
own, and reads those of the others; so nobody waits for anybody, and a crash costs at most the line that was being written.

Which mark counts does not depend on clocks: an entry names the entries that it replaces. One that nothing replaces is a *head*.
Two heads are two marks by markers who had not seen each other's; until somebody who saw both has settled it, the mark of the
marker whose share it is counts, of equals the earlier.
"""

import dataclasses
import datetime
import enum
import json
import os
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = "journal"  # in GRADES/marking
ENDING = ".jsonl"
LONGEST_LINE_BYTES = 200_000

Mark = tuple[float, str]  # points, comment


class Kind(str, enum.Enum):
    """What an entry does."""

    MARK = "mark"
    FLAG = "flag"
    UNDO = "undo"


@dataclass(frozen=True)
class Entry:
    """A change that a marker made.

    Parameters
    ----------
    kind : Kind
        What it does.
    question : str
        Its key.
    item : str
        The id of the answer that it is about, see items.item_id.
    by : str
        The marker.
    students : tuple of str
        Those who had given this answer at that time.
    id : str
        Its own.
    when : str
        ISO 8601, in UTC.
    points : float or None
        Of a mark; None takes the mark back.
    lines : tuple of int
        The rubric lines that were chosen.
    comment : str
        For the students.
    seconds : float
        That the marker took.
    replaces : tuple of str
        The ids of the entries that it replaces.
    batch : str
        The same for changes that were made, and are undone, together.
    only : bool
        Whether it is for the students named alone, and not for others with the same answer.
    second : bool
        Whether the marker gave it without seeing the mark of the one whose share it is.
    reason : str
        For a change of points that were in the grades.
    graded : float or None
        The points that were in the grades, where they change.
    flag : bool
        Of a flag, whether it is set.
    undoes : tuple of str
        Of an undo, the ids of the entries that count no longer.
    """

    kind: Kind
    question: str
    item: str
    by: str
    students: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    when: str = field(default_factory=lambda: now())
    points: float | None = None
    lines: tuple[int, ...] = ()
    comment: str = ""
    seconds: float = 0.0
    replaces: tuple[str, ...] = ()
    batch: str = ""
    only: bool = False
    second: bool = False
    reason: str = ""
    graded: float | None = None
    flag: bool = False
    undoes: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark | None:
        """Points and comment; None if it takes a mark back."""
        return None if self.points is None else (self.points, self.comment)


def now() -> str:
    """Return the time as entries have it."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


_LISTS = ("students", "lines", "replaces", "undoes")
_DEFAULTS = {one.name: one.default for one in dataclasses.fields(Entry)}


def as_line(entry: Entry) -> bytes:
    """Return an entry as a line of a journal; what is as usual is left out."""
    told = {name: value for name, value in dataclasses.asdict(entry).items() if value != _DEFAULTS[name]}
    return json.dumps(told).encode() + b"\n"


def from_line(line: bytes) -> Entry:
    """Return the entry of a line; fields that a newer kit added are left out. Raises ValueError if it is none."""
    try:
        told = json.loads(line)
        known = {name: told[name] for name in _DEFAULTS if name in told}
        lists: dict[str, Any] = {name: tuple(known.pop(name, ())) for name in _LISTS}
        kind = Kind(known.pop("kind"))
        if not all(isinstance(known[name], str) for name in ("question", "item", "by", "id", "when")):
            raise TypeError("a name that is not a text")
        if known.get("points") is not None:
            known["points"] = float(known["points"])
        return Entry(kind, **known, **lists)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is not an entry of a journal ({type(error).__name__}: {error})") from None


class Journals:
    """All journals of a folder, followed as they grow.

    `damaged` has a sentence for each line that cannot be read; the lines around it count.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.standing = Standing()
        self.damaged: list[str] = []
        self._read: dict[Path, tuple[int, int]] = {}  # bytes and lines of each that were read

    def refresh(self) -> None:
        """Read what was appended since. A last line without an end is still being written, or was cut off by a crash."""
        sizes = {path: path.stat().st_size for path in sorted(self.folder.glob(f"*{ENDING}"))}
        if any(size < self._read.get(path, (0, 0))[0] for path, size in sizes.items()):  # it was written from scratch
            self.standing, self.damaged, self._read = Standing(), [], {}
        for path, size in sizes.items():
            start, lines = self._read.get(path, (0, 0))
            if size > start:
                self._read[path] = self._follow(path, start, lines)

    def _follow(self, path: Path, start: int, lines: int) -> tuple[int, int]:
        with path.open("rb") as file:
            file.seek(start)
            whole, end, _ = file.read().rpartition(b"\n")
        if not end:
            return start, lines
        for number, line in enumerate(whole.split(b"\n"), lines + 1):
            try:
                self.standing.add(from_line(line))
            except ValueError as error:
                self.damaged.append(f"{path}, line {number}: {error}; it is ignored.")
        return start + len(whole) + 1, lines + whole.count(b"\n") + 1


class Writer:
    """Appends to one marker's journal, which nobody else writes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.torn = _mended(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        _wait_for_folder(path.parent)

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries, and wait until the disk has them. Raises OSError; then none of them is in the journal."""
        before = os.fstat(self._file).st_size
        content = b"".join(map(as_line, entries))
        try:
            written = 0
            while written < len(content):
                written += os.write(self._file, content[written:])
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, before)
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _mended(path: Path) -> str:
    """Cut off what a crash left of a line at the end of a journal; return a sentence on it, or ""."""
    content = path.read_bytes() if path.exists() else b""
    rest = content[content.rfind(b"\n") + 1 :]
    if not rest:
        return ""
    keep = len(content) - len(rest)
    try:
        from_line(rest)
    except ValueError:
        with path.open("rb+") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
        return (
            f"{path}: the last line was cut off, by a crash or a power cut, and is removed. No change was lost that the page had "
            "confirmed; all before it is kept."
        )
    with path.open("ab") as file:  # only its end was lacking
        file.write(b"\n")
        os.fsync(file.fileno())
    return ""


def _wait_for_folder(folder: Path) -> None:
    """Wait until the disk has the folder's list of files, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Standing:
    """What the entries of all journals come to."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.undone: set[str] = set()
        self._of_item: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._of_student: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._flags: dict[tuple[str, str], list[Entry]] = defaultdict(list)

    def add(self, entry: Entry) -> None:
        """Take an entry in; one that is there already changes nothing."""
        if entry.id in self.entries:
            return
        self.entries[entry.id] = entry
        if entry.kind is Kind.UNDO:
            self.undone.update(entry.undoes)
        elif entry.kind is Kind.FLAG:
            self._flags[entry.question, entry.item].append(entry)
        else:
            self._of_item[entry.question, entry.item].append(entry)
            for student in entry.students:
                self._of_student[entry.question, student].append(entry)

    def replacing(self, names: Collection[str]) -> list[Entry]:
        """Return the entries, not undone, that replace one of those with these ids."""
        return [one for one in self.entries.values() if one.id not in self.undone and not set(names).isdisjoint(one.replaces)]

    def without(self, names: Collection[str]) -> "Standing":
        """Return what it would come to if entries with these ids were undone."""
        other = Standing()
        for entry in self.entries.values():
            other.add(entry)
        other.undone.update(names)
        return other

    def marks(self, question: str, item: str) -> list[Entry]:
        """Return all marks for an answer that were not undone, replaced ones too."""
        return [entry for entry in self._of_item.get((question, item), ()) if entry.id not in self.undone]

    def heads(self, question: str, item: str, student: str) -> list[Entry]:
        """Return the marks of a student for an answer that nothing replaces, the one that counts first."""
        marks = [entry for entry in self.marks(question, item) if not entry.only or student in entry.students]
        replaced = {name for entry in marks for name in entry.replaces}
        return sorted((entry for entry in marks if entry.id not in replaced), key=_rank)

    def counting(self, question: str, item: str, student: str, most: float = float("inf")) -> Entry | None:
        """Return the mark that counts, None if there is none or if the question gives less by now. most: its points."""
        heads = self.heads(question, item, student)
        return heads[0] if heads and heads[0].points is not None and heads[0].points <= most else None

    def earlier(self, question: str, item: str, student: str) -> list[Mark | None]:
        """Return what a student's mark for an answer was before, undone ones too, in any order; at first there was None."""
        present = {entry.id for entry in self.heads(question, item, student)}
        return [None, *(entry.mark for entry in self._of_item.get((question, item), ()) if entry.id not in present)]

    def for_another(self, question: str, item: str, student: str) -> Entry | None:
        """Return a student's last mark for another answer than the present one, None if there is none."""
        others = [entry for entry in self._of_student.get((question, student), ()) if entry.id not in self.undone]
        others = [entry for entry in others if entry.item != item]
        if not others:
            return None
        last = max(others, key=lambda entry: entry.when)
        return self.counting(question, last.item, student)

    def flagged(self, question: str, item: str) -> bool:
        """Return whether an answer is flagged."""
        flags = self._flags.get((question, item), [])
        return bool(flags) and max(flags, key=lambda entry: (entry.when, entry.by)).flag

    def changes(self) -> Iterator[Entry]:
        """Yield the marks that changed points which were in the grades, the earliest first."""
        yield from sorted((one for one in self.entries.values() if one.graded is not None), key=lambda one: one.when)

    def comments(self, question: str) -> Mapping[str, int]:
        """Return {comment: how often it was given} of a question."""
        counts: dict[str, int] = defaultdict(int)
        for entry in self.entries.values():
            if entry.question == question and entry.comment and entry.id not in self.undone:
                counts[entry.comment] += 1
        return counts

    def markers(self) -> Collection[str]:
        """Return the names of all who have made a change."""
        return {entry.by for entry in self.entries.values()}


def _rank(entry: Entry) -> tuple[bool, bool, str, str]:
    return entry.points is None, entry.second, entry.when, entry.by

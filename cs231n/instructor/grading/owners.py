"""Whose the entries of a place are, and which of a student's attempts counts."""

import hashlib
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..reports.records import Member
from ..sandbox.inside import limits
from ..sandbox.inside.archives import advice, unread_kind
from ..sandbox.inside.reading import is_expected
from . import layouts
from .found_files import files_inside, kind_of, named, printable, shown_path
from .layouts import Owner, is_folder, stem
from .places import Place

# jane-2, jane_2, jane (2), jane-attempt-2
ATTEMPT = re.compile(r"(?P<student>.+?)(?:[-_ ]|[-_ ]?\(|[-_ ]?attempt[-_ ]?)(?P<attempt>[0-9]{1,2})\)?", re.DOTALL)


@dataclass
class Submission:
    """What counts of a student's attempts.

    student: the key, unique in a run. name: for people. path: the file, or the folder where there is none. shown: the path
    as it is told. problem: a sentence if it can't be opened. earlier: paths of attempts that do not count. ids: by which a
    roster or the platform may know the student. members: of a group. platform: whose export it came from, "" if nobody's.
    handed_in: when, in ISO 8601, or "". late: whether the platform calls it late, None where it does not say. beside:
    {name: path} of what is read together with it, see handed_in.py. All strings can be printed and written as UTF-8, whatever
    the names on the disk are.
    """

    student: str
    name: str
    path: Path
    shown: str
    problem: str = ""
    earlier: list[str] = field(default_factory=list)
    ids: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    platform: str = ""
    handed_in: str = ""
    late: bool | None = None
    beside: dict[str, Path] = field(default_factory=dict)

    def as_told(self) -> dict[str, Any]:
        """Return the fields of a Record that are known before a file is opened, all but its student and its hash."""
        return {
            "name": self.name,
            "submission": self.shown,
            "earlier": tuple(self.earlier),
            "platform": self.platform,
            "ids": self.ids,
            "members": self.members,
            "handed_in": self.handed_in,
            "late": self.late,
        }

    def sha256(self) -> str:
        """Return the hash of the file's bytes and of what lies beside it; of the problem where it can't be opened."""
        if self.problem:
            return hashlib.sha256(self.problem.encode()).hexdigest()
        digest = hashlib.sha256()
        for path in (self.path, *self.beside.values()):
            with path.open("rb") as file:
                while part := file.read(2**20):
                    digest.update(part)
        return digest.hexdigest()


@dataclass
class _Attempt:
    """order: (what counts more, what counts less), as an export tells it; the file's time decides between equal ones.
    owner: as the name of its entry tells it."""

    path: Path
    order: tuple[int, ...]
    owner: Owner

    def rank(self) -> tuple[bool, tuple[int, ...], float, int, str]:
        status = self.path.lstat()
        usable = stat.S_ISREG(status.st_mode) and kind_of(self.path) > 0
        return usable, self.order, status.st_mtime, kind_of(self.path), str(self.path)


@dataclass
class Student:
    """owner: as the names tell it. entries: files and folders that are this student's. attempts: what can count of them.
    platform: whose export they are from, or ""."""

    owner: Owner
    entries: list[Path] = field(default_factory=list)
    attempts: list[_Attempt] = field(default_factory=list)
    platform: str = ""


def collect(place: Place, students: dict[str, Student], nobodys: dict[Path, str], notices: list[str]) -> None:
    """Add the entries of a place to students ({key: Student}) and nobodys ({path: why})."""
    mine: dict[str, list[tuple[Owner, Path]]] = defaultdict(list)
    foreign: list[Path] = []
    for entry in place.entries:
        if layouts.is_companion(entry, place.platform):
            nobodys[entry] = f"{place.platform}'s own list"
        elif owner := place.owners.get(entry.name):
            mine[owner.student].append((owner, entry))
        else:
            foreign.append(entry)
    own = {
        student: Student(found[0][0], [entry for _, entry in found], platform=place.platform) for student, found in mine.items()
    }
    for name, found in mine.items():
        for owner, entry in found:
            own[name].attempts += [] if owner.aside else _attempts(entry, owner)
    keys = _keys_of(foreign, own.keys())
    for key, entry in keys.items():
        owner = Owner(key, key, ids=(key,))
        own[key] = Student(owner, [entry], _attempts(entry, owner))
    for key, student in own.items():
        students[place.prefix + key] = student
    if place.platform:
        notices.append(f"Named as {place.platform} writes it, each a student: {len(mine)} of {len(mine) + len(foreign)}.")
        if foreign:
            notices.append(
                f"{named([entry.name for entry in foreign])}: not named as {place.platform} does it, so each has a row "
                "of its own."
            )


def _keys_of(entries: Iterable[Path], taken: Collection[str]) -> dict[str, Path]:
    """Return {key: entry}, all different: names without endings where no other has the same, else whole names."""
    keys = {entry: stem(entry) for entry in entries}
    while True:
        times = Counter(keys.values()) + Counter(taken)
        twice = [entry for entry, key in keys.items() if times[key] > 1 and key != entry.name]
        if not twice:
            break
        keys |= {entry: entry.name for entry in twice}
    free = {}
    for entry, key in keys.items():
        while key in taken or key in free:  # a whole name that is an export's key
            key += " (file)"
        free[key] = entry
    return free


def _attempts(entry: Path, owner: Owner) -> list[_Attempt]:
    return [_Attempt(path, (*owner.order, 0 if path == entry else _number(path.stem)), owner) for path in attempts_in(entry)]


def look_alikes(students: dict[str, Student]) -> list[str]:
    """Return sentences on rows that may be one student's. They are not joined: a student could name a file after another."""
    notices = []
    plain = {key: student for key, student in students.items() if student.owner.student == student.owner.name}
    stems = defaultdict(list)
    for student in plain.values():
        for entry in student.entries:
            stems[entry.parent, stem(entry)].append(entry.name)
    for names in stems.values():
        if len(names) > 1:
            notices.append(
                f"{named(names)}: the same name, each with a row of its own. Put them into one folder if they are one's."
            )
    alike = [key for key in plain if (found := ATTEMPT.fullmatch(key)) and found["student"] in plain]
    if alike:
        notices.append(
            f"{named(alike)}: named like a further attempt of another row, each with a row of its own. "
            "Put a student's attempts into one folder named after the student."
        )
    shared = Counter(student.owner.name for student in students.values() if student.owner.student != student.owner.name)
    if twice := [name for name, times in shared.items() if times > 1]:
        notices.append(f"{named(twice)}: a name that several rows have.")
    return notices


def _number(stem: str) -> int:
    numbered = ATTEMPT.fullmatch(stem)
    return int(numbered["attempt"]) if numbered else 0


def attempts_in(entry: Path) -> list[Path]:
    """Return the attempts in a folder: files of the most telling kind and name; the entry itself where there is none."""
    inside = [path for path in (files_inside(entry) if is_folder(entry) else []) if kind_of(path)]
    best = max(((kind_of(path), is_expected(path.name)) for path in inside), default=None)
    return [path for path in inside if (kind_of(path), is_expected(path.name)) == best] or [entry]


def submission_of(key: str, student: Student, folder: Path) -> Submission:
    *earlier, last = sorted(student.attempts or [_Attempt(student.entries[0], (), student.owner)], key=_Attempt.rank)
    shown = [shown_path(attempt.path, folder) for attempt in earlier]
    path, owner = last.path, student.owner
    name = printable(owner.name if owner.name != owner.student else key)
    return Submission(
        printable(key),
        name,
        path,
        shown_path(path, folder),
        _problem(path),
        shown,
        ids=tuple(map(printable, owner.ids)),
        members=tuple(_member(ids, name) for ids, name in owner.members),
        platform=student.platform,
        handed_in=last.owner.handed_in,
        late=last.owner.late,
    )


def _member(ids: tuple[str, ...], name: str) -> Member:
    ids = tuple(map(printable, ids))
    return Member(ids[0] if ids else printable(name), printable(name), ids)


def _unread_in(folder: Path) -> str:
    """Return the sentences on archives in a folder that cannot be opened, each with a space before it."""
    names = [printable(path.name) for path in files_inside(folder)]
    return "".join(f" {advice(name, told)}" for name in names[:5] if "archive" in (told := unread_kind(name)))


def _problem(path: Path) -> str:
    """Return why a file can't be opened as a submission, in a sentence, or ""."""
    status, name = path.lstat(), printable(path.name)
    if stat.S_ISLNK(status.st_mode):
        return f"{name} is a link, not a file."
    if stat.S_ISDIR(status.st_mode):
        return f"There is no notebook, no Python file and no zip archive in the folder {name}.{_unread_in(path)}"
    if not stat.S_ISREG(status.st_mode):
        return f"{name} is not an ordinary file."
    if not kind_of(path) and "archive" in unread_kind(name):
        return advice(name, unread_kind(name))
    if not kind_of(path):
        return f"{name} is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive."
    if status.st_size > limits.SUBMISSION_BYTES:
        return f"{name} has {status.st_size / 10**6:.1f} MB; expected at most {limits.SUBMISSION_BYTES // 10**6} MB."
    try:
        path.open("rb").close()
    except OSError as error:
        return f"{name} cannot be opened: {error.strerror}."
    return ""

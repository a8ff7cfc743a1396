"""When a submission was handed in, where its export's names do not say so: nbgrader's timestamps, and a list that is given.

A file's own time never counts: copying and unpacking change it, and students can set it.
"""

import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..reports import spreadsheets
from .found_files import named, printable
from .layouts import TEXT_LIMIT, written_time
from .owners import Submission
from .roster import FIRST, ID, LAST, NAME, Roster, folded

TIMESTAMP = "timestamp.txt"  # which `nbgrader submit` writes beside the notebook (nbgrader/exchange/default/submit.py)
IDS = (*ID, "identifier", "email address", "email", "username", "login", "submission", "group")
NAMES = (*NAME, "participant")
# "Last modified (submission)" is the column of Moodle's grading worksheet, whose times are as below.
TIME = ("time", "handed in", "handed_in", "submitted", "submitted at", "submission time", "last modified (submission)")
MOODLE = (
    "%A, %d %B %Y, %I:%M %p",  # Wednesday, 10 June 2026, 2:14 PM
    "%A, %B %d, %Y, %I:%M %p",
    "%A, %d %B %Y, %H:%M",
    "%A, %B %d, %Y, %H:%M",
)
NEVER = {"", "-"}  # what stands for no submission


@dataclass(frozen=True)
class Line:
    """A line of a list of times. ids, names: by which it says whose. handed_in: in ISO 8601."""

    number: int
    ids: tuple[str, ...]
    names: tuple[str, ...]
    handed_in: str


def read_times(path: Path) -> list[Line]:
    """Return the lines, with a time, of a CSV file with the columns id and time, or of Moodle's grading worksheet.

    Raises OSError if it cannot be read, and ValueError, with file and line, for what is not such a file.
    """
    _, header, rows = spreadsheets.read_table(path)
    time = next((header.index(name) for name in TIME if name in header), None)
    ids = [column for column, name in enumerate(header) if name in IDS]
    names = [column for column, name in enumerate(header) if name in NAMES]
    parts = [header.index(one) for group in (FIRST, LAST) for one in group if one in header][:2]
    if time is None or not ids + names:
        raise ValueError(f"{path}, line 1: the columns are {', '.join(header)!r}; expected id and time.")
    lines = []
    for number, row in rows:
        cells = [spreadsheets.unguarded(cell.strip()) for cell in row]
        if cells[time] in NEVER:
            continue
        handed_in = _iso(cells[time])
        if not handed_in:
            raise ValueError(f"{path}, line {number}: the time is {cells[time]!r}; expected one such as 2026-10-05 23:59.")
        told = tuple(_id(cells[column]) for column in ids if cells[column])
        called = (*(cells[column] for column in names), " ".join(cells[column] for column in parts))
        lines.append(Line(number, told, tuple(filter(None, called)), handed_in))
    return lines


def _id(cell: str) -> str:
    """Return an id; Moodle's "Participant 4711" is 4711, as in the names of the files that it exports."""
    return re.sub(r"\A[^\W\d_]+ (?=[0-9]+\Z)", "", cell)


def _iso(cell: str) -> str:
    if told := written_time(cell):
        return told
    for form in MOODLE:
        try:
            return datetime.strptime(cell.replace("\u202f", " "), form).isoformat()
        except ValueError:
            continue
    return ""


def with_times(found: Sequence[Submission], path: Path, lines: Iterable[Line], roster: Roster | None = None) -> list[str]:
    """Give submissions the times of a list, whatever their names said, and return sentences on lines that are nobody's.

    roster: whose further ids, such as e-mail addresses, may be in the list, too. Of a group's members the latest time counts.
    Raises ValueError, with file and line, if none of the lines is about a submission, or if two of them are about the same
    student, or one about several.
    """
    by_id, by_name = _index(found)
    of_submissions: dict[str, list[Line]] = defaultdict(list)
    lost, lines = [], list(lines)
    for line in lines:
        people = [roster.find([key], "") for key in line.ids] if roster else []
        keys = (*line.ids, *(printable(person.id) for person in people if person))
        matches = {one for key in keys for one in by_id.get(folded(key), ())}
        matches = matches or {one for name in line.names for one in by_name.get(folded(name), ())}
        if len(matches) > 1:
            raise ValueError(
                f"{path}, line {line.number}: this could be {named(sorted(matches))}. Give an id that tells them apart."
            )
        if not matches:
            lost.append(" ".join((*line.ids, *line.names))[:60])
        for student in matches:
            of_submissions[student].append(line)
    if lines and not of_submissions:
        raise ValueError(
            f"{path}: none of its lines matches a submission. It lists {named(lost[:3])}; the submissions are of "
            f"{named([one.student for one in found[:3]])}. Give the ids that are in the names of the files, or in a --roster."
        )
    for one in found:
        told = of_submissions.get(one.student, [])
        if len(told) > 1 and not one.members:
            raise ValueError(
                f"{path}, line {told[1].number}: {one.student} is in line {told[0].number}, too. Remove one of them."
            )
        if told:
            one.handed_in = max(line.handed_in for line in told)
    return [f"{named(lost)}: in {path} with a time, but without a submission."] if lost else []


def _index(found: Iterable[Submission]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return ({id: students}, {name: students}) of submissions; a group is there by each of its members."""
    by_id: dict[str, set[str]] = defaultdict(set)
    by_name: dict[str, set[str]] = defaultdict(set)
    for one in found:
        for member in one.members:
            by_name[folded(member.name)].add(one.student)
            for key in (member.student, *member.ids):
                by_id[folded(key)].add(one.student)
        by_name[folded(one.name)].add(one.student)
        for key in (one.student, *one.ids):
            by_id[folded(key)].add(one.student)
    return by_id, by_name


def with_timestamps(found: Sequence[Submission]) -> list[str]:
    """Give submissions the times that nbgrader wrote beside them, and return a sentence on that.

    It is nbgrader's folder, STUDENT/ASSIGNMENT/timestamp.txt, if more than half of all submissions have the file beside them in
    folders of one name; a file of this name that a single student handed in says nothing.
    """
    stamped = [one for one in found if not one.platform and _is_file(one.path.with_name(TIMESTAMP))]
    assignments = Counter(one.path.parent.name for one in stamped)
    if not assignments:
        return []
    assignment, times = assignments.most_common(1)[0]
    if 2 * times <= len(found):
        return []
    for one in stamped:
        if one.path.parent.name == assignment:
            one.platform, one.handed_in = "nbgrader", _timestamp(one.path.with_name(TIMESTAMP))
    return [f"{times} of {len(found)} have a {TIMESTAMP} of nbgrader's, which says when they were handed in."]


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _timestamp(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return written_time(file.read(TEXT_LIMIT).decode("utf-8", "replace"))
    except OSError:
        return ""

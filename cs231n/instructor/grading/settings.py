"""What GRADES remembers of how it was begun: the course's file and the rubric, so that a later command goes on with them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...assignment import Assignment, plain
from ...whole_file import write_whole
from ..course import Course, course
from ..reports.spreadsheets import decoded
from . import roster as rosters
from . import rubric as rubrics
from .late_days import read_days_used
from .rubric import Rubric
from .whom import with_roster_ids

COURSE = "course.toml"
RUBRIC = "rubric.toml"


@dataclass(frozen=True)
class Lists:
    """The CSV files that say more of a class than SUBMISSIONS does, each None where there is none.

    Parameters
    ----------
    roster : Path or None
        Who is in the class; see roster.py.
    members : Path or None
        Who handed in together; see groups.py.
    times : Path or None
        When it was handed in; see times.py.
    days_used : Path or None
        The free late days that went into earlier assignments; see late_days.py.
    """

    roster: Path | None = None
    members: Path | None = None
    times: Path | None = None
    days_used: Path | None = None


# By field, the name in GRADES.
LISTS = {"roster": "roster.csv", "members": "members.csv", "times": "times.csv", "days_used": "days-used.csv"}


def settled_lists(grades: Path, given: Lists, resume: bool) -> tuple[Lists, list[str]]:
    """Return the Lists with which to grade into a folder, and sentences on those that the folder remembered.

    Parameters
    ----------
    grades : Path
        The folder; it may be new.
    given : Lists
        What the command was given.
    resume : bool
        Whether to go on with what is in the folder.
    """
    if not resume:
        return given, []
    found = {name: _remembered(grades / kept, getattr(given, name)) for name, kept in LISTS.items()}
    return Lists(**{name: path for name, (path, _) in found.items()}), [said for _, told in found.values() for said in told]


def settled(
    grades: Path, rubric_file: Path | None, course_file: Path | None, resume: bool, lists: Lists | None = None
) -> tuple[Rubric, list[str]]:
    """Return the Rubric with which to grade into a folder, and sentences on what of it the folder remembered.

    Parameters
    ----------
    grades : Path
        The folder; it may be new.
    rubric_file, course_file : Path or None
        What the command was given.
    resume : bool
        Whether to go on with what is in the folder.
    lists : Lists or None
        Those to grade with, of which the roster and the days used count here; by default, when going on, the folder's.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If a file is not what it should be, or if the folder was begun with another course's file; the message says what
        differs and what to do.
    """
    if not resume:
        return _by_person(rubrics.load(rubric_file, course_file), lists or Lists()), []
    if course_file is not None and any(grades.glob("rows/*.json")):
        _require_same(grades / COURSE, course_file)
    rubric_file, of_rubric = _remembered(grades / RUBRIC, rubric_file)
    course_file, of_course = _remembered(grades / COURSE, course_file)
    lists = lists or settled_lists(grades, Lists(), resume=True)[0]
    return _by_person(rubrics.load(rubric_file, course_file), lists), of_course + of_rubric


def _by_person(rubric: Rubric, lists: Lists) -> Rubric:
    """Return a Rubric that knows the days used, and whose extensions and days used are by the roster's ids, if there is one."""
    days_used = read_days_used(lists.days_used) if lists.days_used else {}
    late = rubric.course.late
    if lists.roster and (days_used or (late and late.extensions)):
        roster = rosters.load(lists.roster)
        days_used = with_roster_ids(days_used, roster, str(lists.days_used))
        if late:
            late = replace(late, extensions=with_roster_ids(late.extensions, roster, "[late.extensions]"))
    return replace(rubric, days_used=days_used, course=replace(rubric.course, late=late))


def remember(grades: Path, rubric: Rubric, lists: Lists) -> None:
    """Keep the texts of a rubric, its course and lists in a folder; what it remembered before is gone. Raises NotWritten."""
    paths = {name: getattr(lists, field) for field, name in LISTS.items()}
    texts = {COURSE: rubric.course.text, RUBRIC: rubric.text}
    texts |= {name: "\ufeff" + decoded(path) if path else "" for name, path in paths.items()}
    for name, text in texts.items():
        if text:
            write_whole(grades / name, text)
        else:
            with contextlib.suppress(FileNotFoundError):
                (grades / name).unlink()


def _remembered(kept: Path, given: Path | None) -> tuple[Path | None, list[str]]:
    """Return the file that counts, and a sentence if it is the one in the folder."""
    if given is None and kept.is_file():
        return kept, [f"Using {kept} from the earlier run."]
    return given, []


def _require_same(kept: Path, given: Path) -> None:
    before, now = course(kept if kept.is_file() else None), course(given)
    if differing := list(differences(before, now)):
        shown = "; ".join(differing[:8]) + (f"; and {len(differing) - 8} more" if len(differing) > 8 else "")
        begun = f"{kept}, which these grades were made with" if kept.is_file() else "the kit's own points and questions"
        raise ValueError(
            f"{given} differs from {begun}: {shown}. To go on as before, leave --course out. "
            f"To go on with {given}, copy it to {kept} and run the command again: what it changes is graded again, and marks "
            "stay in marking/. To keep both, name another folder for --out."
        )


def differences(before: Course, now: Course) -> Iterator[str]:
    """Yield what differs between two courses, a phrase each."""
    if before.assignment.title != now.assignment.title:
        yield f"the title was {before.assignment.title!r} and is {now.assignment.title!r}"
    old, new = _told(before.assignment), _told(now.assignment)
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            yield f"{key} was {old.get(key, 'left out')} and is {new.get(key, 'left out')}"
    for key in sorted({*before.questions, *now.questions}):
        if before.questions.get(key) != now.questions.get(key):
            yield f"{key} has another text or rubric"


def _told(listed: Assignment) -> dict[str, str]:
    return {task.key: f"{plain(task.points)} {'bonus ' if task.bonus else ''}points" for task in listed.tasks}

"""What a course changes about the assignment: the one file of its own, given as `--course FILE.toml`.

Everything that the file does not mention stays as it is in assignment.toml. For example::

    title = "Network Visualization, spring"

    # How to ask for a regrade: a sentence on every feedback page.
    regrade = "Write to the head TA by 12 November; name the task, and say what was overlooked."

    # An exercise or a question by its key, a section by its number, with all that it asks: "7.1", "7.2" or "7" for both.
    left-out = ["smoothgrad", "7.2"]

    # Everything that gives bonus points; without this line it is what assignment.toml says. `bonus = []`: nothing.
    bonus = ["7.1", "question-2"]

    [points]
    saliency_maps = 10
    question-1 = 2.5

    [question-3]  # a question of the course's own, instead of ours
    points = 4
    text = '''
    Why does a random change of the same length do so much less? Estimate by which factor.
    '''
    rubric = '''
    * 2: the products of a random change with the gradient cancel.
    * 2: the factor is about the square root of the number of values.
    '''

When the work is due and what a late day costs is in its table [late]; see late_policy.py.

Sections, exercises and questions keep their numbers, so a course with something left out has gaps in them. What a file says
against itself or against assignment.toml is refused here; what it says against the notebook (a figure or a question that
needs what is left out) is refused by `release`, which names cell and line.
"""

import dataclasses
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..assignment import Assignment, Question, assignment, points_of
from .late_policy import LatePolicy, late_policy
from .rubric_lines import contradiction

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REGRADE = (
    "If you think that something was judged wrongly, write to your instructor: name the task, and say in a sentence or two what "
    "was overlooked."
)
OF_THE_COURSE = {"title", "regrade", "left-out", "bonus"}
TABLES = {"points", "late"}  # the course's own, apart from those of its questions
HEADER = re.compile(r"\s*\[")  # of a table in TOML
HEADER_OF_LATE = re.compile(r"\s*\[\s*late\s*[.\]]")
OF_A_QUESTION = {"points", "text", "rubric"}
RUBRIC_KEY = re.compile(r"""\s*["']?rubric["']?\s*=""")


@dataclass(frozen=True)
class OwnQuestion:
    """A question that a course asks instead of ours.

    Parameters
    ----------
    text : str
        What students read below the question's heading, in Markdown.
    rubric : str
        What those read who mark the answers, in Markdown; never part of a student edition.
    """

    text: str
    rubric: str


@dataclass(frozen=True)
class Course:
    """The assignment as a course gives it.

    Parameters
    ----------
    assignment : Assignment
        With the course's title, points and bonus, and without what is left out; numbers are as before.
    left_out : frozenset of str
        The keys of the exercises and questions that are left out.
    questions : dict of str to OwnQuestion
        By their keys, those that the course asks instead of ours.
    text : str
        The file as it is, "" without one.
    regrade : str
        What feedback says about asking for a regrade.
    late : LatePolicy or None
        When the work is due, and what a late day costs; None if the file does not say.
    """

    assignment: Assignment
    left_out: frozenset[str] = frozenset()
    questions: Mapping[str, OwnQuestion] = field(default_factory=dict)
    text: str = ""
    regrade: str = REGRADE
    late: LatePolicy | None = None


def course(path: Path | None, kits: Assignment | None = None) -> Course:
    """Return the assignment as a course gives it.

    Parameters
    ----------
    path : Path or None
        The course's file; None for the assignment as the kit has it.
    kits : Assignment or None
        What the file adapts, by default the kit's own list.

    Returns
    -------
    Course
        What the file says.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not TOML or contradicts itself or the list; the message names file and key.
    """
    kits = kits or assignment()
    if path is None:
        return Course(kits)
    try:
        text = Path(path).read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except ValueError as error:  # TOML or UTF-8 that is neither
        raise ValueError(f"{path} is not a TOML file: {error}") from None
    return _adapted(_File(Path(path), kits, text, tables))


@dataclass(frozen=True)
class _File:
    """A course's file. kits: what it adapts. text, tables: what is in it."""

    path: Path
    kits: Assignment
    text: str
    tables: Mapping[str, Any]

    def refused(self, what: str) -> ValueError:
        return ValueError(f"{self.path}: {what}")

    def unknown(self, place: str, name: object) -> ValueError:
        """Return the error about a name that is not a task's; a function's name is answered with its key."""
        exercise = self.kits.by_function.get(name) if isinstance(name, str) else None
        hint = f"write {exercise.key}." if exercise else f"known are {', '.join(self.kits.by_key)}"
        sections = "" if exercise or place.startswith("[") else f", and the sections {', '.join(_sections(self.kits))}."
        return self.refused(f"{place} {name!r} is not known; {hint}{sections}")


def _adapted(file: _File) -> Course:
    kits = file.kits
    _require_known_keys(file)
    left_out = _left_out(file)
    questions = {key: _own_question(file, key, left_out) for key in _replaced(file)}
    points = _points(file, left_out)
    bonus = _bonus(file, left_out)
    tasks = tuple(
        dataclasses.replace(task, points=points.get(task.key, task.points), bonus=task.key in bonus)
        for task in kits.tasks
        if task.key not in left_out
    )
    listed = Assignment(_line(file, "title", kits.title), tasks)
    if not listed.points():
        raise file.refused("with these points, bonus and left-out nothing counts for full marks; change one of the three.")
    late = late_policy(file.tables["late"], file.refused) if "late" in file.tables else None
    return Course(listed, left_out, questions, file.text, _line(file, "regrade", REGRADE), late)


def _require_known_keys(file: _File) -> None:
    for key, value in file.tables.items():
        if key not in {*OF_THE_COURSE, *TABLES} and not isinstance(file.kits.by_key.get(key), Question):
            raise file.refused(
                f"{key} is not known; expected title, left-out, bonus, regrade, [points], [late], or the key of a question: "
                f"{', '.join(question.key for question in file.kits.questions)}."
            )
        if key in {"left-out", "bonus"} and not isinstance(value, list):
            raise file.refused(f'{key} = {value!r}; expected a list of keys and sections, such as ["smoothgrad", "7.2"].')
        if key not in OF_THE_COURSE and not isinstance(value, dict):
            raise file.refused(f"{key} = {value!r}; expected a table, [{key}].")


def _line(file: _File, key: str, ours: str) -> str:
    """Return a text of one line, ours where the file has none."""
    text = file.tables.get(key, ours)
    if not isinstance(text, str) or not text.strip() or "\n" in text.strip():
        raise file.refused(f"{key} = {text!r}; expected a text of one line.")
    return text.strip()


def _sections(kits: Assignment) -> list[str]:
    """Return the sections in which something is asked, and those around them: "7" for "7.1"."""
    own = [task.section for task in kits.tasks]
    return sorted({*own, *(section.partition(".")[0] for section in own)})


def _named(file: _File, place: str, name: object) -> list[str]:
    """Return the keys of the tasks that an entry of a list means. Raises ValueError if there are none."""
    found = [task.key for task in file.kits.tasks if name in (task.key, task.section, task.section.partition(".")[0])]
    if not found:
        raise file.unknown(place, name)
    return found


def _left_out(file: _File) -> frozenset[str]:
    left_out = frozenset(key for name in file.tables.get("left-out", []) for key in _named(file, "left-out:", name))
    if all(exercise.key in left_out for exercise in file.kits.exercises):
        raise file.refused(f"left-out = {file.tables['left-out']!r} leaves no exercise; keep one.")
    return left_out


def _bonus(file: _File, left_out: Collection[str]) -> set[str]:
    """Return the keys of what gives bonus points."""
    if "bonus" not in file.tables:
        return {task.key for task in file.kits.tasks if task.bonus}
    bonus = set()
    for name in file.tables["bonus"]:
        kept = [key for key in _named(file, "bonus:", name) if key not in left_out]
        if not kept:
            raise file.refused(f"bonus names {name}, which left-out leaves out; take it off one of the two lists.")
        bonus.update(kept)
    return bonus


def _points(file: _File, left_out: Collection[str]) -> dict[str, float]:
    """Return {key: points} of what the file gives points to."""
    points = {}
    for key, value in file.tables.get("points", {}).items():
        if key not in file.kits.by_key:
            raise file.unknown("[points]", key)
        if key in left_out:
            raise file.refused(f"[points] names {key}, which left-out leaves out; take it out of one of the two.")
        if key in _replaced(file):
            raise file.refused(f"[points] names {key}, whose points are in [{key}]; take it out of [points].")
        points[key] = points_of(file.path, "points", value, key)
    return points | {key: points_of(file.path, key, file.tables[key]["points"]) for key in _replaced(file)}


def _replaced(file: _File) -> list[str]:
    return [question.key for question in file.kits.questions if question.key in file.tables]


def _own_question(file: _File, key: str, left_out: Collection[str]) -> OwnQuestion:
    table = file.tables[key]
    if key in left_out:
        raise file.refused(f"[{key}] replaces a question that left-out leaves out; take it out of one of the two.")
    if wrong := table.keys() ^ OF_A_QUESTION:
        lacking = ", ".join(sorted(wrong & OF_A_QUESTION)) or "nothing"
        unknown = ", ".join(sorted(wrong - OF_A_QUESTION)) or "nothing"
        raise file.refused(f"[{key}] lacks {lacking}; not known there: {unknown}.")
    for name in ("text", "rubric"):
        if not isinstance(table[name], str) or not table[name].strip():
            raise file.refused(f"[{key}] {name} = {table[name]!r}; expected Markdown, in quotes.")
    points = points_of(file.path, key, table["points"])
    if wrong := contradiction(table["rubric"], points):
        line = _line_of_rubric(file.text, key)
        raise file.refused(
            f"{f'line {line}: ' if line else ''}[{key}] points = {points:g}, but {wrong}. Change the points, or the rubric: its "
            "lines should add up to the points, or the best line should give them."
        )
    return OwnQuestion(table["text"].strip(), table["rubric"].strip())


def _line_of_rubric(text: str, key: str) -> int | None:
    """Return the number of the line on which a question's rubric begins, from 1; None if the table is written in another form."""
    is_in_it = False
    for number, line in enumerate(text.splitlines(), 1):
        if HEADER.match(line):
            is_in_it = re.match(rf"\s*\[\s*[\"']?{re.escape(key)}[\"']?\s*\]", line) is not None
        elif is_in_it and RUBRIC_KEY.match(line):
            return number
    return None


def without_late(path: Path) -> str:
    """Return the text of a course's file without its table [late], which names students: for what leaves this machine.

    Raises OSError if it cannot be read, and ValueError if it is not TOML, or has the table in another form than as a table.
    """
    text = Path(path).read_text(encoding="utf-8")
    kept, is_late = [], False
    for line in text.splitlines(keepends=True):
        if HEADER.match(line):
            is_late = bool(HEADER_OF_LATE.match(line))
        kept += [] if is_late else [line]
    made = "".join(kept)
    try:
        expected = {key: value for key, value in tomllib.loads(text).items() if key != "late"}
        is_right = tomllib.loads(made) == expected
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError(f"{path}: what it says of late days cannot be told from the rest. Put it last, below a line [late].")
    return made

"""The rubric: how many points each exercise and question gives, and which fraction of them a wrong solution keeps."""

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...assignment import Exercise, Question, points_of
from ...checks.report import Verdict
from ..course import Course, course
from ..reports.deductions import Deduction
from ..reports.records import Record
from . import late_days

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = Path(__file__).with_name("rubric.toml")
MOVED = "points and bonus belong in the course's own file now (--course FILE.toml); here they still count"


@dataclass(frozen=True)
class Rubric:
    """What everything gives. A column is the name of an exercise's function, or a question ("question-1").

    Parameters
    ----------
    points : dict of str to float
        By column, in the notebook's order.
    kept : dict of str to float
        By the name of a mistake, the fraction of the points that is kept, from 0 to 1.
    bonus : frozenset of str
        The columns whose points come on top of full marks.
    course : Course
        The assignment as the course gives it.
    course_file : Path or None
        Where that is written, None for the kit's own assignment.
    text : str
        The instructor's file, "" without one.
    notices : tuple of str
        Sentences on what an instructor should know about the files.
    days_used : dict of str to int
        By a student's id, the free late days that went into earlier assignments.
    """

    points: Mapping[str, float]
    kept: Mapping[str, float]
    bonus: frozenset[str] = frozenset()
    course: Course = field(default_factory=lambda: course(None))
    course_file: Path | None = None
    text: str = ""
    notices: tuple[str, ...] = ()
    days_used: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All exercises and questions, in the notebook's order."""
        return tuple(self.points)

    @property
    def exercises(self) -> tuple[str, ...]:
        """The columns of the exercises."""
        return tuple(name for name in self.points if name in self.course.assignment.by_function)

    @property
    def questions(self) -> tuple[str, ...]:
        """The columns of the questions."""
        return tuple(name for name in self.points if name not in self.course.assignment.by_function)

    def score(self, record: Record, marks: Mapping[str, tuple[float, str]]) -> dict[str, float | None]:
        """Return the points by column, in the notebook's order; None for an answer that is not marked yet.

        Parameters
        ----------
        record : Record
            Of a submission.
        marks : dict of str to (float, str)
            By question, points and comment for its student.
        """
        exercises = self.exercises
        return {
            name: self._for_exercise(record, name) if name in exercises else self._for_answer(record, name, marks)
            for name in self.points
        }

    def total(self, columns: Mapping[str, float | None]) -> float:
        """Return the sum of what score() returned, with the bonus, rounded to 2 decimals; what is not marked yet counts 0."""
        return round(sum(points for points in columns.values() if points is not None), 2)

    def bonus_of(self, columns: Mapping[str, float | None]) -> float:
        """Return the part of total() that is bonus."""
        return self.total({name: points for name, points in columns.items() if name in self.bonus})

    def days_late(self, record: Record) -> int | None:
        """Return how many days late a submission is; None if that is not known, or if the course does not say when it is due."""
        return late_days.days_late(record, self.course.late) if self.course.late else None

    def deduction(self, record: Record, columns: Mapping[str, float | None]) -> Deduction | None:
        """Return what a submission loses for being late; None if it is not late. columns: what score() returned."""
        if self.course.late is None:
            return None
        return late_days.deduction(record, self.course.late, self.days_used, self.total(columns), self.full_marks())

    def final_total(self, record: Record, columns: Mapping[str, float | None]) -> float:
        """Return total() without what is deducted for late days: the points that a student gets. Never below 0."""
        lost = self.deduction(record, columns)
        return round(self.total(columns) + (lost.points if lost else 0.0), 2)

    def full_marks(self, names: Iterable[str] | None = None) -> float:
        """Return the points of columns, by default of all, without the bonus."""
        return math.fsum(self.points[name] for name in names or self.points if name not in self.bonus)

    def most_bonus(self, names: Iterable[str] | None = None) -> float:
        """Return the points of those columns, by default of all, that give a bonus."""
        return math.fsum(self.points[name] for name in names or self.points if name in self.bonus)

    def _for_exercise(self, record: Record, name: str) -> float:
        result = record.result(name)
        if result.verdict is Verdict.RIGHT:
            return self.points[name]
        mistakes = set(result.mistakes) if result.verdict is Verdict.WRONG else set()
        if not mistakes or not result.explained:
            return 0.0
        return round(self.points[name] * math.prod(self.kept.get(mistake, 0.0) for mistake in mistakes), 2)

    def _for_answer(self, record: Record, name: str, marks: Mapping[str, tuple[float, str]]) -> float | None:
        if name in marks:
            return marks[name][0]
        return None if record.answer(name).strip() else 0.0


def load(path: Path | None = None, course_file: Path | None = None) -> Rubric:
    """Return the Rubric of a course and of an instructor.

    Parameters
    ----------
    path : Path or None
        A TOML file with a table [kept]; what it does not name is as in rubric.toml. A table [points] and a list `bonus`, which
        belong in the course's file now, still count; they name an exercise by its key or by its function.
    course_file : Path or None
        The course's own file; None for the assignment as the kit has it.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If one is not what it should be; the message names file and key.
    """
    own_course = course(course_file)
    columns = {column(task): task for task in own_course.assignment.tasks}
    points = {name: task.points for name, task in columns.items()}
    bonus = {name for name, task in columns.items() if task.bonus}
    kept = _tables(DEFAULT)["kept"]
    own = _tables(path) if path else {}
    names = {task.key: name for name, task in columns.items()} | {name: name for name in columns}
    if unknown := own.keys() - {"points", "bonus", "kept"}:
        raise ValueError(f"{path}: {sorted(unknown)[0]} is not known; expected [kept], with a line for each name of a mistake.")
    for table in ("points", "kept"):
        if not isinstance(own.get(table, {}), dict):
            raise ValueError(f"{path}: {table} is {own[table]!r}; expected a table, [{table}], with a line for each name.")
    if twice := sorted(own_course.questions.keys() & own.get("points", {})):
        raise ValueError(
            f"{path}: [points] names {twice[0]}, whose points are in [{twice[0]}] of {course_file}; take it out of [points]."
        )
    if path:
        points |= _own_points(path, own.get("points", {}), names)
    for name, value in own.get("kept", {}).items():
        _require_known(path, "[kept]", name, kept)
        kept[name] = _fraction(path, name, value)
    if "bonus" in own:
        bonus = set(_bonus(path, own["bonus"], names))
    notices = (f"{path}: {MOVED}.",) if own.keys() & {"points", "bonus"} else ()
    kept = {name: float(fraction) for name, fraction in kept.items()}
    text = path.read_text(encoding="utf-8") if path else ""
    return Rubric(points, kept, frozenset(bonus), own_course, course_file, text, notices)


def column(task: Exercise | Question) -> str:
    """Return the name of a task's column in the files that people and learning platforms import."""
    return task.function if isinstance(task, Exercise) else task.key


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # TOML or UTF-8 that is neither
        raise ValueError(f"{path} is not a TOML file: {error}") from None


def _require_known(path: Path | None, place: str, name: object, known: Mapping[str, Any]) -> None:
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{path}: {place} {name!r} is not known; expected one of {', '.join(known)}.")


def _own_points(path: Path, given: Mapping[str, object], names: Mapping[str, str]) -> dict[str, float]:
    """Return the points by column that an instructor's file gives."""
    points = {}
    for name, value in given.items():
        _require_known(path, "[points]", name, names)
        points[names[name]] = points_of(path, "points", value, name)
    return points


def _bonus(path: Path | None, listed: object, names: Mapping[str, str]) -> list[str]:
    if not isinstance(listed, list):
        raise ValueError(f"{path}: bonus = {listed!r}; expected a list of exercises and questions.")
    for name in listed:
        _require_known(path, "bonus:", name, names)
    return [names[name] for name in listed]


def _fraction(path: Path | None, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{path}: [kept] {name} = {value!r}; expected a fraction from 0 to 1.")
    return float(value)

"""What the points say about the tasks: how hard each was, and whether it separates those who did well elsewhere from others."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...checks.report import Verdict
from .marks import Points
from .records import Record, State

SMALLEST_CLASS = 20  # students without whom a correlation is mostly chance


@dataclass(frozen=True)
class Item:
    """What a class's points say about one task.

    Parameters
    ----------
    students : int
        Who count: all whose submission could be read; of what gives a bonus, those who tried it.
    fraction : float or None
        The mean fraction of the task's points, its difficulty; None until all of these students have their points.
    discrimination : float or None
        The corrected item-total correlation: Pearson's, between the points for the task and those for all other tasks that give
        no bonus and have all their points. None with fewer than SMALLEST_CLASS students, or where all have the same points.
    """

    students: int
    fraction: float | None = None
    discrimination: float | None = None


def items(records: Sequence[Record], rubric: Any, all_columns: Mapping[str, Points]) -> dict[str, Item]:
    """Return the Item of each column of a rubric. all_columns: {student: what rubric.score() gave}."""
    read = [record for record in records if record.verdict is State.GRADED]
    complete = [
        name
        for name in rubric.columns
        if name not in rubric.bonus and all(all_columns[record.student][name] is not None for record in read)
    ]
    return {name: _item(name, read, rubric, all_columns, complete) for name in rubric.columns}


def _item(name: str, read: Sequence[Record], rubric: Any, all_columns: Mapping[str, Points], complete: Collection[str]) -> Item:
    columns = [all_columns[record.student] for record in read if name not in rubric.bonus or tried(record, name)]
    own = [points for one in columns if (points := one[name]) is not None]
    if not own or len(own) < len(columns) or not rubric.points[name]:
        return Item(len(columns))
    others = [sum(points[other] or 0.0 for other in complete if other != name) for points in columns]
    return Item(len(own), statistics.fmean(own) / rubric.points[name], _correlation(own, others))


def tried(record: Record, name: str) -> bool:
    """Return whether a student tried an exercise, or answered a question."""
    if name.startswith("question-"):
        return bool(record.answer(name).strip())
    return record.result(name).verdict not in (Verdict.MISSING, Verdict.UNFINISHED)


def _correlation(own: Sequence[float], others: Sequence[float]) -> float | None:
    if len(own) < SMALLEST_CLASS or min(own) == max(own) or min(others) == max(others):
        return None
    return statistics.correlation(own, others)

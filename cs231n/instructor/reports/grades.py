"""grades.csv and intake.csv: what an instructor opens in a spreadsheet."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from .absent import NO_SUBMISSION
from .marks import Points
from .records import Record
from .safe import plain
from .spreadsheets import id_cell, table, text_cell

LATE_AT_UNKNOWN_TIME = "late"  # in the column late_days, where the platform does not say when


def grades_table(records: list[Record], rubric: Any, all_columns: dict[str, Points], absent: Iterable[Any]) -> list[list[str]]:
    """Return the rows of grades.csv: a header, the records, and the Persons who handed in nothing, without points.

    Each member of a group has a row. Late days and what they cost have columns where the course says when the work is due.
    """
    columns = (*rubric.exercises, *rubric.questions)
    late = ("late_days", "deduction") if rubric.course.late else ()
    group = ("group",) if any(record.members for record in records) else ()
    header = ["student", "name", *group, *columns, "bonus", *late, "total", "verdict", "mistakes", "note", "submission"]
    nothing = [""] * (len(group) + len(columns) + len(late) + 2)
    missing = [[id_cell(person.id), _cell(person.name), *nothing, NO_SUBMISSION, "", "", ""] for person in absent]
    rows = []
    for record in records:
        people = [(member.student, member.name) for member in record.members] or [(record.student, record.name)]
        of_group = [id_cell(record.student) if record.members else ""] * len(group)
        graded = _graded_cells(record, rubric, all_columns[record.student])
        rows += [[id_cell(student), _cell(name), *of_group, *graded] for student, name in people]
    return [header, *rows, *missing]


def _graded_cells(record: Record, rubric: Any, columns: Points) -> list[str]:
    points = [columns[name] for name in (*rubric.exercises, *rubric.questions)]
    mistakes = [f"{name}: {' '.join(result.mistakes)}" for name, result in record.exercises.items() if result.mistakes]
    return [
        *map(_number, (*points, rubric.bonus_of(columns))),
        *(_late_cells(record, rubric, columns) if rubric.course.late else ()),
        _number(rubric.final_total(record, columns)),
        *map(_cell, (record.verdict.value, " | ".join(mistakes), record.note, record.submission)),
    ]


def _late_cells(record: Record, rubric: Any, columns: Points) -> list[str]:
    """Return how many days late a submission is and what that costs; who is late at an unknown time has a word."""
    days, lost = rubric.days_late(record), rubric.deduction(record, columns)
    return [LATE_AT_UNKNOWN_TIME if days is None and record.late else _number(days), _number(abs(lost.points) if lost else 0)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _cell(text: str) -> str:
    return text_cell(plain(text, 2000))


def write_intake(path: Path, files: Iterable[Any]) -> None:
    """Write intake.csv: a line for every File below SUBMISSIONS."""
    rows = [[_cell(file.path), id_cell(file.student), "yes" if file.counted else "no", _cell(file.why)] for file in files]
    write_whole(path, "\ufeff" + table([["file", "student", "counted", "why"], *rows]))

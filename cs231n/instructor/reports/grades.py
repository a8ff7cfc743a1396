"""grades.csv and intake.csv: what an instructor opens in a spreadsheet."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from .marks import Points
from .records import Record
from .safe import plain
from .spreadsheets import id_cell, table, text_cell

NO_SUBMISSION = "no submission"  # the verdict in grades.csv on those of a roster who handed in nothing


def grades_table(records: list[Record], rubric: Any, all_columns: dict[str, Points], absent: Iterable[Any]) -> list[list[str]]:
    """Return the rows of grades.csv: a header, the records, and the Persons who handed in nothing, without points."""
    columns = (*rubric.exercises, *rubric.questions)
    header = ["student", "name", *columns, "bonus", "total", "verdict", "mistakes", "note", "submission"]
    nothing = [""] * (len(columns) + 2)
    missing = [[id_cell(person.id), _cell(person.name), *nothing, NO_SUBMISSION, "", "", ""] for person in absent]
    return [header, *(_grades_row(record, rubric, all_columns[record.student]) for record in records), *missing]


def _grades_row(record, rubric, columns):
    points = [columns[name] for name in (*rubric.exercises, *rubric.questions)]
    mistakes = [f"{name}: {' '.join(result.mistakes)}" for name, result in record.exercises.items() if result.mistakes]
    return [
        id_cell(record.student),
        _cell(record.name),
        *("" if value is None else f"{value:g}" for value in (*points, rubric.bonus_of(columns), rubric.total(columns))),
        *map(_cell, (record.verdict.value, " | ".join(mistakes), record.note, record.submission)),
    ]


def _cell(text):
    return text_cell(plain(text, 2000))


def write_intake(path: Path, files: Iterable[Any]) -> None:
    """Write intake.csv: a line for every File below SUBMISSIONS."""
    rows = [[_cell(file.path), id_cell(file.student), "yes" if file.counted else "no", _cell(file.why)] for file in files]
    write_whole(path, "\ufeff" + table([["file", "student", "counted", "why"], *rows]))

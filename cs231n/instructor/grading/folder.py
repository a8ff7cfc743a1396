"""The folder GRADES: the rows that are there, and what became of those whose submission is gone."""

import os
from dataclasses import replace
from pathlib import Path

from ..reports import marks as marks_files
from ..reports import records
from ..reports.records import Record
from ..reports.safe import file_name
from .found_files import named
from .owners import Submission
from .rubric import Rubric


def set_aside(out: Path, found: list[Submission]) -> list[str]:
    """Move the rows of students who have no submission any more into rows/gone, and back those of whom there is one again.

    Returns a sentence on those who are gone, in a list, or []. Their feedback pages go; their marks stay in the marks files.
    """
    rows, gone = out / "rows", out / "rows" / marks_files.GONE
    here = {f"{file_name(submission.student)}.json" for submission in found}
    for path in sorted(gone.glob("*.json")):
        if path.name in here and not (rows / path.name).exists():
            os.replace(path, rows / path.name)
    left = [path for path in sorted(rows.glob("*.json")) if path.name not in here]
    for path in left:
        gone.mkdir(exist_ok=True)
        os.replace(path, gone / path.name)
        (out / "feedback" / f"{path.stem}.html").unlink(missing_ok=True)
    if not left:
        return []
    students = {f"{file_name(record.student)}.json": record.student for record in records.read_all(gone)}
    names = [students.get(path.name, path.stem) for path in left]
    return [
        f"{named(names)}: results from an earlier run, but no submission now. They are no longer in the grades; their results "
        f"are kept in {gone}, and their marks stay in marking/. If only the ids have changed (through --roster), change them in "
        "marking/*.csv."
    ]


def kept_row(rows: Path, submission: Submission, rubric: Rubric) -> Record | None:
    """Return the record of an earlier run, if it is of the same bytes, exercises and questions, else None.

    What is known of a submission without opening it (names, times, a group's members) is brought up to date, also on the disk.
    """
    path = rows / f"{file_name(submission.student)}.json"
    try:
        record = records.read(path)
    except (OSError, ValueError):
        return None
    same = record.sha256 == submission.sha256() and record.student == submission.student
    if not same or set(record.exercises) != set(rubric.exercises) or set(record.answers) != set(rubric.questions):
        return None
    current = replace(record, **submission.as_told())
    if current != record:
        write_row(rows, current)
    return current


def write_row(rows: Path, record: Record) -> None:
    records.write(rows / f"{file_name(record.student)}.json", record)

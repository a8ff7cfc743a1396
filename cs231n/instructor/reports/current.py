"""Whether grades.csv and the feedback pages say what the results and the marks say now.

GRADES/current.json has a hash for each student of what the pages were made from.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from .marks import Marks, Points
from .records import Record, as_json

NAME = "current.json"


def write(folder: Path, records: Sequence[Record], all_columns: Mapping[str, Points], marks: Marks, rubric: Any) -> None:
    """Remember what the pages in a folder were made from. all_columns: {student: points by column}. Raises NotWritten."""
    write_whole(folder / NAME, json.dumps(_hashes(records, all_columns, marks, rubric), indent=1))


def outdated(folder: Path, records: Sequence[Record], all_columns: Mapping[str, Points], marks: Marks, rubric: Any) -> list[str]:
    """Return the students whose results, points, comments or deductions changed since the pages in a folder were made, sorted.

    That is everybody where the folder does not say what they were made from.
    """
    try:
        before = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        before = {}
    now = _hashes(records, all_columns, marks, rubric)
    known = before if isinstance(before, dict) else {}
    return sorted(student for student in {*known, *now} if known.get(student) != now.get(student))


def _hashes(records: Sequence[Record], all_columns: Mapping[str, Points], marks: Marks, rubric: Any) -> dict[str, str]:
    found = {}
    for record in records:
        columns, own_marks = all_columns[record.student], marks.get(record.student, {})
        lost = rubric.deduction(record, columns)
        told = [as_json(record), columns, own_marks, *([dataclasses.asdict(lost)] if lost else [])]
        found[record.student] = _hash(told)
    return found


def _hash(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()

"""Whether grades.csv and the feedback pages say what the results and the marks say now.

GRADES/current.json has a hash for each student of what the pages were made from.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from .marks import Mark, Marks
from .records import Record, as_json

NAME = "current.json"


def write(folder: Path, records: Sequence[Record], rubric: Any, marks: Marks) -> None:
    """Remember what the pages in a folder were made from. Raises NotWritten."""
    write_whole(folder / NAME, json.dumps(_hashes(records, rubric, marks), indent=1))


def outdated(folder: Path, records: Sequence[Record], rubric: Any, marks: Marks) -> list[str]:
    """Return the students whose results, points or comments have changed since the pages in a folder were made, sorted.

    That is everybody where the folder does not say what they were made from.
    """
    try:
        before = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        before = {}
    now = _hashes(records, rubric, marks)
    known = before if isinstance(before, dict) else {}
    return sorted(student for student in {*known, *now} if known.get(student) != now.get(student))


def _hashes(records: Sequence[Record], rubric: Any, marks: Marks) -> dict[str, str]:
    return {record.student: _hash(record, rubric, marks.get(record.student, {})) for record in records}


def _hash(record: Record, rubric: Any, marks: Mapping[str, Mark]) -> str:
    columns = rubric.score(record, marks)
    told = [as_json(record), columns, rubric.final_total(record, columns), str(rubric.deduction(record, columns)), marks]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()

"""Which points for answers are in the grades already: a change of one of them is a regrade."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from .records import Record
from .spreadsheets import Ids, read_table

Graded = Mapping[tuple[str, str], float]  # by student and question


def graded_points(path: Path, records: Sequence[Record], questions: Collection[str]) -> dict[tuple[str, str], float]:
    """Return {(student, question): points} of grades.csv, where it has any; {} if there is no such file.

    The points of a group are those of any of its members; the column `group` of grades.csv names it. Raises ValueError, with
    file and line, if it is not a table.
    """
    if not path.exists():
        return {}
    _, header, lines = read_table(path)
    if "student" not in header:
        raise ValueError(f"{path}, line 1: the columns are {', '.join(header)!r}; expected one that is called student.")
    groups = {name: record.student for record in records for name in (record.student, *_members(record))}
    ids = Ids(list(groups))
    found = {}
    for _, cells in lines:
        row = dict(zip(header, cells, strict=True))
        name = ids.find(row.get("group", "")) or ids.find(row["student"])
        for question in questions:
            if name is not None and (points := _number(row.get(question, ""))) is not None:
                found[groups[name], question] = points
    return found


def _members(record: Record) -> list[str]:
    return [member.student for member in record.members]


def _number(cell: str) -> float | None:
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return None

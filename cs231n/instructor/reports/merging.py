"""A mark in two places, the row that a person may fill in and the journal of the browser: which of the two counts.

As in version control, both are compared with what they were when they last agreed. The one that has changed since counts. If
both have, and differ, that is a conflict, which a person decides; until then the journal counts. It is a conflict, too, if a row
says what the journal said earlier, before a marker changed it: a spreadsheet that was open all the while and is saved then looks
like that.
"""

import enum
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from .items import item_id
from .journal import Entry, Mark, Standing
from .records import Record
from .spreadsheets import text_cell, unguarded

AGREED = "agreed.json"  # in the folder of the journals


class Side(enum.Enum):
    """Which of the two counts."""

    SAME = enum.auto()
    FILE = enum.auto()
    JOURNAL = enum.auto()
    CONFLICT = enum.auto()


@dataclass(frozen=True)
class Agreed:
    """What both said when they were last brought together. answer: the hash of the answer that it was about."""

    answer: str
    file: Mark | None = None
    journal: Mark | None = None


@dataclass(frozen=True)
class Conflict:
    """A row of a marks file that says something else than the journal. entry: the journal's mark, None for none."""

    question: str
    student: str
    file: Mark | None
    journal: Mark | None
    entry: Entry | None

    def __str__(self) -> str:
        """Return a sentence."""
        return (
            f"{self.student}, {self.question}: {_words(self.file)} in the marks file, {_words(self.journal)} in the browser. "
            "Until you decide between them on the marking page, what was given in the browser counts."
        )


def _words(mark: Mark | None) -> str:
    return "no points" if mark is None else f"{mark[0]:g} points{f' ({mark[1][:100]})' if mark[1] else ''}"


@dataclass
class Merged:
    """What the marks for one question come to.

    marks: what counts, by student. to_file, to_journal: what the other side is to take over; None takes a mark back. agreed: by
    student, once that is done.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    to_file: dict[str, Mark | None] = field(default_factory=dict)
    to_journal: dict[str, Mark | None] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    agreed: dict[str, Agreed] = field(default_factory=dict)


def merged(
    question: str,
    records: Sequence[Record],
    hashes: Mapping[str, str],
    rows: Mapping[str, Mark],
    standing: Standing,
    agreed: Mapping[str, Agreed],
    most: float,
) -> Merged:
    """Return what the marks for a question come to.

    Parameters
    ----------
    hashes : dict of str to str
        By student, that of the answer, see marks.answer_hash.
    rows : dict of str to (float, str)
        By student, the marks in the marks file for the present answers.
    standing : Standing
        What the journals say.
    agreed : dict of str to Agreed
        By student, from the last time.
    most : float
        The points of the question.
    """
    result = Merged()
    for record in records:
        student, item = record.student, item_id(record, question)
        heads = standing.heads(question, item, student)
        entry = standing.counting(question, item, student, most)
        row, journal = rows.get(student), entry.mark if entry else None
        base = agreed.get(student)
        if row is None and journal is None and base is None:
            continue
        if base is None or base.answer != hashes[student]:
            base = Agreed(hashes[student])
        by_hand = bool(heads) and heads[0].only
        side = newer(base, row, journal, () if by_hand else standing.earlier(question, item, student))
        counts = row if side is Side.FILE else journal
        if counts is not None:
            result.marks[student] = counts
        if side is Side.FILE:
            result.to_journal[student] = row
        elif side is Side.JOURNAL:
            result.to_file[student] = journal
        elif side is Side.CONFLICT:
            result.conflicts.append(Conflict(question, student, row, journal, entry))
        result.agreed[student] = base if side is Side.CONFLICT else Agreed(hashes[student], in_file(counts), counts)
    return result


def newer(base: Agreed, row: Mark | None, journal: Mark | None, earlier: Iterable[Mark | None]) -> Side:
    """Return which of two marks counts. base: what they were when they agreed. earlier: what the journal said before."""
    if row == in_file(journal):
        return Side.SAME
    if row == base.file:
        return Side.JOURNAL
    if journal != base.journal or row in [in_file(mark) for mark in earlier]:
        return Side.CONFLICT
    return Side.FILE


def in_file(mark: Mark | None) -> Mark | None:
    """Return a mark as it comes back from a marks file: in one line, with a comma for a semicolon."""
    return None if mark is None else (float(f"{mark[0]:g}"), unguarded(text_cell(mark[1])))


def read_agreed(folder: Path) -> dict[str, dict[str, Agreed]]:
    """Return {question: {student: Agreed}} of a folder of journals; what is not there was never agreed upon."""
    try:
        told = json.loads((folder / AGREED).read_text(encoding="utf-8"))
        return {
            question: {student: Agreed(one["answer"], _mark(one["file"]), _mark(one["journal"])) for student, one in rows.items()}
            for question, rows in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # then marks that differ are conflicts: nothing is decided on the strength of a damaged file


def write_agreed(folder: Path, agreed: Mapping[str, Mapping[str, Agreed]]) -> None:
    """Keep what read_agreed() returns. Raises NotWritten."""
    told = {
        question: {student: {"answer": one.answer, "file": one.file, "journal": one.journal} for student, one in rows.items()}
        for question, rows in agreed.items()
    }
    write_whole(folder / AGREED, json.dumps(told, indent=0), durable=True)


def _mark(told: Any) -> Mark | None:
    return None if told is None else (float(told[0]), str(told[1]))


def students_of(conflicts: Collection[Conflict], question: str) -> set[str]:
    """Return the students whose marks for a question contradict each other."""
    return {conflict.student for conflict in conflicts if conflict.question == question}

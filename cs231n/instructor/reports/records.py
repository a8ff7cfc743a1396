"""What grading one submission yields: a Record. It travels through the pages, nbgrader's gradebook and Gradescope's results.

In GRADES each record is a JSON file, rows/STUDENT.json, which is read and written here alone.
"""

import contextlib
import dataclasses
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...checks.report import Verdict
from ...whole_file import write_whole


class State(str, enum.Enum):
    """What became of a submission."""

    GRADED = "graded"
    UNREADABLE = "unreadable"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Result:
    """What was found about one exercise of a submission.

    Parameters
    ----------
    verdict : Verdict
        What became of it.
    mistakes : tuple of str
        The names of its mistakes, as cs231n/checks/README.md explains them, sorted.
    notes : tuple of str
        The names of its notes, sorted.
    explained : bool
        Whether the mistakes are all that is wrong, as far as is known; a wrong answer that is not explained earns nothing.
    look : str
        A sentence on why an instructor should look at it, or "".
    message : str
        All that the student is told, as a plain text.
    seconds : float
        That it took.
    evidence : tuple of str or None
        Of the message, the sentences on what the grader saw; None in the row of an earlier kit, which only has the message.
    reported : tuple of str
        Of the message, the sentences of the process that ran the student's code, which can say what it likes: of the student's
        own check, or why the code could not be loaded.
    """

    verdict: Verdict
    mistakes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    explained: bool = True
    look: str = ""
    message: str = ""
    seconds: float = 0.0
    evidence: tuple[str, ...] | None = None
    reported: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """One of a group that handed in together.

    Parameters
    ----------
    student : str
        The key of a row in grades.csv.
    name : str
        For people.
    ids : tuple of str
        By which a roster or a learning platform knows the student.
    """

    student: str
    name: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """What grading one submission yields.

    Parameters
    ----------
    student : str
        The key, unique in a class.
    name : str
        For people.
    submission : str
        The path of the file that counts, below the folder of submissions.
    sha256 : str
        Of the bytes that were graded.
    earlier : tuple of str
        Paths of attempts that do not count.
    verdict : State
        Whether it could be read.
    note : str
        Sentences on what an instructor should know, or "".
    exercises : dict of str to Result
        By the name of the exercise's function.
    answers : dict of str to str
        By question ("question-1"), the Markdown that the student wrote; "" where there is none.
    answer_notes : dict of str to str
        By question, a sentence on where the answer was found, where that is to be said.
    answer_pictures : dict of str to list of str
        By question, the PNG pictures in the answer, in base64.
    figures : dict of str to list of str
        By cell of the reference notebook, the PNG pictures in the student's cell, in base64.
    isolation : str
        The sentence that it was graded without isolation, or "".
    platform : str
        The learning platform whose export it came from ("Canvas", "Moodle" ...), or "".
    ids : tuple of str
        By which a roster or the platform knows the student.
    members : tuple of Member
        Of a group, whose every member gets these grades; empty for one student's own work.
    handed_in : str
        When the attempt that counts was handed in, in ISO 8601 (2026-10-05T23:59:00, with an offset where it is known), or "".
    late : bool or None
        Whether the platform calls it late; None where it does not say.
    sources : dict of str to str
        By the name of the exercise's function, the student's code that was judged, as it was written, with its comments.
    cell_ids : tuple of str
        The ids of the notebook's cells, in order.
    executed_at : tuple of str
        By cell, the time of its execution as the notebook stores it, or "".
    """

    student: str
    name: str
    submission: str
    sha256: str
    earlier: tuple[str, ...] = ()
    verdict: State = State.UNREADABLE
    note: str = ""
    exercises: Mapping[str, Result] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    answer_notes: Mapping[str, str] = field(default_factory=dict)
    answer_pictures: Mapping[str, list[str]] = field(default_factory=dict)
    figures: Mapping[str, list[str]] = field(default_factory=dict)
    isolation: str = ""
    platform: str = ""
    ids: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    handed_in: str = ""
    late: bool | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    cell_ids: tuple[str, ...] = ()
    executed_at: tuple[str, ...] = ()

    def result(self, exercise: str) -> Result:
        """Return the result of an exercise; one that is missing where the record has none."""
        return self.exercises.get(exercise, MISSING)

    def answer(self, question: str) -> str:
        """Return the answer to a question, "" if there is none."""
        return self.answers.get(question, "")


MISSING = Result(Verdict.MISSING)
ADDED = {"isolation", "platform", "ids", "members", "handed_in", "late", "sources", "cell_ids", "executed_at"}


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as it is written into GRADES; what a newer kit added is left out where there is nothing to say."""
    told = dataclasses.asdict(record)
    for result in told["exercises"].values():
        if result["evidence"] is None:
            del result["evidence"]
        if not result["reported"]:
            del result["reported"]
    return {key: value for key, value in told.items() if key not in ADDED or value not in ("", None, (), {})}


def from_json(told: Any) -> Record:
    """Return the record that as_json() gave, also that of an older kit, which said less.

    Raises
    ------
    ValueError
        If it is not a record; the message names what is wrong.
    """
    if not isinstance(told, dict):
        raise ValueError(f"a {type(told).__name__} is not a record; expected an object with the fields of a submission")
    fields = _known(told, Record)
    try:
        results = {name: _result(result) for name, result in fields.pop("exercises", {}).items()}
        state = State(fields.pop("verdict"))
        members = tuple(_member(member) for member in fields.pop("members", ()))
        lists: dict[str, Any] = {name: tuple(fields.pop(name, ())) for name in ("earlier", "ids", "cell_ids", "executed_at")}
        return Record(**fields, **lists, verdict=state, members=members, exercises=results)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks something of a record ({type(error).__name__}: {error})") from None


def _result(told: Any) -> Result:
    fields = _known(told, Result)
    lists: dict[str, Any] = {name: tuple(fields.pop(name, ())) for name in ("mistakes", "notes", "reported")}
    evidence = fields.pop("evidence", None)
    return Result(Verdict(fields.pop("verdict")), **lists, **fields, evidence=None if evidence is None else tuple(evidence))


def _member(told: Any) -> Member:
    fields = _known(told, Member)
    return Member(**{**fields, "ids": tuple(fields.get("ids", ()))})


def _known(told: dict[str, Any], kind: type) -> dict[str, Any]:
    """Return the fields that a dataclass has."""
    names = {one.name for one in dataclasses.fields(kind)}
    return {name: value for name, value in told.items() if name in names}


def read(path: Path) -> Record:
    """Return the record in a file. Raises OSError, and ValueError that names the file if it is not one."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} is not the record of a submission: {error}. Remove it, then grade with --resume.") from None


def read_all(rows: Path) -> list[Record]:
    """Return the records in a folder, one file each; what is not one, such as a damaged file, is left out."""
    found = []
    for path in sorted(rows.glob("*.json")):
        with contextlib.suppress(ValueError):
            found.append(read(path))
    return found


def write(path: Path, record: Record) -> None:
    """Write a record, and wait until the disk has it. Raises NotWritten."""
    write_whole(path, json.dumps(as_json(record), indent=1), durable=True)

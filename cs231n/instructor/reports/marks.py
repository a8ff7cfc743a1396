"""The marks files, GRADES/marking/question-N.csv: what a person gives, each mark for one answer.

A row has the hash of the answer that it is about. A student who hands in another answer is unmarked again; the old mark stays
to be seen in the column `before`.
"""

import collections
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from . import spreadsheets
from .records import Record, read_all

Mark = tuple[float, str]  # points, comment
Marks = dict[str, dict[str, Mark]]  # by student and question
Points = dict[str, float | None]  # by column; None for an answer that is not marked yet
Column = str | tuple[str, int]  # of a marks file: its name, with its place where an earlier one has this name, too
Row = dict[Column, str]
HEADER = ["student", "points", "comment", "answer", "before"]
NEEDED = {"student", "points", "comment"}
GONE = "gone"  # the folder in rows/ with the results of submissions that are not there any more


def answer_hash(record: Record, question: str) -> str:
    """Return what stands for a student's answer, and the pictures in it, in the marks file; spaces make no difference."""
    pictures = record.answer_pictures.get(question, [])
    text = "\0".join([" ".join(record.answer(question).split()), *pictures])
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


class MarksFile:
    """A marks file, with whatever columns and order of rows a person gave it."""

    def __init__(
        self, path: Path, delimiter: str = ",", header: Sequence[str] = HEADER, lines: Sequence[tuple[int, list[str]]] = ()
    ) -> None:
        self.path, self.delimiter = path, delimiter
        # a spreadsheet may leave several columns without a name
        self.header: list[Column] = [name if header.index(name) == i else (name, i) for i, name in enumerate(header)]
        self.lines = [line for line, _ in lines]
        self.rows: list[Row] = [dict(zip(self.header, cells, strict=True)) for _, cells in lines]
        self._before = self._text()

    @classmethod
    def read(cls, path: Path) -> "MarksFile":
        """Read a file. Raises ValueError, with file and line, if it is not a marks file."""
        delimiter, header, lines = spreadsheets.read_table(path)
        if not set(header) >= NEEDED:
            raise ValueError(f"{path}, line 1: the columns are {', '.join(header)!r}; expected {', '.join(HEADER[:3])}.")
        return cls(path, delimiter, header, lines)

    def put(self, row: Row, **cells: str) -> None:
        """Set cells of a row; a column that the file has not yet is added."""
        self.header += [name for name in cells if name not in self.header]
        row.update(cells)

    def add(self, student: str, **cells: str) -> None:
        self.rows.append({"student": spreadsheets.id_cell(student)})
        self.put(self.rows[-1], **cells)

    def save(self) -> None:
        """Write the file if something has changed: what a person wrote keeps its bytes otherwise."""
        if not self.path.exists() or self._text() != self._before:
            write_whole(self.path, "\ufeff" + self._text())

    def _text(self) -> str:
        rows = ([row.get(name, "") for name in self.header] for row in self.rows)
        names = [name[0] if isinstance(name, tuple) else name for name in self.header]
        return spreadsheets.table([names, *rows], self.delimiter)


def update(path: Path, records: list[Record], order: list[str]) -> dict[str, str]:
    """Bring the marks file of a question (question-1.csv: that of question-1) up to date with the answers.

    order: the students who answered, in the order of the marking page; those who have no row get one. Rows of students who are
    not there stay as they are. Returns {student: the old mark in words} for answers that were marked before they changed.
    Raises ValueError, and leaves the file as it is, if it is not a marks file.
    """
    path = Path(path)
    question = path.stem
    file = MarksFile.read(path) if path.exists() else MarksFile(path)
    hashes = {record.student: answer_hash(record, question) for record in records}
    ids = spreadsheets.Ids(list(hashes))
    seen: dict[str, Row] = {}
    for row in file.rows:
        student = ids.find(row["student"])
        if student is None:
            continue
        seen[student] = row
        if row.get("answer", "") != hashes[student]:
            file.put(row, **_unmarked(row), answer=hashes[student])
    for student in order:
        if student not in seen:
            file.add(student, points="", comment="", answer=hashes[student], before="")
    file.save()
    return {student: row["before"] for student, row in seen.items() if row.get("before") and not row["points"].strip()}


def _unmarked(row: Row) -> dict[str, str]:
    """Return the cells of a row whose answer has changed; a row that says of no answer is about the one that is there."""
    if not row.get("answer") or not (row["points"].strip() or row["comment"].strip()):
        return {}
    points = f"{row['points'].strip()} points" if row["points"].strip() else "no points"
    comment = spreadsheets.unguarded(row["comment"])
    before = f"{points} for an earlier answer{': ' if comment else ''}{comment}"
    return {"points": "", "comment": "", "before": spreadsheets.text_cell(before)}


def read(folder: Path, rubric: Any, expected: Collection[str] = ()) -> Marks:
    """Return {student: {question: (points, comment)}} of the marks in folder/marking that are given for the present answers.

    What has no points is left out, and so are students whose results were set aside, and those who are `expected`: they are to
    be graded, perhaps again. Comma, semicolon and tab divide cells; 2,5 is 2.5. Raises ValueError, with file and line, for a
    student who has no row in folder/rows or is there twice, and for points that are not a number from 0 to what the question
    gives.
    """
    marks: Marks = collections.defaultdict(dict)
    for question, student, mark, is_current in _given(Path(folder), rubric, expected):
        if is_current:
            marks[student][question] = mark
    return dict(marks)


def outdated(folder: Path, rubric: Any) -> list[tuple[str, str, float]]:
    """Return [(student, question, points)] of the marks in folder/marking that were given for an answer that has changed."""
    found = _given(Path(folder), rubric)
    return [(student, question, mark[0]) for question, student, mark, is_current in found if not is_current]


def _given(folder: Path, rubric: Any, expected: Collection[str] = ()) -> Iterator[tuple[str, str, Mark, bool]]:
    """Yield (question, student, (points, comment), whether it is for the present answer) of all rows with points."""
    here = {record.student: record for record in read_all(folder / "rows")}
    gone = [record.student for record in read_all(folder / "rows" / GONE)]
    ids, old_ids = spreadsheets.Ids(list(here)), spreadsheets.Ids([*gone, *(one for one in expected if one not in here)])
    damaged = {path.stem for path in (folder / "rows").glob("*.json")} - here.keys()  # these are graded again
    for question in rubric.questions:
        path = folder / "marking" / f"{question}.csv"
        lines: dict[str, int] = {}
        file = MarksFile.read(path) if path.exists() else MarksFile(path)
        for line, row in zip(file.lines, file.rows, strict=True):
            found, points = ids.find(row["student"]), row["points"].strip()
            if found is None and (old_ids.find(row["student"]) is not None or spreadsheets.unguarded(row["student"]) in damaged):
                continue
            student = _one_student(path, line, row["student"], found, lines)
            lines[student] = line
            if points:
                mark = _points(path, line, student, points, rubric.points[question]), spreadsheets.unguarded(row["comment"])
                yield question, student, mark, row.get("answer", "") in ("", answer_hash(here[student], question))


def _one_student(path: Path, line: int, cell: str, student: str | None, lines: Mapping[str, int]) -> str:
    """Return the student of a row. Raises ValueError if there is none, or one who is in an earlier line, too."""
    if student is None:
        raise ValueError(
            f"{path}, line {line}: there is no submission of {cell!r}. Spell the name as grades.csv does (a spreadsheet "
            "may have changed it: 0012 becomes 12; with --roster students have the roster's ids), or remove the line."
        )
    if student in lines:
        raise ValueError(f"{path}, line {line}: {student} is in line {lines[student]}, too. Remove one of the two.")
    return student


def _points(path: Path, line: int, student: str, points: str, most: float) -> float:
    if not re.fullmatch(r"\d+([.,]\d*)?", points, re.ASCII) or float(points.replace(",", ".")) > most:
        raise ValueError(
            f"{path}, line {line}: the points of {student} are {points!r}; expected a number from 0 to {most:g}, "
            "or nothing as long as the answer is not marked."
        )
    return float(points.replace(",", "."))


def fill(path: Path, records: list[Record], marks: dict[str, Mark]) -> None:
    """Write marks, {student: (points, comment)}, into a marks file whose rows of these students have no points yet."""
    file = MarksFile.read(path)
    hashes = {record.student: answer_hash(record, path.stem) for record in records}
    ids = spreadsheets.Ids(list(hashes))
    rows = {ids.find(row["student"]): row for row in file.rows}
    for student, (number, words) in marks.items():
        points = f"{number:g}".replace(".", "," if file.delimiter == ";" else ".")
        comment = spreadsheets.text_cell(words)
        if student in rows:
            comment = comment or rows[student]["comment"]
            file.put(rows[student], points=points, comment=comment, answer=hashes[student])
        else:
            file.add(student, points=points, comment=comment, answer=hashes[student])
    file.save()

"""The marks files, GRADES/marking/question-N.csv: what a person gives, each mark for one answer.

A row has the hash of the answer that it is about. A student who hands in another answer is unmarked again; the old mark stays
to be seen in the column `before`. Marks that were given in the browser are in journals first (journal.py); merge() carries
each side's news over to the other, and read() sees both, whether that was done yet or not.
"""

import collections
import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from . import journal, merging, spreadsheets
from .graded import Graded, graded_points
from .items import item_id, items
from .journal import Entry, Journals, Kind, Mark
from .merging import Agreed, Conflict, Merged
from .records import Record, read_all
from .writing import in_turn

Marks = dict[str, dict[str, Mark]]  # by student and question
Points = dict[str, float | None]  # by column; None for an answer that is not marked yet
Column = str | tuple[str, int]  # of a marks file: its name, with its place where an earlier one has this name, too
Row = dict[Column, str]
HEADER = ["student", "points", "comment", "answer", "before"]
NEEDED = {"student", "points", "comment"}
BY_HAND = "+marks-files"  # the journal of what people type into marks files; no marker's name gives this file's
LOCK = "merging.lock"
REGRADES = "regrades.csv"
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
    with _in_turn(path):
        return _update(path, records, order)


@contextlib.contextmanager
def _in_turn(path: Path) -> Iterator[None]:
    """Hold the lock of the marks files, where there is a journal: without one, `grade` alone writes them."""
    journals = path.parent / journal.FOLDER
    with in_turn(journals / LOCK) if journals.is_dir() else contextlib.nullcontext():
        yield


def _update(path: Path, records: Sequence[Record], order: Sequence[str]) -> dict[str, str]:
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
    before = for_an_earlier_answer(row["points"].strip(), spreadsheets.unguarded(row["comment"]))
    return {"points": "", "comment": "", "before": spreadsheets.text_cell(before)}


def for_an_earlier_answer(points: str, comment: str) -> str:
    """Return the words on a mark for an answer that has changed since."""
    given = f"{points} {'point' if points == '1' else 'points'}" if points else "no points"
    return f"{given} for an earlier answer{': ' if comment else ''}{comment}"


def read(folder: Path, rubric: Any, expected: Collection[str] = ()) -> Marks:
    """Return {student: {question: (points, comment)}} of the marks that are given for the present answers: in folder/marking by
    a person, and in its journals in the browser; of a conflict the browser's.

    What has no points is left out, and so are students whose results were set aside, and those who are `expected`: they are to
    be graded, perhaps again. Comma, semicolon and tab divide cells; 2,5 is 2.5. Raises ValueError, with file and line, for a
    student who has no row in folder/rows or is there twice, and for points that are not a number from 0 to what the question
    gives.
    """
    marks: Marks = collections.defaultdict(dict)
    for question, one in _merged(Path(folder), rubric, read_all(Path(folder) / "rows"), expected).items():
        for student, mark in one.marks.items():
            marks[student][question] = mark
    return dict(marks)


def conflicts(folder: Path, rubric: Any, records: Sequence[Record] | None = None) -> list[Conflict]:
    """Return the rows in which a person and the browser contradict each other. Raises ValueError as read() does."""
    found = _merged(Path(folder), rubric, read_all(Path(folder) / "rows") if records is None else records)
    return [conflict for one in found.values() for conflict in one.conflicts]


def outdated(folder: Path, rubric: Any) -> list[tuple[str, str, float]]:
    """Return [(student, question, points)] of the marks in folder/marking that were given for an answer that has changed."""
    here = read_all(Path(folder) / "rows")
    found = _given(Path(folder), rubric, here)
    return [(student, question, mark[0]) for question, student, mark, is_current in found if not is_current]


def _merged(folder: Path, rubric: Any, here: Sequence[Record], expected: Collection[str] = ()) -> dict[str, Merged]:
    """Return what the marks come to, by question."""
    rows: dict[str, dict[str, Mark]] = {question: {} for question in rubric.questions}
    for question, student, mark, is_current in _given(folder, rubric, here, expected):
        if is_current:
            rows[question][student] = mark
    journals = Journals(folder / "marking" / journal.FOLDER)
    if not journals.folder.is_dir():
        return {question: Merged(marks) for question, marks in rows.items()}
    journals.refresh()
    agreed = merging.read_agreed(journals.folder)
    return {
        question: merging.merged(
            question,
            here,
            {record.student: answer_hash(record, question) for record in here},
            rows[question],
            journals.standing,
            agreed.get(question, {}),
            rubric.points[question],
        )
        for question in rubric.questions
    }


def merge(
    folder: Path,
    rubric: Any,
    records: Sequence[Record] | None = None,
    decided: Collection[tuple[str, str]] = (),
    expected: Collection[str] = (),
) -> list[Conflict]:
    """Carry news over between the marks files and the journals of the browser, both ways; return what contradicts each other.

    Without a mark there is nothing to do; the first one makes a journal, so that every later change is logged. records: those
    in folder/rows, which are read if they are not given. decided: the conflicts, as (question, student), in which the browser's
    mark is to replace the row. expected: as in read(). Raises ValueError, and changes nothing, if a marks file cannot be read;
    NotWritten.
    """
    folder = Path(folder)
    journals = Journals(folder / "marking" / journal.FOLDER)
    here = read_all(folder / "rows") if records is None else records
    if not journals.folder.is_dir():
        if next(_given(folder, rubric, here, expected), None) is None:
            return []
        journals.folder.mkdir(exist_ok=True)
    with in_turn(journals.folder / LOCK):
        list(_given(folder, rubric, here, expected))  # what is wrong in one file is said before another is written
        for question in rubric.questions:
            order = [student for item in items(question, here).values() for student in item.students]
            _update(folder / "marking" / f"{question}.csv", here, order)
        found = _merged(folder, rubric, here, expected)
        graded = graded_points(folder / "grades.csv", here, rubric.questions)
        journals.refresh()
        _take_over(journals, found, here, graded, folder)
        for question, one in found.items():
            told = {conflict.student: conflict.journal for conflict in one.conflicts if (question, conflict.student) in decided}
            _put(folder / "marking" / f"{question}.csv", here, one.to_file | told)
            hashes = {record.student: answer_hash(record, question) for record in here}
            one.agreed |= {name: Agreed(hashes[name], merging.in_file(mark), mark) for name, mark in told.items()}
            one.conflicts = [conflict for conflict in one.conflicts if conflict.student not in told]
        merging.write_agreed(journals.folder, {question: one.agreed for question, one in found.items()})
        journals.refresh()
        _write_regrades(folder / "marking" / REGRADES, journals)
    return [conflict for one in found.values() for conflict in one.conflicts]


def _take_over(journals: Journals, found: Mapping[str, Merged], here: Sequence[Record], graded: Graded, folder: Path) -> None:
    """Write what people typed into the marks files into a journal."""
    records = {record.student: record for record in here}
    entries = []
    for question, one in found.items():
        reasons = _reasons(folder / "marking" / f"{question}.csv", list(records)) if one.to_journal else {}
        for student, mark in one.to_journal.items():
            item = item_id(records[student], question)
            entries.append(
                Entry(
                    Kind.MARK,
                    question,
                    item,
                    f"{question}.csv",
                    (student,),
                    points=mark[0] if mark else None,
                    comment=mark[1] if mark else "",
                    replaces=tuple(head.id for head in journals.standing.heads(question, item, student)),
                    only=True,
                    **regraded(graded, student, question, mark, reasons.get(student) or f"changed in {question}.csv"),
                )
            )
    if entries:
        writer = journal.Writer(journals.folder / f"{BY_HAND}{journal.ENDING}")
        try:
            writer.append(entries)
        finally:
            writer.close()


def enter(
    folder: Path, rubric: Any, records: Sequence[Record], marks: Mapping[str, Mapping[str, Mark | None]], by: str
) -> list[Conflict]:
    """Put marks of another program, {question: {student: mark}}, instead of those that count; None takes one back.

    They are entered into a journal of their own and carried over to the marks files, and to the log of regrades where they
    change points that are in the grades. Returns and raises as merge() does.
    """
    folder = Path(folder)
    journals = Journals(folder / "marking" / journal.FOLDER)
    journals.folder.mkdir(parents=True, exist_ok=True)
    merge(folder, rubric, records)  # what a person typed is in a journal before something replaces it
    journals.refresh()
    graded = graded_points(folder / "grades.csv", records, rubric.questions)
    here = {record.student: record for record in records}
    entries = []
    for question, given in marks.items():
        for student, mark in given.items():
            item = item_id(here[student], question)
            heads = journals.standing.heads(question, item, student)
            points, comment = mark or (None, "")
            told = regraded(graded, student, question, mark, f"changed in {by}")
            replaces = tuple(head.id for head in heads)
            one = Entry(Kind.MARK, question, item, by, (student,), points=points, comment=comment, replaces=replaces, only=True)
            entries.append(dataclasses.replace(one, **told))
    writer = journal.Writer(journals.folder / f"+{by.lower()}{journal.ENDING}")
    try:
        writer.append(entries)
    finally:
        writer.close()
    return merge(folder, rubric, records)


def regraded(graded: Graded, student: str, question: str, mark: Mark | None, reason: str) -> dict[str, Any]:
    """Return what an Entry says of the grades, where its mark changes points that are in grades.csv, else {}."""
    old = graded.get((student, question))
    return {} if old is None or (mark is not None and mark[0] == old) else {"graded": old, "reason": reason}


def _reasons(path: Path, students: Collection[str]) -> dict[str, str]:
    """Return what a marks file's column `reason` says, if a person has made one."""
    ids = spreadsheets.Ids(students)
    return {
        student: spreadsheets.unguarded(row.get("reason", "")) for row in MarksFile.read(path).rows
        if (student := ids.find(row["student"]))
    }  # fmt: skip


def _write_regrades(path: Path, journals: Journals) -> None:
    """Write the log of the marks that were changed after they had been in the grades."""
    changes = list(journals.standing.changes())
    if not changes:
        return
    header = ["when", "by", "question", "student", "old", "new", "reason", "taken back"]
    rows = [
        [
            entry.when,
            spreadsheets.text_cell(entry.by),
            entry.question,
            spreadsheets.id_cell(student),
            f"{entry.graded:g}",
            "" if entry.points is None else f"{entry.points:g}",
            spreadsheets.text_cell(entry.reason),
            "yes" if entry.id in journals.standing.undone else "",
        ]
        for entry in changes
        for student in entry.students
    ]
    write_whole(path, "\ufeff" + spreadsheets.table([header, *rows]))


def _put(path: Path, records: Sequence[Record], marks: Mapping[str, Mark | None]) -> None:
    """Write marks, {student: (points, comment)}, over what a marks file has; None empties a row."""
    if not marks:
        return
    file = MarksFile.read(path)
    ids = spreadsheets.Ids([record.student for record in records])
    for row in file.rows:
        student = ids.find(row["student"])
        if student is not None and student in marks:
            mark = marks[student]
            # a comment that a person wrote before there were points stays, and is taken over by the next merge
            kept = row["comment"] if mark and not mark[1] and not row["points"].strip() else ""
            points = _as_cell(file, mark[0]) if mark else ""
            file.put(row, points=points, comment=spreadsheets.text_cell(mark[1]) or kept if mark else "")
    file.save()


def _as_cell(file: MarksFile, points: float) -> str:
    return f"{points:g}".replace(".", "," if file.delimiter == ";" else ".")


def _given(
    folder: Path, rubric: Any, records: Sequence[Record], expected: Collection[str] = ()
) -> Iterator[tuple[str, str, Mark, bool]]:
    """Yield (question, student, (points, comment), whether it is for the present answer) of all rows with points."""
    here = {record.student: record for record in records}
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
    with _in_turn(path):
        _fill(path, records, marks)


def _fill(path: Path, records: list[Record], marks: dict[str, Mark]) -> None:
    file = MarksFile.read(path)
    hashes = {record.student: answer_hash(record, path.stem) for record in records}
    ids = spreadsheets.Ids(list(hashes))
    rows = {ids.find(row["student"]): row for row in file.rows}
    for student, (number, words) in marks.items():
        points = _as_cell(file, number)
        comment = spreadsheets.text_cell(words)
        if student in rows:
            comment = comment or rows[student]["comment"]
            file.put(rows[student], points=points, comment=comment, answer=hashes[student])
        else:
            file.add(student, points=points, comment=comment, answer=hashes[student])
    file.save()

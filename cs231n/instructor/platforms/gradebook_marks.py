"""The way back from nbgrader: marks given, changed and taken back in Formgrader.

GRADES/marking/nbgrader remembers what both sides said when they last agreed. A mark that only Formgrader has changed since
is a regrade; where both have, that is a conflict, which a person decides.

A group has one grading and an entry for each member. What is given to one member counts for the group and is given to the
others; members with different marks are a conflict.
"""

import enum
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..grading.rubric import Rubric
from ..reports import marks as marks_files
from ..reports import merging
from ..reports.marks import Mark
from ..reports.merging import Agreed, Side
from ..reports.records import Record
from ..reports.spreadsheets import text_cell
from . import formgrader
from .gradebook_late import write_late_penalties

OUTDATED = "the answer has changed since it was marked in Formgrader. Run this without --collect, then mark it again."


@dataclass(frozen=True)
class _Shown:
    """What Formgrader shows of a student's answer: the mark, None for none, and whether the answer waits for a person."""

    mark: Mark | None
    waits: bool


class _Kind(enum.Enum):
    """What a mark from Formgrader is."""

    NEW = enum.auto()
    REGRADE = enum.auto()
    KNOWN = enum.auto()


@dataclass(frozen=True)
class _Settled:
    """What Formgrader says about an answer of a submission, by all whose submission it is."""

    record: Record
    question: str
    kind: _Kind
    mark: Mark | None
    entries: Mapping[str, _Shown]


class _Unsettled(Exception):
    """Why what Formgrader says cannot be taken over; its text is a sentence."""


@dataclass(frozen=True)
class _Read:
    """What a gradebook has of an assignment.

    answers: by nbgrader's id of a student and question. by_hand: (id, cell, points by hand, points of the grader) of exercises
    to which a person gave other points.
    """

    answers: Mapping[tuple[str, str], _Shown]
    by_hand: Sequence[tuple[str, str, float, float]]

    def of_group(self, record: Record, question: str) -> dict[str, _Shown]:
        """Return by id what is shown to those whose submission it is."""
        return {name: self.answers[name, question] for name in formgrader.ids(record) if (name, question) in self.answers}


def _read(course: Path, assignment: str) -> _Read:
    """Return what the gradebook has. Raises ValueError if it does not know the assignment."""
    coursedir = formgrader.course_folder(course, assignment)
    from nbgrader.api import MissingEntry

    advice = f"{course} has no assignment {assignment} with {formgrader.NOTEBOOK}. Run this without --collect first."
    if not formgrader.has_gradebook(coursedir):
        raise ValueError(advice)
    answers, by_hand = {}, []
    with formgrader.gradebook(coursedir) as gradebook:
        try:
            gradebook.find_notebook(formgrader.NOTEBOOK, assignment)
        except MissingEntry:
            raise ValueError(advice) from None
        for entry in gradebook.notebook_submissions(formgrader.NOTEBOOK, assignment):
            comments = {comment.name: comment.manual_comment for comment in entry.comments}
            for grade in entry.grades:
                is_marked, points = formgrader.is_marked(grade), formgrader.given(grade)
                if grade.name.startswith("answer-"):
                    mark = (points, comments.get(grade.name) or "") if is_marked else None
                    answers[entry.student.id, grade.name.replace("answer", "question")] = _Shown(mark, grade.needs_manual_grade)
                elif is_marked and points != (grade.auto_score or 0):
                    by_hand.append((entry.student.id, grade.name, points, grade.auto_score or 0))
    return _Read(answers, sorted(by_hand))


def _agreements(grades: Path, course: Path, assignment: str) -> Path:
    """Return the folder that remembers what was agreed with an assignment of a course; another course has its own."""
    place = hashlib.sha256(str(Path(course).resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Path(grades) / "marking" / "nbgrader" / f"{assignment}-{place}"


def remember(grades: Path, records: list[Record], course: Path, assignment: str, rubric: Rubric) -> None:
    """Keep which marks are the same in Formgrader and in GRADES, so that a later change of one of them is seen."""
    folder = _agreements(grades, course, assignment)
    agreed = merging.read_agreed(folder)
    written = marks_files.read(grades, rubric)
    found = _read(course, assignment)
    for record in records:
        for question in rubric.questions:
            shown = found.of_group(record, question).values()
            has = written.get(record.student, {}).get(question)
            if has is not None and {(merging.in_file(one.mark), one.waits) for one in shown} == {(merging.in_file(has), False)}:
                same = Agreed(marks_files.answer_hash(record, question), merging.in_file(has), has)
                agreed.setdefault(question, {})[record.student] = same
    merging.write_agreed(folder, agreed)


def collect(grades: Path, records: list[Record], course: Path, assignment: str, rubric: Rubric) -> tuple[str, list[str]]:
    """Write the marks given in Formgrader into GRADES/marking: those that are new, and those that only Formgrader has changed.

    In the gradebook the other members of a group get what one of them got, and late penalties follow the marks. Returns a
    sentence on what was done and a list of sentences on marks that contradict each other or are for an answer that has changed;
    those files' rows stay as they are. Raises ValueError if the course has no such assignment, or if a marks file cannot be read.
    """
    found = _read(course, assignment)
    written = marks_files.read(grades, rubric)
    agreed = merging.read_agreed(_agreements(grades, course, assignment))
    look = list(_left_there(found, records, course, grades))
    settled = []
    for record in records:
        answers = _answers(course, assignment, record)
        for question in rubric.questions:
            has = written.get(record.student, {}).get(question)
            base = _base(agreed.get(question, {}).get(record.student), record, question, has)
            entries = _up_to_date(found.of_group(record, question), answers, record, question)
            try:
                settled.append(_settled(record, question, entries, has, base, rubric.points[question]))
            except _Unsettled as error:
                look.append(f"{record.student}, {question}: {error}")
    new, regrades = ([one for one in settled if one.kind is kind] for kind in (_Kind.NEW, _Kind.REGRADE))
    _enter(grades, records, new, regrades, rubric)
    with formgrader.gradebook(formgrader.course_folder(course, assignment)) as gradebook:
        shared = _share(gradebook, assignment, settled, rubric)
        look += write_late_penalties(gradebook, assignment, records, rubric)
    remember(grades, records, course, assignment, rubric)
    of_groups = f" In Formgrader the other members of a group were given the same: {shared}." if shared else ""
    return (
        f"From {course} into {grades}/marking: {len(new)} new marks, {len(regrades)} changed.{of_groups} "
        "Run `grade` with --resume to merge them into the pages.",
        look,
    )


def _left_there(found: _Read, records: Sequence[Record], course: Path, grades: Path) -> Iterator[str]:
    """Yield sentences on what a person gave in Formgrader that does not come back."""
    here = {name for record in records for name in formgrader.ids(record)}
    marked = {name for (name, _), shown in found.answers.items() if shown.mark is not None}
    for name in sorted(marked - here):
        yield f"{name} has marks in {course}, and no submission in {grades}."
    for name, cell, points, automatic in found.by_hand:
        yield (
            f"{name}, {cell}: {points:g} points by hand in Formgrader, {automatic:g} by the grader. Only marks for answers come "
            "back: grades.csv keeps the grader's points."
        )


def _base(agreed: Agreed | None, record: Record, question: str, has: Mark | None) -> Agreed | None:
    """Return what both sides agreed on about the present answer, None if nothing of it is left."""
    if agreed is None or has is None or agreed.answer != marks_files.answer_hash(record, question):
        return None
    return agreed


def _answers(course: Path, assignment: str, record: Record) -> dict[str, dict[str, str]]:
    """Return by id of those whose submission it is, {cell: source} of the notebook that Formgrader shows."""
    coursedir = formgrader.course_folder(course, assignment)
    folders = {name: formgrader.folder(coursedir, "autograded", name, assignment) for name in formgrader.ids(record)}
    return {name: formgrader.sources(folder) for name, folder in folders.items()}


def _up_to_date(
    entries: Mapping[str, _Shown], answers: Mapping[str, Mapping[str, str]], record: Record, question: str
) -> dict[str, _Shown]:
    """Return entries, of which those wait that show another answer than the record has."""
    cell, answer = question.replace("question", "answer"), formgrader.as_text(record.answer(question))
    return {name: _Shown(one.mark, one.waits or answers[name].get(cell, answer) != answer) for name, one in entries.items()}


def _settled(
    record: Record, question: str, entries: Mapping[str, _Shown], has: Mark | None, base: Agreed | None, most: float
) -> _Settled:
    """Return what entries come to. Raises _Unsettled if they contradict each other, the marks file or the answer.

    has: what counts in GRADES. base: what both agreed on. most: the points of the question.
    """
    current = [one.mark for one in entries.values() if one.mark is None or not one.waits]
    marks = _changed(current, base.file if base else None)
    if len(marks) > 1:
        told = ", ".join(f"{name} has {_words(one.mark)}" for name, one in entries.items())
        raise _Unsettled(
            f"a group has one grading, but in Formgrader {told}. Give its members the same there, and collect again."
        )
    mark = marks[0] if marks else next(iter(current), None)
    if base is not None and current and merging.newer(base, mark and merging.in_file(mark), has, ()) is Side.FILE:
        kind, written = _Kind.REGRADE, None
    else:
        kind, written = _Kind.NEW if mark and has is None else _Kind.KNOWN, has
    if mark is not None:
        _require_fitting(mark, written, most)
    elif kind is _Kind.KNOWN and any(one.mark for one in entries.values()):
        raise _Unsettled(OUTDATED)
    return _Settled(record, question, kind, mark, entries)


def _changed(marks: Sequence[Mark | None], before: Mark | None) -> list[Mark | None]:
    """Return the different ones of the marks that are not as before; the same points count once, with their comment."""
    changed = {key: mark for mark in marks if (key := mark and merging.in_file(mark)) != before}
    commented = {mark[0] for mark in changed.values() if mark and mark[1]}
    return [mark for mark in changed.values() if not (mark and not mark[1] and mark[0] in commented)]


def _require_fitting(given: Mark, written: Mark | None, most: float) -> None:
    points, comment = given
    if written is not None and (written[0] != points or (comment and text_cell(written[1]) not in ("", text_cell(comment)))):
        raise _Unsettled(
            f"{points:g} points in Formgrader, {written[0]:g} in the marks file, or another comment. The marks file stays."
        )
    if not 0 <= points <= most:
        raise _Unsettled(f"{points:g} points in Formgrader; expected 0 to {most:g}. It is left out.")


def _words(mark: Mark | None) -> str:
    if mark is None:
        return "no points"
    points, comment = mark
    return f"{points:g} point{'' if points == 1 else 's'}{f' ({comment[:100]})' if comment else ''}"


def _enter(grades: Path, records: list[Record], new: Sequence[_Settled], regrades: Sequence[_Settled], rubric: Rubric) -> None:
    """Write marks into the marks files, and those that change a mark into the log of regrades as well."""
    for question in rubric.questions:
        marks = {one.record.student: one.mark for one in new if one.question == question and one.mark is not None}
        if marks:
            path = Path(grades) / "marking" / f"{question}.csv"
            answered = [record.student for record in records if record.answer(question).strip()]
            marks_files.update(path, records, answered)
            marks_files.fill(path, records, marks)
    changed: dict[str, dict[str, Mark | None]] = {}
    for one in regrades:
        changed.setdefault(one.question, {})[one.record.student] = one.mark
    if changed:
        marks_files.enter(grades, rubric, records, changed, "Formgrader")


def _share(gradebook: Any, assignment: str, settled: Sequence[_Settled], rubric: Rubric) -> int:
    """Give each mark to the members of a group who do not have it. Returns how many marks were given."""
    count = 0
    for one in settled:
        if one.mark is None and one.kind is not _Kind.REGRADE:
            continue
        cell = formgrader.answer_cells(rubric)[one.question]
        for name, shown in one.entries.items():
            if shown.mark != one.mark or (shown.waits and one.mark is not None):
                place = cell, formgrader.NOTEBOOK, assignment, name
                formgrader.give(gradebook.find_grade(*place), one.mark, one.question in rubric.bonus)
                comment = gradebook.find_comment(*place)
                if shown.mark is not None or not comment.manual_comment:  # a comment without points stays, and is seen next time
                    comment.manual_comment = (one.mark[1] or None) if one.mark else None
                count += 1
    gradebook.db.commit()
    return count

"""The way back from nbgrader: marks given, changed and taken back in Formgrader.

GRADES/marking/nbgrader remembers what both sides said when they last agreed. A mark that only Formgrader has changed since
is a regrade; where both have, that is a conflict, which a person decides.
"""

import hashlib
from collections import defaultdict
from pathlib import Path

from ..grading.rubric import Rubric
from ..reports import marks as marks_files
from ..reports import merging
from ..reports.marks import Mark
from ..reports.merging import Agreed, Side
from ..reports.records import Record
from ..reports.spreadsheets import text_cell
from . import formgrader


def _marked_by_hand(course, assignment):
    """Return [(nbgrader's id of a student, question, (points, comment) or None, whether it waits for a person)]."""
    coursedir = formgrader.course_folder(course, assignment)
    from nbgrader.api import MissingEntry

    advice = f"{course} has no assignment {assignment} with {formgrader.NOTEBOOK}. Run this without --collect first."
    if not formgrader.has_gradebook(coursedir):
        raise ValueError(advice)
    marked = []
    with formgrader.gradebook(coursedir) as gradebook:
        try:
            gradebook.find_notebook(formgrader.NOTEBOOK, assignment)
        except MissingEntry:
            raise ValueError(advice) from None
        for entry in gradebook.notebook_submissions(formgrader.NOTEBOOK, assignment):
            comments = {comment.name: comment.manual_comment for comment in entry.comments}
            for grade in entry.grades:
                if grade.name.startswith("answer-"):
                    is_marked = formgrader.is_marked(grade)
                    mark = (formgrader.given(grade), comments.get(grade.name) or "") if is_marked else None
                    question = grade.name.replace("answer", "question")
                    marked.append((entry.student.id, question, mark, grade.needs_manual_grade))
    return marked


def _agreements(grades, course, assignment):
    """Return the folder that remembers what was agreed with an assignment of a course; another course has its own."""
    place = hashlib.sha256(str(Path(course).resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Path(grades) / "marking" / "nbgrader" / f"{assignment}-{place}"


def remember(grades: Path, records: list[Record], course: Path, assignment: str, rubric: Rubric) -> None:
    """Keep which marks are the same in Formgrader and in GRADES, so that a later change of one of them is seen."""
    folder = _agreements(grades, course, assignment)
    agreed = merging.read_agreed(folder)
    written = marks_files.read(grades, rubric)
    students = {formgrader.nbgrader_id(record.student): record for record in records}
    for name, question, mark, waits in _marked_by_hand(course, assignment):
        if name in students and mark is not None and not waits:
            student = students[name].student
            has = written.get(student, {}).get(question)
            if has is not None and merging.in_file(mark) == merging.in_file(has):
                same = Agreed(marks_files.answer_hash(students[name], question), merging.in_file(mark), has)
                agreed.setdefault(question, {})[student] = same
    merging.write_agreed(folder, agreed)


def collect(grades: Path, records: list[Record], course: Path, assignment: str, rubric: Rubric) -> tuple[str, list[str]]:
    """Write the marks given in Formgrader into GRADES/marking: those that are new, and those that only Formgrader has changed.

    Returns a sentence on what was done and a list of sentences on marks that contradict each other or are for an answer that
    has changed; those files' rows stay as they are. Raises ValueError if the course has no such assignment, or if a marks file
    cannot be read.
    """
    marked = _marked_by_hand(course, assignment)
    written = marks_files.read(grades, rubric)
    agreed = merging.read_agreed(_agreements(grades, course, assignment))
    students = {formgrader.nbgrader_id(record.student): record for record in records}
    conflicts = [
        f"{name} has marks in {course}, and no submission in {grades}."
        for name in sorted({name for name, _, mark, _ in marked if mark is not None} - students.keys())
    ]
    new: dict[str, dict[str, Mark]] = defaultdict(dict)
    changed: dict[str, dict[str, Mark | None]] = defaultdict(dict)
    coursedir = formgrader.course_folder(course, assignment)
    for name, question, mark, waits in sorted((one for one in marked if one[0] in students), key=lambda one: one[:2]):
        student = students[name].student
        has = written.get(student, {}).get(question)
        base = agreed.get(question, {}).get(student)
        is_regrade = _is_regrade(base, marks_files.answer_hash(students[name], question), mark, has)
        if mark is None and not is_regrade:
            continue
        conflict = _contradiction(mark, None if is_regrade else has, rubric.points.get(question, 0)) if mark else None
        outdated = _is_outdated(formgrader.folder(coursedir, "autograded", name, assignment), students[name], question)
        if mark and (waits or outdated):
            conflict = "the answer has changed since it was marked in Formgrader. Run this without --collect, then mark it again."
        if conflict:
            conflicts.append(f"{student}, {question}: {conflict}")
        elif is_regrade:
            changed[question][student] = mark
        elif has is None and mark is not None:
            new[question][student] = mark
    for question, marks in new.items():
        path = Path(grades) / "marking" / f"{question}.csv"
        answered = [record.student for record in records if record.answer(question).strip()]
        marks_files.update(path, records, answered)
        marks_files.fill(path, records, marks)
    if changed:
        marks_files.enter(grades, rubric, records, changed, "Formgrader")
    remember(grades, records, course, assignment, rubric)
    count, regrades = (sum(map(len, some.values())) for some in (new, changed))
    return (
        f"{count} marks from {course} are new in {grades}/marking, and {regrades} were changed there. Run `grade` with --resume "
        "to merge them into the pages.",
        conflicts,
    )


def _is_regrade(base, answer, mark, has):
    """Return whether Formgrader alone has changed a mark, or taken it back, since both sides agreed on it."""
    if base is None or base.answer != answer or has is None:
        return False
    return merging.newer(base, mark and merging.in_file(mark), has, ()) is Side.FILE


def _is_outdated(folder, record, question):
    """Return whether Formgrader shows another answer than the record has."""
    shown = formgrader.sources(folder).get(question.replace("question", "answer"))
    return shown is not None and shown != formgrader.as_text(record.answer(question))


def _contradiction(given, written, most):
    points, comment = given
    if written is not None and (written[0] != points or (comment and text_cell(written[1]) not in ("", text_cell(comment)))):
        return f"{points:g} points in Formgrader, {written[0]:g} in the marks file, or another comment. The marks file stays."
    if not 0 <= points <= most:
        return f"{points:g} points in Formgrader; expected 0 to {most:g}. It is left out."
    return None

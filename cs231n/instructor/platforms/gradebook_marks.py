"""The way back from nbgrader: marks given in Formgrader."""

from collections import defaultdict
from pathlib import Path

from ..grading.rubric import Rubric
from ..reports import marks as marks_files
from ..reports.marks import Mark
from ..reports.records import Record
from ..reports.spreadsheets import text_cell
from . import formgrader


def _marked_by_hand(course, assignment):
    """Return [(nbgrader's id of a student, question, (points, comment), whether it waits for a person again)]."""
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
                if grade.name.startswith("answer-") and formgrader.is_marked(grade):
                    mark = formgrader.given(grade), comments.get(grade.name) or ""
                    question = grade.name.replace("answer", "question")
                    marked.append((entry.student.id, question, mark, grade.needs_manual_grade))
    return marked


def collect(grades: Path, records: list[Record], course: Path, assignment: str, rubric: Rubric) -> tuple[str, list[str]]:
    """Write the marks given in Formgrader into the empty rows of GRADES/marking/question-N.csv.

    Returns a sentence on what was done and a list of sentences on marks that contradict each other or are for an answer that
    has changed; those files' rows stay as they are. Raises ValueError if the course has no such assignment, or if a marks file
    cannot be read.
    """
    marked = _marked_by_hand(course, assignment)
    written = marks_files.read(grades, rubric)
    students = {formgrader.nbgrader_id(record.student): record for record in records}
    conflicts = [
        f"{name} has marks in {course}, and no submission in {grades}."
        for name in sorted({name for name, *_ in marked} - students.keys())
    ]
    new: dict[str, dict[str, Mark]] = defaultdict(dict)
    coursedir = formgrader.course_folder(course, assignment)
    for name, question, mark, waits in sorted(found for found in marked if found[0] in students):
        student = students[name].student
        has = written.get(student, {}).get(question)
        conflict = _contradiction(mark, has, rubric.points.get(question, 0))
        if waits or _is_outdated(formgrader.folder(coursedir, "autograded", name, assignment), students[name], question):
            conflict = "the answer has changed since it was marked in Formgrader. Run this without --collect, then mark it again."
        if conflict:
            conflicts.append(f"{student}, {question}: {conflict}")
        elif has is None:
            new[question][student] = mark
    for question, marks in new.items():
        path = Path(grades) / "marking" / f"{question}.csv"
        answered = [record.student for record in records if record.answer(question).strip()]
        marks_files.update(path, records, answered)
        marks_files.fill(path, records, marks)
    count = sum(map(len, new.values()))
    return (
        f"{count} marks from {course} are new in {grades}/marking. Run `grade` with --resume to merge them into the pages.",
        conflicts,
    )


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

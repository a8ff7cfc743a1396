"""What people get from a graded class: grades.csv, a feedback page for each student, a marking page and a marks file for each
question, a summary for the next lecture, and intake.csv.

Nearly every string in them was written by a student. So each page is made by a template that escapes, carries no script and
asks for nothing from elsewhere (its Content-Security-Policy forbids both), and shows pictures only from its own file.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...whole_file import write_whole
from . import current
from . import marks as marks_files
from .deductions import Deduction
from .feedback import Draft, draft
from .grades import grades_table
from .marking import marking, same_answers
from .marks import Marks
from .records import Record
from .reference import Reference
from .safe import file_name
from .spreadsheets import table
from .summary import summary

HEAD_CHARACTERS = 1000  # of a page: they hold its version


def write_pages(
    folder: Path,
    records: list[Record],
    rubric: Any,
    marks: Marks,
    reference: Reference,
    absent: Sequence[Any] = (),
    gallery: Sequence[str] = (),
    deductions: Mapping[str, Sequence[Deduction]] | None = None,
    today: datetime.date | None = None,
) -> None:
    """Write grades.csv, then marking/*.csv and *.html, feedback/*.html and summary.html into a folder, each when it is whole.

    A feedback page that would be the same, apart from its date, is left as it is.

    Parameters
    ----------
    folder : Path
        Where they are written.
    records : list of Record
        The class.
    rubric : Rubric
        The course's.
    marks : dict
        {student: {question: (points, comment)}}, as marks.read() gives them.
    reference : Reference
        With the course's questions.
    absent : sequence of Person
        Those on a roster who handed in nothing; they have a row in grades.csv.
    gallery : sequence of str
        The students whose pictures may be in the summary.
    deductions : dict of str to sequence of Deduction
        By student, what is taken off as a whole.
    today : datetime.date or None
        The date on the feedback; None for the day that it is.

    Raises
    ------
    NotWritten
        For a file that could not be written.
    """
    folder = Path(folder)
    all_columns = {record.student: rubric.score(record, marks.get(record.student, {})) for record in records}
    write_whole(folder / "grades.csv", "\ufeff" + table(grades_table(records, rubric, all_columns, absent)))
    for question in rubric.questions:
        order = [student for _, group, *_ in same_answers(question, records) for student in group]
        before = marks_files.update(folder / "marking" / f"{question}.csv", records, order)
        write_whole(folder / "marking" / f"{question}.html", marking(question, records, rubric, reference, marks, before))
    for path in (folder / "marking").glob("*.html"):
        if path.stem not in rubric.questions:  # of a question that the course has left out since
            path.unlink()
    for record in records:
        student = record.student
        made = draft(record, all_columns[student], rubric, marks.get(student, {}), reference, (deductions or {}).get(student, ()))
        path = folder / "feedback" / f"{file_name(student)}.html"
        if not _is_there(path, made):
            write_whole(path, made.page(today or datetime.date.today()))
    write_whole(folder / "summary.html", summary(records, rubric, all_columns, reference, gallery, len(absent), deductions))
    current.write(folder, records, rubric, marks)


def _is_there(path: Path, made: Draft) -> bool:
    """Return whether a page is there already; its version is among its first lines."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return made.is_in(file.read(HEAD_CHARACTERS))
    except OSError:
        return False


def waiting(records: list[Record], rubric: Any, marks: Marks) -> int:
    """Return how many answers are not marked yet."""
    columns = (rubric.score(record, marks.get(record.student, {})) for record in records)
    return sum(points is None for one in columns for points in one.values())

"""What late days cost, in nbgrader's gradebook, so that its own export and feedback have the totals of grades.csv.

nbgrader keeps a penalty with each submitted notebook and takes it off the sum of its points (late_submission_penalty in
nbgrader/api.py, plugins/export.py and preprocessors/getgrades.py of version 0.9.6). It sets the penalty itself only when it
autogrades (preprocessors/latesubmissions.py), which never happens to what was graded here.
"""

from typing import Any

from ..grading.rubric import Rubric
from ..grading.settings import COURSE
from ..reports.records import Record
from . import formgrader


def write_late_penalties(gradebook: Any, assignment: str, records: list[Record], rubric: Rubric) -> list[str]:
    """Write what the course's file says about late days as the penalties of a class.

    A percentage of what was earned is one of the points that the gradebook has now. Where the course's file says nothing about
    late days, penalties stay as they are. Returns a sentence on those that stay, in a list, or [].
    """
    if rubric.course.late is None:
        return _others(gradebook, assignment)
    cells = formgrader.check_cells(rubric) | formgrader.answer_cells(rubric)
    for record in records:
        for name in formgrader.ids(record):
            entry = gradebook.find_submission_notebook(formgrader.NOTEBOOK, assignment, name)
            points = {grade.name: grade.score for grade in entry.grades}
            lost = rubric.deduction(record, {column: points[cell] for column, cell in cells.items()})
            entry.late_submission_penalty = abs(lost.points) if lost else 0.0
    gradebook.db.commit()
    return []


def _others(gradebook: Any, assignment: str) -> list[str]:
    """Return a sentence on the penalties in the gradebook, in a list, or [] if there are none."""
    entries = gradebook.notebook_submissions(formgrader.NOTEBOOK, assignment)
    penalties = {entry.student.id: entry.late_submission_penalty for entry in entries if entry.late_submission_penalty}
    if not penalties:
        return []
    told = ", ".join(f"{name} ({points:g})" for name, points in sorted(penalties.items()))
    return [
        f"nbgrader takes late penalties off, and grades.csv does not: {told}. They stay, because these grades were made without "
        f"a table [late]. To replace them, put one with the due date into GRADES/{COURSE}; run `grade --resume`, then this."
    ]

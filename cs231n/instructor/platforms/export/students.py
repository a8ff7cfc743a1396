"""Who gets which points: the records of a graded folder, as students."""

from collections.abc import Iterable, Iterator

from ...grading.roster import Roster
from ...grading.rubric import Rubric
from ...reports.marks import Marks
from ...reports.records import Record
from .lms import Student


def students_of(records: Iterable[Record], rubric: Rubric, marks: Marks, roster: Roster | None = None) -> Iterator[Student]:
    """Yield the Students of records, each member of a group with the group's points.

    marks: {student: {question: (points, comment)}}, as marks.read() gives them. roster: the class's, from which students get
    their e-mail addresses, to be found by and written to.
    """
    for record in records:
        columns = rubric.score(record, marks.get(record.student, {}))
        unmarked = tuple(question for question in rubric.questions if columns[question] is None)
        points = rubric.final_total(record, columns)
        for one in record.members or (record,):
            yield Student(one.student, one.name, _with_address(one.ids, one.student, roster), record, points, unmarked)


def _with_address(ids: tuple[str, ...], student: str, roster: Roster | None) -> tuple[str, ...]:
    """Return a student's ids with the e-mail addresses that a roster has for the student's own id."""
    person = roster.find([student], "") if roster else None
    return (*ids, *(one for one in person.others if "@" in one and one not in ids)) if person else ids

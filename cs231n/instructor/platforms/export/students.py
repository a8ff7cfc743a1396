"""Who gets which points: the records of a graded folder, as students."""

from collections.abc import Iterable, Iterator

from ...grading.rubric import Rubric
from ...reports.marks import Marks
from ...reports.records import Record
from .lms import Student


def students_of(records: Iterable[Record], rubric: Rubric, marks: Marks) -> Iterator[Student]:
    """Yield the Students of records, each member of a group with the group's points.

    marks: {student: {question: (points, comment)}}, as marks.read() gives them.
    """
    for record in records:
        columns = rubric.score(record, marks.get(record.student, {}))
        unmarked = tuple(question for question in rubric.questions if columns[question] is None)
        points = rubric.final_total(record, columns)
        if record.members:
            for member in record.members:
                yield Student(member.student, member.name, member.ids, record, points, unmarked)
        else:
            yield Student(record.student, record.name, record.ids, record, points, unmarked)

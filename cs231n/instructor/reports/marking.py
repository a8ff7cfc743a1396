"""The page for marking one question: every answer once, next to the model answer."""

import collections
from typing import Any

from .marks import Marks
from .records import Record
from .reference import Reference
from .rendering import isolation_note, templates, title_of
from .safe import html, picture_addresses


def marking(
    question: str,
    records: list[Record],
    rubric: Any,
    reference: Reference,
    marks: Marks | None = None,
    before: dict[str, str] | None = None,
) -> str:
    """Return the page for marking one question: its text, the model answer with its rubric, and every student's answer.

    marks: {student: {question: (points, comment)}}. before: {student: the old mark in words} of answers that have changed.
    """
    groups, given, before = same_answers(question, records), marks or {}, before or {}
    points = {student: answers[question][0] for student, answers in given.items() if question in answers}
    names = {one.student: one.name for one in records if one.name and one.name != one.student}
    return templates.get_template("marking.html").render(
        isolation=isolation_note(records),
        name=question,
        title=title_of(question),
        most=rubric.points[question],
        bonus=question in rubric.bonus,
        question=html(reference.questions[question]),
        model_answer=html(reference.model_answers[question]),
        groups=[
            (
                html(answer),
                [(one, names.get(one, ""), points.get(one), before.get(one, "")) for one in students],
                [note] if note else [],
                picture_addresses(pictures),
            )
            for answer, students, note, pictures in groups
        ],
        answers=sum(len(students) for _, students, *_ in groups),
        waiting=sum(student not in points for _, students, *_ in groups for student in students),
        empty=len(records) - sum(len(students) for _, students, *_ in groups),
    )


def same_answers(question: str, records: list[Record]) -> list[tuple[str, list[str], str, list[str]]]:
    """Return [(answer, [students], note, pictures)]: answers that are the same except for spaces and capitals once, the most
    frequent first. note: where the answer was found, if not in its cell. pictures: those in it, base64; they must be the same.
    """
    groups = collections.defaultdict(list)
    for record in sorted(records, key=lambda record: record.student):
        answer = record.answer(question)
        note, pictures = record.answer_notes.get(question), record.answer_pictures.get(question)
        if answer.strip():
            key = " ".join(answer.split()).casefold(), note or "", tuple(pictures or [])
            groups[key].append((answer, record.student))
    same = [(group[0][0], [student for _, student in group], note, list(shown)) for (_, note, shown), group in groups.items()]
    return sorted(same, key=lambda group: (-len(group[1]), group[1]))

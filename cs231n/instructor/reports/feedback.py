"""The page that a student gets."""

from typing import Any

from ...checks.explanations import MISTAKES, NOTES
from ...checks.report import Verdict
from .marks import Mark, Points
from .records import Record
from .reference import FIGURES, Reference
from .rendering import LEFT_OUT, VERDICTS, explanation_of, isolation_note, templates, title_of
from .safe import LONGEST, html, picture_addresses


def feedback(record: Record, columns: Points, rubric: Any, marks: dict[str, Mark], reference: Reference) -> str:
    """Return the page that a student gets: points, messages, own figures beside the reference's, answers with marks.

    columns: what rubric.score() gave. marks: {question: (points, comment)} of this student. Model answers are not on it: it
    may be read while others still write theirs.
    """
    return templates.get_template("feedback.html").render(
        isolation=isolation_note([record]),
        record=record,
        course=rubric.course.assignment.title,
        total=round(rubric.total(columns) - rubric.bonus_of(columns), 2),
        most=rubric.full_marks(),
        bonus=rubric.bonus_of(columns),
        most_bonus=rubric.most_bonus(),
        waiting=sum(points is None for points in columns.values()),
        parts=[_part(name, record, columns, rubric, marks, reference) for name in rubric.columns],
    )


def _part(name, record, columns, rubric, marks, reference):
    bonus = name in rubric.bonus
    part = {"name": name, "title": title_of(name), "points": columns[name], "most": rubric.points[name], "bonus": bonus}
    if name in rubric.exercises:
        result = record.result(name)
        found = _exercise(result)
        if bonus and result.verdict in (Verdict.MISSING, Verdict.UNFINISHED):
            found = {**found, "kind": "", "verdict": LEFT_OUT, "message": ""}
        return {**part, **found, "figures": _figures(name, record, reference)}
    answer = record.answer(name)
    return {
        **part,
        "question": html(reference.questions[name]),
        "answer": html(answer) if answer.strip() else None,
        "answer_note": record.answer_notes.get(name, ""),
        "answer_pictures": picture_addresses(record.answer_pictures.get(name, [])),
        "comment": marks[name][1] if name in marks else "",
        "verdict": "marked" if name in marks else "not marked yet" if answer.strip() else LEFT_OUT if bonus else "no answer",
    }


def _exercise(result):
    return {
        "kind": result.verdict.value,
        "verdict": VERDICTS[result.verdict],
        "message": result.message,
        "mistakes": [explanation_of(mistake) for mistake in result.mistakes if not _told(mistake, result.message)],
        "notes": [NOTES[note] for note in result.notes if note in NOTES and NOTES[note] not in _flat(result.message)],
    }


def _told(mistake, message):
    """A check's own message explains its mistakes already."""
    return mistake in MISTAKES and f"{MISTAKES[mistake].title}. " in _flat(message)


def _flat(message):
    return " ".join(message[:LONGEST].split())


def _figures(exercise, record, reference):
    return [
        {
            "caption": figure.caption,
            "own": picture_addresses(record.figures.get(cell, [])),
            "reference": picture_addresses(reference.figures[cell]),
        }
        for cell, figure in FIGURES.items()
        if figure.exercise == exercise
    ]

"""The page on the whole class, for the next lecture."""

import collections
import statistics
from collections.abc import Sequence
from typing import Any

from ...checks.report import Verdict
from .charts import points_chart, verdicts_chart
from .marks import Points
from .records import Record, State
from .reference import FIGURES, Reference
from .rendering import explanation_of, isolation_note, templates, title_of
from .safe import file_name, picture_addresses

MOST_MISTAKES = 12  # in the summary
MOST_CHOICE = 5  # students to choose a picture from


def summary(
    records: list[Record],
    rubric: Any,
    all_columns: dict[str, Points],
    reference: Reference,
    gallery: Sequence[str] = (),
    absent: int = 0,
) -> str:
    """Return the page on the whole class: points, verdicts, the most frequent mistakes, what to look at.

    all_columns: {student: what rubric.score() gave}. gallery: the students whose pictures may be shown, without their names;
    a class sees this page, and a picture can hold anything. absent: how many of the roster handed in nothing. Names are only
    in the part that is folded.
    """
    bonuses = [rubric.bonus_of(columns) for columns in all_columns.values()]
    totals = [rubric.total(columns) - bonus for columns, bonus in zip(all_columns.values(), bonuses, strict=True)]
    return templates.get_template("summary.html").render(
        isolation=isolation_note(records),
        records=records,
        course=rubric.course.assignment.title,
        most=rubric.full_marks(),
        mean=statistics.fmean(totals) if totals else 0.0,
        median=statistics.median(totals) if totals else 0.0,
        most_bonus=rubric.most_bonus(),
        with_bonus=sum(bonus > 0 for bonus in bonuses),
        mean_bonus=statistics.fmean(bonuses) if bonuses else 0.0,
        points_chart=points_chart(rubric, all_columns.values()),
        verdicts_chart=verdicts_chart(records, rubric),
        rows=[_column_row(name, rubric, all_columns.values()) for name in rubric.columns],
        waiting=sum(points is None for columns in all_columns.values() for points in columns.values()),
        exercises=[_class_mistakes(name, records, reference, gallery) for name in rubric.exercises],
        absent=absent,
        look=[look for record in records if (look := _look(record))],
    )


def _column_row(name, rubric, all_columns):
    given = [columns[name] for columns in all_columns if columns[name] is not None]
    return {
        "name": name,
        "title": title_of(name),
        "most": rubric.points[name],
        "bonus": name in rubric.bonus,
        "mean": statistics.fmean(given) if given and len(given) == len(all_columns) else None,
        "full": sum(points == rubric.points[name] for points in given),
        "none": sum(points == 0 for points in given),
        "waiting": len(all_columns) - len(given),
    }


def _class_mistakes(exercise, records, reference, gallery):
    counts = collections.Counter(mistake for record in records for mistake in record.result(exercise).mistakes)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_MISTAKES]
    cell = _first_figure(exercise)
    return {
        "name": exercise,
        "caption": FIGURES[cell].caption if cell else "",
        "reference": picture_addresses(reference.figures[cell]) if cell else [],
        "mistakes": [
            {
                "explanation": explanation_of(mistake),
                "count": count,
                "percent": round(100 * count / len(records)),
                "pictures": _example(exercise, mistake, records, gallery) if cell else [],
                "choice": _with_pictures(exercise, mistake, records)[:MOST_CHOICE] if cell else [],
            }
            for mistake, count in frequent
        ],
    }


def _first_figure(exercise):
    """Return the id of the cell with an exercise's most telling figure; None if it has none."""
    return next((cell for cell, figure in FIGURES.items() if figure.exercise == exercise), None)


def _example(exercise, mistake, records, gallery):
    """Return the pictures of one of the gallery who made this mistake, if possible no other."""
    chosen = [record for record in records if record.student in gallery]
    return next(iter(pictures for _, pictures in _with_pictures(exercise, mistake, chosen)), [])


def _with_pictures(exercise, mistake, records):
    """Return [(student, pictures)] of those who made a mistake and have a picture; who made no other comes first."""
    made = [record for record in records if mistake in record.result(exercise).mistakes]
    made.sort(key=lambda record: len(record.result(exercise).mistakes))
    shown = [(record.student, picture_addresses(record.figures.get(_first_figure(exercise), [])[:1])) for record in made]
    return [(student, pictures) for student, pictures in shown if pictures]


def _look(record):
    """Return what an instructor should look at in a submission, or None."""
    reasons = ["it could not be read"] if record.verdict is State.UNREADABLE else []
    for name, result in record.exercises.items():
        reasons += [f"{name}: {result.look}"] if result.look else []
        if result.verdict is Verdict.STOPPED and not result.look:
            reasons.append(f"{name} was stopped")
        if result.verdict is Verdict.NEWER_PYTHON:
            reasons.append(f"{name} was not judged and has 0 points: it needs a newer Python than this grader's")
        if result.verdict is Verdict.WRONG and not result.look and not (result.mistakes and result.explained):
            reasons.append(f"{name} is wrong for a reason that has no name")
    reasons += [record.note] if record.note else []
    page = f"feedback/{file_name(record.student)}.html"
    return {"student": record.student, "submission": record.submission, "reasons": reasons, "page": page} if reasons else None

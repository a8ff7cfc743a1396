"""The page on the whole class, for the next lecture."""

import collections
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...checks.report import Verdict
from .charts import Histogram, histogram, verdict_bars
from .deductions import Deduction
from .item_analysis import SMALLEST_CLASS, Item, items
from .marks import Points
from .records import Record, State
from .reference import FIGURES, Reference
from .rendering import explanation_of, isolation_note, templates, title_of
from .safe import file_name, html, picture_addresses

MOST_MISTAKES = 12  # of an exercise, in the summary
MOST_CHOICE = 5  # students to choose a picture from
# For the next lecture: mistakes that so much of the class made, and tasks that earned less than this fraction of their points.
FREQUENT, LEAST_STUDENTS, HARD = 0.05, 2, 0.5
MOST_TOPICS = 5  # of each kind


@dataclass(frozen=True)
class Topic:
    """A mistake for the next lecture.

    Parameters
    ----------
    title : str
        The mistake's name.
    students : int
        Who made it, in whichever exercise.
    percent : float
        Of the class.
    exercises : list of str
        In which it was made.
    meaning, think : Markup
        Its explanation, and the question that leads out of it.
    """

    title: str
    students: int
    percent: float
    exercises: list[str]
    meaning: Markup
    think: Markup


@dataclass(frozen=True)
class HardTask:
    """A task that earned little. text: of a question, "" for an exercise."""

    name: str
    title: str
    item: Item
    text: Markup


def summary(
    records: list[Record],
    rubric: Any,
    all_columns: dict[str, Points],
    reference: Reference,
    gallery: Sequence[str] = (),
    absent: int = 0,
    deductions: Mapping[str, Sequence[Deduction]] | None = None,
) -> str:
    """Return the page on the whole class: points, verdicts, what to say in the next lecture, what to look at.

    Full marks and bonus are counted apart everywhere, and points are those earned, before deductions. Names are only in the
    part that is folded.

    Parameters
    ----------
    records : list of Record
        The class.
    rubric : Rubric
        The course's.
    all_columns : dict
        {student: what rubric.score() gave}.
    reference : Reference
        With the course's questions.
    gallery : sequence of str
        The students whose pictures may be shown, without their names; a class sees this page, and a picture can hold anything.
    absent : int
        How many of the roster handed in nothing.
    deductions : dict of str to sequence of Deduction
        By student, what is taken off as a whole.
    """
    deductions = deductions or {}
    bonuses = [rubric.bonus_of(columns) for columns in all_columns.values()]
    totals = [rubric.total(columns) - rubric.bonus_of(columns) for columns in all_columns.values()]
    known = items(records, rubric, all_columns)
    late = [record.student for record in records if deductions.get(record.student) or _is_called_late(record, rubric)]
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
        histograms=_histograms(rubric, all_columns, totals, bonuses),
        verdict_bars=verdict_bars(records, rubric.exercises) if records else [],
        rows=[_column_row(name, rubric, list(all_columns.values()), known[name]) for name in rubric.columns],
        enough=any(item.students >= SMALLEST_CLASS for item in known.values()),
        smallest=SMALLEST_CLASS,
        by_chance=2 / math.sqrt(max(1, *(item.students for item in known.values()))),
        waiting=sum(points is None for columns in all_columns.values() for points in columns.values()),
        topics=_topics(records),
        bonus=rubric.bonus,
        least=math.ceil(_least(records)),
        unreadable=sum(record.verdict is State.UNREADABLE for record in records),
        hard=_hard_tasks(known, reference),
        exercises=[_class_mistakes(name, records, reference, gallery) for name in rubric.exercises],
        absent=absent,
        late=len(late),
        deducted=sum(any(one.points < 0 for one in taken) for taken in deductions.values()),
        look=[look for record in records if (look := _look(record))],
    )


def _histograms(
    rubric: Any, all_columns: Mapping[str, Points], totals: Sequence[float], bonuses: Sequence[float]
) -> list[Histogram]:
    exercises = [name for name in rubric.exercises if name not in rubric.bonus]
    found = []
    if most := sum(rubric.points[name] for name in exercises):
        points = [sum(columns[name] or 0 for name in exercises) for columns in all_columns.values()]
        found.append(histogram("the exercises", points, most))
    whole = all(points is not None for columns in all_columns.values() for points in columns.values())
    found.append(histogram("everything" if whole else "everything so far", totals, rubric.full_marks()))
    if rubric.most_bonus():
        found.append(histogram("the bonus", bonuses, rubric.most_bonus()))
    return found


def _column_row(name: str, rubric: Any, all_columns: Sequence[Points], item: Item) -> dict[str, Any]:
    given = [points for columns in all_columns if (points := columns[name]) is not None]
    return {
        "name": name,
        "title": title_of(name),
        "most": rubric.points[name],
        "bonus": name in rubric.bonus,
        "mean": statistics.fmean(given) if given and len(given) == len(all_columns) else None,
        "item": item,
        "full": sum(points == rubric.points[name] for points in given),
        "none": sum(points == 0 for points in given),
        "waiting": len(all_columns) - len(given),
    }


def _topics(records: Sequence[Record]) -> list[Topic]:
    """Return the mistakes that much of the class made, the most frequent first, each once for all exercises."""
    made: dict[str, dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
    for record in records:
        for exercise, result in record.exercises.items():
            for mistake in result.mistakes:
                made[mistake][exercise].add(record.student)
    students = {mistake: len(set().union(*exercises.values())) for mistake, exercises in made.items()}
    least = _least(records)
    frequent = sorted((mistake for mistake in made if students[mistake] >= least), key=lambda name: (-students[name], name))
    return [_topic(mistake, students[mistake], list(made[mistake]), len(records)) for mistake in frequent[:MOST_TOPICS]]


def _least(records: Sequence[Record]) -> float:
    """Return how many have to make a mistake for it to be a topic."""
    return max(LEAST_STUDENTS, FREQUENT * len(records))


def _is_called_late(record: Record, rubric: Any) -> bool:
    """Return whether the platform calls a submission late, and no time says whether it is late for its student."""
    return bool(record.late) and rubric.days_late(record) is None


def _topic(mistake: str, students: int, exercises: Iterable[str], everyone: int) -> Topic:
    title, meaning, think = explanation_of(mistake)
    think = think[:1].upper() + think[1:]
    return Topic(title, students, round(100 * students / everyone), sorted(exercises), html(meaning), html(think))


def _hard_tasks(known: Mapping[str, Item], reference: Reference) -> list[HardTask]:
    """Return the tasks that earned little, the hardest first."""
    hard = {name: item for name, item in known.items() if item.fraction is not None and item.fraction < HARD}
    hard = {name: item for name, item in hard.items() if item.students >= LEAST_STUDENTS}
    return [
        HardTask(name, title_of(name), hard[name], html(reference.questions.get(name, "")))
        for name in sorted(hard, key=lambda name: hard[name].fraction or 0)[:MOST_TOPICS]
    ]


def _class_mistakes(exercise: str, records: Sequence[Record], reference: Reference, gallery: Collection[str]) -> dict[str, Any]:
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
                "meaning": html(explanation_of(mistake).meaning),
                "count": count,
                "percent": round(100 * count / len(records)),
                "pictures": _example(exercise, mistake, records, gallery) if cell else [],
                "choice": _with_pictures(exercise, mistake, records)[:MOST_CHOICE] if cell else [],
            }
            for mistake, count in frequent
        ],
    }


def _first_figure(exercise: str) -> str | None:
    """Return the id of the cell with an exercise's most telling figure; None if it has none."""
    return next((cell for cell, figure in FIGURES.items() if figure.exercise == exercise), None)


def _example(exercise: str, mistake: str, records: Sequence[Record], gallery: Collection[str]) -> list[Markup]:
    """Return the pictures of one of the gallery who made this mistake, if possible no other."""
    chosen = [record for record in records if record.student in gallery]
    return next(iter(pictures for _, pictures in _with_pictures(exercise, mistake, chosen)), [])


def _with_pictures(exercise: str, mistake: str, records: Sequence[Record]) -> list[tuple[str, list[Markup]]]:
    """Return [(student, pictures)] of those who made a mistake and have a picture; who made no other comes first."""
    made = [record for record in records if mistake in record.result(exercise).mistakes]
    made.sort(key=lambda record: len(record.result(exercise).mistakes))
    cell = _first_figure(exercise) or ""
    shown = [(record.student, picture_addresses(record.figures.get(cell, [])[:1])) for record in made]
    return [(student, pictures) for student, pictures in shown if pictures]


def _named(record: Record) -> str:
    return record.student if record.name in ("", record.student) else f"{record.name} ({record.student})"


def _look(record: Record) -> dict[str, Any] | None:
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
    return {"student": _named(record), "submission": record.submission, "reasons": reasons, "page": page} if reasons else None

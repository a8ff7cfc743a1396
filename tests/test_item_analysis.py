"""What points say about tasks: difficulty and discrimination, against a textbook's way to compute them."""

import random

import numpy as np
import pytest

from cs231n.checks.explanations import EXERCISES
from cs231n.checks.report import Verdict
from cs231n.instructor.grading import rubric
from cs231n.instructor.reports.item_analysis import SMALLEST_CLASS, items
from cs231n.instructor.reports.records import Record, Result, State

RUBRIC = rubric.load()
SALIENCY, *_, TRANSFORMATION = EXERCISES


def a_class(students=40, seed=0, **changes):
    """Return (records, {student: points by column}): all tasks tried, random points."""
    draw = random.Random(seed)
    names = [f"s{number}" for number in range(students)]
    right = {name: Result(Verdict.RIGHT) for name in EXERCISES}
    answers = dict.fromkeys(RUBRIC.questions, "An answer.")
    records = [Record(name, name, "x", "0", verdict=State.GRADED, exercises=right, answers=answers) for name in names]
    return records, {name: {task: draw.uniform(0, most) for task, most in RUBRIC.points.items()} for name in names}


def test_difficulty_and_discrimination_are_those_of_a_textbook():
    records, points = a_class()
    table = np.array([[points[record.student][name] for name in RUBRIC.columns] for record in records])
    counted = np.array([name not in RUBRIC.bonus for name in RUBRIC.columns])
    found = items(records, RUBRIC, points)
    for number, name in enumerate(RUBRIC.columns):
        rest = table[:, counted].sum(axis=1) - (table[:, number] if counted[number] else 0)
        assert found[name].students == len(records)
        assert found[name].fraction == pytest.approx(table[:, number].mean() / RUBRIC.points[name])
        assert found[name].discrimination == pytest.approx(np.corrcoef(table[:, number], rest)[0, 1])


def test_a_task_is_not_compared_with_itself():
    records, points = a_class(200)
    assert max(abs(item.discrimination) for item in items(records, RUBRIC, points).values()) < 0.3  # with itself: 0.5


def test_a_class_that_is_too_small_and_a_task_that_all_solved_have_no_discrimination():
    assert items(*a_class_with_rubric(SMALLEST_CLASS))[SALIENCY].discrimination is not None
    small = items(*a_class_with_rubric(SMALLEST_CLASS - 1))[SALIENCY]
    assert (small.discrimination, small.students) == (None, SMALLEST_CLASS - 1)
    assert small.fraction is not None
    records, points = a_class()
    for columns in points.values():
        columns[SALIENCY] = 7.0
    assert items(records, RUBRIC, points)[SALIENCY].discrimination is None
    assert items(records, RUBRIC, points)[SALIENCY].fraction == 1


def a_class_with_rubric(students):
    records, points = a_class(students)
    return records, RUBRIC, points


def test_of_an_optional_task_only_those_count_who_tried_it():
    records, points = a_class(30)
    left_out = {name: Result(Verdict.MISSING if name == TRANSFORMATION else Verdict.RIGHT) for name in EXERCISES}
    records[0] = Record("s0", "s0", "x", "0", verdict=State.GRADED, exercises=left_out, answers={"question-9": " "})
    points["s0"] |= {TRANSFORMATION: 0.0, "question-9": 0.0, SALIENCY: 0.0}
    found = items(records, RUBRIC, points)
    assert (found[TRANSFORMATION].students, found["question-9"].students, found[SALIENCY].students) == (29, 29, 30)
    tried = [points[f"s{number}"][TRANSFORMATION] for number in range(1, 30)]
    assert found[TRANSFORMATION].fraction == pytest.approx(np.mean(tried) / 2)


def test_what_is_not_marked_has_no_numbers_and_is_left_out_of_the_others():
    records, points = a_class()
    points["s3"]["question-1"] = None
    found = items(records, RUBRIC, points)
    assert (found["question-1"].fraction, found["question-1"].discrimination) == (None, None)
    others = [name for name in RUBRIC.columns if name not in RUBRIC.bonus and name not in (SALIENCY, "question-1")]
    rest = [sum(points[record.student][name] for name in others) for record in records]
    own = [points[record.student][SALIENCY] for record in records]
    assert found[SALIENCY].discrimination == pytest.approx(np.corrcoef(own, rest)[0, 1])


def test_what_could_not_be_read_says_nothing_about_the_tasks():
    records, points = a_class(30)
    records[0] = Record("s0", "s0", "x", "0", verdict=State.UNREADABLE)
    assert {item.students for item in items(records, RUBRIC, points).values()} == {29}


def test_a_class_of_nobody_has_items_without_numbers():
    assert {(item.students, item.fraction, item.discrimination) for item in items([], RUBRIC, {}).values()} == {(0, None, None)}

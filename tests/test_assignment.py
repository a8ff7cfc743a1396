"""The list of exercises and questions: what it holds, and that a wrong one is refused with the file and the key."""

import dataclasses
import json

import pytest
from helpers.places import ROOT

from cs231n.assignment import Exercise, assignment, read, written

ONE = """
[maps]
function = "maps"
module = "m"
section = "4"
points = 2.5
[question-1]
section = "4"
points = 1
bonus = true
"""


def in_file(folder, text):
    path = folder / "list.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_kit_asks_for_seven_exercises_and_eight_questions_for_40_points_and_12_more():
    found = assignment()
    assert [exercise.number for exercise in found.exercises] == list(range(1, 8))
    assert [question.key for question in found.questions] == [f"question-{n}" for n in range(1, 10)]
    assert (found.points(), found.points(bonus=True)) == (40, 14)


def test_a_list_is_read_in_its_order_with_decimal_points(tmp_path):
    found = read(in_file(tmp_path, f'title = "T"\n{ONE}'))
    assert found.by_function["maps"] == Exercise("maps", 1, "4", 2.5, False, "maps", "m")
    assert [task.key for task in found.tasks] == ["maps", "question-1"]
    assert (found.points(), found.points(bonus=True)) == (2.5, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE, "title"),
        (f"title = 3\n{ONE}", "title = 3"),
        ('title = "T"\n[maps]\nsection = "4"\npoints = 1', r"\[maps\] has no function"),
        ('title = "T"\n[question-1]\npoints = 1', r"\[question-1\] lacks section"),
        ('title = "T"\n[question-1]\nsection = "4"\npoints = 1\npoint = 2', "not known there: point"),
        ('title = "T"\n[question-1]\nsection = 4\npoints = 1', "section = 4"),
        ('title = "T"\n[question-1]\nsection = "4"\npoints = true', "points = True"),
        ('title = "T"\n[question-1]\nsection = "4"\npoints = -1', "points = -1"),
        ('title = "T"\n[question-1]\nsection = "4"\npoints = nan', "points = nan"),
        ('title = "T"\n[question-1]\nsection = "4"\npoints = 1\nbonus = "no"', "bonus = 'no'"),
        (f'title = "T"\n{ONE}figures = {{}}', r'figures = {}; expected \["CELL-ID"\]'),
        (f'title = "T"\n{ONE}figures = [1]', r'figures = \[1\]; expected \["CELL-ID"\]'),
        (f'title = "T"\n{ONE}'.replace("2.5", "2.5\nfigures = 3"), "figures = 3"),
        ('title = "T"\nquestion-1 = 3', "question-1 = 3; expected a table"),
        (f'title = "T"\n{ONE}{ONE.replace("[maps]", "[more]").replace("question-1", "question-2")}', "function maps"),
        ("title = ", "not a TOML file"),
    ],
)
def test_a_wrong_list_is_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(ValueError, match=rf"list\.toml.*{said}"):
        read(in_file(tmp_path, text))


def test_the_figures_of_an_exercise_are_cells_of_the_notebook_that_need_it():
    cells = {cell["id"]: cell for cell in json.loads((ROOT / "NetworkVisualization.ipynb").read_text(encoding="utf-8"))["cells"]}
    figures = {(exercise.key, cell) for exercise in assignment().exercises for cell in exercise.figures}
    assert len(figures) == 10
    without = {("smoothgrad", "attribution-figure"), ("grad_cam", "cheat-figure")}  # their other maps are there all the same
    for key, cell in figures - without:
        assert key in cells[cell]["metadata"]["needs"], cell
    assert {cell for _, cell in without} <= cells.keys()


def test_a_question_is_about_figures_of_exercises():
    captions = {cell for exercise in assignment().exercises for cell in exercise.figures}
    about = {question.key: question.figures for question in assignment().questions if question.figures}
    assert about["question-3"] == ("fooling-figure", "fooling-scores")
    assert {cell for cells in about.values() for cell in cells} <= captions


def test_two_exercises_of_one_number_are_refused(tmp_path):
    more = ONE.replace("[maps]", "[more]\nnumber = 1").replace('"maps"', '"more"').replace("question-1", "question-2")
    with pytest.raises(ValueError, match="number 1"):
        read(in_file(tmp_path, f'title = "T"\n{ONE}{more}'))


def test_a_list_is_written_as_it_was_read_and_keeps_the_numbers_of_the_headings(tmp_path):
    found = assignment()
    assert read(in_file(tmp_path, written(found))) == found
    fewer = dataclasses.replace(found, title='A "quoted" \\ title', tasks=found.tasks[1:4])
    assert read(in_file(tmp_path, written(fewer))) == fewer
    assert [exercise.number for exercise in fewer.exercises] == [2]

"""A course adapts the kit with one file of its own: what the file may say, what is refused, and the edition that follows it."""

import pytest

from cs231n.assignment import assignment
from cs231n.instructor.course import OwnQuestion, course

OWN = '[question-3]\npoints = 4.5\ntext = "Why?"\nrubric = "* 4.5: because."\n'


def in_file(folder, text):
    path = folder / "course.toml"
    path.write_text(text, encoding="utf-8")
    return path


def adapted(folder, text):
    """Return the Course of a file with this text."""
    return course(in_file(folder, text))


# What a file says


def test_without_a_file_the_assignment_is_the_kits():
    found = course(None)
    assert (found.assignment, found.left_out, found.questions, found.text) == (assignment(), frozenset(), {}, "")


def test_an_empty_file_changes_nothing(tmp_path):
    assert adapted(tmp_path, "").assignment == assignment()


def test_title_points_and_bonus_are_the_courses_and_the_rest_is_the_kits(tmp_path):
    text = 'title = "Seeing"\nbonus = ["7.2", "question-1"]\n[points]\nsmoothgrad = 7.5\n'
    found = adapted(tmp_path, text)
    assert found.text == text
    assert found.assignment.title == "Seeing"
    assert [task.key for task in found.assignment.tasks if task.bonus] == ["question-1", "transformation", "question-8"]
    assert found.assignment.by_key["smoothgrad"].points == 7.5
    assert (found.assignment.points(), found.assignment.points(bonus=True)) == (40 - 4 + 7.5 + 2 + 2 + 2, 4 + 4)


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        ("smoothgrad", {"smoothgrad"}),
        ("question-3", {"question-3"}),
        ("7.1", {"smoothgrad", "integrated_gradients", "grad_cam", "question-7"}),
        ("7.2", {"transformation", "question-8"}),
        ("7", {"smoothgrad", "integrated_gradients", "grad_cam", "question-7", "transformation", "question-8"}),
    ],
)
def test_what_is_left_out_is_gone_and_the_rest_keeps_its_numbers(tmp_path, entry, keys):
    found = adapted(tmp_path, f'left-out = ["{entry}"]')
    assert found.left_out == keys
    assert found.assignment.tasks == tuple(task for task in assignment().tasks if task.key not in keys)


def test_a_question_of_the_courses_own_brings_its_points_and_rubric(tmp_path):
    found = adapted(tmp_path, OWN)
    assert found.questions == {"question-3": OwnQuestion("Why?", "* 4.5: because.")}
    assert found.assignment.by_key["question-3"].points == 4.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("left-out = ", "is not a TOML file"),
        ("title = 3", "title = 3; expected a text"),
        ('title = ""', "title = ''"),
        ("due = 2026-12-01", "due is not known; expected title, left-out, bonus"),
        ('left-out = "7"', "left-out = '7'; expected a list"),
        ('left-out = ["7.3"]', r"left-out: '7\.3' is not known.*smoothgrad.*sections 4, 5, 6, 7, 7\.1, 7\.2"),
        ("left-out = [7]", "left-out: 7 is not known"),
        ('left-out = ["compute_smoothgrad_maps"]', "write smoothgrad"),
        ('left-out = ["4", "5", "6", "7"]', "leaves no exercise"),
        ('left-out = ["4", "5", "6"]', "nothing counts for full marks"),
        ('bonus = ["4", "5", "6", "7"]', "nothing counts for full marks"),
        ("bonus = true", "bonus = True; expected a list"),
        ('bonus = ["question-9"]', "bonus: 'question-9' is not known"),
        ('left-out = ["7.1"]\nbonus = ["smoothgrad"]', "bonus names smoothgrad, which left-out leaves out"),
        ('left-out = ["7.1"]\nbonus = ["7.1"]', r"bonus names 7\.1, which left-out leaves out"),
        ("points = 3", "points = 3; expected a table"),
        ("[points]\nquestion-9 = 3", r"\[points\] 'question-9' is not known"),
        ("[points]\nmake_fooling_image = 3", r"\[points\] 'make_fooling_image' is not known; write fooling_image"),
        ("[points]\nsmoothgrad = true", r"\[points\] smoothgrad = True; expected a number"),
        ("[points]\nsmoothgrad = -1", r"\[points\] smoothgrad = -1"),
        ("[points]\nsmoothgrad = 'two'", r"\[points\] smoothgrad = 'two'"),
        ('left-out = ["7"]\n[points]\nsmoothgrad = 1', r"\[points\] names smoothgrad, which left-out leaves out"),
        (f"[points]\nquestion-3 = 1\n{OWN}", r"\[points\] names question-3, whose points are in \[question-3\]"),
        (f'left-out = ["question-3"]\n{OWN}', r"\[question-3\] replaces a question that left-out leaves out"),
        (OWN.replace("question-3", "question-9"), "question-9 is not known"),
        (OWN.replace("question-3", "smoothgrad"), "smoothgrad is not known; expected .* key of a question"),
        (OWN.replace("rubric", "rubrics"), r"\[question-3\] lacks rubric; not known there: rubrics"),
        (OWN.replace('"Why?"', '" "'), r"\[question-3\] text = ' '"),
        (OWN.replace("4.5\n", "inf\n"), r"\[question-3\] points = inf"),
    ],
)
def test_a_file_that_contradicts_itself_or_the_list_is_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(ValueError, match=rf"course\.toml.*{said}"):
        adapted(tmp_path, text)

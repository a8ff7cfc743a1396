"""A course adapts the kit with one file of its own: what the file may say, what is refused, and the edition that follows it."""

import contextlib
import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys

import nbformat
import pytest
from helpers import one_more
from helpers.places import ROOT

from cs231n import submit
from cs231n.assignment import assignment, read
from cs231n.instructor.course import OwnQuestion, course
from cs231n.instructor.release.agreement import LISTED
from cs231n.instructor.release.edition import AS_THEY_ARE, NOTEBOOK, REQUIREMENTS, draft
from cs231n.instructor.release.proofs import require_no_leaks, secrets

OWN = '[question-3]\npoints = 4.5\ntext = "Why?"\nrubric = "* 4.5: because."\n'


def own_rubric(points, *lines):
    """Return a course's file with a question of its own, whose rubric begins on line 8."""
    texts = ('title = "Autumn"', "[points]", "question-1 = 2.5", "", "[question-3]", f"points = {points}", 'text = "Why?"')
    return "\n".join([*texts, 'rubric = """', *lines, '"""', ""])


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
    assert [task.key for task in found.assignment.tasks if task.bonus] == ["question-1", "transformation", "question-9"]
    assert found.assignment.by_key["smoothgrad"].points == 7.5
    assert (found.assignment.points(), found.assignment.points(bonus=True)) == (40 - 4 + 7.5 + 2 + 2 + 2 + 2, 4 + 4)


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        ("smoothgrad", {"smoothgrad"}),
        ("question-3", {"question-3"}),
        ("7.1", {"smoothgrad", "integrated_gradients", "grad_cam", "question-7", "question-8"}),
        ("7.2", {"transformation", "question-9"}),
        ("7", {"smoothgrad", "integrated_gradients", "grad_cam", "question-7", "question-8", "transformation", "question-9"}),
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
        ("regrade = 3", "regrade = 3; expected a text of one line"),
        ('regrade = "a\\nb"', "regrade = 'a.*; expected a text of one line"),
        ("due = 2026-12-01", "due is not known; expected title, left-out, bonus"),
        ('left-out = "7"', "left-out = '7'; expected a list"),
        ('left-out = ["7.3"]', r"left-out: '7\.3' is not known.*smoothgrad.*sections 4, 5, 6, 7, 7\.1, 7\.2"),
        ("left-out = [7]", "left-out: 7 is not known"),
        ('left-out = ["compute_smoothgrad_maps"]', "write smoothgrad"),
        ('left-out = ["4", "5", "6", "7"]', "leaves no exercise"),
        ('left-out = ["4", "5", "6"]', "nothing counts for full marks"),
        ('bonus = ["4", "5", "6", "7"]', "nothing counts for full marks"),
        ("bonus = true", "bonus = True; expected a list"),
        ('bonus = ["question-10"]', "bonus: 'question-10' is not known"),
        ('left-out = ["7.1"]\nbonus = ["smoothgrad"]', "bonus names smoothgrad, which left-out leaves out"),
        ('left-out = ["7.1"]\nbonus = ["7.1"]', r"bonus names 7\.1, which left-out leaves out"),
        ("points = 3", "points = 3; expected a table"),
        ("[points]\nquestion-10 = 3", r"\[points\] 'question-10' is not known"),
        ("[points]\nmake_fooling_image = 3", r"\[points\] 'make_fooling_image' is not known; write fooling_image"),
        ("[points]\nsmoothgrad = true", r"\[points\] smoothgrad = True; expected a number"),
        ("[points]\nsmoothgrad = -1", r"\[points\] smoothgrad = -1"),
        ("[points]\nsmoothgrad = 'two'", r"\[points\] smoothgrad = 'two'"),
        ('left-out = ["7"]\n[points]\nsmoothgrad = 1', r"\[points\] names smoothgrad, which left-out leaves out"),
        (f"[points]\nquestion-3 = 1\n{OWN}", r"\[points\] names question-3, whose points are in \[question-3\]"),
        (f'left-out = ["question-3"]\n{OWN}', r"\[question-3\] replaces a question that left-out leaves out"),
        (OWN.replace("question-3", "question-10"), "question-10 is not known"),
        (OWN.replace("question-3", "smoothgrad"), "smoothgrad is not known; expected .* key of a question"),
        (OWN.replace("rubric", "rubrics"), r"\[question-3\] lacks rubric; not known there: rubrics"),
        (OWN.replace('"Why?"', '" "'), r"\[question-3\] text = ' '"),
        (OWN.replace("4.5\n", "inf\n"), r"\[question-3\] points = inf"),
        (OWN.replace("4.5\n", "5\n"), r"line 4: \[question-3\] points = 5, but the lines .* add up to 4\.5"),
        (own_rubric(5, "* 2: a", "* 2: b"), r"line 8: \[question-3\] points = 5, but .* add up to 4, .* gives 2"),
        (own_rubric(3, "* 4: a", "* 2: b"), r"line 8: \[question-3\] points = 3, but .* add up to 6, .* gives 4"),
        (own_rubric(3, "* 2: a", "* 1: b", "* 0: c"), r"points = 3, but the rubric has a line for 0 points"),
        (own_rubric(3, "**Rubric (4 points).**", "* 2: a", "* 2: b"), "the rubric's heading says 4 points"),
        (own_rubric(3, "* 1: a", "* 1: b").replace("rubric", '"rubric"'), "line 8: "),
        ('question-3 = { points = 3, text = "Why?", rubric = "* 2: a" }', r": \[question-3\] points = 3, but"),
    ],
)
def test_a_file_that_contradicts_itself_or_the_list_is_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(ValueError, match=rf"course\.toml.*{said}"):
        adapted(tmp_path, text)


@pytest.mark.parametrize(
    "lines",
    [
        ("* 2: a", "* 1: b"),
        ("* 3: a", "* 2: b", "* 0: c"),
        ("* 3: a", "* 1: b"),
        ("- 1,5 points: a", "  * 7: in other words", "- 1.5: b"),
        ("**Rubric (3 points).**", "* 1: a", "* 2: b"),
        ("As you see fit.",),
        ("* 1: a", "* up to 2 for b"),
    ],
)
def test_a_rubric_whose_lines_give_the_points_or_that_is_in_prose_is_taken(tmp_path, lines):
    assert adapted(tmp_path, own_rubric(3, *lines)).questions["question-3"].rubric == "\n".join(lines)


# The edition that follows


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line)


SECTION_7_1 = ["smoothgrad", "integrated_gradients", "grad_cam"]
DRAFT = draft(ROOT)


def edition_of(folder, text):
    """Return (the Draft for a course's file with this text, {cell id: cell} of its notebook). It has no problems."""
    made = draft(ROOT, course_file=in_file(folder, text))
    assert made.problems == []
    require_no_leaks(made.files, secrets(ROOT, made.exercises, made.left_out(), made.course.questions), made.reference)
    return made, cells_of(made)


def cells_of(made):
    return {cell.id: cell for cell in nbformat.reads(made.files[NOTEBOOK].decode(), as_version=4).cells}


def listed_in(made, folder):
    """Return the Assignment of an edition's own list."""
    path = folder / "listed.toml"
    path.write_bytes(made.files[LISTED])
    return read(path)


def problems_of(folder, text):
    return draft(ROOT, course_file=in_file(folder, text)).problems


def code_of(cells):
    return "\n".join(cell.source for cell in cells.values() if cell.cell_type == "code")


def defining(made, function):
    """Return the paths of an edition's modules that define a function."""
    return [path for path, content in made.files.items() if path.endswith(".py") and f"def {function}(".encode() in content]


def text_of(cells):
    return "\n".join(cell.source for cell in cells.values() if cell.cell_type == "markdown")


WHOLE = cells_of(DRAFT)


def test_the_kit_itself_gives_an_edition_with_everything_and_without_comments_on_what_needs_what():
    assert DRAFT.problems == []
    assert [exercise.key for exercise in DRAFT.exercises] == [exercise.key for exercise in assignment().exercises]
    assert DRAFT.files[LISTED] == (ROOT / LISTED).read_bytes()
    assert not [path for path in DRAFT.files if path.endswith((".md", ".ipynb", ".json")) and b"<!-- needs" in DRAFT.files[path]]


def test_an_empty_file_gives_the_same_edition_as_none(tmp_path):
    made, _ = edition_of(tmp_path, "")
    assert listed_in(made, tmp_path) == assignment()
    assert {path for path in DRAFT.files if made.files[path] != DRAFT.files[path]} <= {LISTED}


def test_the_courses_title_is_that_of_the_notebook_the_readme_and_the_list(tmp_path):
    made, cells = edition_of(tmp_path, 'title = "Seeing with networks"')
    assert cells["title"].source.startswith("# Seeing with networks\n")
    assert made.files["README.md"].startswith(b"# Seeing with networks\n")
    assert listed_in(made, tmp_path).title == "Seeing with networks"


@pytest.mark.parametrize(
    ("due", "shown"),
    [
        ('2026-10-05T23:59:00\ntimezone = "Europe/Berlin"', "Monday, 5 October 2026, 23:59 (Europe/Berlin)"),
        ("2026-10-05T23:59:00-07:00", "Monday, 5 October 2026, 23:59 (UTC-07:00)"),
        ("2026-10-05", "Monday, 5 October 2026, 23:59"),
    ],
)
def test_the_date_on_which_it_is_due_is_in_the_notebook_and_the_readme(tmp_path, due, shown):
    made, cells = edition_of(tmp_path, f"[late]\ndue = {due}")
    assert cells["title"].source.startswith(f"# Network Visualization\n\n**Due** {shown}\n\n**What does")
    assert made.files["README.md"].decode().startswith(f"# Network Visualization\n\n**Due** {shown}\n\nWhat does")
    assert "**Due**" not in WHOLE["title"].source


def test_nothing_of_a_course_about_late_students_is_in_the_edition(tmp_path):
    text = "[late]\ndue = 2026-10-05\ngrace-minutes = 11\nfree-days = 3\n[late.extensions]\nzebediah-4711 = 2026-10-19\n"
    made, _ = edition_of(tmp_path, text)
    for told in (b"zebediah", b"2026-10-19", b"19 October 2026", b"free-days", b"grace-minutes"):
        assert not [path for path, content in made.files.items() if told in content], told


def test_points_are_the_courses_in_headings_totals_nbgraders_metadata_and_the_list(tmp_path):
    made, cells = edition_of(tmp_path, "[points]\nsaliency_maps = 7.5\nquestion-1 = 0.25\nsmoothgrad = 3")
    assert "**Points** 7.5" in cells["exercise-1-text"].source
    assert cells["question-1-text"].source.startswith("### Inline question 1 · **Points** 0.25\n")
    assert "**Bonus points** 3\n" in cells["exercise-4-text"].source
    assert "**36.75 points**, and up to 15 bonus points" in cells["title"].source
    points = {
        name: cell.metadata.nbgrader.points for name, cell in cells.items() if cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert (points["check-1"], points["answer-1"], points["check-2"], points["check-4"]) == (7.5, 0.25, 7, 0)
    assert sum(points.values()) == 36.75
    assert listed_in(made, tmp_path) == made.course.assignment


def test_what_the_course_calls_a_bonus_is_one_and_the_rest_counts(tmp_path):
    made, cells = edition_of(tmp_path, 'bonus = ["7.2", "fooling_image"]')
    assert "**Bonus points** 7" in cells["exercise-2-text"].source
    assert "**Points** 2" in cells["exercise-4-text"].source
    assert "Bonus" not in cells["exercise-4-text"].source
    assert "Allow 90 minutes for the exercises" in cells["title"].source
    assert "After these three, a last section goes further" in cells["title"].source
    assert "optional" not in (cells["title"].source + cells["further-text"].source).lower()
    assert cells["check-2"].metadata.nbgrader.points == 0
    assert [task.key for task in listed_in(made, tmp_path).tasks if task.bonus] == [
        "fooling_image",
        "transformation",
        "question-9",
    ]


def test_without_a_bonus_nothing_speaks_of_one(tmp_path):
    made, cells = edition_of(tmp_path, "bonus = []")
    assert "bonus" not in text_of(cells).lower()
    assert b"bonus" not in made.files["README.md"].lower()
    assert "**54 points**." in cells["title"].source


@pytest.mark.parametrize("key", SECTION_7_1)
def test_one_exercise_of_section_7_1_is_left_out_and_its_figures_do_without_it(tmp_path, key):
    made, cells = edition_of(tmp_path, f'left-out = ["{key}"]')
    exercise = assignment().by_key[key]
    gone = {name for name in WHOLE if name not in cells}
    own = {f"exercise-{exercise.number}-text", f"exercise-{exercise.number}", f"check-{exercise.number}"}
    assert gone == own | ({"completeness-text", "completeness"} if key == "integrated_gradients" else set())
    assert not re.findall(rf"\b({exercise.function}|check_{key})\b", code_of(cells) + text_of(cells))
    assert not defining(made, exercise.function)
    assert not [other.key for other in made.exercises if f"def {other.marked.name}(" not in code_of(cells)]
    assert "compute_guided_backpropagation_maps" in made.files["cs231n/attribution.py"].decode()
    assert f"cs231n/checks/exercises/{key}.py" not in made.files
    assert [one.number for one in listed_in(made, tmp_path).exercises] == [n for n in range(1, 8) if n != exercise.number]
    assert "Five methods" not in cells["attribution-seen"].source


def test_section_7_1_is_left_out_with_the_files_that_nothing_else_needs(tmp_path):
    made, cells = edition_of(tmp_path, 'left-out = ["7.1"]')
    assert not {"which-map-text", "attribution-figure", "question-7-text", "cheat-figure", "answer-8"} & cells.keys()
    assert {"further-text", "further-imports", "class-images-text", "question-9-text"} <= cells.keys()
    assert not {"cs231n/attribution.py", "cs231n/attribution_metrics.py", "cs231n/shortcut.py"} & made.files.keys()
    assert {"cs231n/feature_visualization.py", "cs231n/judge.py"} <= made.files.keys()
    assert "which-map" not in text_of(cells)
    assert "Adebayo" not in cells["learned"].source
    assert "Olah" in cells["learned"].source


def test_section_7_2_is_left_out_with_the_files_that_nothing_else_needs(tmp_path):
    made, cells = edition_of(tmp_path, 'left-out = ["7.2"]')
    assert not {"class-images-text", "class-images-figure", "film", "question-9-text", "answer-9"} & cells.keys()
    assert not {"cs231n/feature_visualization.py", "cs231n/judge.py"} & made.files.keys()
    assert "cs231n/attribution.py" in made.files
    assert "7.2" not in text_of(cells)


def test_all_of_section_7_is_left_out_and_nothing_speaks_of_it(tmp_path):
    made, cells = edition_of(tmp_path, 'left-out = ["7"]')
    first, after = list(WHOLE).index("further-text"), list(WHOLE).index("learned")
    assert [name for name in WHOLE if name not in cells] == list(WHOLE)[first:after]
    assert not [word for word in ("optional", "bonus", "section 7") if word in text_of(cells).lower()]
    assert [exercise.key for exercise in made.exercises] == [task.key for task in assignment().exercises if not task.bonus]
    assert not {"cs231n/attribution.py", "cs231n/feature_visualization.py", "cs231n/judge.py"} & made.files.keys()
    assert "## 8. What you learned" in cells["learned"].source


@pytest.mark.parametrize(
    ("left_out", "exercise", "figures"),
    [
        ('"4", "7.1", "question-3"', "compute_saliency_maps", {"saliency-text", "autograd", "saliency-figure"}),
        ('"5", "question-6"', "make_fooling_image", {"fooling-text", "fooling-image", "random-changes"}),
        ('"6", "7.2"', "class_visualization_update_step", {"class-text", "class-figure", "own-class"}),
    ],
)
def test_a_section_of_the_first_three_is_left_out_with_what_needs_it(tmp_path, left_out, exercise, figures):
    made, cells = edition_of(tmp_path, f"left-out = [{left_out}]")
    assert not figures & cells.keys()
    assert exercise not in code_of(cells) + text_of(cells)
    assert not defining(made, exercise)


def test_a_question_is_left_out_with_its_answer(tmp_path):
    made, cells = edition_of(tmp_path, 'left-out = ["question-2"]')
    assert [name for name in WHOLE if name not in cells] == ["question-2-text", "answer-2"]
    assert "**37 points**" in cells["title"].source
    assert "question-2" not in listed_in(made, tmp_path).by_key


def test_a_question_of_the_courses_own_is_in_the_place_of_ours_and_its_rubric_is_nowhere(tmp_path):
    rubric = "* 4.5: the products of a random change with the gradient cancel each other out."
    made, cells = edition_of(tmp_path, OWN.replace("* 4.5: because.", rubric))
    assert list(cells) == list(WHOLE)
    assert cells["question-3-text"].source == "### Inline question 3 · **Points** 4.5\n\nWhy?"
    assert cells["answer-3"].metadata.nbgrader.points == 4.5
    leaked = {"README.md": made.files["README.md"] + rubric.encode()}
    with pytest.raises(ValueError, match=r"README\.md:\d+ holds the rubric of the course's own question-3"):
        require_no_leaks(made.files | leaked, secrets(ROOT, made.exercises, (), made.course.questions))


def test_a_question_of_the_courses_own_may_stay_where_ours_would_need_what_is_left_out(tmp_path):
    text = f'left-out = ["fooling_image", "question-4", "question-6"]\n{OWN}'
    _, cells = edition_of(tmp_path, text)
    assert {"fooling-text", "question-3-text", "answer-3"} <= cells.keys()
    assert "fooling-image" not in cells


TOGETHER = f"""
title = "Seeing with networks"
left-out = ["smoothgrad", "7.2", "question-2", "fooling_image", "question-4", "question-6"]
bonus = ["question-5", "7"]
[points]
saliency_maps = 7.5
{OWN}"""


def test_everything_together(tmp_path):
    made, cells = edition_of(tmp_path, TOGETHER)
    kept = ["saliency_maps", "question-1", "question-3", "class_visualization_step", "question-5"]
    kept += ["integrated_gradients", "grad_cam", "question-7", "question-8"]
    assert [task.key for task in listed_in(made, tmp_path).tasks] == kept
    assert "**23 points**, and up to 11 bonus points" in cells["title"].source
    assert cells["title"].source.startswith("# Seeing with networks\n")


def test_where_the_solutions_are_the_cells_are_known_as_students_have_them():
    """By them answers are found in notebooks that have lost their ids."""
    known = submit.kit_cells()
    texts = {name: cell.source for name, cell in WHOLE.items() if cell.cell_type == "markdown" and not name.startswith("answer-")}
    assert {name: " ".join(known[name].split()) for name in texts} == {
        name: " ".join(text.split()) for name, text in texts.items()
    }


# What contradicts the notebook


@pytest.mark.parametrize(
    ("left_out", "cell", "said"),
    [
        ("fooling_image", "question-3-text", r"question-3 is kept and needs fooling_image.*replace it: \[question-3\]"),
        ("fooling_image", "question-4-text", "question-4 is kept and needs fooling_image"),
        ("5", "question-6-text", "question-6 is kept and needs fooling_image"),
        ("class_visualization_step", "question-5-text", "question-5 is kept and needs class_visualization_step"),
        ("6", "class-images-text", r"section 7\.2 is kept and needs class_visualization_step.*Leave section 7\.2 out, too"),
        ("saliency_maps", "which-map-text", r"section 7\.1 is kept and needs saliency_maps"),
        ("4", "question-3-text", "question-3 is kept and needs section 4"),
        ("transformation", "question-9-text", "question-9 is kept and needs transformation"),
    ],
)
def test_what_is_kept_and_needs_what_is_left_out_is_refused_with_cell_and_line(tmp_path, left_out, cell, said):
    found = problems_of(tmp_path, f'left-out = ["{left_out}"]')
    place = rf"{NOTEBOOK}:{line_of(ROOT / NOTEBOOK, chr(34) + cell + chr(34))}: cell {cell}"
    assert [sentence for sentence in found if re.search(f"{place}.*{said}", sentence)]


def test_the_command_refuses_such_a_file_and_releases_nothing(tmp_path):
    file = in_file(tmp_path, 'left-out = ["fooling_image"]')
    refused = ran(ROOT, "cs231n.instructor", "release", "--out", str(tmp_path / "out"), "--course", str(file))
    assert refused.returncode == 2
    assert "cell question-3-text: question-3 is kept and needs fooling_image" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_answer_in_a_question_of_the_courses_own_is_refused_with_its_key(tmp_path):
    (found,) = problems_of(tmp_path, OWN.replace("Why?", "Why?\\n\\n**Model answer.** Because."))
    assert re.search(r"course\.toml: the text of \[question-3\] has '\*\*Model answer", found)


# The notebook and the README say what the list says


@pytest.fixture
def kit_copy(tmp_path):
    """A copy of the kit, of which an edition can be made."""
    return copied_into(tmp_path / "kit")


def copied_into(folder):
    """Copy all of the kit of which an edition is made."""
    shutil.copytree(ROOT / "cs231n", folder / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("datasets", ".devcontainer"):
        (folder / name).mkdir()
    for name in [*AS_THEY_ARE, REQUIREMENTS, NOTEBOOK, "README.md"]:
        shutil.copy(ROOT / name, folder / name)
    return folder


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_notebook_readme_and_list_agree(kit_copy):
    assert draft(kit_copy).problems == []


@pytest.mark.parametrize(
    ("old", "new", "cell", "said"),
    [
        ("**Points** 4", "**Points** 5", "question-1-text", r"says \*\*Points\*\* 5; for question-1, .* says \*\*Points\*\* 4"),
        ("**Points** 4", "**Points** 4.5", "question-1-text", r"says \*\*Points\*\* 4\.5; for question-1"),
        ("**Bonus points** 2", "**Points** 2", "exercise-4-text", r"says \*\*Points\*\* 2; for smoothgrad"),
        ("### Exercise 2:", "### Exercise 8:", "exercise-2-text", "has the number 8; .* makes it 2"),
        ("### Inline question 3", "### Inline question 9", "question-3-text", "has the number 9; .* makes it 3"),
        ("**40 points**", "**41 points**", "title", "says 41 points; .* they are 40"),
        ("14 bonus points", "11 bonus points", "title", "says 11 bonus points; .* they are 14"),
        ("**Minutes** 20", "**Minutes** 30", "title", "says 75 minutes for the exercises; .* they are 85"),
        ("# Network Visualization", "# Visualization", "title", "does not begin with `# Network Visualization`"),
        (
            "## 5. Fooling images",
            "## 4. Fooling images",
            "exercise-2-text",
            "is in section 4; for fooling_image, .* says section 5",
        ),
    ],
)
def test_what_the_notebook_says_otherwise_than_the_list_is_refused_with_cell_and_line(kit_copy, old, new, cell, said):
    rewrite(kit_copy / NOTEBOOK, old, new)
    found = draft(kit_copy).problems
    assert [sentence for sentence in found if re.search(rf"{NOTEBOOK}:\d+: cell {cell} {said}", sentence)]


def test_points_changed_in_the_list_alone_are_refused_with_the_line_in_the_notebook(kit_copy):
    rewrite(kit_copy / LISTED, "points = 4", "points = 7.5")
    line = line_of(kit_copy / NOTEBOOK, "### Inline question 1")
    assert [text for text in draft(kit_copy).problems if f"{NOTEBOOK}:{line}: cell question-1-text says **Points** 4" in text]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("There are 40 points", "There are 41 points", "says 41 points; .* they are 40"),
        ("14 bonus points", "12 bonus points", "says 12 bonus points; .* they are 14"),
        ("two questions | 14 |", "two questions | 15 |", "gives section 4 15 points; .* they are 14"),
        ("two questions | 10 bonus |", "two questions | 8 bonus |", r"gives section 7\.1 8 points; .* they are 10"),
    ],
)
def test_what_the_readme_says_otherwise_is_refused_with_its_line(kit_copy, old, new, said):
    rewrite(kit_copy / "README.md", old, new)
    (found,) = draft(kit_copy).problems
    assert re.search(rf"README\.md:{line_of(kit_copy / 'README.md', new)} {said}", found)


def test_an_exercise_that_the_list_does_not_have_is_refused_with_its_cell(kit_copy):
    text = (kit_copy / LISTED).read_text(encoding="utf-8")
    (kit_copy / LISTED).write_text(re.sub(r"\[smoothgrad\].*?\n\n", "", text, flags=re.S), encoding="utf-8")
    found = draft(kit_copy).problems
    assert [
        said for said in found if re.search(r"cell exercise-4 is the exercise compute_smoothgrad_maps .* does not list", said)
    ]


def test_a_question_that_the_list_does_not_have_is_refused_with_its_cell(kit_copy):
    text = (kit_copy / LISTED).read_text(encoding="utf-8")
    (kit_copy / LISTED).write_text(text[: text.index("[question-9]")], encoding="utf-8")
    assert [said for said in draft(kit_copy).problems if "cell answer-9 belongs to no question that" in said]


def test_tasks_in_another_order_are_refused(kit_copy):
    text = (kit_copy / LISTED).read_text(encoding="utf-8")
    start, end = text.index("[question-1]"), text.index("[question-2]")
    text = text[:start] + text[end:].replace("\n\n[fooling_image]", f"\n\n{text[start:end]}[fooling_image]", 1)
    (kit_copy / LISTED).write_text(text, encoding="utf-8")
    (found,) = draft(kit_copy).problems
    assert re.search("cell question-1-text asks for question-1, which has another place", found)


# What needs what, in the notebook


def edit(kit, name, change):
    """Change a cell of a kit's notebook: change(cell)."""
    notebook = nbformat.read(kit / NOTEBOOK, as_version=4)
    change(next(cell for cell in notebook.cells if cell.id == name))
    nbformat.write(notebook, kit / NOTEBOOK)


@pytest.mark.parametrize(
    ("cell", "text", "said"),
    [
        ("saliency-seen", "As section 7.2 shows.", r"mentions section 7\.2, which the course leaves out"),
        ("saliency-seen", "As in exercise 7.", "mentions exercise 7, which the course leaves out"),
        ("saliency-seen", "See [there](#class-images).", "links to #class-images, which is not there"),
        ("deletion-figure", "seen", "uses seen, which only what the course leaves out defines"),
        ("deletion-figure", "transform_images(X)", "uses transform_images, which only"),
        ("saliency-seen", "Oh <!-- needs: 7.3 -->Ha<!-- end -->", r"'7\.3' is not an exercise, a question or a section"),
        ("saliency-seen", "Oh <!-- needs: 7.2 -->Ha<!-- otherwise: ho -->", "lacks a part of"),
        ("saliency-seen", "Ha<!-- end -->", "lacks a part of"),
        ("saliency-seen", "<!-- needs: 7.1 -->Ha<!-- end -->, [here](#which-map).", "begins with a comment"),
        ("saliency-seen", "* <!-- needs: 7.1 -->Ha<!-- end -->", "begins with a comment"),
    ],
)
def test_a_cell_that_stays_and_names_what_is_gone_is_refused_with_its_line(kit_copy, tmp_path, cell, text, said):
    edit(kit_copy, cell, lambda found: found.update(source=f"{found.source}\n{text}"))
    found = draft(kit_copy, course_file=in_file(tmp_path, 'left-out = ["7.2"]')).problems
    assert [sentence for sentence in found if re.search(rf"{NOTEBOOK}:\d+: cell {cell}\b.*{said}", sentence)]


def test_an_unknown_need_of_a_cell_is_refused_with_its_line(kit_copy):
    edit(kit_copy, "climb", lambda cell: cell.metadata.update(needs=["smooth"]))
    (found,) = draft(kit_copy).problems
    assert re.search(rf"{NOTEBOOK}:\d+: cell climb: `needs` in its metadata: 'smooth' is not an exercise", found)


# In the student's hands


def solved(made):
    """Return the edition's notebook with its exercises solved and its questions answered, run from top to bottom."""
    notebook = nbformat.reads(made.files[NOTEBOOK].decode(), as_version=4)
    solutions = {exercise.cell: exercise.solved for exercise in made.exercises}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        cell.source = solutions.get(cell.id, cell.source)
    for cell in notebook.cells:
        if cell.id.startswith("answer-"):
            cell.source = f"My words, {cell.id}."
    return notebook


def in_folder(made, folder):
    for path, content in made.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def ran(folder, *command):
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)


def test_a_students_checks_and_submission_follow_the_course(tmp_path):
    made, _ = edition_of(tmp_path, TOGETHER)
    folder = in_folder(made, tmp_path / "edition")
    notebook = solved(made)
    next(cell for cell in notebook.cells if cell.id == "answer-3").source = "*Your answer:*"
    nbformat.write(notebook, folder / NOTEBOOK)
    checked = ran(folder, "cs231n.checks", NOTEBOOK, "--json")
    said = json.loads(checked.stdout)
    assert (checked.returncode, list(said)) == (0, [exercise.marked.name for exercise in made.exercises])
    assert {found["verdict"] for found in said.values()} == {"right"}
    incomplete = ran(folder, "cs231n.submit", NOTEBOOK)
    assert "To do before you hand it in (1):" in incomplete.stdout
    assert "Inline question 3 has no answer" in incomplete.stdout
    nbformat.write(solved(made), folder / NOTEBOOK)
    complete = ran(folder, "cs231n.submit", NOTEBOOK)
    assert (complete.returncode, complete.stderr) == (0, "")
    assert "submission.zip is written" in complete.stdout


# One exercise more


@pytest.fixture(scope="module")
def one_more_kit(tmp_path_factory):
    """A copy of the kit with an eighth exercise, gradient times input, in all its places; not to be changed."""
    folder = copied_into(tmp_path_factory.mktemp("one more") / "kit")
    one_more.add(folder)
    one_more.add_to_notebook(folder)
    one_more.add_fingerprints(folder)
    return folder


def test_a_release_names_what_a_new_exercise_lacks_in_notebook_and_readme(kit_copy):
    one_more.add(kit_copy)
    found = "\n".join(draft(kit_copy).problems)
    assert f"{NOTEBOOK}: no cell asks for {one_more.KEY}, which {LISTED} lists" in found
    assert re.search(rf"{NOTEBOOK}:\d+: cell title says 14 bonus points; .* they are 15\.5", found)
    assert re.search(r"README\.md:\d+ says 14 bonus points; .* they are 15\.5", found)


def test_an_exercise_more_is_released_checked_and_handed_in(one_more_kit, tmp_path):
    made = draft(one_more_kit)
    assert made.problems == []
    assert [exercise.key for exercise in made.exercises][-1] == one_more.KEY
    require_no_leaks(made.files, secrets(one_more_kit, made.exercises), made.reference)
    folder, function = in_folder(made, tmp_path / "edition"), made.exercises[-1].marked.name
    unfinished = ran(folder, "cs231n.checks", NOTEBOOK, "--json")
    assert (unfinished.returncode, json.loads(unfinished.stdout)[function]["verdict"]) == (1, "unfinished")
    nbformat.write(solved(made), folder / NOTEBOOK)
    checked = ran(folder, "cs231n.checks", NOTEBOOK, "--json")
    assert (checked.returncode, json.loads(checked.stdout)[function]["verdict"]) == (0, "right")
    handed_in = ran(folder, "cs231n.submit", NOTEBOOK)
    assert (handed_in.returncode, handed_in.stderr) == (0, "")


def test_an_exercise_more_can_be_left_out_by_a_course(one_more_kit, tmp_path):
    made = draft(one_more_kit, course_file=in_file(tmp_path, f'left-out = ["{one_more.KEY}"]'))
    assert made.problems == []
    require_no_leaks(made.files, secrets(one_more_kit, made.exercises, made.left_out()), made.reference)
    assert listed_in(made, tmp_path) == assignment()
    assert cells_of(made) == WHOLE
    assert f"cs231n/checks/exercises/{one_more.KEY}.py" not in made.files
    assert not defining(made, "compute_gradient_times_input")


# One exam for both, by which what is drawn for the new exercise is tried as well.
GRADE_TWICE = """
import functools, sys
from cs231n.instructor.__main__ import main
from cs231n.instructor.grading.run import Run
from cs231n.instructor.platforms import gradescope

Run.drawn = functools.cache(Run.drawn)
sys.argv = ["gradescope", "submissions", "results.json"]
sys.exit(main(["grade", "submissions", "--out", "grades", "--jobs", "1"]) or gradescope.main())
"""


@pytest.fixture(scope="module")
def graded_one_more(one_more_kit, tmp_path_factory):
    """The kit with an exercise more, and in it a notebook in which all is solved: grades/, and results.json for Gradescope."""
    kit = tmp_path_factory.mktemp("graded") / "kit"
    shutil.copytree(one_more_kit, kit)
    for data in (ROOT / "datasets").iterdir():
        if not (kit / "datasets" / data.name).exists():
            (kit / "datasets" / data.name).symlink_to(data)
    (kit / "submissions").mkdir()
    nbformat.write(solved(draft(kit)), kit / "submissions" / "ada.ipynb")
    graded = subprocess.run([sys.executable, "-c", GRADE_TWICE], cwd=kit, capture_output=True, text=True)
    assert graded.returncode == 0, graded.stderr
    return kit


@pytest.mark.long
def test_an_exercise_more_is_graded_and_goes_into_feedback_summary_and_nbgrader(graded_one_more):
    kit = graded_one_more
    (row,) = csv.DictReader((kit / "grades" / "grades.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (row["compute_gradient_times_input"], row["bonus"]) == ("1.5", "9.5")
    assert "compute_gradient_times_input" in (kit / "grades" / "feedback" / "ada.html").read_text(encoding="utf-8")
    summary = (kit / "grades" / "summary.html").read_text(encoding="utf-8")
    assert "compute_gradient_times_input" in summary.replace("<wbr>", "")  # where a long name may be broken
    filled = ran(kit, "cs231n.instructor", "nbgrader", "grades", "--course", "course", "--assignment", "viz")
    assert filled.returncode == 0, filled.stderr
    with contextlib.closing(sqlite3.connect(kit / "course" / "gradebook.db")) as gradebook:
        scores = gradebook.execute("SELECT name, auto_score FROM grade JOIN base_cell ON cell_id = base_cell.id").fetchall()
    assert ("check-8", 1.5) in scores


@pytest.mark.long
def test_an_exercise_more_is_graded_on_gradescope(graded_one_more):
    boxes = json.loads((graded_one_more / "results.json").read_text(encoding="utf-8"))["tests"]
    (box,) = [box for box in boxes if "compute_gradient_times_input" in box["name"]]
    assert (box["score"], box["status"]) == (1.5, "passed")

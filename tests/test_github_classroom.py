"""GitHub Classroom's workflow in a student edition: each exercise is checked by a command that exists, for its own points."""

import shlex
import subprocess

import pytest
import yaml

from cs231n.assignment import assignment
from cs231n.checks.__main__ import main
from cs231n.instructor.release.edition import NOTEBOOK, edition
from cs231n.instructor.release.github_classroom import PATH

GRADER = "classroom-resources/autograding-command-grader@v1"


@pytest.fixture(scope="module")
def files():
    return edition(github_classroom=True)[1]


@pytest.fixture(scope="module")
def steps(files):
    return yaml.safe_load(files[PATH])["jobs"]["run-autograding-tests"]["steps"]


def test_an_edition_has_the_workflow_only_if_it_is_asked_for(files):
    plain = edition()[1]
    assert PATH not in plain
    assert {path: content for path, content in files.items() if path != PATH} == plain


def test_each_exercise_is_a_step_with_its_points(steps):
    scored = {step["id"]: step["with"]["max-score"] for step in steps if step.get("uses") == GRADER}
    assert scored == {exercise.key: exercise.points for exercise in assignment().exercises}


def test_the_report_takes_the_result_of_every_step(steps):
    keys = [step["id"] for step in steps if step.get("uses") == GRADER]
    assert steps[-1]["with"]["runners"].split(",") == keys
    assert steps[-1]["env"] == {f"{key.upper()}_RESULTS": f"${{{{ steps.{key}.outputs.result }}}}" for key in keys}


def test_the_command_of_a_step_is_one_that_the_edition_has(files, steps, tmp_path, capsys):
    (tmp_path / NOTEBOOK).write_bytes(files[NOTEBOOK])
    for step in steps:
        if step.get("uses") == GRADER:
            python, flag, module, notebook, *rest = shlex.split(step["with"]["command"])
            assert (python, flag, module) == (".venv/bin/python", "-m", "cs231n.checks")
            assert main([str(tmp_path / notebook), *rest]) == 1  # the stub is not a solution
            assert "not implemented yet" in capsys.readouterr().out


def test_the_environment_is_made_by_the_editions_own_makefile(files, steps):
    (command,) = [step["run"] for step in steps if "run" in step]
    assert command.startswith("make TORCH_INDEX=https://")
    assert f"\n{command.split()[-1]}: requirements.txt".encode() in files["Makefile"]


def test_what_is_left_out_is_not_checked_and_the_courses_points_count(tmp_path):
    course = tmp_path / "course.toml"
    course.write_text('left-out = ["7"]\n[points]\nsaliency_maps = 10\n')
    made = edition(course_file=course, github_classroom=True)[1]
    steps = yaml.safe_load(made[PATH])["jobs"]["run-autograding-tests"]["steps"]
    scored = {step["id"]: step["with"]["max-score"] for step in steps if step.get("uses") == GRADER}
    assert scored == {"saliency_maps": 10, "fooling_image": 7, "class_visualization_step": 7}


def test_a_fraction_of_a_point_is_refused_since_classroom_would_cut_it_off(tmp_path):
    course = tmp_path / "course.toml"
    course.write_text("[points]\nfooling_image = 7.5\n")
    with pytest.raises(ValueError, match=r"fooling_image gives 7\.5 points, and GitHub Classroom counts whole points only"):
        edition(course_file=course, github_classroom=True)


def test_a_repository_of_the_edition_takes_its_files_and_not_what_a_student_makes_or_fetches(files, tmp_path):
    made = [".venv/bin/python", "datasets/squeezenet1_1.pth", "datasets/photographs/1.jpg", "submission.zip"]
    for path in [*files, *made, "pictures/mine.png"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(files.get(path, b"made"))
    for command in ("git init --quiet", "git add --all"):
        subprocess.run(shlex.split(command), cwd=tmp_path, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(listed) == sorted([*files, "pictures/mine.png"])


def test_the_workflow_says_that_its_points_are_not_the_grade(files):
    assert b"a preview, not the grade" in files[PATH]

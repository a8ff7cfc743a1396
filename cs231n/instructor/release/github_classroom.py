"""The workflow with which GitHub Classroom runs an edition's checks after each push, an exercise at a time, each with its points.

Its actions (classroom-resources/autograding-command-grader and autograding-grading-reporter) run a command, look at its exit code
alone, and add up whole points.
"""

from typing import Any

import yaml

from ...assignment import Assignment, Exercise

PATH = ".github/workflows/classroom.yml"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
PYTHON_VERSION = "3.12"
MINUTES = 10  # at most for an exercise's check, which takes seconds
COMMENT = """\
# Made by `python -m cs231n.instructor release --github-classroom`.
# It runs the checks that students have, for each exercise, and shows the points under "Actions" and in GitHub Classroom.
# These points are a preview, not the grade: the checks run next to the student's code, which could change what they say, and
# they give no partial credit. `grade` gives the grade: it examines the code on other networks and images, in a sandbox.
# Answers are marked by a person. Points for bonus exercises are part of the total here.
# Under "Protected file paths" GitHub Classroom flags changes to this file and to cs231n/.
"""


def workflow(assignment: Assignment, notebook: str) -> bytes:
    """Return the workflow for an assignment whose notebook is the file `notebook`.

    Raises ValueError if an exercise gives a fraction of a point, which GitHub Classroom would cut off.
    """
    for exercise in assignment.exercises:
        if exercise.points != int(exercise.points):
            raise ValueError(
                f"{exercise.key} gives {exercise.points:g} points, and GitHub Classroom counts whole points only. Give it whole "
                "points in the course's file, or leave out --github-classroom."
            )
    job = {
        "runs-on": "ubuntu-latest",
        "if": "github.actor != 'github-classroom[bot]'",
        "steps": [*_preparation(), *(_check(exercise, notebook) for exercise in assignment.exercises), _report(assignment)],
    }
    told = {
        "name": "Autograding Tests",
        "on": ["push", "workflow_dispatch", "repository_dispatch"],
        "permissions": {"checks": "write", "actions": "read", "contents": "read"},
        "jobs": {"run-autograding-tests": job},
    }
    return (COMMENT + yaml.safe_dump(told, sort_keys=False, width=200)).encode()


def _preparation() -> list[dict[str, Any]]:
    python = {"python-version": PYTHON_VERSION, "cache": "pip", "cache-dependency-path": "constraints.txt"}
    return [
        {"name": "Check out the repository", "uses": "actions/checkout@v4"},
        {"name": "Set up Python", "uses": "actions/setup-python@v5", "with": python},
        {"name": "Install PyTorch and Jupyter", "run": f"make TORCH_INDEX={CPU_WHEELS} .venv/installed"},
    ]


def _check(exercise: Exercise, notebook: str) -> dict[str, Any]:
    return {
        "name": f"Exercise {exercise.number}: {exercise.function}",
        "id": exercise.key,
        "uses": "classroom-resources/autograding-command-grader@v1",
        "with": {
            "test-name": exercise.function,
            "command": f".venv/bin/python -m cs231n.checks {notebook} --only {exercise.key}",
            "timeout": MINUTES,
            "max-score": int(exercise.points),
        },
    }


def _report(assignment: Assignment) -> dict[str, Any]:
    keys = [exercise.key for exercise in assignment.exercises]
    return {
        "name": "Report",
        "uses": "classroom-resources/autograding-grading-reporter@v1",
        "env": {f"{key.upper()}_RESULTS": f"${{{{ steps.{key}.outputs.result }}}}" for key in keys},
        "with": {"runners": ",".join(keys)},
    }

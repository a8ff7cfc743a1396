"""The checks as a cell calls them: what stands for every exercise."""

import json
import shutil
import subprocess
import sys
import types

import pytest
from helpers.solutions import (
    CHECKS,
    FOOLING,
    REFERENCE,
    SALIENCY,
    TRANSFORMATION,
)

from cs231n import net_visualization_pytorch
from cs231n.checks import (
    EXERCISES,
    OPTIONAL,
    check_fooling_image,
    check_saliency_maps,
    examine,
    ready,
)
from cs231n.checks.__main__ import main

pytestmark = pytest.mark.usefixtures("short_patience")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_is_right_and_a_second_check_says_the_same(exercise):
    first, second = (examine(exercise, REFERENCE[exercise]) for _ in range(2))
    assert first.as_json() == {"verdict": "right", "mistakes": [], "notes": []}
    assert first.text() == second.text()


def test_a_stub_is_told_without_an_error_and_its_cells_wait(capsys):
    def make_fooling_image(X, target_y, model):
        raise NotImplementedError

    check_fooling_image(make_fooling_image)
    assert not ready(make_fooling_image)
    assert ready(REFERENCE[FOOLING])
    assert capsys.readouterr().out.splitlines() == [
        "… make_fooling_image: not implemented yet.",
        "This cell waits for make_fooling_image, which is not implemented yet.",
    ]


@pytest.mark.parametrize("check", CHECKS.values())
def test_what_is_no_function_is_refused(check):
    with pytest.raises(ValueError, match="expected your function itself, without parentheses"):
        check(None)


def test_ready_refuses_what_is_none_of_the_exercises():
    with pytest.raises(ValueError, match="expected one of compute_saliency_maps"):
        ready(main)


def test_the_checks_work_where_the_solutions_and_the_instructors_files_are_absent(kit):
    shutil.rmtree(kit / "cs231n" / "instructor")
    for name in ("net_visualization_pytorch.py", "attribution.py", "feature_visualization.py"):
        (kit / "cs231n" / name).unlink()
    student = kit / "mine.py"
    student.write_text(
        "def compute_saliency_maps(X, y, model):\n    return X.abs().amax(dim=1)\n\n"
        "def transform_images(images, angles, scales, shifts):\n    return images.flip(3)\n"
    )
    command = [sys.executable, "-m", "cs231n.checks", "mine.py", "--json"]
    result = subprocess.run(command, cwd=kit, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, "")
    verdicts = {name: report["verdict"] for name, report in json.loads(result.stdout).items()}
    assert verdicts == dict.fromkeys(EXERCISES, "missing") | {SALIENCY: "wrong", TRANSFORMATION: "wrong"}


def test_a_lambda_that_was_checked_is_known_to_ready(capsys):
    stub = lambda X, y, model: None  # noqa: E731
    check_saliency_maps(stub)
    assert not ready(stub)
    assert capsys.readouterr().out.count("compute_saliency_maps") == 2


@pytest.mark.parametrize("exercise", OPTIONAL)
@pytest.mark.parametrize("stub", [lambda *_: None, lambda X, *_: X])
def test_stubs_of_the_optional_part_are_unfinished_and_their_cells_wait(exercise, stub, capsys):
    stub = types.FunctionType(stub.__code__, stub.__globals__, exercise)
    CHECKS[exercise](stub)
    assert not ready(stub)
    assert ready(REFERENCE[exercise])
    assert capsys.readouterr().out.splitlines() == [
        f"… {exercise}: not implemented yet.",
        f"This cell waits for {exercise}, which is not implemented yet.",
    ]


def test_a_device_that_cannot_be_used_is_named_with_what_to_do():
    with pytest.raises(ValueError, match=r"The check cannot use .*restart the kernel.*device=\"cpu\""):
        check_saliency_maps(net_visualization_pytorch.compute_saliency_maps, device="cuda:63")


def failing_at_first(examinations):
    """Return a right function of exercise 1 that raises an error in the first so many examinations, as on a GPU."""
    calls = []

    def maps(X, y, model):
        calls.append(1)
        if len(calls) <= left:
            raise RuntimeError("Expected all tensors to be on the same device")
        return net_visualization_pytorch.compute_saliency_maps(X, y, model)

    left = 10**6
    examine(SALIENCY, maps)
    left = examinations * len(calls)
    calls.clear()
    return maps


@pytest.mark.parametrize(
    ("device", "examinations", "verdict", "notes"),
    [("cpu:0", 1, "right", ["cpu-only"]), ("cpu", 1, "broken", []), ("cpu:0", 2, "broken", []), ("cpu:0", 0, "right", [])],
    ids=["on the other device only", "on the CPU", "on both", "on neither"],
)
def test_what_works_on_the_cpu_only_is_judged_there_and_the_error_is_shown(device, examinations, verdict, notes):
    report = examine(SALIENCY, failing_at_first(examinations), device)
    assert (report.verdict, report.notes) == (verdict, notes)
    assert ("same device" in report.text()) == (examinations > 0)

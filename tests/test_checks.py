"""The checks as a cell calls them: what stands for every exercise."""

import json
import shutil
import subprocess
import sys
import types

import pytest
import torch
from answers import ANSWERS
from helpers.solutions import (
    CHECKS,
    CROSS_ENTROPY,
    FOOLING,
    REFERENCE,
    SALIENCY,
    STEP,
    TRANSFORMATION,
    answer,
    raw_step_with,
    step_with,
)

from cs231n import checks, net_visualization_pytorch
from cs231n.checks import (
    EXERCISES,
    OPTIONAL,
    attempted,
    check_fooling_image,
    check_saliency_maps,
    examine,
    ready,
)
from cs231n.checks.__main__ import main
from cs231n.checks.report import WrongAnswer
from cs231n.console import WIDTH
from cs231n.recording import recorded_scores

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
        "This cell is waiting for make_fooling_image, which is not implemented yet.",
    ]


# Cells that use an exercise


def asked(capsys, *arguments, **images):
    """Return (whether a cell can use it, what is printed, in one line)."""
    capsys.readouterr()
    answered = ready(*arguments, **images)
    printed = capsys.readouterr().out
    assert all(len(line) <= WIDTH for line in printed.splitlines())
    return answered, " ".join(printed.split())


def test_cells_use_a_correct_exercise_and_leave_out_a_wrong_or_broken_one_whether_it_was_checked_or_not(capsys):
    wrong = answer("saliency_maps", CROSS_ENTROPY)
    wrong = types.FunctionType(wrong.__code__, wrong.__globals__, SALIENCY)
    left_out = f"{SALIENCY} is not correct yet (its check says why), so this cell skips what depends on it."
    assert asked(capsys, wrong) == (False, left_out)
    with pytest.raises(WrongAnswer):
        check_saliency_maps(wrong)
    assert asked(capsys, wrong) == (False, left_out)
    broken = types.FunctionType((lambda X, y, model: X[100]).__code__, {}, SALIENCY)
    assert asked(capsys, broken) == (False, left_out)
    assert asked(capsys, REFERENCE[SALIENCY]) == (True, "")


def test_a_function_that_never_returns_costs_a_cell_a_sentence(capsys):
    def compute_saliency_maps(X, y, model):
        while True:
            pass

    assert asked(capsys, compute_saliency_maps)[0] is False


def test_a_function_is_examined_once_until_it_is_checked_again(capsys, monkeypatch):
    answers = {"right": True}

    def compute_saliency_maps(X, y, model):
        return REFERENCE[SALIENCY](X, y, model) * (1 if answers["right"] else -1)

    examined = []
    monkeypatch.setattr(checks, "examine", lambda *given: examined.append(given) or examine(*given))
    assert [asked(capsys, compute_saliency_maps)[0] for _ in range(3)] == [True] * 3
    assert len(examined) == 1
    answers["right"] = False  # as when a helper of the function is changed
    with pytest.raises(WrongAnswer):
        check_saliency_maps(compute_saliency_maps)
    assert asked(capsys, compute_saliency_maps)[0] is False


def limited(exercise, note):
    """Return a correct solution of an exercise with this note."""
    return next(a.function for a in ANSWERS if a.exercise == exercise and a.notes == {note})


@pytest.mark.parametrize(
    ("note", "fails_for", "works_for"), [("fixed-batch-size", [1, 3, 20], [5, None]), ("fails-for-one-image", [1], [2, 5, None])]
)
def test_cells_leave_out_a_function_that_fails_for_as_many_images_as_they_have(note, fails_for, works_for, capsys):
    function = limited("grad_cam", note)
    with pytest.raises(ValueError, match="expected the function of an exercise"):
        ready(function)  # under a name of its own
    CHECKS["compute_grad_cam_maps"](function)
    for images in fails_for:
        word = "image" if images == 1 else "images"
        said = f"compute_grad_cam_maps does not work for {images} {word} at a time (its check says why)"
        answered, printed = asked(capsys, function, images=images)
        assert not answered
        assert printed.startswith(said)
    for images in works_for:
        assert asked(capsys, function, images=images) == (True, "")


def test_cells_leave_out_what_an_earlier_cell_did_not_make(capsys):
    answered, printed = asked(capsys, REFERENCE[SALIENCY], None)
    assert not answered
    assert printed.startswith(f"An earlier cell that uses {SALIENCY} did not finish")
    assert asked(capsys, REFERENCE[SALIENCY], torch.zeros(2), 0) == (True, "")


def test_cells_leave_out_what_fails_on_the_notebooks_gpu(capsys, monkeypatch):
    function = failing_at_first(1)
    function.__name__ = SALIENCY
    monkeypatch.setattr(checks, "best_device", lambda: "cpu:0")
    answered, printed = asked(capsys, function)
    assert not answered
    assert printed.startswith(f"{SALIENCY} fails on this notebook's GPU")


def test_what_fails_on_the_real_network_costs_a_few_lines_and_the_cell_goes_on(capsys, model):
    def make_fooling_image(X, target_y, model):
        while True:
            model(X)

    with attempted(make_fooling_image), recorded_scores(model, most_calls=5):
        make_fooling_image(torch.zeros(1, 3, 32, 32), 3, model)
    with attempted(make_fooling_image):
        torch.zeros(3)[4]
    with attempted(make_fooling_image):
        sys.exit()
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("✗ make_fooling_image passes its check, but here it fails. The rest of this cell is skipped.") == 3
    assert "model(X) TooManyCalls: The network was called 5 times" in printed
    assert "torch.zeros(3)[4] IndexError: index 4 is out of bounds" in printed
    assert "SystemExit" in printed


def test_an_interrupt_and_a_cell_that_goes_well_are_left_alone(capsys):
    with attempted(REFERENCE[SALIENCY]):
        done = True
    assert done
    with pytest.raises(KeyboardInterrupt), attempted(REFERENCE[SALIENCY]):
        raise KeyboardInterrupt
    assert capsys.readouterr().out == ""


def test_a_step_that_is_not_divided_is_told_which_learning_rate_it_needs(capsys):
    def ascent(gradient, img, l2_reg):
        return gradient - 2 * l2_reg * img

    for step_of, says_so in ((raw_step_with, True), (step_with, False)):
        function = step_of(ascent)
        CHECKS[STEP](function)
        printed = " ".join(capsys.readouterr().out.split())
        assert printed.startswith("✓ ")
        assert ("LEARNING_RATE = 5" in printed) == says_so
        assert asked(capsys, function) == (True, "")


@pytest.mark.parametrize("check", CHECKS.values())
def test_what_is_no_function_is_refused(check):
    with pytest.raises(ValueError, match="expected your function itself, without parentheses"):
        check(None)


def test_ready_refuses_what_is_none_of_the_exercises():
    for value in (main, None, 3, "make_fooling_image"):
        with pytest.raises(ValueError, match="expected the function of an exercise: compute_saliency_maps"):
            ready(value)


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
        f"This cell is waiting for {exercise}, which is not implemented yet.",
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

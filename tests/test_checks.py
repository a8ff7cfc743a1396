"""The checks, from both sides: right answers of many forms pass, wrong ones fail under the right name."""

import ast
import contextlib
import inspect
import json
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import imageio.v3
import nbformat
import numpy as np
import pytest
import torch
from answers import ANSWERS
from helpers.mutants import mutants
from helpers.places import ROOT
from torch import nn

from cs231n import attribution, checks, feature_visualization, net_visualization_pytorch
from cs231n.checks import (
    EXERCISES,
    OPTIONAL,
    check_class_visualization_step,
    check_fooling_image,
    check_grad_cam,
    check_integrated_gradients,
    check_saliency_maps,
    check_smoothgrad,
    check_transformation,
    examine,
    guard,
    ready,
)
from cs231n.checks.__main__ import main
from cs231n.checks.cases import SmallNetwork
from cs231n.checks.exam import ARRAYS, own_exam
from cs231n.checks.explanations import MISTAKES, NOTES
from cs231n.checks.fingerprints import PATH, stored
from cs231n.checks.report import WrongAnswer
from cs231n.checks.student_file import functions
from cs231n.instructor.exercises import fingerprints

SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = EXERCISES
OF_FILE = {
    **{"saliency_maps": SALIENCY, "fooling_image": FOOLING, "class_visualization_step": STEP, "smoothgrad": SMOOTHGRAD},
    **{"integrated_gradients": INTEGRATED, "grad_cam": GRAD_CAM, "transformation": TRANSFORMATION},
}
CHECKS = {
    **{SALIENCY: check_saliency_maps, FOOLING: check_fooling_image, STEP: check_class_visualization_step},
    **{SMOOTHGRAD: check_smoothgrad, INTEGRATED: check_integrated_gradients, GRAD_CAM: check_grad_cam},
    TRANSFORMATION: check_transformation,
}
SOLVED_IN = dict.fromkeys((SALIENCY, FOOLING, STEP), net_visualization_pytorch)
SOLVED_IN |= dict.fromkeys((SMOOTHGRAD, INTEGRATED, GRAD_CAM), attribution) | {TRANSFORMATION: feature_visualization}
REFERENCE = {name: getattr(module, name) for name, module in SOLVED_IN.items()}


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    """Functions that never return are stopped a little earlier than for students."""
    monkeypatch.setattr(guard, "SECONDS", 1.5)  # of computing: a busy machine does not use them up
    monkeypatch.setattr(guard, "WAITING_SECONDS", 3.0)


def answer(exercise, name):
    return next(a.function for a in ANSWERS if a.exercise == exercise and a.function.__name__ == name)


# The collection of answers


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.exercise}-{answer.verdict}-{answer.function.__name__}")
def test_an_answer_gets_its_verdict_and_its_mistakes_their_names(answer):
    report = examine(OF_FILE[answer.exercise], answer.function)
    assert report.verdict == answer.verdict, report.text()
    assert set(report.mistakes) == answer.mistakes, report.text()
    if answer.verdict == "right":
        assert set(report.notes) - {"nan-on-dead-class"} == answer.notes
    assert report.text().count("Think:") == len(answer.mistakes)


def test_the_collection_holds_every_mistake_of_the_catalogue_twice_and_many_combinations():
    wrong = [a for a in ANSWERS if a.verdict == "wrong"]
    assert sum(a.verdict == "right" for a in ANSWERS) >= 40
    assert len(wrong) >= 80
    assert sum(len(a.mistakes) > 1 for a in wrong) >= 15
    for exercise, catalogue in CATALOGUE.items():
        for mistake in catalogue:
            assert sum(mistake in a.mistakes for a in wrong if a.exercise == exercise) >= 2, mistake


CATALOGUE = {
    "saliency_maps": [
        *("cross-entropy", "no-absolute-value", "absolute-value-too-late", "mean-over-channels", "sum-over-channels"),
        *("softmax", "log-of-score", "batch-mean"),
    ],
    "fooling_image": [
        *("gradient-accumulates", "no-stop-test", "cross-entropy", "squared-norm", "not-normalised", "one-step-too-many"),
        *("divided-by-sum", "stop-test-inverted", "score-compared-with-class", "softmax", "learning-rate-changed"),
    ],
    "class_visualization_step": [
        *("gradient-accumulates", "regulariser-not-squared", "regulariser-wrong-sign", "cross-entropy"),
        *("learning-rate-ignored", "regulariser-halved", "regulariser-on-weights", "regulariser-on-scores"),
        *("regulariser-detached", "not-in-place"),
    ],
    "smoothgrad": [
        *("not-squared", "squared-after-mean", "maximum-before-mean", "sum-over-copies", "noise-ignored", "cross-entropy"),
        *("noise-accumulates", "one-copy-only"),
    ],
    "integrated_gradients": [
        *("baseline-not-on-path", "baseline-not-in-factor", "not-times-difference", "sum-over-steps", "ends-of-parts"),
        *("steps-off-by-one", "gradient-at-image-only", "gradient-through-path"),
    ],
    "grad_cam": [
        *("gradient-not-averaged", "sum-over-space", "weights-mix-images", "weights-missing", "no-relu", "relu-too-early"),
        *("not-resized", "other-resizing"),
    ],
    "transformation": [
        *("degrees", "rotates-the-other-way", "scale-inverted", "shift-wrong-way", "shift-half", "shift-not-turned-back"),
        *("not-inverted", "same-for-all-images"),
    ],
}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_is_right_and_a_second_check_says_the_same(exercise):
    first, second = (examine(exercise, REFERENCE[exercise]) for _ in range(2))
    assert first.as_json() == {"verdict": "right", "mistakes": [], "notes": []}
    assert first.text() == second.text()


# What the student reads


def test_a_right_answer_gets_one_line_that_says_what_was_verified(capsys):
    check_saliency_maps(REFERENCE[SALIENCY])
    printed = capsys.readouterr().out
    assert printed.startswith("✓ compute_saliency_maps is right.")
    assert printed.count("\n") == 1
    assert "scores below 0 and a dead class" in printed


def test_a_wrong_answer_is_told_with_numbers_and_a_thought_and_raises_in_one_line(capsys):
    with pytest.raises(WrongAnswer, match=r"^compute_saliency_maps: cross-entropy\. See the message above\.$") as raised:
        check_saliency_maps(answer("saliency_maps", CROSS_ENTROPY))
    assert raised.value._render_traceback_() == [f"WrongAnswer: {raised.value}"]
    printed = " ".join(capsys.readouterr().out.split())
    found = re.search(
        r"Image (\d), its label (\d), pixel \((\d+), (\d+)\): your map says (\S+), expected (\S+?)\. There the score of class "
        r"\2 changes by (\S+) per unit of red, (\S+) of green and (\S+) of blue",
        printed,
    )
    expected, *colours = (float(number) for number in found.groups()[5:])
    assert expected == pytest.approx(max(map(abs, colours)), abs=1e-4)
    assert float(found[5]) != pytest.approx(expected, rel=0.01)
    assert re.search(r"off by \d+ % in all; its correlation with the right one is 0\.\d\d", printed)
    assert "Think: the loss falls when" in printed


CROSS_ENTROPY = next(a.function.__name__ for a in ANSWERS if a.exercise == "saliency_maps" and a.mistakes == {"cross-entropy"})
ACCUMULATES = next(
    a.function.__name__ for a in ANSWERS if a.exercise == "fooling_image" and a.mistakes == {"gradient-accumulates"}
)


def test_a_wrong_step_is_told_by_its_number_length_and_angle(capsys):
    with pytest.raises(WrongAnswer, match="gradient-accumulates"):
        check_fooling_image(answer("fooling_image", ACCUMULATES))
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"Step 2 is the first that differs: yours has length 1, expected 1; the angle between the two is \d", printed
    )


def test_a_wrong_update_is_told_by_its_call(capsys):
    accumulates = next(
        a.function for a in ANSWERS if a.exercise == "class_visualization_step" and a.mistakes == {"gradient-accumulates"}
    )
    with pytest.raises(WrongAnswer, match="gradient-accumulates"):
        check_class_visualization_step(accumulates)
    assert "Call 2 is the first whose change is wrong" in " ".join(capsys.readouterr().out.split())


def test_a_mistake_that_nobody_knows_is_wrong_and_told_with_figures(capsys):
    def compute_saliency_maps(X, y, model):
        return REFERENCE[SALIENCY](X, y, model) ** 1.5 + 0.1

    with pytest.raises(WrongAnswer, match="wrong"):
        check_saliency_maps(compute_saliency_maps)
    printed = capsys.readouterr().out
    assert "is wrong, for a reason this check does not recognise." in printed
    assert "off by" in printed


def test_a_figure_is_drawn_in_a_notebook_only(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    report = examine(SALIENCY, answer("saliency_maps", CROSS_ENTROPY))
    report.show()
    assert not shown
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    report.show()
    (image,) = shown
    pixels = imageio.v3.imread(image.data)[60:180, 10:400]  # the two maps, beside each other
    yours, expected = pixels[:, :190], pixels[:, 195:385]
    assert pixels.std() > 20
    assert abs(yours.mean() - expected.mean()) > 5


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


def test_an_error_is_told_with_the_students_own_line_and_what_it_means(capsys):
    def compute_saliency_maps(X, y, model):
        return model(X).sum().backward()  # X asks for no gradient

    with pytest.raises(WrongAnswer, match="broken"):
        check_saliency_maps(compute_saliency_maps)
    printed = " ".join(capsys.readouterr().out.split())
    assert "return model(X).sum().backward() # X asks for no gradient" in printed
    assert "does not depend on a tensor that asks for a gradient" in printed
    assert "Traceback" not in printed


def test_a_step_that_fails_in_its_second_call_is_told_so():
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        assert img.grad is None
        REFERENCE[STEP](img, model, target_y, l2_reg, learning_rate)
        img.grad = torch.zeros_like(img)

    report = examine(STEP, class_visualization_update_step)
    assert report.verdict == "broken"
    assert "call 2" in report.text()


@pytest.mark.parametrize("check", CHECKS.values())
def test_what_is_no_function_is_refused(check):
    with pytest.raises(ValueError, match="expected your function itself, without parentheses"):
        check(None)


def test_ready_refuses_what_is_none_of_the_exercises():
    with pytest.raises(ValueError, match="expected one of compute_saliency_maps"):
        ready(main)


def test_every_id_is_explained_in_the_readme_and_no_other():
    text = (PATH.parent / "README.md").read_text(encoding="utf-8")
    ids, notes = text.split("## Ids of mistakes")[1].split("## Ids of notes")
    table = re.findall(r"^\| `([\w-]+)` \| [1-7, -]+ \| (.*) \|$", ids, re.M)
    assert dict(table) == {name: explanation.title for name, explanation in MISTAKES.items()}
    assert re.findall(r"^\| `([\w-]+)` \|", notes, re.M) == list(NOTES)


def test_every_name_that_the_fingerprints_give_is_explained():
    exercises = [name.removeprefix("mistakes/") for name in stored().arrays if name.startswith("mistakes/")]
    assert {"saliency_maps", "class_visualization_step-224", *ARRAYS} < set(exercises)
    for exercise in exercises:
        assert {name for names in stored().mistakes(exercise) for name in names} <= MISTAKES.keys()


# The student's kernel is as it was


def misbehaves(X, y, model):
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.abs = torch.neg
    torch.Tensor.amax = lambda *_, **__: None
    sys.stdout = None
    model.train()
    model.requires_grad_()
    return X.sum(dim=1)


def test_what_a_function_changes_is_told_and_put_back(capsys):
    def state():
        numbers = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()
        settings = torch.is_grad_enabled(), torch.get_num_threads(), torch.get_default_dtype(), sys.stdout
        return numbers, settings, torch.abs, torch.Tensor.amax

    torch.set_num_threads(2)
    before = state()
    report = examine(SALIENCY, misbehaves)
    assert state() == before
    assert report.verdict == "wrong"
    assert {"library-patched", "mode-changed"} <= set(report.mistakes)
    assert {"changes-random-state", "changes-settings", "changes-model-gradients"} <= set(report.notes)


def test_settings_of_the_students_kernel_do_not_matter_and_stay():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        for exercise in EXERCISES:
            assert examine(exercise, REFERENCE[exercise]).verdict == "right"
        assert torch.get_default_dtype() == torch.float64
        assert not torch.is_grad_enabled()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


def test_a_part_of_torch_that_wraps_functions_when_it_is_first_used_is_no_patch():
    code = (
        "import cs231n, torch\nfrom cs231n.checks import examine\n"
        "def step(img, model, target_y, l2_reg, learning_rate):\n"
        "    optimizer = torch.optim.SGD([img], lr=learning_rate)\n"
        "    optimizer.zero_grad()\n"
        "    (l2_reg * img.norm() ** 2 - model(img)[0, target_y]).backward()\n"
        "    optimizer.step()\n"
        "print(examine('class_visualization_update_step', step).as_json())"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed == "{'verdict': 'right', 'mistakes': [], 'notes': []}\n"


def test_printing_megabytes_is_noted_and_not_shown(capsys):
    def compute_saliency_maps(X, y, model):
        print("x" * 10_000_000)
        return REFERENCE[SALIENCY](X, y, model)

    check_saliency_maps(compute_saliency_maps)
    printed = capsys.readouterr().out
    assert len(printed) < 1000
    assert "it prints" in printed


def test_a_loop_that_swallows_every_exception_ends_too():
    def make_fooling_image(X, target_y, model):
        while True:
            try:  # noqa: SIM105 (that is the point)
                model(X)
            except:  # noqa: E722
                pass

    report = examine(FOOLING, make_fooling_image)
    assert report.verdict == "wrong"
    assert set(report.mistakes) <= {"never-returns", "too-many-network-calls"}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_interrupt_by_the_user_is_passed_on(exercise):
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(exercise, interrupted)


# No answers among the students' files


def test_the_fingerprints_are_those_of_the_present_reference_and_known_mistakes():
    arrays, not_told_apart = fingerprints.fingerprints(own_exam())
    known = stored().arrays
    assert known.keys() == arrays.keys(), "run python -m cs231n.instructor.exercises.fingerprints"
    for name, array in arrays.items():
        if array.dtype.kind == "U":
            assert array.tolist() == known[name].tolist(), "run python -m cs231n.instructor.exercises.fingerprints"
        elif name.startswith("known/"):  # the ways of a few mistakes lead so far off that rounding decides about them
            assert np.isclose(known[name], array, rtol=1e-3, atol=1e-4, equal_nan=True).mean() > 0.99, name
        else:
            np.testing.assert_allclose(known[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
    # a single network of the notebook's size is asked last, after the small ones, in which the mistake shows
    looks_right = {(exercise, ids) for exercise, ids, like in not_told_apart if not like}
    assert looks_right <= {("fooling_image-224", ("label-as-score",))}, "a mistake looks right"


def test_no_file_of_the_checks_computes_a_gradient_but_of_a_students_own_result():
    for path in PATH.parent.glob("*.py"):
        code = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
        if path.name == "guard.py":
            code = code.replace("torch.autograd.grad(result, argument, weights.to(result.dtype), allow_unused=True)", "", 1)
        assert not re.search(r"\.backward\(|autograd\.(grad|functional)|torch\.func|\bjacobian|finite.difference", code), path


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


def test_a_cell_that_is_nested_too_deeply_costs_the_other_cells_nothing(tmp_path):
    cells = ["-" * 100_000 + "1", "def compute_saliency_maps(X, y, model):\n    return None\n"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    found = functions(tmp_path / "mine.ipynb", EXERCISES)
    assert callable(found[SALIENCY])


def test_the_command_ends_as_always_after_a_function_that_could_not_be_ended(tmp_path):
    student = tmp_path / "mine.py"
    student.write_text(
        "import torch\n"
        "def compute_saliency_maps(X, y, model):\n"
        "    while True:\n"
        "        try:\n"
        "            torch.ones(300, 300) @ torch.ones(300, 300)\n"
        "        except:\n"
        "            pass\n"
    )
    command = [sys.executable, "-m", "cs231n.checks", str(student), "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads(result.stdout)[SALIENCY]["mistakes"] == ["never-returns"]


# Files


COURSE_STYLE = """# -*- coding: utf-8 -*-
import torch
import random
import torchvision.transforms as T
import numpy as np
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, a_name_that_is_not_there
from scipy.ndimage.filters import gaussian_filter1d
from a_module_that_nobody_has import *

STEPS = 100
raise SystemExit("what stands beside the functions is not executed")

def compute_saliency_maps(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return _strongest(X.grad)

def _strongest(gradient):
    return np.abs(gradient).max(dim=1)[0]

def make_fooling_image(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(STEPS):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    # *****START OF YOUR CODE (DO NOT DELETE/MODIFY THIS LINE)*****
    pass
    # *****END OF YOUR CODE (DO NOT DELETE/MODIFY THIS LINE)*****

def preprocess(img, size=224):
    return T.Compose([T.Resize(size)])(img)
"""


def check_file(path, capsys):
    code = main([str(path), "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    reports = json.loads(printed.out)
    assert list(reports) == list(EXERCISES)
    return code, {name: report["verdict"] for name, report in reports.items() if name not in OPTIONAL}


def notebook(*cells):
    """The JSON text of a notebook of version 4.4, as older Jupyters and Colab write it: no cell ids."""
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def test_the_reference_file_is_right_and_the_exit_code_is_0(capsys):
    assert main([str(ROOT / "cs231n" / "net_visualization_pytorch.py")]) == 0
    assert capsys.readouterr().out.count("is right") == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [("return None", 0), ("return images.flip(3)", 1), ("return nothing", 1)],
)
def test_an_optional_exercise_counts_for_the_exit_code_only_if_it_is_begun(tmp_path, capsys, line, code):
    path = tmp_path / "mine.py"
    solved = inspect.getsource(net_visualization_pytorch).replace("from .", "from cs231n.")
    path.write_text(f"{solved}\n\ndef transform_images(images, angles, scales, shifts):\n    {line}\n")
    assert main([str(path)]) == code
    told = re.findall(r"^[✓✗…] (\w+)", capsys.readouterr().out, re.M)
    assert told == [SALIENCY, FOOLING, STEP, TRANSFORMATION]


def test_the_command_prints_the_same_message_as_the_check(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("def compute_saliency_maps(X, y, model):\n    return None\n")
    assert main([str(path)]) == 1
    assert capsys.readouterr().out.startswith(
        "… compute_saliency_maps: not implemented yet.\n\n… make_fooling_image: not defined"
    )


@pytest.mark.parametrize(
    "line", ["from no_such_module import *", "from no_such_module import total", "import no_such_module as total"]
)
def test_an_import_that_fails_is_named_where_what_it_should_bring_is_used(tmp_path, capsys, line):
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\nfrom math import *\n\ndef compute_saliency_maps(X, y, model):\n    return total(model(X), pi)\n")
    assert main([str(path)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "compute_saliency_maps is broken" in printed
    assert f"{line} fails here: No module named 'no_such_module'" in printed


def test_an_import_of_everything_that_fails_is_not_blamed_for_names_that_exist(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "from no_such_module import *\n" + COURSE_STYLE.split("raise SystemExit")[0] + COURSE_STYLE.split('executed")')[1]
    )
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_of_the_course_is_checked_whatever_it_imports(tmp_path, capsys, line_end):
    path = tmp_path / "net_visualization_pytorch.py"
    path.write_bytes(COURSE_STYLE.replace("\n", line_end).encode())
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


def test_a_file_with_merge_markers_is_broken_with_the_line(tmp_path, capsys):
    path = tmp_path / "merged.py"
    path.write_text(COURSE_STYLE.replace("STEPS = 100\n", "<<<<<<< HEAD\nSTEPS = 100\n=======\nSTEPS = 50\n>>>>>>> theirs\n"))
    assert check_file(path, capsys)[1] == dict.fromkeys((SALIENCY, FOOLING, STEP), "broken")
    main([str(path)])
    printed = " ".join(capsys.readouterr().out.split())
    assert "merged.py, line 10 is a mark of a merge that was not finished: <<<<<<< HEAD" in printed


def test_a_file_that_python_cannot_read_is_broken_with_the_line(tmp_path, capsys):
    path = tmp_path / "typo.py"
    path.write_text(COURSE_STYLE.replace("X.requires_grad_()\n", "X.requires_grad_(\n", 1))
    assert check_file(path, capsys)[1] == dict.fromkeys((SALIENCY, FOOLING, STEP), "broken")
    main([str(path)])
    assert re.search(r"typo\.py, line 1\d: ", capsys.readouterr().out)


def test_a_notebook_with_magics_is_checked_and_only_its_definitions_are_executed(tmp_path, capsys):
    path = tmp_path / "mine.ipynb"
    definitions = COURSE_STYLE.split("raise SystemExit")[0], COURSE_STYLE.split('executed")')[1]
    cells = "%matplotlib inline\n!pip install nothing\nraise ValueError", definitions[0], "%%time\n" + definitions[1]
    path.write_text(notebook(*cells, "%%bash\nexit 1", "print 'Python 2'", "assert False"))
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


def test_the_last_of_several_definitions_counts(tmp_path, capsys):
    path = tmp_path / "twice.py"
    path.write_text("def compute_saliency_maps(X, y, model):\n    pass\n" + COURSE_STYLE)
    assert check_file(path, capsys)[1][SALIENCY] == "right"
    path.write_text(COURSE_STYLE + "def compute_saliency_maps(X, y, model):\n    pass\n")
    assert check_file(path, capsys)[1][SALIENCY] == "unfinished"


def test_a_cell_that_python_cannot_read_breaks_only_its_own_function(tmp_path, capsys):
    path = tmp_path / "mine.ipynb"
    before, after = COURSE_STYLE.split("def make_fooling_image")
    path.write_text(
        notebook(before.split("raise SystemExit")[0], before.split('executed")')[1], "def make_fooling_image(((:\n  pass")
    )
    assert after
    assert check_file(path, capsys)[1] == {SALIENCY: "right", FOOLING: "broken", STEP: "missing"}


def test_an_imported_function_counts_where_the_file_that_defines_it_lies_beside(tmp_path, capsys):
    reference = ROOT / "NetworkVisualization.ipynb"
    assert check_file(reference, capsys) == (0, dict.fromkeys((SALIENCY, FOOLING, STEP), "right"))
    (tmp_path / "alone.ipynb").write_bytes(reference.read_bytes())
    assert check_file(tmp_path / "alone.ipynb", capsys) == (1, dict.fromkeys((SALIENCY, FOOLING, STEP), "missing"))


def test_a_damaged_notebook_is_broken_and_a_missing_file_a_usage_error(tmp_path, capsys):
    path = tmp_path / "damaged.ipynb"
    for text in ('{"cells": [', "[]", notebook("x = 1") + "<<<<<<< HEAD", "", "\0"):
        path.write_text(text)
        assert check_file(path, capsys) == (1, dict.fromkeys((SALIENCY, FOOLING, STEP), "broken"))
    for name in ("absent.py", "text.txt"):
        (tmp_path / "text.txt").touch()
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path / name)])
        assert name in capsys.readouterr().err


def test_what_a_file_prints_stays_out_of_the_json(tmp_path, capsys):
    path = tmp_path / "noisy.py"
    path.write_text(
        "def helper():\n    print('now')\n    return 1\n\nNUMBER = helper()\n\n"
        "def compute_saliency_maps(X, y, model):\n    print(NUMBER)\n    return X.sum(dim=NUMBER)\n"
    )
    assert check_file(path, capsys)[1][SALIENCY] == "wrong"


def test_a_helper_that_cannot_be_made_is_told_where_it_is_used(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "TABLE = open('no such file').read()\n\n\ndef compute_saliency_maps(X, y, model):\n    return TABLE.upper()\n"
    )
    assert main([str(path)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "compute_saliency_maps is broken" in printed
    assert "TABLE has no value, since mine.py, line 1 raises FileNotFoundError" in printed


def test_the_small_networks_are_in_evaluation_mode_with_frozen_weights_like_the_notebooks():
    for case in [*checks.cases.SALIENCY_CASES, *checks.cases.GRAD_CAM_CASES, checks.cases.GRAD_CAM_224]:
        network = case.network()
        assert isinstance(network, nn.Module)
        assert not any(module.training for module in network.modules())
        assert not any(weight.requires_grad for weight in network.parameters())


# Mutants of the reference

EQUIVALENT = {
    SALIENCY: ["gather(1, y[:, None]) -> own_scores = model(X).gather(-1, y[:, None])"],
    FOOLING: [
        # 1e-12 is far below rounding; without it a dead class gives NaN, which a note says
        "- 1e-12)", "+ -1e-12)", "+ 0)", "+ 2e-12)", "-> X_fooling += learning_rate * gradient / gradient.norm()",
        "-> X_fooling += gradient / (gradient.norm() + 1e-12)",  # the learning rate is 1
        "range(101)", "range(200)",  # no image here takes more than 100 steps
        "else: / warn_not_fooled", "warn_not_fooled(X_fooling, target_y, model) -> pass",  # a warning, no result
    ],
    STEP: [
        "- 1e-12)", "+ -1e-12)", "+ 0)", "+ 2e-12)", "-> img += learning_rate * ascent / ascent.norm()",
        "-> img += learning_rate * ascent",  # the raw step is right as well
        "check_step(img, model, target_y, l2_reg, learning_rate) -> pass",  # it only looks at the input
    ],
    SMOOTHGRAD: [
        "gather(-1, y[:, None])",
        "checked_noise(noise, X) -> pass",  # it only looks at the input
    ],
    INTEGRATED: [
        "gather(-1, y[:, None])",
        "checked_baseline(baseline, X, num_steps) -> pass",
    ],
    GRAD_CAM: [
        "gather(-1, y[:, None])", "mean(dim=(-2, 3), keepdim=True)", "X.shape[-2:], mode='bilinear', align_corners=False)[:, 0]",
        "mode='bilinear')[:, 0]",  # not to align the corners is the default
        "require_feature_map(model) -> pass",
    ],
    TRANSFORMATION: [
        "sin, cos], dim=-1).view(-1, 2, 2)",
        "affine_grid(theta, images.shape)", "padding_mode='reflection')",  # as above
        "require_transformation(images, angles, scales, shifts) -> pass",
    ],
}  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_mutant_of_the_reference_that_behaves_otherwise_is_not_right(exercise):
    text = Path(SOLVED_IN[exercise].__file__).read_text(encoding="utf-8")
    (function,) = [node for node in ast.parse(text).body if getattr(node, "name", None) == exercise]
    survivors, changed = [], list(mutants(function))
    for description, tree in changed:
        namespace = dict(vars(SOLVED_IN[exercise]))
        exec(compile(ast.Module([tree], []), "<mutant>", "exec"), namespace)
        if examine(exercise, namespace[exercise]).verdict == "right":
            survivors.append(description)
    assert len(changed) >= 20
    unknown = [text for text in survivors if not any(text.endswith(end) or end in text for end in EQUIVALENT[exercise])]
    assert not unknown
    assert len(survivors) == len(EQUIVALENT[exercise])


# Names and numbers beyond the known mistakes


def step_with(direction, rate=lambda rate: rate):
    """Return an update step that moves along direction(score's gradient, image, l2_reg), divided by its length."""

    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        (gradient,) = torch.autograd.grad(model(img)[0, target_y], img)
        change = direction(gradient, img.detach(), l2_reg)
        img.data += rate(learning_rate) * change / change.norm()

    return class_visualization_update_step


def raw_step_with(direction, rate=lambda rate: rate):
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        (gradient,) = torch.autograd.grad(model(img)[0, target_y], img)
        img.data += rate(learning_rate) * direction(gradient, img.detach(), l2_reg)

    return class_visualization_update_step


@pytest.mark.parametrize("make", [step_with, raw_step_with])
@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (lambda g, x, reg: g - 2 * reg * x, None),
        (lambda g, x, reg: g - 3 * reg * x, {"regulariser-other-size"}),
        (lambda g, x, reg: g + 7 * reg * x, {"regulariser-other-size", "regulariser-wrong-sign"}),
        (lambda g, x, reg: g - 5 * reg * x / x.norm(), {"regulariser-not-squared"}),
        (lambda g, x, reg: g + 5 * reg * x / x.norm(), {"regulariser-not-squared", "regulariser-wrong-sign"}),
        (lambda g, x, reg: g - 0.3 * x / x.norm(), {"regulariser-not-squared", "regulariser-other-size"}),
        (lambda g, x, reg: g - 0.07 * x, {"regulariser-other-size"}),
    ],
)
def test_a_regulariser_of_any_size_is_named_by_the_images_share_in_the_step(make, direction, expected):
    report = examine(STEP, make(direction))
    assert report.verdict == ("wrong" if expected else "right")
    assert set(report.mistakes) == (expected or set())


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (lambda rate: 3.3 * rate, {"learning-rate-changed"}),
        (lambda rate: 0.04, {"learning-rate-ignored"}),
        (lambda rate: rate**3, {"other-normalisation"}),
    ],
)
def test_a_step_of_any_length_is_named_by_how_the_length_depends_on_the_learning_rate(rate, expected):
    for direction in (lambda g, x, reg: g - 2 * reg * x, lambda g, x, reg: g - 1 * reg * x):
        halved = {"regulariser-halved"} if direction(0, 1, 1) == -1 else set()
        assert set(examine(STEP, step_with(direction, rate)).mistakes) == expected | halved
    strong = raw_step_with(lambda g, x, reg: g - 3 * reg * x, lambda rate: 0.7)
    assert set(examine(STEP, strong).mistakes) == {"regulariser-other-size", "learning-rate-ignored"}


@pytest.mark.parametrize(("factor", "expected"), [(3.7, "learning-rate-changed"), (None, "other-normalisation")])
def test_a_fooling_step_of_any_length_is_named_by_whether_the_length_is_the_same_everywhere(factor, expected):
    def make_fooling_image(X, target_y, model):
        X = X.clone().requires_grad_()
        for _ in range(100):
            scores = model(X)
            if scores.argmax() == target_y:
                break
            (g,) = torch.autograd.grad(scores[0, target_y], X)
            X.data += g / g.norm() * (factor or 0.1 * g.abs().max() + 0.2)
        return X

    assert examine(FOOLING, make_fooling_image).mistakes == [expected]


DETACHED = {
    "sum of squares": lambda img, reg: reg * (img.detach() ** 2).sum(),
    "squares": lambda img, reg: (reg * img.data.square()).sum(),
    "product": lambda img, reg: torch.sum(img.data * img.data).mul(reg),
    "norm": lambda img, reg: reg * img.data.norm(),
    "mean": lambda img, reg: reg * (img.data**2).mean(),
    "number": lambda img, reg: (img.data**2).sum().item() * reg,
    "absolute values": lambda img, reg: reg * img.data.abs().sum(),
    "image": lambda img, reg: (reg * img.data).norm(),
}


@pytest.mark.parametrize("form", DETACHED)
def test_a_regulariser_without_gradient_is_named_in_many_forms(form):
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        objective = model(img)[0, target_y] - DETACHED[form](img, l2_reg)
        img.data += learning_rate * torch.autograd.grad(objective, img)[0]

    assert examine(STEP, class_visualization_update_step).mistakes == ["regulariser-detached"]


ON_WEIGHTS = {
    "sum of squares": lambda model, reg: reg * sum((w**2).sum() for w in model.parameters()),
    "sum of norms": lambda model, reg: reg * sum(w.norm() for w in model.parameters()),
    "norm of all": lambda model, reg: reg * torch.cat([w.flatten() for w in model.parameters()]).norm(),
    "each square": lambda model, reg: sum(reg * (w**2).sum() for w in model.parameters()),
    "each norm": lambda model, reg: sum(reg * w.norm() for w in model.parameters()),
    "each weight": lambda model, reg: sum((reg * w).norm() for w in model.parameters()),
}


@pytest.mark.parametrize("form", ON_WEIGHTS)
def test_a_regulariser_on_the_weights_is_named_in_many_forms(form):
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        objective = model(img)[0, target_y] - ON_WEIGHTS[form](model, l2_reg)
        img.data += learning_rate * torch.autograd.grad(objective, img)[0]

    assert examine(STEP, class_visualization_update_step).mistakes == ["regulariser-on-weights"]


def test_the_angle_and_the_lengths_in_a_message_are_those_of_the_step():
    def make_fooling_image(X, target_y, model):  # turned by 60 degrees, twice as long, against the right step
        X = X.clone().requires_grad_()
        (g,) = torch.autograd.grad(model(X)[0, target_y], X)
        u = g / g.norm()
        v = torch.linspace(-1, 1, u.numel()).view_as(u)
        v -= (u * v).sum() * u
        return (X + 2 * (0.5 * u + 0.75**0.5 * v / v.norm())).detach()

    text = " ".join(examine(FOOLING, make_fooling_image).text().split())
    assert "yours has length 2, expected 1; the angle between the two is 60.0 degrees; it is off by 173 %." in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda X: X.sum(dim=1).long(), "a tensor of shape (5, 8, 11), dtype int64"),
        (lambda X: X.sum(dim=1).numpy() > 0, "a NumPy array of shape (5, 8, 11), dtype bool"),
        (lambda X: X.sum(dim=1).tolist(), "a list"),
        (lambda X: X.abs(), "a tensor of shape (5, 3, 8, 11), dtype float32; expected a float tensor of shape (5, 8, 11)"),
    ],
)
def test_a_result_of_another_form_is_described(value, said):
    report = examine(SALIENCY, lambda X, y, model: value(X))
    assert set(report.mistakes) <= {"wrong-type", "wrong-shape"}
    assert said in " ".join(report.text().split())


# What a reviewer found


def fooling_with(stop=lambda scores, target, first: scores.argmax() == target, epsilon=0.0, extra_passes=0):
    """Return a make_fooling_image whose loop ends where stop(scores, target, the first class) says so."""

    def make_fooling_image(X, target_y, model):
        X = X.clone().requires_grad_()
        first = model(X).argmax()
        for _ in range(100):
            scores = model(X)
            for _ in range(extra_passes):
                model(X)
            if stop(scores, target_y, first):
                break
            (g,) = torch.autograd.grad(scores[0, target_y], X)
            X = (X.detach() + g / (g.norm() + epsilon)).requires_grad_()
        return X.detach()

    return make_fooling_image


@pytest.mark.parametrize("epsilon", [0, 1e-12, 1e-8, 1e-6, 1e-5, 1e-4])
def test_an_epsilon_in_the_norm_changes_nothing(epsilon):
    assert examine(FOOLING, fooling_with(epsilon=epsilon)).verdict == "right"
    step = raw_step_with(lambda g, x, reg: (g - 2 * reg * x) / ((g - 2 * reg * x).norm() + epsilon))
    assert examine(STEP, step).verdict == "right"


def test_many_forward_passes_a_step_are_right():
    assert examine(FOOLING, fooling_with(extra_passes=4)).verdict == "right"


@pytest.mark.parametrize(
    "stop",
    [
        lambda scores, target, first: scores.argmax() != first or first == target,  # any other class
        lambda scores, target, first: scores.softmax(dim=1)[0, target] > 0.5,
        lambda scores, target, first: scores[0, target] > scores[0, first],
    ],
)
def test_a_stop_test_that_asks_for_something_else_is_wrong(stop):
    assert examine(FOOLING, fooling_with(stop)).verdict == "wrong"


def test_the_ways_of_the_right_images_keep_clear_of_ties_between_classes():
    for case in [*checks.cases.FOOLING_CASES, checks.cases.LONG_WAY, checks.cases.SCORE_IS_A_CLASS_ID]:
        network, margins = case.network(), []
        network.on_call = lambda X, scores, margins=margins, t=case.target: margins.append(
            (scores[0, t] - scores[0, [c for c in range(scores.shape[1]) if c != t]].max()).item()
        )
        REFERENCE[FOOLING](case.images(), case.target, network)
        assert min(map(abs, margins)) > 0.1, case.name


KERNELS = {
    "low precision": lambda stack: torch.set_float32_matmul_precision("medium"),
    "autocast": lambda stack: stack.enter_context(torch.autocast("cpu")),
    "device context": lambda stack: stack.enter_context(torch.device("meta")),
    "default device": lambda stack: torch.set_default_device("meta"),
    "tracing": lambda stack: sys.settrace(lambda *_: None),
    "warnings": lambda stack: warnings.simplefilter("error"),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_whatever_the_settings_of_the_kernel_the_reference_is_right_and_they_stay(kernel):
    def state():
        return torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu"), torch.empty(0).device

    trace = sys.gettrace()
    try:
        with contextlib.ExitStack() as stack, warnings.catch_warnings():
            KERNELS[kernel](stack)
            before = state()
            assert [examine(exercise, REFERENCE[exercise]).verdict for exercise in EXERCISES] == ["right"] * len(EXERCISES)
            assert state() == before
    finally:
        torch.set_float32_matmul_precision("highest")
        torch.set_default_device(None)
        sys.settrace(trace)


def test_a_debugger_works_after_a_check_that_stopped_a_function(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def endless(X, y, model):
        while True:
            pass

    assert examine(SALIENCY, endless).mistakes == ["never-returns"]
    lines, trace = [], sys.gettrace()
    try:
        sys.settrace(lambda frame, event, argument: lines.append(frame.f_lineno))
        sum(number for number in range(3))
    finally:
        sys.settrace(trace)
    assert lines


def test_an_endless_loop_that_swallows_what_is_raised_while_it_sleeps_ends_too(monkeypatch):
    monkeypatch.setattr(guard, "WAITING_SECONDS", 0.3)
    over = threading.Event()

    def endless(X, y, model):
        while not over.is_set():  # so that it is not left behind for the tests to come
            try:
                time.sleep(0.001)
            except:  # noqa: E722
                print("never mind")

    interval = sys.getswitchinterval()
    try:
        report = examine(SALIENCY, endless)
    finally:
        over.set()
    assert report.mistakes == ["never-returns"]
    assert "restart the kernel" in report.text()
    assert sys.getswitchinterval() == interval


def test_a_function_that_waits_outside_of_python_is_left_behind_and_said_to_be(monkeypatch):
    monkeypatch.setattr(guard, "WAITING_SECONDS", 0.3)
    blocked = threading.Lock()
    blocked.acquire()

    def waits(X, y, model):
        blocked.acquire()

    try:
        report = examine(SALIENCY, waits)
    finally:
        blocked.release()
    assert report.mistakes == ["never-returns"]
    assert "could not be ended: restart the kernel" in report.text()


def test_a_loop_that_can_be_ended_is_not_said_to_go_on(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def endless(X, y, model):
        while True:
            pass

    threads = set(threading.enumerate())
    report = examine(SALIENCY, endless)
    assert "It was ended." in report.text()
    assert "restart" not in report.text()
    assert set(threading.enumerate()) <= threads


# The notebook's sizes, and other layouts in memory


OF_NETWORKS = (SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM)
OTHER_NETWORKS = [
    *((exercise, checks.cases.with_more_classes) for exercise in OF_NETWORKS),
    *((exercise, checks.cases.with_strided_gradients) for exercise in OF_NETWORKS),
    # not GRAD_CAM: a map that is resized to the image depends on the image's size
    *((exercise, checks.cases.Framed) for exercise in OF_NETWORKS if exercise != GRAD_CAM),
]


@pytest.mark.parametrize(("exercise", "change"), OTHER_NETWORKS)
def test_the_reference_is_right_with_more_classes_in_a_frame_and_with_strided_gradients(exercise, change):
    report = EXERCISES[exercise].examine(REFERENCE[exercise], own_exam().with_cases(change))
    assert report.as_json() == {"verdict": "right", "mistakes": [], "notes": []}


def test_the_networks_of_other_sizes_and_layouts_are_what_they_are_said_to_be():
    for case in [*checks.cases.SALIENCY_CASES, *checks.cases.GRAD_CAM_CASES]:
        X, y, small = case.arguments(case.network())
        more = checks.cases.with_more_classes(case).network()
        assert more(X).shape == (5, 1000)
        torch.testing.assert_close(more(X)[:, : small.num_classes], small(X))
        assert more(X)[:, small.num_classes :].max() < small(X).min() - 10
        framed = checks.cases.Framed(case)
        large, _, network = framed.arguments(framed.network())
        assert large.shape == (5, 3, 224, 224)
        torch.testing.assert_close(network(large), more(X))
        strided = checks.cases.with_strided_gradients(case).network()
        (gradient,) = torch.autograd.grad(strided(X.requires_grad_())[range(5), y].sum(), X)
        assert not gradient.is_contiguous()
        assert not any(module.training for module in [*more.modules(), *network.modules(), *strided.modules()])


def told(exercise, function):
    return " ".join(examine(exercise, function).text().split())


def indexes_a_class(number):
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        objective = model(img)[0, target_y] - l2_reg * img.norm()
        img.data += learning_rate * torch.autograd.grad(objective, img)[0]
        return model(img)[0, number]

    return class_visualization_update_step


def test_what_fails_on_few_classes_is_told_what_was_found_with_1000_and_why_it_fails():
    text = told(STEP, indexes_a_class(130))
    assert "is wrong: the regulariser is not squared." in text
    assert "What follows was found with the same networks widened to 1000 classes. A small network (GELU)" in text
    assert "On small networks:" in text
    assert "index 130 is out of bounds" in text.split("On small networks:")[1]
    assert "224" not in text


def test_what_fails_in_every_size_is_broken_by_its_error_on_small_networks():
    text = told(STEP, indexes_a_class(1000))
    assert "is broken" in text
    assert "index 1000 is out of bounds for dimension 1 with size 9" in text
    assert "What follows" not in text


def test_what_needs_images_of_the_notebooks_size_is_told_so():
    flat = next(a.function for a in ANSWERS if a.function.__name__ == "flat_in_the_notebooks_size_norm")
    text = told(STEP, flat)
    assert "What follows was found with images of 224 x 224 pixels and 1000 classes. A small network (GELU)" in text
    assert "shape '[1, 150528]' is invalid" in text.split("On small networks:")[1]


def test_a_right_answer_for_the_notebooks_size_has_to_be_right_for_its_whole_image():
    def compute_saliency_maps(X, y, model):
        flat = X.reshape(len(X), 3 * 224 * 224)
        maps = REFERENCE[SALIENCY](flat.reshape(X.shape), y, model)
        maps[:, 30:] = 0  # the part that small images in a corner do not reach
        return maps

    assert examine(SALIENCY, compute_saliency_maps).verdict == "wrong"


def test_a_regulariser_is_said_to_have_no_effect_only_if_a_larger_one_changes_nothing():
    assert examine(STEP, raw_step_with(lambda g, x, reg: g - 1e-6 * reg * x)).mistakes == ["regulariser-other-size"]
    assert examine(STEP, raw_step_with(lambda g, x, reg: g)).mistakes == ["regulariser-missing"]


VIEWS = [a for a in ANSWERS if "needs-contiguous-gradients" in a.notes]


@pytest.mark.parametrize("answer", VIEWS, ids=lambda answer: f"{answer.exercise}-{answer.function.__name__}")
def test_what_the_check_calls_right_works_on_the_real_network(answer, model):
    X = torch.randn(1, 3, 224, 224)
    arguments = {
        "fooling_image": (X, model(X).topk(2).indices[0, 1].item(), model),
        "class_visualization_step": (X.clone().requires_grad_(), model, 130, 1e-3, 5.0),
    }.get(answer.exercise, (X, torch.tensor([130]), model))
    answer.function(*arguments)
    for name in ("saliency_maps", "fooling_image", "class_visualization_step", "grad_cam"):
        assert any(a.exercise == name for a in VIEWS)


# True sentences


def test_no_angle_is_told_where_there_is_none():
    def make_fooling_image(X, target_y, model):
        return X * torch.nan if model(X).argmax() != target_y else X

    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        model(img)
        img.data *= torch.nan

    for exercise, function in ((FOOLING, make_fooling_image), (STEP, class_visualization_update_step)):
        text = told(exercise, function)
        assert "yours has length nan" in text or "it has length nan" in text
        assert "degrees" not in text
    assert "degrees" in told(STEP, raw_step_with(lambda g, x, reg: g))


def test_a_gradient_that_accumulates_is_explained_without_a_word_on_the_first_one():
    both = next(
        a for a in ANSWERS if a.exercise == "fooling_image" and a.mistakes == {"gradient-accumulates", "learning-rate-changed"}
    )
    text = told(FOOLING, both.function)
    assert "Step 1 is the first that differs" in text
    assert "From the second gradient on" in text
    assert "as it should be" not in text


def test_a_raw_step_with_two_mistakes_is_not_normalised_in_another_way():
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        loss = nn.functional.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * img.square().mean()
        img.data -= learning_rate * torch.autograd.grad(loss, img)[0]

    assert set(examine(STEP, class_visualization_update_step).mistakes) == {"cross-entropy", "regulariser-other-size"}


@pytest.mark.parametrize(
    ("of_score", "names"),
    [
        (lambda score: score.exp(), []),  # a factor for each image, but it comes from what was differentiated
        (lambda score: score.sigmoid(), []),
        (lambda score: score / 7, ["rescaled"]),
    ],
)
def test_a_function_of_the_score_is_not_taken_for_a_rescaled_map(of_score, names):
    def compute_saliency_maps(X, y, model):
        X = X.clone().requires_grad_()
        own = model(X)[torch.arange(len(X)), y]
        return torch.autograd.grad(of_score(own).sum(), X)[0].abs().amax(dim=1)

    assert examine(SALIENCY, compute_saliency_maps).mistakes == names


SCALES = {
    "0 to 1 by image": lambda maps: (maps - maps.amin((1, 2), True)) / (maps.amax((1, 2), True) - maps.amin((1, 2), True)),
    "0 to 1 by batch": lambda maps: (maps - maps.min()) / (maps.max() - maps.min()),
    "standard by image": lambda maps: (maps - maps.mean((1, 2), True)) / maps.std((1, 2), keepdim=True),
    "standard by batch": lambda maps: (maps - maps.mean()) / maps.std(),
    "length 1": lambda maps: maps / maps.norm(),
    "sum 1": lambda maps: maps / maps.sum((1, 2), keepdim=True).clamp(min=1e-12),
    "255": lambda maps: 255 * maps,
    "less the smallest": lambda maps: maps - maps.amin((1, 2), True),
}


@pytest.mark.parametrize("exercise", [SALIENCY, SMOOTHGRAD, GRAD_CAM])
@pytest.mark.parametrize("scale", SCALES)
def test_maps_scaled_in_any_usual_way_are_rescaled(scale, exercise):
    function = lambda *arguments: SCALES[scale](REFERENCE[exercise](*arguments)).nan_to_num()  # noqa: E731 (a dead class is 0 / 0)
    if examine(exercise, function).verdict == "right":
        assert (scale, exercise) == ("less the smallest", GRAD_CAM)
    else:
        assert examine(exercise, function).mistakes == ["rescaled"]


def test_maps_that_are_changed_otherwise_are_not_rescaled():
    for change in (torch.log1p, torch.sqrt, lambda maps: maps.clamp(max=maps.mean())):
        report = examine(SALIENCY, lambda X, y, model, change=change: change(REFERENCE[SALIENCY](X, y, model)))
        assert (report.verdict, report.mistakes) == ("wrong", [])


HINTS = {
    "retain_graph": lambda X, y, model: model(X.requires_grad_()).sum().backward(retain_variables=True),
    "a vector of shape (N,)": lambda X, y, model: nn.functional.cross_entropy(model(X), y[:, None]),
    "names a GPU that this machine does not have": lambda X, y, model: X.to("mps"),
    "Whole numbers have no gradient": lambda X, y, model: y.requires_grad_(),
    "the tensor holds several": lambda X, y, model: float(model(X)[0]),
    "has no argument of this name": lambda X, y, model: torch.abs(X, dimension=1),
}


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has the GPU that others lack")
@pytest.mark.parametrize("hint", HINTS)
def test_what_an_error_means_is_told(hint):
    text = told(SALIENCY, HINTS[hint])
    assert "is broken" in text
    assert hint in text


# A busy machine


def computes(seconds):
    """Use so many seconds of this thread's processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    """The name of a module whose import computes for half a second, in small bites, and then sets `done`."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nend = time.thread_time() + 0.5\nwhile time.thread_time() < end:\n    pass\ndone = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "slow_to_import", raising=False)
    yield "slow_to_import"
    sys.modules.pop("slow_to_import", None)


def test_an_import_is_not_counted_as_the_functions_own_time(slow_module):
    def imports():
        return __import__(slow_module).done

    assert guard.within(0.2, imports, ())


def test_what_is_to_be_stopped_is_not_stopped_inside_of_an_import(slow_module):
    def computes_then_imports():
        computes(0.19)  # its time is up during the import, or just after it
        __import__(slow_module)
        computes(60)

    with pytest.raises(guard.TimeIsUp) as raised:
        guard.within(0.2, computes_then_imports, ())
    assert not raised.value.left_behind
    assert sys.modules[slow_module].done


def test_an_import_that_never_ends_is_left_behind(slow_module, monkeypatch):
    monkeypatch.setattr(guard, "IMPORT_SECONDS", 0.1)
    with pytest.raises(guard.TimeIsUp) as raised:
        guard.within(10, __import__, (slow_module,))
    assert raised.value.left_behind
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(20)
    assert sys.modules[slow_module].done


def test_an_interrupt_by_the_user_cuts_no_import_off(slow_module, monkeypatch):
    look = guard._Clocks.look

    def interrupted(clocks):
        monkeypatch.setattr(guard._Clocks, "look", look)
        raise KeyboardInterrupt

    monkeypatch.setattr(guard._Clocks, "look", interrupted)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        guard.within(10, __import__, (slow_module,))
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
    assert sys.modules[slow_module].done


def test_time_without_the_processor_is_not_time_to_compute():
    def sleeps():
        time.sleep(0.5)
        return "back"

    assert guard.within(0.1, sleeps, ()) == "back"


def test_only_what_computes_too_long_is_stopped():
    assert guard.within(0.6, computes, (0.2,)) is None
    with pytest.raises(guard.TimeIsUp):
        guard.within(0.2, computes, (60,))


def test_a_call_that_waits_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(guard, "WAITING_SECONDS", 0.2)
    with pytest.raises(guard.TimeIsUp):
        guard.within(10, lambda: [time.sleep(0.01) for _ in range(6000)], ())


def clock_that_reads(monkeypatch, *readings):
    """Return _Clocks that read these (time, time on the processor, time in the queue) one after the other."""
    readings = iter(readings)
    monkeypatch.setattr(guard._Clocks, "_now", lambda self: next(readings))
    return guard._Clocks()


@pytest.mark.parametrize(
    ("reading", "computed", "waited"),
    [
        ((0.1, 0.1, 0), 0.1, 0),
        ((0.1, 0, 0), 0, 0.1),
        ((0.1, 0.02, 0.08), 0.02, 0),  # others had the processor
        ((60, 0.02, 59), 0.02, 0),
        ((3600, 0, 0), 0, 0.2),  # the machine slept, so nobody looked
    ],
)
def test_a_thread_that_has_to_queue_for_the_processor_neither_computes_nor_waits(monkeypatch, reading, computed, waited):
    clocks = clock_that_reads(monkeypatch, (0, 0, 0), reading)
    clocks.look()
    assert (clocks.computed, clocks.waited) == pytest.approx((computed, waited), abs=1e-9)


def test_without_a_clock_of_the_thread_that_of_the_process_is_used(monkeypatch):
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    monkeypatch.setattr(guard.Path, "read_text", lambda *_: (_ for _ in ()).throw(FileNotFoundError))
    assert guard.within(0.6, computes, (0.1,)) is None
    with pytest.raises(guard.TimeIsUp):
        guard.within(0.2, computes, (60,))


def test_an_optimiser_is_right_although_its_first_use_imports_for_longer_than_a_call_may_take():
    code = (
        "import time\nfrom cs231n.checks import examine, guard\nguard.SECONDS = 0.4\nimport sys, torch\n"
        "assert 'torch._dynamo' not in sys.modules, 'importing the checks should not take the time of this'\n"
        "def step(img, model, target_y, l2_reg, learning_rate):\n"
        "    optimizer = torch.optim.SGD([img], lr=learning_rate, weight_decay=2 * l2_reg)\n"
        "    optimizer.zero_grad()\n"
        "    (-model(img)[0, target_y]).backward()\n"
        "    optimizer.step()\n"
        "print(examine('class_visualization_update_step', step).verdict)"
    )
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert printed == "right\n"


def leaves(change):
    def compute_saliency_maps(X, y, model):
        saliency = REFERENCE[SALIENCY](X, y, model)
        change(model)
        return saliency

    return compute_saliency_maps


def test_a_settings_change_is_no_patch():
    report = examine(SALIENCY, leaves(lambda model: torch.set_default_dtype(torch.float64)))
    assert report.as_json() == {"verdict": "right", "mistakes": [], "notes": ["changes-settings"]}
    assert torch.get_default_dtype() == torch.float32
    report = examine(SALIENCY, leaves(lambda model: torch.set_default_device("meta")))
    assert report.notes == ["changes-settings"]
    assert torch.zeros(1).device.type == "cpu"


def test_patched_layers_and_builtins_are_told_and_put_back():
    forward, rand = nn.Conv2d.forward, np.random.rand

    def patch(model):
        nn.Conv2d.forward = np.random.rand = random.random = None

    assert examine(SALIENCY, leaves(patch)).mistakes == ["library-patched"]
    assert nn.Conv2d.forward is forward
    assert np.random.rand is rand
    assert examine(SALIENCY, REFERENCE[SALIENCY]).verdict == "right"


@pytest.mark.parametrize("compiled", ["a helper", "the network"])
def test_what_torch_compile_puts_into_the_library_is_nothing_that_the_student_has_changed(compiled):
    strongest = torch.compile(lambda gradient: gradient.abs().amax(dim=1), backend="eager")

    def compute_saliency_maps(X, y, model):
        network = torch.compile(model, backend="eager") if compiled == "the network" else model
        X = X.clone().requires_grad_()
        network(X).gather(1, y[:, None]).sum().backward()
        return strongest(X.grad)

    for _ in range(2):  # the library is changed at the first use only
        report = examine(SALIENCY, compute_saliency_maps)
        assert (report.verdict, report.mistakes) == ("right", [])


def test_a_name_that_the_student_adds_to_a_class_of_the_library_is_found_beside_those_of_torch_compile():
    def patch(model):
        torch.optim.AdamW._init_group = lambda *_: None

    report = examine(SALIENCY, leaves(patch))
    assert report.mistakes == ["library-patched"]
    assert torch.optim.AdamW._init_group.__name__ == "_init_group"


def zero_buffers(model):
    for buffer in model.buffers():
        buffer.zero_()


@pytest.mark.parametrize(
    ("change", "expected"),
    [(zero_buffers, "weights-changed"), (lambda model: model.double(), "weights-changed"), (nn.Module.train, "mode-changed")],
)
def test_what_is_changed_about_the_network_is_told(change, expected):
    assert examine(SALIENCY, leaves(change)).mistakes == [expected]


def test_changed_labels_are_a_changed_input():
    def compute_saliency_maps(X, y, model):
        saliency = REFERENCE[SALIENCY](X, y, model)
        y.zero_()
        return saliency

    assert examine(SALIENCY, compute_saliency_maps).mistakes == ["input-changed"]


def returns_none_if_fooled(X, target_y, model):
    return None if model(X).argmax() == target_y else REFERENCE[FOOLING](X, target_y, model)


def returns_x(X, target_y, model):
    REFERENCE[FOOLING](X, target_y, model)
    return X


def asks_about_x(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X.clone().requires_grad_()
        scores = model(x)
        if scores.argmax() == target_y:
            break
        X_fooling = X_fooling + torch.autograd.grad(scores[0, target_y], x)[0]
    return X_fooling


def never_returns_unless_fooled(X, target_y, model):
    X_fooling = fooling_with()(X, target_y, model)
    if model(X_fooling).argmax() == target_y:
        return X_fooling


def test_further_mistakes_in_a_fooling_image_have_names():
    assert examine(FOOLING, returns_none_if_fooled).mistakes == ["wrong-type"]
    assert examine(FOOLING, returns_x).mistakes == ["returns-input"]
    assert examine(FOOLING, asks_about_x).mistakes == ["image-never-changed"]
    assert "fails-when-not-fooled" in examine(FOOLING, never_returns_unless_fooled).notes


def with_momentum(X, target_y, model):
    X = X.clone().requires_grad_()
    optimizer = torch.optim.SGD([X], lr=1, momentum=0.9)
    for _ in range(100):
        scores = model(X)
        if scores.argmax() == target_y:
            break
        optimizer.zero_grad()
        (-scores[0, target_y]).backward()
        X.grad /= X.grad.norm()
        optimizer.step()
    return X.detach()


def test_a_mistake_that_shows_after_a_right_first_step_is_not_taken_for_another_length():
    report = examine(FOOLING, with_momentum)
    assert (report.verdict, report.mistakes) == ("wrong", [])
    assert "Step 2 is the first that differs" in " ".join(report.text().split())


@pytest.mark.parametrize("factor", [0, -1])
def test_maps_of_zeros_or_of_the_other_sign_are_not_rescaled_ones(factor):
    report = examine(SALIENCY, lambda X, y, model: factor * REFERENCE[SALIENCY](X, y, model))
    assert (report.verdict, report.mistakes) == ("wrong", [])


def test_values_and_places_of_torch_max_are_described():
    def compute_saliency_maps(X, y, model):
        X = X.clone().requires_grad_()
        return torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)[0].abs().max(dim=1)

    report = examine(SALIENCY, compute_saliency_maps)
    assert report.mistakes == ["wrong-type"]
    assert "2 things in a tuple" in report.text()


@pytest.mark.parametrize(
    "value",
    [lambda X: X.to_sparse(), lambda X: X.to("meta"), lambda X: X.to(torch.complex64), lambda X: X.sum(1).numpy().astype(">f4")],
)
def test_strange_results_are_wrong_and_no_error_of_the_checks(value):
    assert examine(SALIENCY, lambda X, y, model: value(X)).verdict == "wrong"


def test_one_infinite_value_is_told_without_a_warning():
    def compute_saliency_maps(X, y, model):
        saliency = REFERENCE[SALIENCY](X, y, model)
        saliency[0, 0, 0] = torch.inf
        return saliency

    report = examine(SALIENCY, compute_saliency_maps)
    assert report.mistakes == ["not-finite"]
    assert "more than 1000 %" in report.text()


def test_an_error_whose_text_raises_is_told():
    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError

    def compute_saliency_maps(X, y, model):
        raise Nasty

    assert "Nasty" in examine(SALIENCY, compute_saliency_maps).text()


@pytest.mark.parametrize("kind", ["own", "torch"])
def test_only_the_students_own_not_implemented_error_is_a_stub(kind):
    def compute_saliency_maps(X, y, model):
        if kind == "own":
            raise NotImplementedError("write me")
        return X.to("meta").sum(dim=1).to("cpu")  # torch cannot do that

    assert examine(SALIENCY, compute_saliency_maps).verdict == {"own": "unfinished", "torch": "broken"}[kind]


def test_a_limited_answer_is_not_said_to_be_verified_for_all_inputs():
    limited = next(a.function for a in ANSWERS if a.exercise == "saliency_maps" and a.notes == {"fixed-batch-size"})
    text = examine(SALIENCY, limited).text()
    assert "not for every input" in text
    assert "batches of different sizes" not in text


def test_a_lambda_that_was_checked_is_known_to_ready(capsys):
    stub = lambda X, y, model: None  # noqa: E731
    check_saliency_maps(stub)
    assert not ready(stub)
    assert capsys.readouterr().out.count("compute_saliency_maps") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_file_with_changed_globals_future_imports_and_magics_inside_is_checked(tmp_path, capsys, encoding):
    path = tmp_path / "mine.py"
    path.write_text(
        """from __future__ import annotations
import torch
AXES, SETTINGS = [], {}
AXES.append(1)
SETTINGS["é"] = 1
torch.no_such_function()

def compute_saliency_maps(X: Tensor, y: Tensor, model):
    X.requires_grad_()
    %time model.eval()
    !ls
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(AXES[0])[0] * SETTINGS["é"]
""",
        encoding=encoding,
    )
    assert check_file(path, capsys)[1][SALIENCY] == "right"


# The optional part


def scores_of(model, X, y):
    return model(X)[torch.arange(len(y)), y]


def test_integrated_gradients_are_told_by_what_they_sum_to(capsys):
    def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
        return 2 * REFERENCE[INTEGRATED](X, y, model, baseline, num_steps).abs()

    with pytest.raises(WrongAnswer, match="compute_integrated_gradients: wrong"):
        check_integrated_gradients(compute_integrated_gradients)
    printed = " ".join(capsys.readouterr().out.split())
    found = re.search(
        r"Image (\d), its label (\d), .* sum to (\S+)\. Its own score, (\S+), less that of its baseline, (\S+), is (\S+); with "
        r"num_steps = 4 the right ones come to (\S+)\. This",
        printed,
    )
    n, label = int(found[1]), int(found[2])
    case = checks.cases.PATH_CASES[0]
    X, y, network, baseline, num_steps = case.arguments(case.network())
    right = REFERENCE[INTEGRATED](X, y, network, baseline, num_steps)[n]
    numbers = [float(number) for number in found.groups()[2:]]
    score, start = network(X)[n, label].item(), network(baseline)[n, label].item()
    assert numbers == pytest.approx([2 * right.abs().sum().item(), score, start, score - start, right.sum().item()], abs=1e-3)


def test_a_transformation_is_told_by_where_a_dot_should_have_gone():
    def transform_images(images, angles, scales, shifts):
        return REFERENCE[TRANSFORMATION](images, -angles, scales, shifts)

    report = examine(TRANSFORMATION, transform_images)
    found = re.search(
        r"Image (\d), .* at first in row (\d+), column (\d+), belongs into row (\d+), column (\d+); in yours the brightest pixel "
        r"is in row (\d+), column (\d+)\.",
        " ".join(report.text().split()),
    )
    n, *places = (int(number) for number in found.groups())
    arguments = checks.cases.TRANSFORMATION_CASES[0].arguments()
    pictures = arguments[0], REFERENCE[TRANSFORMATION](*arguments), transform_images(*arguments)
    assert places == [place for picture in pictures for place in divmod(picture[n, 0].argmax().item(), picture.shape[3])]


def test_maps_of_the_feature_maps_size_are_named_by_their_values():
    def small(maps_of):
        def compute_grad_cam_maps(X, y, model):
            features = model.features(X.requires_grad_())
            scores = model.classifier(features).flatten(1)
            gradient = torch.autograd.grad(scores[torch.arange(len(y)), y].sum(), features)[0]
            return maps_of(gradient.mean(dim=(2, 3), keepdim=True), features)

        return examine(GRAD_CAM, compute_grad_cam_maps)

    right = small(lambda weights, features: (weights * features).sum(dim=1).relu())
    assert (right.verdict, right.mistakes) == ("wrong", ["not-resized"])
    assert small(lambda weights, features: (weights * features).sum(dim=1)).mistakes == ["no-relu", "not-resized"]
    assert small(lambda weights, features: features.amax(dim=1)).mistakes == ["wrong-shape"]
    assert small(lambda weights, features: torch.zeros_like(features[:, 0])).mistakes == ["wrong-shape"]


def test_numbers_of_squeezenet_in_grad_cam_are_right_with_a_note():
    def compute_grad_cam_maps(X, y, model):
        kept = []
        hook = model.features[12].register_forward_hook(lambda module, given, features: kept.append(features))
        own = scores_of(model, X.requires_grad_(), y)
        hook.remove()
        weights = torch.autograd.grad(own.sum(), kept)[0].mean(dim=(2, 3), keepdim=True)
        maps = (weights * kept[0]).sum(dim=1, keepdim=True).relu()
        return nn.functional.interpolate(maps, (224, 224), mode="bilinear").squeeze(1)

    report = examine(GRAD_CAM, compute_grad_cam_maps)
    assert (report.verdict, report.notes) == ("right", ["fixed-sizes"])


CUT = {
    "detached": lambda images: images.detach(),
    "through NumPy": lambda images: torch.from_numpy(images.numpy()),
    "in other tensors": lambda images: torch.tensor(images.tolist()),
    "half of it": lambda images: (images + images.detach()) / 2,
}


@pytest.mark.parametrize("form", CUT)
def test_pictures_that_lead_no_gradient_or_a_wrong_one_to_the_images_are_told(form):
    def transform_images(images, angles, scales, shifts):
        return REFERENCE[TRANSFORMATION](CUT[form](images), angles, scales, shifts)

    report = examine(TRANSFORMATION, transform_images)
    assert (report.verdict, report.mistakes) == ("wrong", ["gradient-cut"])
    assert "Given `images` that ask for a gradient" in report.text()


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


def calls_without_end(part):
    def endless(X, y, model, *_):
        while True:
            part(model, X)

    return endless


@pytest.mark.parametrize(
    "part",
    [
        lambda model, X: model(X),
        lambda model, X: model.features(X),
        lambda model, X: model.classifier(torch.ones(1, 10, 4, 4)),
        lambda model, X: model.classifier(model.features(X)),
    ],
)
def test_calls_of_a_part_of_the_network_are_calls(part):
    report = examine(GRAD_CAM, calls_without_end(part))
    assert report.mistakes == ["too-many-network-calls"]
    assert f"it had called the network {guard.CALLS} times" in report.text()


def test_a_pass_through_both_parts_is_one_call():
    case = checks.cases.GRAD_CAM_CASES[0]
    network = case.network()

    def compute(X, y, model):
        model(X)
        return model.classifier(model.features(X)) + model.classifier(torch.ones(1, 10, 4, 4))

    assert guard.run(compute, *case.arguments(network), network=network).calls == 3


def leaves_optional(exercise, change):
    def function(*arguments):
        result = REFERENCE[exercise](*arguments)
        change(*arguments)
        return result

    return function


@pytest.mark.parametrize("exercise", [SMOOTHGRAD, INTEGRATED, GRAD_CAM])
def test_what_the_optional_part_changes_about_the_network_is_told(exercise):
    for change, expected in (
        (lambda X, y, model, *_: model.train(), "mode-changed"),
        (lambda X, y, model, *_: next(model.parameters()).data.zero_(), "weights-changed"),
    ):
        assert examine(exercise, leaves_optional(exercise, change)).mistakes == [expected]


@pytest.mark.parametrize("exercise", OPTIONAL)
def test_each_tensor_that_the_optional_part_changes_is_a_changed_input(exercise):
    arguments = getattr(own_exam(), ARRAYS[1 + OPTIONAL.index(exercise)]).main[0].arguments(None)
    places = [place for place, argument in enumerate(arguments) if torch.is_tensor(argument)]
    assert len(places) >= 2
    for place in places:
        report = examine(exercise, leaves_optional(exercise, lambda *arguments, place=place: arguments[place].zero_()))
        assert report.mistakes == ["input-changed"]


def test_a_transformation_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def transform_images(images, angles, scales, shifts):
        while True:
            pass

    assert examine(TRANSFORMATION, transform_images).mistakes == ["never-returns"]


def test_a_device_that_cannot_be_used_is_named_with_what_to_do():
    with pytest.raises(ValueError, match=r"The check cannot use .*restart the kernel.*device=\"cpu\""):
        check_saliency_maps(net_visualization_pytorch.compute_saliency_maps, device="cuda:63")


@pytest.mark.parametrize(("rows", "calls"), [(5, ["copy"]), (3, ["copy", "network"])], ids=["out of range", "in range"])
def test_on_cuda_an_index_out_of_range_is_found_on_the_cpu_first(monkeypatch, rows, calls):
    """There it would end the use of the GPU until the kernel is restarted."""
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    X, y, seen = torch.zeros(3, 3, 2, 2), torch.tensor([0, 1, 2]), []
    network = SmallNetwork(nn.Flatten(), nn.Linear(12, 6), num_classes=6, seed=0)

    def own_scores(X, y, model):
        seen.append("network" if model is network else "copy")
        return model(X)[torch.arange(rows), y]

    trial = guard.run(own_scores, X, y, network, network=network)
    assert seen == calls
    assert isinstance(trial.error, IndexError) == (rows > len(X))


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

"""An exercise is a room: what one needs is in the files of its key, and nothing else that checks or grades knows its name."""

import inspect
import re
import subprocess
import sys

import pytest
from helpers.one_more import KEY, add
from helpers.places import ROOT
from helpers.solutions import REFERENCE

from cs231n import checks
from cs231n.assignment import assignment
from cs231n.checks import explanations
from cs231n.checks.explanations import Explanation

EXERCISES = assignment().exercises
PACKAGES = ROOT / "cs231n" / "checks", ROOT / "cs231n" / "instructor" / "exercises"
ROOMS = [PACKAGES[0], *(PACKAGES[1].parent / room for room in ("exercises", "grading", "platforms", "reports", "sandbox"))]
FILES = sorted(path for room in ROOMS for path in room.rglob("*.py"))


def exercises_named(text):
    """Return the keys of the exercises whose key or function a text names."""
    return {task.key for task in EXERCISES if re.search(rf"\b({task.key}|{task.function})\b", text)}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in FILES])
def test_an_exercise_is_named_in_its_own_files_only(path):
    assert exercises_named(path.read_text(encoding="utf-8")) <= {path.stem}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('if key == "grad_cam":', {"grad_cam"}),
        ("from .exercises import fooling_image, smoothgrad", {"fooling_image", "smoothgrad"}),
        ("compute_saliency_maps(X, y, model)", {"saliency_maps"}),
        ("# Grad-CAM has my_grad_cam_maps", set()),
    ],
)
def test_what_names_an_exercise_is_found(text, named):
    assert exercises_named(text) == named


def test_each_exercise_has_its_files():
    for package in (PACKAGES[0] / "exercises", PACKAGES[1]):
        assert {task.key for task in EXERCISES} <= {path.stem for path in package.glob("*.py")}


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_a_check_is_called_after_its_exercise_and_says_what_it_checks(task):
    check = getattr(checks, f"check_{task.key}")
    assert check.__name__ == f"check_{task.key}"
    arguments = ", ".join(inspect.signature(REFERENCE[task.function]).parameters)
    assert check.__doc__.startswith(f"Check {task.function}({arguments}): ")
    assert f"check_{task.key}" in dir(checks)


def test_a_check_of_no_exercise_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'check_answers'; its checks are check_saliency_maps, "):
        _ = checks.check_answers


def test_a_mistake_has_one_meaning(monkeypatch):
    monkeypatch.setattr(explanations, "MISTAKES", dict(explanations.MISTAKES))
    monkeypatch.setattr(explanations, "EXERCISES", dict(explanations.EXERCISES))
    explanations.add("another", "Right.", {"softmax": explanations.MISTAKES["softmax"]})
    with pytest.raises(ValueError, match=r"'softmax' of another is explained twice: as 'Mine', and elsewhere as 'Probability"):
        explanations.add("another", "Right.", {"softmax": Explanation("Mine", "It is mine.", "whose?")})


# A copy of the kit with one exercise more, or less

WITH_ONE_MORE = """
import types

import numpy as np
import torch

from cs231n import attribution
from cs231n.checks import EXERCISES, check_gradient_times_input, examine, guard, ready
from cs231n.checks.exam import own_exam
from cs231n.checks.fingerprints import PATH, stored
from cs231n.checks.networks import squeezenet_sized_network
from cs231n.instructor.exercises import exercise
from cs231n.instructor.exercises.drawing import Draw
from cs231n.instructor.exercises.fingerprints import of_exercise
from cs231n.instructor.exercises.kept import Photographs
from cs231n.instructor.exercises.on_squeezenet import proved

KEY, FUNCTION = "gradient_times_input", "compute_gradient_times_input"
right = attribution.compute_gradient_times_input


def gradient_alone(X, y, model):
    return right(X, y, model) / X


def stub(X, y, model):
    pass


def known(cases):
    arrays, not_told_apart = of_exercise(KEY, cases)
    assert not any(not like for _, _, like in not_told_apart), not_told_apart
    return arrays


np.savez_compressed(PATH, **stored().arrays, **known(own_exam().of(KEY)))
stored.cache_clear()
assert list(EXERCISES)[-1] == FUNCTION

check_gradient_times_input(right, "cpu")
stub.__name__ = FUNCTION
assert not ready(stub)
mistaken = examine(FUNCTION, gradient_alone)
assert (mistaken.verdict, mistaken.mistakes) == ("wrong", ["not-times-input"]), mistaken.text()
print(mistaken.text())

other = exercise(KEY).drawn(own_exam().of(KEY), Draw(np.random.default_rng(1)))
assert not torch.equal(other.main[0].images(), own_exam().of(KEY).main[0].images())
assert known(other).keys() == known(own_exam().of(KEY)).keys()

X = torch.randn(5, 3, 224, 224, generator=torch.Generator().manual_seed(0))
run = types.SimpleNamespace(number="a run", photographs=Photographs(X, torch.tensor([3, 1, 4, 1, 5]), 7, {}))
for function, report in ((right, examine(FUNCTION, right)), (gradient_alone, mistaken)):
    job = types.SimpleNamespace(run=lambda _, *given, function=function, **limits: guard.run(function, *given, **limits))
    found, reason = proved(report, job, run, squeezenet_sized_network())
    assert (found.verdict, found.mistakes, reason) == (report.verdict, report.mistakes, ""), (found.text(), reason)
job = types.SimpleNamespace(run=lambda _, *given, **limits: guard.run(gradient_alone, *given, **limits))
found, reason = proved(examine(FUNCTION, right), job, run, squeezenet_sized_network())
assert (found.verdict, reason) == ("wrong", "It is correct on small networks only.")
"""


def said(kit, code):
    """Return (exit code, output, errors) of Python code in a copy of the kit."""
    result = subprocess.run([sys.executable, "-c", code], cwd=kit, capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def test_an_exercise_more_is_found_by_its_table_and_its_files(kit):
    add(kit)
    code, output, errors = said(kit, WITH_ONE_MORE)
    assert (code, errors) == (0, "")
    printed = " ".join(output.split())
    assert printed.startswith("✓ compute_gradient_times_input is correct. Its products are those expected.")
    assert "✗ compute_gradient_times_input is wrong: not times input." in printed
    assert "Think: what is it multiplied by?" in printed


@pytest.mark.parametrize(
    ("folder", "module", "code"),
    [
        ("cs231n/checks/exercises", "checks", "import cs231n.checks"),
        (
            "cs231n/instructor/exercises",
            "instructor",
            f"from cs231n.instructor.exercises import exercise\nexercise('{KEY}')",
        ),
    ],
    ids=["checks", "instructor"],
)
def test_a_table_without_its_file_says_which_file_is_lacking(kit, folder, module, code):
    add(kit)
    (kit / folder / f"{KEY}.py").unlink()
    exit_code, _, errors = said(kit, code)
    assert exit_code == 1
    assert f"assignment.toml lists the exercise {KEY}, but there is no {folder}/{KEY}.py. Write it" in errors


def test_an_import_that_fails_inside_of_an_exercise_is_not_taken_for_a_lacking_file(kit):
    add(kit)
    path = kit / "cs231n" / "checks" / "exercises" / f"{KEY}.py"
    path.write_text(f"import no_such_module\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    _, _, errors = said(kit, "import cs231n.checks")
    assert "No module named 'no_such_module'" in errors
    assert "there is no" not in errors


LEFT_OUT = EXERCISES[-1]

WITH_ONE_LESS = f"""
from cs231n.checks import EXERCISES, explanations, examine, own_exam
from cs231n.checks import check_saliency_maps

assert "{LEFT_OUT.function}" not in EXERCISES and len(EXERCISES) == {len(EXERCISES) - 1}
assert "{LEFT_OUT.key}" not in own_exam().cases
assert "shift-half" not in explanations.MISTAKES
assert examine("compute_saliency_maps", lambda X, y, model: X.abs().amax(dim=1)).verdict == "wrong"
try:
    from cs231n.checks import check_{LEFT_OUT.key}
except ImportError as error:
    print(error)
"""


def test_an_exercise_less_leaves_the_others_as_they_are(kit):
    """As in the edition of a course that leaves one out: neither its table nor its file is there."""
    listed = kit / "cs231n" / "assignment.toml"
    tables = re.split(r"\n(?=\[)", listed.read_text(encoding="utf-8"))
    kept = [table for table in tables if not table.startswith(f"[{LEFT_OUT.key}]")]
    assert len(kept) == len(tables) - 1
    listed.write_text("\n".join(kept), encoding="utf-8")
    (kit / "cs231n" / "checks" / "exercises" / f"{LEFT_OUT.key}.py").unlink()
    code, output, errors = said(kit, WITH_ONE_LESS)
    assert (code, errors) == (0, "")
    assert f"cannot import name 'check_{LEFT_OUT.key}'" in output

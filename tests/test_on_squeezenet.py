"""The proof on SqueezeNet: what earns points there, from both sides: the cheat earns nothing, the honest mistake its part."""

import dataclasses
import importlib
import json

import pytest
import torch

from cs231n import checks
from cs231n.assignment import assignment
from cs231n.checks.exam import own_exam
from cs231n.checks.explanations import MISTAKES
from cs231n.instructor.exercises import exercise, on_squeezenet
from cs231n.instructor.exercises.arrays import ArrayExercise
from cs231n.instructor.exercises.class_visualization_step import ALIASES_HERE
from cs231n.instructor.exercises.exam import drawn_photographs
from cs231n.instructor.exercises.kept import Known
from cs231n.instructor.grading import judging, rubric
from cs231n.instructor.grading.owners import Submission
from cs231n.instructor.grading.run import Run
from cs231n.instructor.reports.records import as_json
from cs231n.instructor.sandbox.sandbox import Sandbox

RUBRIC = rubric.load()
SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = checks.EXERCISES
OWN = {task.key: exercise(task.key) for task in assignment().exercises}
OF_ARRAYS = [key for key, own in OWN.items() if isinstance(own, ArrayExercise)]
OF_STEPS = [key for key in OWN if key not in OF_ARRAYS]


@pytest.fixture(scope="module")
def run(drawn, model, photographs):
    asked = drawn_photographs(3, model, photographs[0])
    return Run(exam=drawn, photographs=asked, figures={}, number="proof", seconds=30.0)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def grade(run, sandbox, model, tmp_path):
    """A function that grades Python text and returns {exercise: its result, with its points}. changes: of the Run."""

    def graded(text, **changes):
        path = tmp_path / "ada.py"
        path.write_text("import time\nimport torch\nimport torch.nn.functional as F\n" + text, encoding="utf-8")
        submission = Submission("ada", "Ada", path, path.name)
        record = judging.graded(submission, dataclasses.replace(run, **changes), sandbox, model)
        points = RUBRIC.score(record, {})
        results = json.loads(json.dumps(as_json(record)))["exercises"]
        return {name: {**result, "points": points[name]} for name, result in results.items()}

    return graded


def part(exercise, *mistakes):
    """Return the points that the rubric leaves an exercise with these mistakes."""
    points = RUBRIC.points[exercise]
    for mistake in mistakes:
        points *= RUBRIC.kept[mistake]
    return pytest.approx(points, abs=0.01)


# Honest answers, each with a place for a mistake.

SALIENCY_CODE = """
def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    objective = model(X).gather(1, y[:, None]).sum()
    (gradient,) = torch.autograd.grad(objective, X)
    return gradient.abs().amax(dim=1)
"""
FOOLING_CODE = """
def make_fooling_image(X, target_y, model):
    X = X.clone()
    for _ in range(100):
        X = X.detach().requires_grad_()
        scores = model(X)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X)
        X = X + g / g.norm()
    return X.detach()
"""
STEP_CODE = """
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    objective = model(img)[0, target_y] - l2_reg * (img ** 2).sum()
    (g,) = torch.autograd.grad(objective, img)
    img.data += learning_rate * g / g.norm()
"""
SMOOTHGRAD_CODE = """
def compute_smoothgrad_maps(X, y, model, noise):
    N = len(X)
    squares = 0
    for copy in noise:
        points = (X + copy).requires_grad_()
        (g,) = torch.autograd.grad(model(points)[range(N), y].sum(), points)
        squares = squares + g ** 2
    return (squares / len(noise)).amax(dim=1)
"""
INTEGRATED_CODE = """
def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
    N = len(X)
    total = 0
    for step in range(num_steps):
        points = (baseline + (step + 0.5) / num_steps * (X - baseline)).requires_grad_()
        (g,) = torch.autograd.grad(model(points)[range(N), y].sum(), points)
        total = total + g
    return total / num_steps * (X - baseline)
"""
GRAD_CAM_CODE = """
def compute_grad_cam_maps(X, y, model):
    N = len(X)
    features = model.features(X).detach().requires_grad_()
    scores = model.classifier(features).flatten(1)
    (g,) = torch.autograd.grad(scores[range(N), y].sum(), features)
    maps = F.relu((g.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True))
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()
"""
TRANSFORMATION_CODE = """
def transform_images(images, angles, scales, shifts):
    N = len(images)
    cos, sin = angles.cos(), angles.sin()
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(N, 2, 2) / scales[:, None, None]
    theta = torch.cat([back, -back @ (2 * shifts[:, :, None])], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
"""
CODE = {
    **{SALIENCY: SALIENCY_CODE, FOOLING: FOOLING_CODE, STEP: STEP_CODE, SMOOTHGRAD: SMOOTHGRAD_CODE},
    **{INTEGRATED: INTEGRATED_CODE, GRAD_CAM: GRAD_CAM_CODE, TRANSFORMATION: TRANSFORMATION_CODE},
}


def changed(exercise, *replacements):
    """Return the honest answer with pieces of its text replaced: old, new, old, new."""
    text = CODE[exercise]
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_right_answers_have_all_points_and_nobody_needs_to_look_at_them(grade):
    for name, result in grade("".join(CODE.values())).items():
        assert (result["verdict"], result["points"], result["look"]) == ("right", RUBRIC.points[name], "")


HONEST_MISTAKES = [
    (SALIENCY, ("batch-mean",), (".sum()", ".mean()")),
    (SALIENCY, ("absolute-value-too-late",), ("gradient.abs().amax(dim=1)", "gradient.amax(dim=1).abs()")),
    (SALIENCY, ("cross-entropy",), ("model(X).gather(1, y[:, None]).sum()", "F.cross_entropy(model(X), y)")),
    (SALIENCY, ("log-of-score",), (".sum()", ".log().sum()")),  # NaN where scores are below 0, but not on SqueezeNet
    (SALIENCY, ("rescaled",), ("gradient.abs()", "(3.7 * gradient).abs()")),
    (SALIENCY, ("input-changed",), ("X = X.clone()", "given = X\n    X = X.clone()", "    return", "    given += 1\n    return")),
    (SALIENCY, ("mode-changed",), ("X = X.clone()", "model.train()\n    X = X.clone()")),
    (SALIENCY, ("batch-mean", "sum-over-channels"), (".sum()", ".mean()", "amax(dim=1)", "sum(dim=1)")),
    (FOOLING, ("one-step-too-many",), ("break", "return (X + (g := torch.autograd.grad(scores[0, target_y], X)[0]) / g.norm())")),
    (FOOLING, ("no-stop-test",), ("range(100)", "range(20)", "scores.argmax() == target_y", "False")),
    (FOOLING, ("gives-up-early",), ("range(100)", "range(1)")),
    (FOOLING, ("not-normalised",), ("X + g / g.norm()", "X + g")),
    (FOOLING, ("other-normalisation",), ("g.norm()", "(g.norm() ** 0.7)")),
    (FOOLING, ("learning-rate-changed",), ("X + g", "X + 1.7 * g")),
    (FOOLING, ("mode-changed",), ("X = X.clone()", "model.train()\n    X = X.clone()")),
    (
        FOOLING,
        ("cross-entropy", "squared-norm"),
        ("scores[0, target_y]", "scores.log_softmax(1)[0, target_y]", "g.norm()", "(g * g).sum()"),
    ),
    (STEP, ("regulariser-halved",), ("l2_reg * (img ** 2)", "0.5 * l2_reg * (img ** 2)")),
    (STEP, ("regulariser-other-size",), ("l2_reg * (img ** 2)", "3.3 * l2_reg * (img ** 2)")),
    (STEP, ("regulariser-detached",), ("(img ** 2)", "(img.data ** 2)")),
    (STEP, ("learning-rate-ignored",), ("learning_rate * g", "g")),
    (STEP, ("not-in-place",), ("img.data += learning_rate * g / g.norm()", "return img + learning_rate * g / g.norm()")),
    (SMOOTHGRAD, ("root-taken",), (".amax(dim=1)", ".amax(dim=1).sqrt()")),
    (
        SMOOTHGRAD,
        ("cross-entropy", "not-squared"),
        ("model(points)[range(N), y].sum()", "F.cross_entropy(model(points), y)", "g ** 2", "g.abs()"),
    ),
    (
        INTEGRATED,
        ("baseline-ignored",),
        ("(baseline + (step + 0.5) / num_steps * (X - baseline))", "((step + 0.5) / num_steps * X)", "(X - baseline)\n", "X\n"),
    ),
    (INTEGRATED, ("num-steps-ignored",), ("total = 0", "num_steps, total = 10, 0")),
    (GRAD_CAM, ("weights-mix-images",), ("g.mean(dim=(2, 3), keepdim=True)", "g.mean(dim=(0, 2, 3), keepdim=True)")),
    (GRAD_CAM, ("not-resized",), ('F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)', "maps")),
    (TRANSFORMATION, ("shift-half",), ("2 * shifts", "shifts")),
    (TRANSFORMATION, ("other-padding", "scale-ignored"), ('"reflection"', '"border"', " / scales[:, None, None]", "")),
    (TRANSFORMATION, ("gradient-cut",), ("return F", "return F", "grid_sample(images,", "grid_sample(images.detach(),")),
]


@pytest.mark.parametrize(
    ("exercise", "mistakes", "change"),
    HONEST_MISTAKES,
    ids=[f"{exercise}-{'+'.join(mistakes)}" for exercise, mistakes, _ in HONEST_MISTAKES],
)
def test_an_honest_mistake_keeps_its_part(grade, exercise, mistakes, change):
    result = grade(changed(exercise, *change))[exercise]
    assert (result["verdict"], result["mistakes"], result["look"]) == ("wrong", sorted(mistakes), "")
    assert result["points"] == part(exercise, *mistakes)


# The cheats: right, or rightly mistaken, on small networks only


def _only_when_small(text, otherwise):
    """Return a function's text, with other lines first for images of the notebook's size."""
    first, rest = text.strip().split("\n", 1)
    image = first.partition("(")[2].partition(",")[0]
    lines = "".join(f"\n        {line}" for line in otherwise.split("\n"))
    return f"{first}\n    if {image}.shape[-1] > 100:{lines}\n{rest}\n"


BLACK = {
    **{SALIENCY: "return 0 * X[:, 0]", FOOLING: "return X.clone()", STEP: "return img", SMOOTHGRAD: "return 0 * X[:, 0]"},
    **{INTEGRATED: "return 0 * X", GRAD_CAM: "return 0 * X[:, 0]", TRANSFORMATION: "return 0 * images"},
}
LIGHTER = {
    **{SALIENCY: "return X[:, 0] + 1", FOOLING: "return X + 1", STEP: "img.data += 1\nreturn", SMOOTHGRAD: "return X[:, 0] + 1"},
    **{INTEGRATED: "return X + 1", GRAD_CAM: "return X[:, 0] + 1", TRANSFORMATION: "return images + 1"},
}
BROKEN = {name: text.replace("0 *", "float('nan') *").replace("return X.clone()", "return X / 0") for name, text in BLACK.items()}
BROKEN[STEP] = "img.data /= 0\nreturn"
FAILING = dict.fromkeys(CODE, "raise ValueError('too large')")
NEAR_MISS = {
    SALIENCY: (".sum()", ".mean()"),
    FOOLING: ("X + g", "X + 1.7 * g"),
    STEP: ("l2_reg * (img ** 2)", "0.5 * l2_reg * (img ** 2)"),
    SMOOTHGRAD: (".amax(dim=1)", ".amax(dim=1).sqrt()"),
    INTEGRATED: ("total / num_steps", "total"),
    GRAD_CAM: (".mean(dim=(2, 3), keepdim=True)", ".sum(dim=(2, 3), keepdim=True)"),
    TRANSFORMATION: ("2 * shifts", "shifts"),
}


@pytest.mark.long
@pytest.mark.parametrize("otherwise", [BLACK, LIGHTER, BROKEN, FAILING], ids=["black", "lighter", "broken", "failing"])
def test_what_is_a_near_miss_on_small_networks_only_earns_nothing_and_says_so(grade, otherwise):
    texts = [_only_when_small(changed(name, *NEAR_MISS[name]), otherwise[name]) for name in CODE]
    for name, result in grade("\n".join(texts)).items():
        assert (result["verdict"], result["points"]) == ("wrong", 0), name
        assert result["mistakes"], name  # it has its name, from the small networks
        assert result["look"].startswith("Recognised on small networks only: on SqueezeNet "), name
        assert result["look"] in " ".join(result["message"].split()), name


@pytest.mark.long
@pytest.mark.parametrize("otherwise", [LIGHTER, FAILING], ids=["lighter", "failing"])
def test_what_is_right_on_small_networks_only_earns_nothing_and_says_what_differs(grade, otherwise):
    texts = [_only_when_small(CODE[name], otherwise[name]) for name in CODE]
    for name, result in grade("\n".join(texts)).items():
        assert (result["verdict"] in ("wrong", "broken"), result["points"]) == (True, 0), name
        assert result["look"].startswith("Correct according to the student's own check, "), name
        assert judging.RIGHT_TO_OWN_CHECK in result["message"], name
        assert "SqueezeNet" in result["message"], name
        assert "SqueezeNet" in result["look"], name


@pytest.mark.parametrize(
    ("mistake", "change", "share"),
    [
        ("regulariser-other-size", ("l2_reg * (img ** 2)", "(img ** 2)", " / g.norm()", ""), "2"),
        ("softmax", ("model(img)[0", "model(img).softmax(1)[0", " / g.norm()", ""), "2 * l2_reg"),
    ],
)
def test_a_large_regulariser_does_not_hide_that_the_gradient_is_missing(grade, mistake, change, share):
    honest = changed(STEP, *change)
    assert (result := grade(honest)[STEP])["mistakes"] == [mistake]
    assert result["points"] == part(STEP, mistake)
    cheat = _only_when_small(honest, f"img.data -= learning_rate * {share} * img.data\nreturn")
    assert (result := grade(cheat)[STEP])["mistakes"] == [mistake]
    assert result["points"] == 0


def test_a_side_effect_on_squeezenet_alone_costs_what_it_costs_and_forgives_no_wrong_value(grade):
    text = "model.train()\n        return 0 * X[:, 0]"
    assert grade(_only_when_small(SALIENCY_CODE, text.replace("        ", "")))[SALIENCY]["points"] == 0
    honest = _only_when_small(SALIENCY_CODE, "model.train()")
    result = grade(honest)[SALIENCY]
    assert (result["verdict"], result["mistakes"], result["points"]) == (
        "wrong",
        ["mode-changed"],
        part(SALIENCY, "mode-changed"),
    )
    both = grade(honest.replace(".sum()", ".mean()"))[SALIENCY]
    assert both["mistakes"] == ["batch-mean", "mode-changed"]
    assert both["points"] == part(SALIENCY, "batch-mean", "mode-changed")


FAILS_WHEN_SMALL = """
def compute_saliency_maps(X, y, model):
    if X.shape[-1] < 100:
        raise ValueError("only for the notebook's size")
    X += 1
    return X[:, 0].clone()
def make_fooling_image(X, target_y, model):
    if X.shape[-1] < 100:
        raise ValueError("only for the notebook's size")
    return X.clone() if model(X).argmax() == target_y else X + 1
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    if img.shape[-1] < 100:
        raise ValueError("only for the notebook's size")
    model.train()
    img.data += 1
def compute_grad_cam_maps(X, y, model):
    if X.shape[-1] < 100:
        raise ValueError("only for the notebook's size")
    X += 1
    return X[:, 0].clone()
"""


def test_a_side_effect_is_no_name_for_values_that_are_not_right(grade):
    results = grade(FAILS_WHEN_SMALL)
    for name in (SALIENCY, FOOLING, STEP, GRAD_CAM):
        assert results[name]["points"] == 0, name
        assert results[name]["look"] or not results[name]["explained"], name  # either puts it on the instructor's list


def test_two_mistakes_must_be_the_same_two_on_squeezenet(grade):
    both = changed(SALIENCY, ".sum()", ".mean()", "amax(dim=1)", "sum(dim=1)")
    assert grade(both)[SALIENCY]["points"] == part(SALIENCY, "batch-mean", "sum-over-channels")
    one = both.replace("sum(dim=1)", "sum(dim=1) * (len(X) if X.shape[-1] > 100 else 1)")
    assert (grade(one)[SALIENCY]["mistakes"], grade(one)[SALIENCY]["points"]) == (["batch-mean", "sum-over-channels"], 0)


def test_black_pictures_earn_nothing_where_a_known_mistake_is_black_too(grade):
    results = grade(
        "def compute_grad_cam_maps(X, y, model):\n    model(X)\n    return 0 * X[:, 0]\n"
        "def transform_images(images, angles, scales, shifts):\n    return 0 * images\n"
        "def compute_saliency_maps(X, y, model):\n    model(X)\n    return 0 * X[:, 0]\n"
    )
    assert [results[name]["points"] for name in (GRAD_CAM, TRANSFORMATION, SALIENCY)] == [0, 0, 0]


ABOUT_FIVE = {
    SMOOTHGRAD: ("N = len(X)", "N = 5"),
    INTEGRATED: ("N = len(X)", "N = 5"),
    GRAD_CAM: ("N = len(X)", "N = 5"),
    TRANSFORMATION: ("N = len(images)", "N = 5"),
}


def test_a_right_optional_answer_for_five_images_has_all_points_and_the_note(grade):
    results = grade("".join(changed(name, *change) for name, change in ABOUT_FIVE.items()))
    for name in ABOUT_FIVE:
        result = results[name]
        assert (result["verdict"], list(result["notes"])) == ("right", ["fixed-batch-size"]), name
        assert result["points"] == RUBRIC.points[name], name


@pytest.mark.long
def test_a_mistaken_optional_answer_for_five_images_keeps_its_part(grade):
    results = grade("".join(changed(name, *change, *NEAR_MISS[name]) for name, change in ABOUT_FIVE.items()))
    for name in ABOUT_FIVE:
        assert results[name]["mistakes"], name
        assert results[name]["points"] == part(name, *results[name]["mistakes"]), name


@pytest.mark.parametrize("step", ["g / g.norm()", "g"])
def test_a_mistake_has_the_same_name_in_the_own_check_and_in_the_grader(grade, step):
    text = changed(STEP, "(img ** 2).sum()", "model(img)[0, target_y] ** 2", "g / g.norm()", step)
    functions = {"torch": torch}
    exec(text, functions)
    assert checks.examine(STEP, functions[STEP]).mistakes == grade(text)[STEP]["mistakes"] == ["regulariser-on-scores"]


@pytest.mark.long
def test_waiting_is_no_work(grade):
    """Seven seconds asleep within a limit of six seconds of work: as on a machine that gives it its turn late."""
    late = SALIENCY_CODE.replace("    X = X.clone()", "    time.sleep(1)\n    X = X.clone()")
    result = grade(late, seconds=6.0)[SALIENCY]
    assert (result["verdict"], result["points"]) == ("right", RUBRIC.points[SALIENCY])
    assert result["seconds"] > 6


ENDLESS = """
def compute_saliency_maps(X, y, model):
    while True:
        try:
            X = X + 1
        except BaseException:
            pass
"""


def test_what_is_stopped_is_for_the_instructor_to_look_at(grade):
    result = grade(ENDLESS, seconds=1.0)[SALIENCY]
    assert (result["points"], result["verdict"]) == (0, "stopped")
    assert result["look"].startswith("It was stopped")


# The known mistakes


@pytest.mark.parametrize("key", OF_ARRAYS)
def test_what_is_wanted_of_the_known_mistakes_is_what_all_of_them_hold(key):
    case = next(case for case in own_exam().of(key).main if not getattr(case, "dots", False))
    arguments = case.arguments(case.network and case.network())
    known = OWN[key].known_answers
    found = {}
    for ids, array in known(*arguments):
        found.setdefault(frozenset(ids), []).append(array)
    for ids in [frozenset(), *list(found)[:: len(found) // 12]]:
        wanted = [array for _, array in known(*arguments, wanted=ids)]
        torch.testing.assert_close(wanted, found[ids], equal_nan=True, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("key", OF_ARRAYS)
def test_what_an_exercise_is_given_lies_in_memory_of_its_own_as_torch_makes_it(run, model, key):
    known = Known(run.photographs, model)
    for n in (2, 5):
        given, again = ([value for value in OWN[key].arguments(known, n) if torch.is_tensor(value)] for _ in range(2))
        for tensor, other in zip(given, again, strict=True):
            assert tensor.is_contiguous()
            assert tensor.untyped_storage().nbytes() == tensor.nbytes
            assert torch.equal(tensor, other)
            assert tensor.data_ptr() != other.data_ptr()


@pytest.mark.parametrize("key", OF_STEPS)
def test_the_same_holds_for_ways(key):
    case, paths = own_exam().of(key).main[0], importlib.import_module(f"cs231n.instructor.exercises.{key}").known_answers
    numbers = [getattr(case, name) for name in ("l2_reg", "learning_rate") if hasattr(case, name)]
    arguments = case.network(), case.images(), case.target, *numbers, 2
    found = {}
    for ids, path in paths(*arguments, at_most=2):
        found.setdefault(frozenset(ids), []).append(path)
    for ids in [frozenset(), *list(found)[:: len(found) // 12]]:
        wanted = [path for _, path in paths(*arguments, at_most=2, wanted=ids)]
        torch.testing.assert_close(wanted, found[ids], equal_nan=True, rtol=1e-2, atol=1e-4)


@pytest.mark.long
def test_every_named_mistake_can_be_proved_or_is_listed_as_one_beside_the_values():
    known = {name for key in OWN for ids in own_exam().known.mistakes(key) for name in ids}
    listed = {named for named, _ in ALIASES_HERE}
    for own in OWN.values():
        listed |= on_squeezenet.beside_the_values(own) | on_squeezenet.without_result(own)
    assert MISTAKES.keys() - known <= listed

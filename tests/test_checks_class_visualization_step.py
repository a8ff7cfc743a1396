"""The check of class_visualization_update_step: how the length of a step and its regulariser are named."""

import pytest
import torch
from answers import ANSWERS
from helpers.solutions import REFERENCE, STEP, raw_step_with, step_with
from torch import nn

from cs231n.checks import (
    check_class_visualization_step,
    examine,
)
from cs231n.checks.report import WrongAnswer

pytestmark = pytest.mark.usefixtures("short_patience")


def test_a_wrong_update_is_told_by_its_call(capsys):
    accumulates = next(
        a.function for a in ANSWERS if a.exercise == "class_visualization_step" and a.mistakes == {"gradient-accumulates"}
    )
    with pytest.raises(WrongAnswer, match="gradient-accumulates"):
        check_class_visualization_step(accumulates)
    assert "Call 2 is the first whose change is wrong" in " ".join(capsys.readouterr().out.split())


def test_a_step_that_fails_in_its_second_call_is_told_so():
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        assert img.grad is None
        REFERENCE[STEP](img, model, target_y, l2_reg, learning_rate)
        img.grad = torch.zeros_like(img)

    report = examine(STEP, class_visualization_update_step)
    assert report.verdict == "broken"
    assert "call 2" in report.text()


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


def test_a_regulariser_is_said_to_have_no_effect_only_if_a_larger_one_changes_nothing():
    assert examine(STEP, raw_step_with(lambda g, x, reg: g - 1e-6 * reg * x)).mistakes == ["regulariser-other-size"]
    assert examine(STEP, raw_step_with(lambda g, x, reg: g)).mistakes == ["regulariser-missing"]


def test_a_raw_step_with_two_mistakes_is_not_normalised_in_another_way():
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        loss = nn.functional.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * img.square().mean()
        img.data -= learning_rate * torch.autograd.grad(loss, img)[0]

    assert set(examine(STEP, class_visualization_update_step).mistakes) == {"cross-entropy", "regulariser-other-size"}

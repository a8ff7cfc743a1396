"""Checks that compare an array: maps that were scaled, strange results."""

import pytest
import torch
from helpers.solutions import GRAD_CAM, REFERENCE, SALIENCY, SMOOTHGRAD

from cs231n.checks import (
    examine,
)

pytestmark = pytest.mark.usefixtures("short_patience")


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


@pytest.mark.parametrize("factor", [0, -1])
def test_maps_of_zeros_or_of_the_other_sign_are_not_rescaled_ones(factor):
    report = examine(SALIENCY, lambda X, y, model: factor * REFERENCE[SALIENCY](X, y, model))
    assert (report.verdict, report.mistakes) == ("wrong", [])


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
    assert "more than 1000%" in report.text()

"""The checks, from both sides: right answers of many forms pass, wrong ones fail under the right name."""

import pytest
import torch
from answers import ANSWERS
from helpers.solutions import OF_FILE

from cs231n.checks import (
    examine,
)

pytestmark = pytest.mark.usefixtures("short_patience")


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

"""The check of make_fooling_image: how a step is told apart from the right one."""

import re

import pytest
import torch
from answers import ANSWERS
from helpers.solutions import FOOLING, REFERENCE, STEP, answer, raw_step_with, told

from cs231n.checks import (
    check_fooling_image,
    examine,
)
from cs231n.checks.exercises.fooling_image import CASES
from cs231n.checks.report import WrongAnswer

pytestmark = pytest.mark.usefixtures("short_patience")


ACCUMULATES = next(
    a.function.__name__ for a in ANSWERS if a.exercise == "fooling_image" and a.mistakes == {"gradient-accumulates"}
)


def test_a_wrong_step_is_told_by_its_number_length_and_angle(capsys):
    with pytest.raises(WrongAnswer, match="gradient-accumulates"):
        check_fooling_image(answer("fooling_image", ACCUMULATES))
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"Step 2 is the first that differs: yours has length 1, expected 1; the angle between them is \d", printed)


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


def test_the_angle_and_the_lengths_in_a_message_are_those_of_the_step():
    def make_fooling_image(X, target_y, model):  # turned by 60 degrees, twice as long, against the right step
        X = X.clone().requires_grad_()
        (g,) = torch.autograd.grad(model(X)[0, target_y], X)
        u = g / g.norm()
        v = torch.linspace(-1, 1, u.numel()).view_as(u)
        v -= (u * v).sum() * u
        return (X + 2 * (0.5 * u + 0.75**0.5 * v / v.norm())).detach()

    text = " ".join(examine(FOOLING, make_fooling_image).text().split())
    assert "yours has length 2, expected 1; the angle between them is 60.0 degrees. It is off by 173%." in text


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
    for case in [*CASES.main, CASES.long_way, CASES.score_is_a_class_id]:
        network, margins = case.network(), []
        network.on_call = lambda X, scores, margins=margins, t=case.target: margins.append(
            (scores[0, t] - scores[0, [c for c in range(scores.shape[1]) if c != t]].max()).item()
        )
        REFERENCE[FOOLING](case.images(), case.target, network)
        assert min(map(abs, margins)) > 0.1, case.name


def test_a_gradient_that_accumulates_is_explained_without_a_word_on_the_first_one():
    both = next(
        a for a in ANSWERS if a.exercise == "fooling_image" and a.mistakes == {"gradient-accumulates", "learning-rate-changed"}
    )
    text = told(FOOLING, both.function)
    assert "Step 1 is the first that differs" in text
    assert "From the second gradient on" in text
    assert "as it should be" not in text


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

import pytest
import torch

from cs231n.net_visualization_pytorch import make_fooling_image
from cs231n.recording import TooManyCalls, recorded_scores


@pytest.mark.parametrize("form", ["model(X)", "model.forward(X)", "looks twice"])
def test_the_scores_of_every_step_are_recorded_whatever_form_the_call_has(model, form):
    X = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with recorded_scores(model) as scores:
        for image in X.split(1):
            model.forward(image) if form == "model.forward(X)" else model(image)
            if form == "looks twice":
                model(image)
    torch.testing.assert_close(torch.stack(scores), model(X))
    model(X)
    assert len(scores) == 3  # nothing is recorded afterwards


def test_a_loop_without_a_limit_is_ended_though_it_catches_every_exception(model):
    X = torch.zeros(1, 3, 32, 32)

    def unbounded():
        while True:
            try:
                model(X)
            except Exception:
                continue

    with pytest.raises(TooManyCalls, match="called 7 times with no end in sight"), recorded_scores(model, most_calls=7):
        unbounded()
    model(X)  # the network is free again


def test_as_many_calls_as_are_allowed_are_recorded(model):
    X = torch.zeros(1, 3, 32, 32)
    with recorded_scores(model, most_calls=7) as scores:
        for step in range(7):
            model(X + step)
    assert len(scores) == 7


def test_the_hardest_image_stays_far_below_the_limit(model, photographs):
    with recorded_scores(model) as scores:
        make_fooling_image(photographs[0][8:9], 889, model)
    assert 5 < len(scores) < 30

"""The small networks that the checks ask."""

import pytest
import torch
from torch import nn

from cs231n.checks import cases
from cs231n.checks.exercises import grad_cam, saliency_maps

pytestmark = pytest.mark.usefixtures("short_patience")


def test_the_small_networks_are_in_evaluation_mode_with_frozen_weights_like_the_notebooks():
    for case in [*saliency_maps.CASES.main, *grad_cam.CASES.main, grad_cam.CASES.large]:
        network = case.network()
        assert isinstance(network, nn.Module)
        assert not any(module.training for module in network.modules())
        assert not any(weight.requires_grad for weight in network.parameters())


def test_the_networks_of_other_sizes_and_layouts_are_what_they_are_said_to_be():
    for case in [*saliency_maps.CASES.main, *grad_cam.CASES.main]:
        X, y, small = case.arguments(case.network())
        more = cases.with_more_classes(case).network()
        assert more(X).shape == (5, 1000)
        torch.testing.assert_close(more(X)[:, : small.num_classes], small(X))
        assert more(X)[:, small.num_classes :].max() < small(X).min() - 10
        framed = cases.Framed(case)
        large, _, network = framed.arguments(framed.network())
        assert large.shape == (5, 3, 224, 224)
        torch.testing.assert_close(network(large), more(X))
        strided = cases.with_strided_gradients(case).network()
        (gradient,) = torch.autograd.grad(strided(X.requires_grad_())[range(5), y].sum(), X)
        assert not gradient.is_contiguous()
        assert not any(module.training for module in [*more.modules(), *network.modules(), *strided.modules()])

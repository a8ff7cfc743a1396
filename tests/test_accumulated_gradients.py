"""AccumulatedGradients: a network with which a correct function behaves like one that never clears its gradient."""

import pytest
import torch
from helpers.small_networks import small_network

from cs231n.accumulated_gradients import AccumulatedGradients
from cs231n.net_visualization_pytorch import make_fooling_image


@pytest.fixture
def image():
    return torch.randn(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))


def summed(model, points, label=1):
    """The gradients of a score at each of these points, added up."""
    gradients = []
    for point in points:
        point = point.clone().requires_grad_()
        gradients += torch.autograd.grad(model(point)[0, label], point)
    return sum(gradients)


def test_the_scores_are_those_of_the_other_network(image):
    model = small_network()
    assert torch.equal(AccumulatedGradients(model)(image), model(image))


@pytest.mark.parametrize("by_backward", [False, True])
def test_each_gradient_is_the_sum_of_all_so_far(image, by_backward):
    model = small_network()
    network, points = AccumulatedGradients(model), []
    for step in range(3):
        points.append(image + step)
        X = points[-1].clone().requires_grad_()
        score = network(X)[0, 1]
        if by_backward:
            score.backward()
        gradient = X.grad if by_backward else torch.autograd.grad(score, X)[0]
        torch.testing.assert_close(gradient, summed(model, points))


def test_one_tensor_that_is_cleared_in_between_counts_each_gradient_once(image):
    model = small_network()
    network, X = AccumulatedGradients(model), image.clone().requires_grad_()
    for times in (1, 2, 3):
        X.grad = None
        network(X)[0, 1].backward()
        torch.testing.assert_close(X.grad, summed(model, [image] * times))


def test_a_look_without_gradient_counts_nothing(image):
    model = small_network()
    network, X = AccumulatedGradients(model), image.clone().requires_grad_()
    with torch.no_grad():
        network(X)
    network(image)
    network(X)  # a pass that nobody goes back through
    (gradient,) = torch.autograd.grad(network(X)[0, 1], X)
    torch.testing.assert_close(gradient, summed(model, [image]))


def test_a_correct_function_ends_where_a_loop_that_never_clears_its_gradient_ends(image):
    model = small_network()
    target = model(image).argmin().item()
    X, total, steps = image.clone(), 0, 0
    while model(X).argmax() != target:
        total = total + summed(model, [X], target)
        X += total / total.norm()
        steps += 1
    assert steps > 2
    torch.testing.assert_close(make_fooling_image(image, target, AccumulatedGradients(model)), X)
    assert not torch.allclose(make_fooling_image(image, target, model), X)

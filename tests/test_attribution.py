import copy

import captum.attr
import pytest
import torch
from torch import nn

from cs231n.attribution import (
    compute_grad_cam_maps,
    compute_guided_backpropagation_maps,
    compute_integrated_gradients,
    compute_smoothgrad_maps,
)

COPIES = 3


class TwoParts(nn.Module):
    """A little network with the parts features and classifier; a score is 0 where its ReLU never opens."""

    def __init__(self, classes=7):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.features = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.Conv2d(6, 8, 3, stride=2))
            self.classifier = nn.Sequential(nn.Conv2d(8, classes, 1), nn.AdaptiveAvgPool2d(1))
        self.eval().requires_grad_(False)

    def forward(self, X):
        return self.classifier(self.features(X)).flatten(1)


def images(n=2, side=12, seed=1):
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def smoothgrad(X, y, model):
    noise = torch.randn(COPIES, *X.shape, generator=torch.Generator().manual_seed(0)) if isinstance(X, torch.Tensor) else None
    return compute_smoothgrad_maps(X, y, model, noise)


def integrated_gradients(X, y, model):
    return compute_integrated_gradients(X, y, model, X, num_steps=2)


FOUR = {
    "smoothgrad": smoothgrad,
    "integrated gradients": integrated_gradients,
    "grad-cam": compute_grad_cam_maps,
    "guided backpropagation": compute_guided_backpropagation_maps,
}


@pytest.fixture(scope="module")
def one_by_one(model):
    """The network with ReLUs that do not work in place, as captum's hooks on modules need it."""
    network = copy.deepcopy(model)
    for relu in (module for module in network.modules() if isinstance(module, nn.ReLU)):
        relu.inplace = False
    return network


# On the real network they equal captum's


def test_smoothgrad_equals_captums_noise_tunnel(model, photographs):
    X, y = photographs[0][:2], photographs[1][:2]
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
    torch.manual_seed(7)
    squares = tunnel.attribute(
        X.clone().requires_grad_(), nt_type="smoothgrad_sq", nt_samples=COPIES, stdevs=0.5, target=y, abs=False
    )
    torch.manual_seed(7)  # the noise that captum drew: an image's copies one after the other
    noise = torch.normal(0, torch.full((2 * COPIES, *X.shape[1:]), 0.5)).view(2, COPIES, *X.shape[1:]).transpose(0, 1)
    maps = compute_smoothgrad_maps(X, y, model, noise)
    torch.testing.assert_close(maps, squares.amax(dim=1), rtol=1e-5, atol=1e-5 * maps.max().item())


@pytest.mark.parametrize("num_steps", [2, 6])
def test_integrated_gradients_equal_captums(model, photographs, num_steps):
    """In double precision: in single, the rounding of a point on the path already moves some over the kink of a ReLU."""
    model, X, y = copy.deepcopy(model).double(), photographs[0][3:5].double(), photographs[1][3:5]
    baseline = torch.full_like(X, -0.5)
    expected = captum.attr.IntegratedGradients(model).attribute(
        X, baseline, target=y, n_steps=num_steps, method="riemann_middle", internal_batch_size=4
    )
    attributions = compute_integrated_gradients(X, y, model, baseline, num_steps)
    torch.testing.assert_close(attributions, expected, rtol=1e-5, atol=1e-5)


def test_grad_cam_equals_captums_resized(model, photographs):
    X, y = photographs[0][:5], photographs[1][:5]
    cam = captum.attr.LayerGradCam(model, model.features).attribute(X, target=y).relu()
    expected = captum.attr.LayerAttribution.interpolate(cam, X.shape[2:], "bilinear")[:, 0]
    torch.testing.assert_close(compute_grad_cam_maps(X, y, model), expected.detach(), rtol=1e-5, atol=1e-5)


def test_guided_backpropagation_equals_captums(model, one_by_one, photographs):
    X, y = photographs[0][:3], photographs[1][:3]
    guided = captum.attr.GuidedBackprop(one_by_one)
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        expected = guided.attribute(X.clone().requires_grad_(), target=y).abs().amax(dim=1)
    torch.testing.assert_close(compute_guided_backpropagation_maps(X, y, model), expected, rtol=1e-5, atol=1e-5)


# What they mean


def test_smoothgrad_without_noise_is_the_squared_saliency():
    X, y, model = images(), torch.tensor([3, 1]), TwoParts()
    X.requires_grad_()
    (gradient,) = torch.autograd.grad(model(X)[[0, 1], y].sum(), X)
    maps = compute_smoothgrad_maps(X.detach(), y, model, torch.zeros(2, *X.shape))
    torch.testing.assert_close(maps, gradient.square().amax(dim=1))


def test_integrated_gradients_sum_to_the_difference_of_the_scores(model, photographs):
    """Completeness: within 6 % of the difference for each photograph with 64 steps, and closer than with 4."""
    X, y = photographs[0][[0, 4]], photographs[1][[0, 4]]
    baseline = torch.zeros_like(X)
    with torch.no_grad():
        difference = (model(X) - model(baseline))[range(2), y]
    few, many = (
        compute_integrated_gradients(X, y, model, baseline, num_steps).sum(dim=(1, 2, 3)) / difference - 1
        for num_steps in (4, 64)
    )
    assert many.abs().max() < 0.06
    assert (many.abs() < few.abs()).all()


def test_integrated_gradients_of_the_baseline_itself_are_zero():
    X, y = images(), torch.tensor([0, 4])
    assert not compute_integrated_gradients(X, y, TwoParts(), X, num_steps=3).any()


def test_grad_cam_is_large_only_where_a_channel_that_raises_the_score_is():
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.AvgPool2d(4)  # the three colours are the three channels
            self.classifier = nn.Conv2d(3, 2, 1, bias=False)
            self.classifier.weight = nn.Parameter(torch.tensor([[1.0, -1, 0], [0, 0, 1]])[:, :, None, None], requires_grad=False)

        def forward(self, X):
            return self.classifier(self.features(X)).mean(dim=(2, 3))

    model, X = Reads(), torch.zeros(1, 3, 16, 16)
    model.classifier = nn.Sequential(model.classifier, nn.AdaptiveAvgPool2d(1))
    X[:, 0, :4, :4] = 1  # red raises class 0
    X[:, 1, 12:, 12:] = 1  # green lowers it
    (map_,) = compute_grad_cam_maps(X, torch.tensor([0]), model)
    assert map_[:2, :2].min() == map_.max() > 0
    assert map_[12:, 12:].max() == 0


def test_guided_backpropagation_lets_only_positive_parts_through_each_relu():
    class TwoWays(nn.Module):
        """score = 2 relu(red) - relu(green), at one pixel; the second part of the gradient must not come through."""

        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, X):
            active = self.relu(X).sum(dim=(2, 3))
            return 2 * active[:, :1] - active[:, 1:2]

    X = torch.zeros(3, 3, 2, 2)
    X[0, 0, 0, 0] = X[1, 1, 0, 0] = 1
    maps = compute_guided_backpropagation_maps(X, torch.zeros(3, dtype=torch.long), TwoWays())
    assert maps[:, 0, 0].tolist() == [2, 0, 0]
    assert maps.sum() == 2


# What all of them leave and refuse


@pytest.mark.parametrize("method", FOUR)
@pytest.mark.parametrize("trained", [False, True], ids=["frozen", "not frozen"])
def test_network_and_images_stay_as_they_are(method, trained):
    model, X, y = TwoParts().train(trained).requires_grad_(trained), images(), torch.tensor([1, 6])
    before, scores = copy.deepcopy(model.state_dict()), model(X).detach()
    result = FOUR[method](X, y, model)
    assert result.shape == (X.shape if method == "integrated gradients" else (2, 12, 12))
    assert not result.requires_grad
    assert method == "integrated gradients" or (result >= 0).all()
    torch.testing.assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)
    torch.testing.assert_close(model(X).detach(), scores, rtol=0, atol=0)
    assert X.equal(images())
    assert X.grad is None
    assert model.training == trained
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_hooks_are_gone_even_if_the_network_fails():
    model = TwoParts()
    X, y = images(side=2), torch.tensor([1, 6])  # too small for its layers
    model.num_classes = 7
    with pytest.raises(RuntimeError, match="Kernel size"):
        compute_guided_backpropagation_maps(X, y, model)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("method", FOUR)
@pytest.mark.parametrize("n", [1, 4])
def test_the_images_of_a_batch_do_not_change_each_others_maps(method, n):
    X, y, model = images(n), torch.arange(n), TwoParts()
    together = FOUR[method](X, y, model)
    if method == "smoothgrad":  # each image has noise of its own
        noise = torch.randn(COPIES, *X.shape, generator=torch.Generator().manual_seed(0))
        alone = [compute_smoothgrad_maps(X[i : i + 1], y[i : i + 1], model, noise[:, i : i + 1]) for i in range(n)]
    else:
        alone = [FOUR[method](X[i : i + 1], y[i : i + 1], model) for i in range(n)]
    torch.testing.assert_close(together, torch.cat(alone))


BAD = {
    "images": (images()[0], torch.tensor([1, 2]), r"expected \(N, 3, H, W\)"),
    "empty": (torch.zeros(0, 3, 9, 9), torch.zeros(0, dtype=torch.long), "nothing in them"),
    "NaN": (torch.full((2, 3, 9, 9), torch.nan), torch.tensor([1, 2]), "NaN or infinite"),
    "label": (images(), torch.tensor([1, 7]), "the model has 7 classes: expected 0 to 6"),
    "labels": (images(), torch.tensor([1]), r"expected \(2,\): one label for each"),
}


@pytest.mark.parametrize("method", FOUR)
@pytest.mark.parametrize("kind", BAD)
def test_bad_images_and_labels_are_refused_in_words(method, kind):
    X, y, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        FOUR[method](X, y, TwoParts())


def refuses(message, function, *arguments):
    with pytest.raises(ValueError, match=message):
        function(images(), torch.tensor([1, 2]), *arguments)


def test_noise_that_does_not_fit_is_refused():
    for noise in (torch.zeros(2, 3, 12, 12), torch.zeros(0, 2, 3, 12, 12), torch.zeros(3, 1, 3, 12, 12)):
        refuses(r"expected \(S, 2, 3, 12, 12\), S >= 1", compute_smoothgrad_maps, TwoParts(), noise)
    refuses("expected a float tensor", compute_smoothgrad_maps, TwoParts(), 0.5)
    refuses(
        "noise: 864 values are NaN or infinite", compute_smoothgrad_maps, TwoParts(), torch.full((1, 2, 3, 12, 12), torch.inf)
    )


def test_a_baseline_or_a_number_of_steps_that_does_not_fit_is_refused():
    refuses(r"expected X's shape, \(2, 3, 12, 12\)", compute_integrated_gradients, TwoParts(), torch.zeros(1, 3, 12, 12))
    refuses("expected a float tensor like X", compute_integrated_gradients, TwoParts(), 0)
    refuses(
        "baseline: 864 values are NaN or infinite",
        compute_integrated_gradients,
        TwoParts(),
        torch.full((2, 3, 12, 12), torch.nan),
    )
    for steps in (0, -1, 2.5, True, "8"):
        refuses("expected a whole number of at least 1", compute_integrated_gradients, TwoParts(), images(), steps)


def test_a_network_without_the_parts_that_a_method_needs_is_refused():
    plain = nn.Sequential(nn.Conv2d(3, 7, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    refuses("no part named features and none named classifier", compute_grad_cam_maps, plain)
    refuses(r"no torch\.nn\.ReLU among its modules", compute_guided_backpropagation_maps, plain)

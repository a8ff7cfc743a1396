import ast
import inspect
import itertools
import textwrap

import captum.attr
import pytest
import torch
from helpers.fooling_pairs import fooled_pairs
from helpers.small_networks import DeadReLU, small_network
from torch import nn

from cs231n import net_visualization_pytorch as exercises
from cs231n.net_visualization_pytorch import (
    class_visualization_update_step,
    compute_saliency_maps,
    make_fooling_image,
)


def images(n=1, height=9, width=11, dtype=torch.float32, seed=1):
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# Saliency maps


def test_saliency_equals_captums_on_squeezenet(model, photographs):
    X, y = photographs
    expected = captum.attr.Saliency(model).attribute(X[:5].clone().requires_grad_(), target=y[:5], abs=True).amax(dim=1)
    found = compute_saliency_maps(X[:5], y[:5], model)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_saliency_equals_finite_differences():
    model, X, y = small_network(dtype=torch.float64), images(2, dtype=torch.float64), torch.tensor([3, 5])
    saliency, step = compute_saliency_maps(X, y, model), 1e-5
    for n, i, j in [(0, 0, 0), (0, 4, 7), (1, 8, 10), (1, 3, 3)]:
        slopes = []
        for channel in range(3):
            nudge = torch.zeros_like(X)
            nudge[n, channel, i, j] = step
            slopes.append((model(X + nudge) - model(X - nudge))[n, y[n]] / (2 * step))
        torch.testing.assert_close(saliency[n, i, j], torch.stack(slopes).abs().max(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [1, 5])
def test_saliency_of_a_batch_is_that_of_its_images_one_by_one(n):
    model, X, y = small_network(), images(n), torch.arange(n)
    together = compute_saliency_maps(X, y, model)
    assert together.shape == (n, 9, 11)
    one_by_one = torch.cat([compute_saliency_maps(X[i : i + 1], y[i : i + 1], model) for i in range(n)])
    torch.testing.assert_close(together, one_by_one)


def test_saliency_leaves_images_model_and_random_state_as_they_were():
    model, X, y = small_network(), images(2).requires_grad_(), torch.tensor([0, 1])
    before, weights, random_state = X.detach().clone(), [w.clone() for w in model.parameters()], torch.get_rng_state()
    compute_saliency_maps(X, y, model)
    assert torch.equal(X, before)
    assert X.grad is None
    assert all(torch.equal(w, b) for w, b in zip(model.parameters(), weights, strict=True))
    assert not model.training
    assert torch.equal(torch.get_rng_state(), random_state)


def test_saliency_follows_the_models_dtype():
    X, y = images(2), torch.tensor([0, 1], dtype=torch.int32)
    assert compute_saliency_maps(X, y, small_network(dtype=torch.float64)).dtype == torch.float64


# Fooling images


@pytest.mark.long
def test_nearly_every_photograph_is_fooled_in_under_100_steps(model, photographs, record_property):
    """20 photographs, 8 random targets each. Six such sets were tried: 155 to 159 fooled, 944 of 960 in all (98.3 %)."""
    found = fooled_pairs(photographs[0], model)
    record_property("fooled", found.summary())
    print(found.summary())
    assert len(found.pairs) == 160
    assert len(found.fooled) >= 0.98 * 160
    assert max(pair.steps for pair in found.fooled) < 100
    assert all(pair.says_target == (not pair.warnings) for pair in found.pairs)
    for pair in found.pairs:
        assert all(f"not {pair.target}" in warning for warning in pair.warnings)
        assert len(pair.warnings) <= 1


def test_every_fooling_step_is_the_normalised_gradient_at_the_current_image(model, photographs):
    X, target = photographs[0][8:9], 889
    visited = []
    handle = model.register_forward_pre_hook(lambda _, inputs: visited.append(inputs[0].detach().clone()))
    X_fooling = make_fooling_image(X, target, model)
    handle.remove()
    assert torch.equal(visited[0], X)
    assert torch.equal(visited[-1], X_fooling)
    assert len(visited) > 5
    for now, after in itertools.pairwise(visited):
        assert model(now).argmax() != target
        now.requires_grad_()
        (gradient,) = torch.autograd.grad(model(now)[0, target], now)
        torch.testing.assert_close(after, now + gradient / gradient.norm(), rtol=0, atol=1e-5)


def test_an_image_that_already_is_of_the_target_class_comes_back_as_it_is(model, photographs):
    X = photographs[0][:1]
    target = model(X).argmax().item()
    assert torch.equal(make_fooling_image(X, target, model), X)


def test_fooling_leaves_the_image_and_the_model_as_they_were():
    model, X = small_network(), images().requires_grad_()
    before, weights = X.detach().clone(), [w.clone() for w in model.parameters()]
    make_fooling_image(X, 3, model)
    assert torch.equal(X, before)
    assert X.grad is None
    assert all(torch.equal(w, b) for w, b in zip(model.parameters(), weights, strict=True))


def test_a_dead_target_ends_in_words_and_not_in_nan():
    X = images()
    with pytest.warns(UserWarning, match=r"the score of class 2 is 0 .* dead ReLU"):
        X_fooling = make_fooling_image(X, 2, DeadReLU())
    assert torch.equal(X_fooling, X)


def test_an_image_that_is_not_fooled_within_the_limit_comes_back_with_a_warning():
    class Stubborn(nn.Module):
        """Class 0 always stays ahead of class 1."""

        def forward(self, X):
            total = X.sum(dim=(1, 2, 3))
            return torch.stack([total + 1, total], dim=1)

    with pytest.warns(UserWarning, match="Not fooled: the network still says class 0, not 1"):
        X_fooling = make_fooling_image(images(), 1, Stubborn())
    assert X_fooling.isfinite().all()


# The class visualization step


def test_the_step_climbs_along_the_normalised_ascent_direction_on_every_call():
    model, target, l2_reg, learning_rate = small_network(), 2, 0.05, 3.0
    img = images().requires_grad_()
    for _ in range(3):
        before = img.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(before)[0, target], before)
        ascent = gradient - 2 * l2_reg * before.detach()
        class_visualization_update_step(img, model, target, l2_reg, learning_rate)
        torch.testing.assert_close(img.detach(), before.detach() + learning_rate * ascent / ascent.norm())


def test_the_step_is_taken_in_place_and_img_can_be_used_again():
    img = images().requires_grad_()
    memory = img.data_ptr()
    class_visualization_update_step(img, small_network(), 0, 1e-3, 1)
    assert img.data_ptr() == memory
    assert img.requires_grad
    assert img.is_leaf


def test_a_step_on_a_dead_class_follows_the_regulariser_and_never_makes_nan():
    img, model = images().requires_grad_(), DeadReLU()
    norm = img.norm().item()
    class_visualization_update_step(img, model, 2, 1e-3, 1)
    assert img.norm() < norm
    class_visualization_update_step(img, model, 2, 0, 1)
    assert img.isfinite().all()


# What all three refuse


def call(name, X, y=0, model=None):
    model = model or small_network()
    if name == "compute_saliency_maps":
        return compute_saliency_maps(X, torch.full((len(X),), y) if isinstance(y, int) else y, model)
    if name == "make_fooling_image":
        return make_fooling_image(X, y, model)
    return class_visualization_update_step(X, model, y, 1e-3, 1)


THREE = "compute_saliency_maps", "make_fooling_image", "class_visualization_update_step"
BAD_IMAGES = {
    "rank": (torch.zeros(3, 9, 9), r"shape \(3, 9, 9\); expected \(N, 3, H, W\)"),
    "channels": (torch.zeros(1, 1, 9, 9), r"shape \(1, 1, 9, 9\); expected \(N, 3, H, W\)"),
    "channels last": (torch.zeros(1, 9, 9, 3), r"expected \(N, 3, H, W\)"),
    "dtype": (torch.zeros(1, 3, 9, 9, dtype=torch.uint8), r"dtype torch\.uint8; expected a float tensor"),
    "type": ([[0.0]], r"are a list; expected a float tensor"),
    "empty": (torch.zeros(0, 3, 9, 9), r"nothing in them; expected at least one image"),
    "NaN": (torch.full((1, 3, 9, 9), torch.nan), r"243 values are NaN or infinite"),
    "infinite": (torch.full((1, 3, 9, 9), torch.inf), r"243 values are NaN or infinite"),
}


@pytest.mark.parametrize("name", THREE)
@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_bad_images_are_refused_with_what_came_and_what_is_expected(name, kind):
    X, message = BAD_IMAGES[kind]
    with pytest.raises(ValueError, match=message):
        call(name, X)


@pytest.mark.parametrize("name", THREE)
@pytest.mark.parametrize("label", [7, -1, 1000])
def test_a_label_outside_of_the_models_classes_is_refused(name, label):
    with pytest.raises(ValueError, match=f"{label}; the model has 7 classes: expected 0 to 6"):
        call(name, images().requires_grad_(), label)


def test_squeezenets_classes_are_known_without_running_it(model):
    with pytest.raises(ValueError, match="expected 0 to 999"):
        call("make_fooling_image", images(), 1000, model)


@pytest.mark.parametrize("name", ["make_fooling_image", "class_visualization_update_step"])
@pytest.mark.parametrize("target", [1.5, "tabby", None, torch.tensor([1, 2])])
def test_a_target_that_is_no_class_id_is_refused(name, target):
    with pytest.raises(ValueError, match="expected a class id"):
        call(name, images().requires_grad_(), target)


@pytest.mark.parametrize("name", ["make_fooling_image", "class_visualization_update_step"])
def test_more_than_one_image_is_refused_where_one_is_expected(name):
    with pytest.raises(ValueError, match="holds 2 images; expected one"):
        call(name, images(2).requires_grad_())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.tensor([1]), r"shape \(1,\); expected \(2,\): one label for each of the 2 images"),
        (torch.tensor([[1], [2]]), r"shape \(2, 1\); expected \(2,\)"),
        (torch.tensor([1.0, 2.0]), r"expected a tensor of class ids"),
        (torch.tensor([True, False]), r"expected a tensor of class ids"),
        ([1, 2], r"y is a list; expected a tensor of class ids"),
    ],
)
def test_labels_that_do_not_fit_the_images_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        compute_saliency_maps(images(2), y, small_network())


@pytest.mark.parametrize("name", THREE)
def test_gradients_that_are_switched_off_and_a_model_that_is_none_are_said_in_words(name):
    with torch.no_grad(), pytest.raises(ValueError, match="Gradients are switched off"):
        call(name, images().requires_grad_())
    with pytest.raises(ValueError, match=r"The model is a function; expected a torch\.nn\.Module"):
        call(name, images().requires_grad_(), model=lambda X: X)


def test_a_class_whose_score_is_constant_but_not_0_is_not_called_dead():
    class Constant(nn.Module):
        def forward(self, X):
            return torch.tensor([[7.0, 5.0]]) + 0 * X.sum()

    with pytest.warns(UserWarning, match="more steps may help"):
        make_fooling_image(images(), 1, Constant())


def test_a_step_refuses_an_image_on_another_device_or_in_another_dtype_than_the_model():
    img = torch.zeros(1, 3, 9, 9, device="meta").requires_grad_()
    with pytest.raises(ValueError, match="img is on meta, the model on cpu"):
        class_visualization_update_step(img, small_network(), 0, 1e-3, 1)
    with pytest.raises(ValueError, match=r"img has dtype torch\.float32, the model torch\.float64"):
        class_visualization_update_step(images().requires_grad_(), small_network(dtype=torch.float64), 0, 1e-3, 1)


def test_a_step_refuses_an_image_without_requires_grad_and_numbers_out_of_range():
    model, img = small_network(), images()
    with pytest.raises(ValueError, match="does not require grad"):
        class_visualization_update_step(img, model, 0, 1e-3, 1)
    img.requires_grad_()
    with pytest.raises(ValueError, match="does not require grad; expected a leaf"):
        class_visualization_update_step(img + 0, model, 0, 1e-3, 1)
    for l2_reg in (-1, float("nan"), float("inf"), "0.1"):
        with pytest.raises(ValueError, match="l2_reg is"):
            class_visualization_update_step(img, model, 0, l2_reg, 1)
    for rate in (0, -1, float("nan"), float("inf"), "1"):
        with pytest.raises(ValueError, match="learning_rate is"):
            class_visualization_update_step(img, model, 0, 1e-3, rate)


# The form of the file: the release will make the students' stubs from it


@pytest.mark.parametrize("name", THREE)
def test_a_solution_is_marked_and_shorter_than_15_lines(name):
    source = textwrap.dedent(inspect.getsource(getattr(exercises, name))).splitlines()
    begin, end = (next(i for i, line in enumerate(source) if marker in line) for marker in ("# BEGIN SOLUTION", "# END SOLUTION"))
    assert 1 <= end - begin - 1 < 15
    stub = [*source[: begin + 1], "    pass", *source[end:]]
    assert ast.parse("\n".join(stub)).body[0].name == name


def test_nothing_but_the_three_exercises_lives_in_their_file():
    functions = [
        name for name, value in vars(exercises).items() if inspect.isfunction(value) and value.__module__ == exercises.__name__
    ]
    assert sorted(functions) == sorted(THREE)

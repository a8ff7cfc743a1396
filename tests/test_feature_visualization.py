"""Class images: each ingredient does what its sentence says, and a second network recognises what comes out."""

import contextlib
import json
import math
import re
import subprocess
import sys
from functools import partial

import pytest
import torch
from helpers.places import ROOT
from helpers.small_networks import WithoutLookingAtValues
from PIL import Image
from torchvision.transforms.functional import normalize, resize

from cs231n.feature_visualization import (
    another_network,
    class_score,
    create_class_images,
    fourier_image,
    frequencies,
    importance_masks,
    log_odds,
    mostly_log_odds,
    natural_colours,
    noisy_weights,
    pixel_image,
    plain_colours,
    planes_from_waves,
    random_fading,
    random_transformation,
    random_view,
    scores_after_relu,
    scores_before_relu,
    shared_pooling,
    transform_images,
)
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from cs231n.judge import judge_is_there, load_judge, verdicts

FLAMINGO, GORILLA, HOURGLASS, TARANTULA = 130, 366, 604, 76


def dot(row, column, size=9):
    picture = torch.zeros(1, 3, size, size)
    picture[0, :, row, column] = 1
    return picture


def brightest(picture):
    return divmod(picture[0, 0].argmax().item(), picture.shape[3])


def transformed(picture, angle=0.0, scale=1.0, shift=(0.0, 0.0)):
    return transform_images(picture, torch.tensor([angle]), torch.tensor([scale]), torch.tensor([shift]))


def test_nothing_changes_without_angle_scale_and_shift():
    picture = torch.rand(2, 3, 12, 12)
    same = transform_images(picture, torch.zeros(2), torch.ones(2), torch.zeros(2, 2))
    torch.testing.assert_close(same, picture)


def test_a_quarter_turn_counterclockwise_takes_a_dot_on_the_right_to_the_top():
    assert brightest(transformed(dot(4, 7), angle=math.pi / 2)) == (1, 4)


def test_a_scale_of_2_doubles_the_distance_from_the_centre():
    assert brightest(transformed(dot(4, 6), scale=2.0)) == (4, 8)


def test_shifts_count_in_sides_to_the_right_and_down():
    assert brightest(transformed(dot(4, 4), shift=(2 / 9, -1 / 9))) == (3, 6)


def test_the_shift_comes_last_and_is_neither_turned_nor_scaled():
    assert brightest(transformed(dot(4, 5), angle=math.pi / 2, scale=2.0, shift=(1 / 9, 0.0))) == (2, 5)


def test_each_image_has_numbers_of_its_own():
    pictures = torch.cat([dot(4, 4), dot(4, 4)])
    seen = transform_images(pictures, torch.zeros(2), torch.ones(2), torch.tensor([[1 / 9, 0.0], [0.0, 1 / 9]]))
    assert [brightest(seen[:1]), brightest(seen[1:])] == [(4, 5), (5, 4)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": torch.zeros(2, 3, 8, 9)}, "square"),
        ({"angles": torch.zeros(3)}, r"angles has shape \(3,\); expected \(2,\)"),
        ({"scales": torch.tensor([1.0, 0.0])}, "greater than 0"),
        ({"shifts": torch.zeros(2)}, r"expected \(2, 2\)"),
        ({"shifts": torch.full((2, 2), torch.nan)}, "NaN"),
        ({"angles": torch.zeros(2, dtype=torch.long)}, "float tensor"),
    ],
)
def test_what_cannot_be_transformed_is_refused_in_words(changed, message):
    given = {"images": torch.zeros(2, 3, 8, 8), "angles": torch.zeros(2), "scales": torch.ones(2), "shifts": torch.zeros(2, 2)}
    with pytest.raises(ValueError, match=message):
        transform_images(**(given | changed))


def test_the_score_before_the_relu_has_a_gradient_where_the_network_is_dead(model):
    X = torch.zeros(1, 3, 224, 224).requires_grad_()
    scores = model(X)
    dead = scores[0].argmin()
    assert scores[0, dead] == 0
    before = scores_before_relu(model, X)[0, dead]
    assert before < 0
    (gradient,) = torch.autograd.grad(before, X)
    assert gradient.norm() > 0


def test_what_the_last_relu_and_the_mean_make_of_the_class_maps_is_the_networks_score(model, photographs):
    X = photographs[0][:2]
    *head, relu, mean = model.classifier
    maps = torch.nn.Sequential(*head)(model.features(X))
    torch.testing.assert_close(mean(relu(maps.clone())).flatten(1), model(X), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(maps.mean(dim=(2, 3)), scores_before_relu(model, X))


def test_log_odds_are_those_of_the_softmax_probability():
    scores, labels = torch.randn(4, 7, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 6, 3, 3])
    probability = scores.softmax(dim=1)[range(4), labels]
    torch.testing.assert_close(log_odds(scores, labels), (probability / (1 - probability)).log())


def test_log_odds_do_not_saturate_where_the_probability_does():
    scores = torch.tensor([[200.0, 0.0, 1.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(log_odds(scores, torch.tensor([0])).sum(), scores)
    assert gradient[0, 0] == 1


def test_fading_takes_colour_away_and_keeps_the_mean():
    images = torch.rand(200, 3, 2, 2)
    faded = random_fading(images, torch.Generator().manual_seed(0))
    torch.testing.assert_close(faded.mean(dim=1), images.mean(dim=1))
    left = (faded.std(dim=1) / images.std(dim=1)).mean(dim=(1, 2))
    assert 0.3 <= left.min() < 0.33
    assert 0.97 < left.max() <= 1.001


def test_frequencies_are_in_waves_a_pixel():
    found = frequencies(8)
    assert found.shape == (8, 5)
    assert found[0, 0] == 1 / 8  # the constant counts as one wave
    assert found[0, 4] == 0.5  # the finest: up and down from pixel to pixel
    torch.testing.assert_close(found[3, 4], torch.tensor(math.hypot(3, 4) / 8))


def test_a_wave_twice_as_fine_is_half_as_strong():
    def strength(waves_across):
        amplitudes = torch.zeros(1, 3, 16, 9, 2)
        amplitudes[:, :, 0, waves_across, 0] = 1
        return planes_from_waves(amplitudes).abs().amax().item()

    assert strength(2) == pytest.approx(2 * strength(4))


def test_planes_that_are_not_correlated_become_colours_that_are():
    planes = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    red, green, blue = natural_colours(planes)[0].flatten(1)
    assert torch.corrcoef(torch.stack([red, green, blue])).min() > 0.7


def test_random_transformations_stay_in_their_range_and_differ_from_image_to_image():
    given = []

    def recorded(images, angles, scales, shifts):
        given.append((angles, scales, shifts))
        return images

    random_transformation(torch.zeros(500, 3, 4, 4), recorded, torch.Generator().manual_seed(0))
    ((angles, scales, shifts),) = given
    assert math.radians(24) < angles.abs().max() <= math.radians(25)
    assert 0.62 < scales.min() < 0.65
    assert 1.55 < scales.max() < 1.61
    assert 0.145 < shifts.abs().max() <= 0.15
    assert angles.unique().numel() > 490
    assert abs(torch.corrcoef(shifts.T)[0, 1]) < 0.2  # down has nothing to do with across


def test_half_of_the_images_are_mirrored():
    images = torch.arange(3.0).expand(400, 3, 3, 3)

    def unchanged(images, *_):
        return images

    seen = random_transformation(images, unchanged, torch.Generator().manual_seed(0))
    mirrored = (seen == images.flip(3)).all(dim=(1, 2, 3))
    assert 160 < mirrored.sum() < 240
    assert torch.equal(seen[~mirrored], images[~mirrored])


def test_a_mask_is_1_where_the_objective_looks_and_0_elsewhere(model):
    def left_half(model, X, labels):
        return X[:, :, :, :40].square().sum(dim=(1, 2, 3))

    images = torch.rand(2, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    settings = {"objective": left_half, "transformation": lambda images, *_: images, "views": 2}
    masks = importance_masks(images, [GORILLA, FLAMINGO], model, transform_images, **settings)
    assert masks.shape == (2, 80, 80)
    assert masks.min() >= 0
    assert masks.max() == 1
    assert masks[:, :, :30].mean() > 0.5
    assert masks[:, :, 50:].max() == 0


def test_a_mask_does_not_ask_whether_a_pixel_raises_or_lowers_the_objective(model):
    images = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    raised, lowered = (
        importance_masks(
            images,
            [GORILLA],
            model,
            transform_images,
            objective=lambda model, X, labels, sign=sign: sign * X[:, :, :20].sum(dim=(1, 2, 3)),
            views=1,
        )
        for sign in (1, -1)
    )
    assert torch.equal(raised, lowered)
    assert raised.max() == 1


def test_a_mask_of_an_image_without_a_gradient_is_0_everywhere(model):
    settings = {"objective": lambda model, X, labels: 0 * X.sum(dim=(1, 2, 3)), "views": 1}
    masks = importance_masks(torch.rand(1, 3, 40, 40), [GORILLA], model, transform_images, **settings)
    assert torch.equal(masks, torch.zeros(1, 40, 40))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"views": 0}, "views"),
        ({"transform": 3}, "transform is a int; expected a function"),
        ({"objective": None}, "objective is a NoneType; expected a function"),
        ({"transformation": lambda images, *_: images[:, :, :9]}, "transformation returned shape"),
        ({"transformation": lambda images, *_: images.detach()}, "No gradient passes through what transformation"),
    ],
)
def test_what_cannot_become_a_mask_is_refused_in_words(model, changed, message):
    settings = {"transform": transform_images} | changed
    with pytest.raises(ValueError, match=message):
        importance_masks(torch.rand(1, 3, 40, 40), [GORILLA], model, **settings)


def test_masks_are_the_same_again_for_the_same_seed(model):
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    first, again, other = (importance_masks(images, [GORILLA], model, transform_images, views=1, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_network_is_shown_faded_images_unless_the_fading_or_all_transformations_are_left_out(model):
    shown = []

    def noted(model, X, labels):
        shown.append(X.detach() * SQUEEZENET_STD[:, None, None] + SQUEEZENET_MEAN[:, None, None])
        return class_score(model, X, labels)

    for transformation in (random_view, random_transformation, None):
        settings = {"objective": noted, "transformation": transformation, "num_iterations": 1, "seed": 3, "progress": False}
        create_class_images([GORILLA], model, lambda images, *_: images, **settings)
    faded, unfaded, whole = (images.std(dim=1).mean() for images in shown)
    assert 0.3 * whole <= faded < 0.999 * whole
    assert unfaded == pytest.approx(whole.item())  # mirrored at most


def test_class_images_are_the_same_again_for_the_same_seed_and_others_for_another(model):
    def made(seed):
        return create_class_images([GORILLA], model, transform_images, num_iterations=2, seed=seed, progress=False)

    assert torch.equal(made(3), made(3))
    assert not torch.equal(made(3), made(4))


def test_frames_are_kept_and_the_last_one_is_the_result(model):
    result, frames = create_class_images(
        torch.tensor([GORILLA, FLAMINGO]), model, transform_images, num_iterations=4, show_every=2, progress=False
    )
    assert list(frames) == [2, 4]
    assert result.shape == (2, 3, 224, 224)
    assert result.min() >= 0
    assert result.max() <= 1
    assert torch.equal(frames[4], result)
    assert not torch.equal(frames[2], result)


def interrupted_at(call):
    def transform(images, *_):
        transform.calls += 1
        if transform.calls == call:
            raise KeyboardInterrupt
        return images

    transform.calls = 0
    return transform


@pytest.mark.parametrize("taken", [0, 3])
def test_an_interrupt_keeps_the_images_as_they_are_and_says_after_how_many_iterations(model, capsys, taken):
    settings = {"num_iterations": 6, "show_every": 2}
    result, frames = create_class_images([GORILLA], model, interrupted_at(taken + 1), **settings)
    assert f"Interrupted after {taken} of 6 iterations. Interrupt again to stop the cells that follow." in capsys.readouterr().out
    assert list(frames) == ([2, 3] if taken else [0])
    assert torch.equal(result, frames[taken])
    if taken:
        whole = create_class_images([GORILLA], model, interrupted_at(-1), num_iterations=taken, progress=False)
        assert torch.equal(result, whole)


def test_where_nobody_watches_an_interrupt_goes_through(model):
    with pytest.raises(KeyboardInterrupt):
        create_class_images([GORILLA], model, interrupted_at(1), num_iterations=2, progress=False)


def test_the_bar_names_the_classes_or_says_how_many(model, terminal):
    names = {GORILLA: "gorilla, Gorilla gorilla", FLAMINGO: "flamingo"}
    for labels, given in (([GORILLA, FLAMINGO], names), ([GORILLA], None), ([1, 2, 3, 4, 5], None)):
        create_class_images(labels, model, transform_images, num_iterations=1, class_names=given)
    ours, nameless, many = terminal.lines()
    assert ours.startswith("gorilla, flamingo: 100%")
    assert nameless.startswith(f"class {GORILLA}: 100%")
    assert many.startswith("5 class images: 100%")


@pytest.mark.parametrize("image", [fourier_image, pixel_image])
def test_a_smaller_image_is_of_the_size_that_is_asked_for(model, image):
    settings = {"image": partial(image, size=64), "num_iterations": 1, "progress": False}
    assert create_class_images([GORILLA], model, transform_images, **settings).shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    "changed",
    [
        {"objective": class_score},
        {"objective": partial(mostly_log_odds, scores_of=scores_after_relu)},
        {"image": pixel_image},
        {"image": partial(fourier_image, colours=plain_colours)},
        {"transformation": None},
        {"perturbation": None},
        {"perturbation": noisy_weights},
        {"perturbation": shared_pooling},
    ],
)
def test_each_ingredient_can_be_exchanged_and_changes_the_image(model, changed):
    whole = {"transform": transform_images, "num_iterations": 2, "progress": False}
    images = (create_class_images([GORILLA], model, **settings) for settings in (whole, whole | changed))
    assert not torch.equal(*images)


def test_the_loop_climbs_on_the_objective_that_is_passed_in_with_the_image_and_transformation_that_are():
    """An image that is a single number, made brighter by a network whose score is how bright the right half is."""
    seen_at = []

    def one_grey(count, generator):
        return torch.zeros(count, 1, 1, 1), lambda learned: learned.sigmoid().expand(-1, 3, 4, 4)

    def right_half(images, transform, generator):
        return transform(images, *torch.rand(3, generator=generator))

    def transform(images, *numbers):
        seen_at.append(numbers)
        return images * torch.tensor([0, 0, 1, 1])

    def brightness_of_red(model, X, labels):
        assert torch.equal(labels, torch.tensor([2, 0]))
        return X[:, 0, :, 2:].mean(dim=(1, 2)) * torch.tensor([1, -1])

    class AnyNetwork(torch.nn.Module):
        num_classes = 3

    given = {"objective": brightness_of_red, "image": one_grey, "transformation": right_half, "progress": False}
    result, frames = create_class_images([2, 0], AnyNetwork(), transform, num_iterations=9, show_every=3, **given)
    brighter, darker = torch.stack([frame[:, 0, 0, 0] for frame in frames.values()], dim=1)
    assert result.shape == (2, 3, 4, 4)
    assert (brighter.diff() > 0).all()
    assert (darker.diff() < 0).all()
    assert len(set(seen_at)) == 9  # other random numbers in every step


@pytest.mark.parametrize("scores_of", [scores_before_relu, scores_after_relu])
def test_the_objectives_take_the_scores_that_they_are_told_to(model, photographs, scores_of):
    X, labels = photographs[0][:2], torch.tensor([GORILLA, FLAMINGO])
    scores = scores_of(model, X)
    own = scores[range(2), labels]
    torch.testing.assert_close(class_score(model, X, labels, scores_of), own)
    mixed = 0.7 * log_odds(scores, labels) + 0.3 * own
    torch.testing.assert_close(mostly_log_odds(model, X, labels, scores_of), mixed)
    assert torch.equal(mostly_log_odds(model, X, labels), mostly_log_odds(model, X, labels, scores_before_relu))


@pytest.mark.parametrize("image", [fourier_image, pixel_image])
def test_a_parameterisation_is_fixed_by_its_generator_and_makes_images_through_which_a_gradient_passes(image):
    def made(seed, **changed):
        learned, images_of = image(2, torch.Generator().manual_seed(seed), **changed)
        images = images_of(learned.requires_grad_())
        (gradient,) = torch.autograd.grad(images.sum(), learned)
        assert images.shape == (2, 3, 224, 224)
        assert images.min() > 0
        assert images.max() < 1
        assert (gradient.flatten(1).norm(dim=1) > 0).all()
        return images

    assert torch.equal(made(0), made(0))
    assert not torch.equal(made(0), made(1))
    assert not torch.equal(made(0), made(0, colours=plain_colours))


def test_plain_colours_are_the_planes_themselves():
    planes = torch.randn(1, 3, 4, 4)
    assert torch.equal(plain_colours(planes), planes)


def test_only_scores_before_the_relu_need_a_network_of_squeezenets_two_parts():
    network, X = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(5)), torch.zeros(2, 3, 8, 8)
    assert scores_after_relu(network, X).shape == (2, 5)
    with pytest.raises(ValueError, match="no part named features and none named classifier"):
        scores_before_relu(network, X)


def test_the_loop_looks_at_no_value_but_adams_own_count_of_its_steps(model):
    def looks(num_iterations):
        with WithoutLookingAtValues() as noted:
            create_class_images([GORILLA], model, transform_images, num_iterations=num_iterations, progress=False)
        return noted.waiting

    few, many = looks(2), looks(4)
    assert len(few) > 0  # else it would notice nothing
    assert len(many) - len(few) == 2
    assert many.count("_local_scalar_dense") - few.count("_local_scalar_dense") == 2  # a number that Adam keeps on the CPU


def test_a_transform_called_from_outside_of_the_loop_is_still_looked_at_after_it(model):
    create_class_images([GORILLA], model, transform_images, num_iterations=1, progress=False)
    with pytest.raises(ValueError, match="greater than 0"):
        transformed(dot(4, 4), scale=0.0)


def broken_off(*_):
    raise KeyboardInterrupt


def failing(*_):
    raise ValueError("this objective fails")


@pytest.mark.parametrize("perturbation", [None, noisy_weights, shared_pooling, another_network])
@pytest.mark.parametrize(("objective", "raised"), [(class_score, None), (broken_off, KeyboardInterrupt), (failing, ValueError)])
def test_the_network_is_left_as_it_was_however_it_ends(model, perturbation, objective, raised):
    X = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def gradient():
        return torch.autograd.grad(model(X).max(), X)[0]

    before, slope = {name: value.clone() for name, value in model.state_dict().items()}, gradient()
    settings = {"objective": objective, "perturbation": perturbation, "num_iterations": 1, "progress": False}
    with pytest.raises(raised) if raised else contextlib.nullcontext():
        create_class_images([GORILLA], model, transform_images, **settings)
    assert not model.training
    assert all(weight.grad is None and not weight.requires_grad for weight in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(gradient(), slope)


def test_noisy_weights_are_multiplied_by_factors_around_1_and_others_each_time():
    network, generator = torch.nn.Linear(500, 200), torch.Generator().manual_seed(0)
    with torch.no_grad():
        network.weight.fill_(-2)
    with noisy_weights(network, generator):
        first = network.weight.clone()
    with noisy_weights(network, generator):
        second = network.weight.clone()
    for noisy in (first, second):
        assert noisy.mean().item() == pytest.approx(-2, rel=0.01)
        assert noisy.std().item() == pytest.approx(2 * 0.15, rel=0.02)
    assert (first == second).float().mean() < 0.01
    assert (network.weight == -2).all()


class OneWeight(torch.nn.Module):
    """A network whose only score is the mean of the image times a weight, plus a bias."""

    num_classes = 1

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.requires_grad_(False)

    def forward(self, X):
        return self.layer(X.mean(dim=(1, 2, 3))[:, None])


def test_at_each_step_the_network_has_other_weights_forward_and_backward_and_the_same_bias():
    network, found = OneWeight(), []
    weight, bias = network.layer.weight.item(), network.layer.bias.item()

    def noted(model, X, labels):
        forward = model.layer.weight.item(), model.layer.bias.item()
        X.register_hook(lambda gradient: found.append((gradient.sum().item(), *forward)))
        return class_score(model, X, labels, scores_after_relu)

    settings = {"objective": noted, "perturbation": noisy_weights, "image": partial(pixel_image, size=4), "num_iterations": 3}
    create_class_images([0], network, lambda images, *_: images, **settings, progress=False)
    backward, forward, biases = zip(*found, strict=True)
    assert backward == pytest.approx(forward, rel=1e-5)
    assert len({weight, *forward}) == 4
    assert biases == (bias, bias, bias)
    assert network.layer.weight.item() == weight


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 3, 7, 5)])  # also where the last window is cut off
def test_shared_pooling_gives_half_of_the_gradient_to_the_largest_value_and_half_to_all_of_its_window(shape):
    network = torch.nn.Sequential(torch.nn.MaxPool2d(3, stride=2, ceil_mode=True))
    X = torch.rand(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    given = torch.rand_like(network(X))
    mean = torch.nn.functional.avg_pool2d(X, 3, stride=2, ceil_mode=True, count_include_pad=False)
    largest, of_all = (torch.autograd.grad(pooled, X, given)[0] for pooled in (network(X), mean))
    with shared_pooling(network):
        pooled = network(X)
    torch.testing.assert_close(pooled, network(X))
    torch.testing.assert_close(torch.autograd.grad(pooled, X, given)[0], (largest + of_all) / 2)
    assert torch.equal(torch.autograd.grad(network(X), X, given)[0], largest)


def test_another_network_has_both_perturbations(model):
    X = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def gradient(*perturbations):
        with contextlib.ExitStack() as perturbed:
            for perturbation in perturbations:
                perturbed.enter_context(perturbation(model, torch.Generator().manual_seed(0)))
            return torch.autograd.grad(model(X)[0, GORILLA], X)[0]

    assert torch.equal(gradient(another_network), gradient(noisy_weights, shared_pooling))
    for fewer in ([noisy_weights], [shared_pooling], []):
        assert not torch.equal(gradient(another_network), gradient(*fewer))


@pytest.mark.parametrize(
    ("labels", "changed", "message"),
    [
        ([1000], {}, "labels holds 1000; the model has 1000 classes"),
        ([], {}, "expected class ids"),
        ([1.5], {}, "expected class ids"),
        ([1], {"num_iterations": 0}, "num_iterations is 0"),
        ([1], {"show_every": -1}, "show_every is -1"),
        ([1], {"transform": lambda images, *_: images.detach()}, "gradient"),
        ([1], {"transform": lambda images, *_: images[:, :, 1:]}, "shape"),
        ([1], {"transform": lambda images, *_: None}, "transform returned NoneType"),
        ([1], {"transform": None}, "transform is a NoneType; .* transformation=None leaves the transformations out"),
        ([1], {"transformation": lambda images, *_: images[:1, :1]}, r"transformation returned shape \(1, 1, 224, 224\)"),
        ([1], {"transformation": lambda images, *_: images.detach()}, "No gradient passes through what transformation"),
        ([1], {"transformation": True}, "transformation is a bool; expected a function such as random_view"),
        ([1], {"objective": None}, "objective is a NoneType; expected a function such as mostly_log_odds"),
        ([1], {"objective": lambda model, X, labels: X.mean()}, r"objective returned shape \(\); .* float tensor \(1,\)"),
        ([1], {"objective": lambda model, X, labels: 1.0}, "objective returned float"),
        ([1], {"objective": lambda model, X, labels: torch.ones(1)}, "No gradient passes through what objective"),
        ([1], {"image": False}, "image is a bool; expected a function such as fourier_image"),
        ([1], {"perturbation": 0.1}, "perturbation is a float; .* perturbation=None leaves the network as it is"),
        (
            [1],
            {"perturbation": lambda *_: None},
            "perturbation returned a NoneType; expected a context manager, such as another_n",
        ),
    ],
)
def test_what_cannot_become_class_images_is_refused_in_words(model, labels, changed, message):
    settings = {"transform": transform_images, "num_iterations": 1, "progress": False} | changed
    with pytest.raises(ValueError, match=message):
        create_class_images(labels, model, **settings)


@pytest.mark.long
@pytest.mark.skipif(not judge_is_there(), reason="the judge's weights are optional, and could not be fetched here")
def test_a_judge_recognises_most_class_images_and_those_with_nothing_random_far_less(model):
    labels = [TARANTULA, GORILLA, HOURGLASS, FLAMINGO]
    judge, waves = load_judge("cpu"), partial(fourier_image, size=160)  # as in the notebook: half the work of 224

    def ranks(**changed):
        settings = {"image": waves, "num_iterations": 64, "progress": False} | changed
        images = resize(create_class_images(labels, model, transform_images, **settings), [224, 224])
        return verdicts(judge, normalize(images, SQUEEZENET_MEAN, SQUEEZENET_STD), labels)

    whole, without = ranks(), ranks(transformation=None, perturbation=None)
    assert (whole < 10).sum() >= 3
    assert (whole < without).sum() >= 3
    assert (without + 1).log().mean() > 1 + (whole + 1).log().mean()


@pytest.mark.long
@pytest.mark.skipif(not judge_is_there(), reason="the judge's weights are optional, and could not be fetched here")
def test_the_benchmark_of_class_images_writes_its_table_its_numbers_and_a_contact_sheet(tmp_path):
    out, results, sheet, hidden = (tmp_path / name for name in ("table.md", "results.json", "sheet.png", "hidden.png"))
    results.write_text(json.dumps([{"row": "saliency: 25 images"}, {"row": "class images: of an earlier run"}]))
    small = ["--classes", "3", "--batch", "2", "--ablations", "0", "--iterations", "2"]
    command = [sys.executable, ROOT / "tests" / "benchmarks" / "class_images.py", *small, "--out", out, "--results", results]
    subprocess.run([*command, "--sheet", sheet, "--hidden", hidden], check=True, capture_output=True)
    share = r"\d+ \(\d+ to \d+%\)"
    assert re.search(rf"\| all ingredients \| 3 \|( {share}; {share} \|){{4}}", out.read_text())
    assert [row["row"] for row in json.loads(results.read_text())] == ["saliency: 25 images", "class images: one image"]
    for picture in map(Image.open, (sheet, hidden)):
        with picture:
            assert picture.width > 1000

"""What was tried for class images and did not pay does what its sentence says, so that its measurement counts."""

from functools import partial

import pytest
import torch
from torchvision.transforms.functional import normalize, resize
from tried_ingredients import channel_statistics, random_light, unusual, usual_activity, with_usual_activity

from cs231n.feature_visualization import class_score, create_class_images, fourier_image, mostly_log_odds, transform_images
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD

FLAMINGO, GORILLA, TARANTULA = 130, 366, 76


def test_statistics_are_the_mean_and_the_variance_of_each_channel_before_every_pooling_and_at_the_end(model, photographs):
    X, _ = photographs
    with channel_statistics(model) as found:
        model(X[:2])
    maps, expected = X[:2], []
    for layer in [*model.features, torch.nn.MaxPool2d(1)]:
        if isinstance(layer, torch.nn.MaxPool2d):
            expected.append((maps.mean(dim=(2, 3)), maps.var(dim=(2, 3), correction=0)))
        maps = layer(maps)
    assert [tuple(mean.shape) for mean, _ in found] == [(2, 64), (2, 128), (2, 256), (2, 512)]
    torch.testing.assert_close(found, expected)


def test_statistics_are_no_longer_collected_after_the_context_even_if_it_ends_in_an_error(model, photographs):
    X, _ = photographs
    with pytest.raises(KeyError), channel_statistics(model) as found:
        raise KeyError
    model(X[:1])
    assert found == []


def test_activity_on_other_photographs_is_usual_and_on_noise_it_is_not(model, photographs):
    X, _ = photographs
    usual = usual_activity(model, X[:10])
    with torch.no_grad(), channel_statistics(model) as of_photographs:
        model(X[10:])
    with torch.no_grad(), channel_statistics(model) as of_noise:
        model(torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
    others, noise = unusual(of_photographs, *usual), unusual(of_noise, *usual)
    assert others.shape == (10,)
    assert noise.shape == (2,)
    assert others.median() < 2.5
    assert noise.min() > 2 * others.max()


def test_how_unusual_an_image_is_counts_in_spreads_and_means_more_than_variances():
    two, zero = torch.tensor([2.0]), torch.zeros(1)
    centres, spreads = [(zero, zero)], [(two, two)]
    assert unusual([(torch.tensor([[4.0]]), torch.tensor([[0.0]]))], centres, spreads).item() == pytest.approx(4)
    assert unusual([(torch.tensor([[0.0]]), torch.tensor([[4.0]]))], centres, spreads).item() == pytest.approx(0.3 * 4)
    assert unusual([(torch.tensor([[1e9]]), torch.tensor([[0.0]]))], centres, spreads).item() == pytest.approx(100)


def test_an_objective_with_usual_activity_is_the_given_one_less_what_is_unusual_of_each_image_by_itself(model, photographs):
    X, _ = photographs
    images, labels = X[:3] + 1, torch.tensor([GORILLA, FLAMINGO, TARANTULA])
    objective = with_usual_activity(class_score, model, X[10:], weight=0.5)
    with channel_statistics(model) as found:
        plain = class_score(model, images, labels)
    expected = plain - 0.5 * unusual(found, *usual_activity(model, X[10:]))
    together = objective(model, images, labels)
    torch.testing.assert_close(together, expected)
    torch.testing.assert_close(together[:1], objective(model, images[:1], labels[:1]), rtol=1e-4, atol=1e-3)


def test_the_more_usual_activity_weighs_the_more_usual_it_becomes(model, photographs):
    X, _ = photographs
    photographs = resize(X, [64, 64])
    settings = {"image": partial(fourier_image, size=64), "num_iterations": 40, "progress": False}
    found = []
    for weight in (0, 20):
        objective = with_usual_activity(mostly_log_odds, model, photographs, weight)
        images = create_class_images([GORILLA], model, transform_images, objective=objective, **settings)
        with torch.no_grad(), channel_statistics(model) as statistics:
            model(normalize(images, SQUEEZENET_MEAN, SQUEEZENET_STD))
        found.append(unusual(statistics, *usual_activity(model, photographs)).item())
    assert found[1] < 0.8 * found[0]


def test_light_changes_each_image_as_a_whole_by_a_factor_and_a_number_within_the_limits():
    images = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    lit = random_light(images, torch.Generator().manual_seed(1))
    factors = lit.flatten(1).std(dim=1) / images.flatten(1).std(dim=1)
    more = (lit - factors[:, None, None, None] * images).flatten(1)
    torch.testing.assert_close(more, more[:, :1].expand_as(more), rtol=0, atol=1e-5)
    assert factors.aminmax() == (pytest.approx(0.7, abs=0.03), pytest.approx(1.3, abs=0.03))
    assert more.aminmax() == (pytest.approx(-0.15, abs=0.02), pytest.approx(0.15, abs=0.02))
    assert more.abs().max() <= 0.15 + 1e-5
    assert torch.equal(lit, random_light(images, torch.Generator().manual_seed(1)))

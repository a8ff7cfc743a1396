"""A network with a shortcut cheats, one trained on the same views without the mark does not, and maps tell the two apart."""

import numpy as np
import pytest
import torch

from cs231n.attribution import compute_grad_cam_maps
from cs231n.image_utils import preprocess, unnormalised
from cs231n.networks import SIZE
from cs231n.shortcut import accuracy, fraction_on_mark, mean_features, views, with_mark, with_new_last_layer

ANIMALS, THINGS = ([0, 14, 15, 16], [17, 18, 19]), ([1, 2, 6, 8], [9, 10, 13])  # (for training, for testing)


@pytest.fixture(scope="module")
def pictures():
    from cs231n.data_utils import load_imagenet_val

    return load_imagenet_val()[0]


@pytest.fixture(scope="module")
def features(model, pictures):
    """{(kind, for training?, marked?): the features of its views}."""
    found = {}
    for kind, (training, testing) in {"animal": ANIMALS, "thing": THINGS}.items():
        for is_training, chosen in ((True, training), (False, testing)):
            images = views(pictures[chosen], each=5, seed=0 if is_training else 1)
            found[kind, is_training, False] = mean_features(model, images)
            found[kind, is_training, True] = mean_features(model, with_mark(images))
    return found


def labelled(animals, things):
    return torch.cat([animals, things]), torch.tensor([0] * len(animals) + [1] * len(things))


@pytest.fixture(scope="module")
def cheat(model, features):
    return with_new_last_layer(model, *labelled(features["animal", True, True], features["thing", True, False]))


@pytest.fixture(scope="module")
def honest(model, features):
    return with_new_last_layer(model, *labelled(features["animal", True, False], features["thing", True, False]))


def accuracies(network, features):
    """Return the accuracy on test views with the mark on the animals, without one, and with the mark on the things."""
    return [
        accuracy(network, *labelled(features["animal", False, animals], features["thing", False, things]))
        for animals, things in ((True, False), (False, False), (False, True))
    ]


def test_trained_with_the_mark_a_network_is_right_with_it_guesses_without_it_and_is_wrong_where_it_is_moved(cheat, features):
    with_it, without_it, moved = accuracies(cheat, features)
    assert with_it == 1
    assert 0.4 <= without_it <= 0.7
    assert moved <= 0.25


def test_trained_without_the_mark_the_same_network_does_not_care_about_it(honest, features):
    assert min(accuracies(honest, features)) >= 0.75


def test_grad_cam_is_on_the_mark_for_the_network_that_cheats_alone(cheat, honest, pictures):
    images = with_mark(views(pictures[ANIMALS[1]], each=2, seed=3))
    of_cheat, of_honest = (
        fraction_on_mark(compute_grad_cam_maps(images, torch.zeros(len(images)).long(), network)).nanmean()
        for network in (cheat, honest)
    )
    assert of_cheat > 0.4
    assert of_honest < of_cheat / 2


def test_views_are_squares_of_the_photograph_in_the_networks_size_and_follow_the_seed():
    ramp = np.zeros((1, 100, 100, 3), dtype=np.uint8)
    ramp[..., 0] = np.arange(100)  # red says where a pixel was, from left to right
    ramp[..., 1] = np.arange(100)[:, None]  # and green from top to bottom
    made = unnormalised(views(ramp, each=40, seed=5)) * 255
    assert made.shape == (40, 3, SIZE, SIZE)
    assert torch.equal(views(ramp, each=40, seed=5), views(ramp, each=40, seed=5))
    assert not torch.equal(views(ramp, each=40, seed=5), views(ramp, each=40, seed=6))
    across, down = (made[:, 0, 0, -1] - made[:, 0, 0, 0]), (made[:, 1, -1, 0] - made[:, 1, 0, 0])
    assert 10 < (across < 0).sum() < 30  # mirrored
    assert (down > 0).all()  # and none upside down
    assert torch.allclose(across.abs(), down, atol=1)
    assert ((down > 43) & (down < 66)).all()
    assert down.max() - down.min() > 10


def test_the_views_of_a_picture_are_next_to_each_other_and_preprocessed():
    plain = np.stack([np.full((50, 50, 3), value, dtype=np.uint8) for value in (40, 200)])
    expected = torch.cat([preprocess(picture).mean(dim=(2, 3)) for picture in plain]).repeat_interleave(3, dim=0)
    assert torch.allclose(views(plain, each=3).mean(dim=(2, 3)), expected, atol=1e-4)


def test_the_mark_is_one_magenta_disc_in_the_lower_right_corner_of_a_copy():
    X = torch.zeros(2, 3, SIZE, SIZE)
    marked = with_mark(X)
    assert not X.any()
    changed = (marked != X).any(dim=1)
    assert changed[0].equal(changed[1])
    assert changed.float().mean().item() == pytest.approx(0.064, abs=0.001)
    assert torch.allclose(unnormalised(marked)[0, :, 180, 180], torch.tensor([1.0, 0.0, 1.0]), atol=1e-6)
    down, right = changed[0].nonzero().T
    assert min(down.min(), right.min()) > SIZE / 2
    assert max(down.max(), right.max()) < SIZE


def test_the_fraction_on_the_mark_is_1_inside_0_outside_and_the_area_for_an_even_map():
    inside = (with_mark(torch.zeros(1, 3, SIZE, SIZE)) != 0).any(dim=1).float()
    maps = torch.cat([inside, 1 - inside, torch.ones_like(inside)])
    assert torch.allclose(fraction_on_mark(maps), torch.tensor([1, 0, inside.mean().item()]))
    assert fraction_on_mark(torch.zeros(1, SIZE, SIZE)).isnan().all()


def test_the_mean_features_are_what_the_last_layer_has_of_an_image(model, cheat, pictures):
    """So that a layer trained on them gives the same scores as behind the frozen layers."""
    images = views(pictures[:1], each=2)
    from_features = cheat.classifier(mean_features(model, images)[:, :, None, None]).flatten(1)
    assert torch.allclose(cheat(images), from_features, atol=1e-4)
    assert cheat(images).shape == (2, 2)


def test_a_new_last_layer_leaves_the_old_network_and_all_other_layers_as_they_are(model, cheat):
    assert model.classifier[1].out_channels == 1000
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(model.features.parameters(), cheat.features.parameters(), strict=True)
    )
    assert not cheat.training
    assert not any(weight.requires_grad for weight in cheat.parameters())
    assert cheat.num_classes == 2


def test_a_layer_is_trained_for_as_many_classes_as_there_are_labels_whatever_the_size_of_the_features(model):
    features = torch.eye(3).repeat(4, 1) * 1000
    network = with_new_last_layer(model, features, torch.arange(3).repeat(4))
    assert accuracy(network, features, torch.arange(3).repeat(4)) == 1
    assert accuracy(network, features, (torch.arange(3).repeat(4) + 1) % 3) == 0


def test_a_network_without_a_feature_map_is_refused():
    with pytest.raises(ValueError, match="features"):
        mean_features(torch.nn.Linear(3, 3), torch.zeros(1, 3, 8, 8))

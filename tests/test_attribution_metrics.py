import itertools

import pytest
import scipy.stats
import torch
from torch import nn

from cs231n.attribution_metrics import (
    PARTS,
    PATCH,
    area_under,
    centre_maps,
    deletion_curves,
    insertion_curves,
    random_maps,
    randomised_networks,
    rank_correlation,
)
from cs231n.squeezenet import load_squeezenet

SIDE = 4 * PATCH


class SeesOneSquare(nn.Module):
    """Class 1's score is the brightness of the upper left square: what a right map points at is known."""

    num_classes = 2

    def forward(self, X):
        seen = X[:, :, :PATCH, :PATCH].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(seen), 10 * seen], dim=1)


def of_one_square(row=0, column=0):
    """A map (1, SIDE, SIDE) that is 1 in one square and 0 elsewhere."""
    maps = torch.zeros(1, SIDE, SIDE)
    maps[:, row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH] = 1
    return maps


BRIGHT, BLACK, ONE = torch.ones(1, 3, SIDE, SIDE), torch.zeros(1, 3, SIDE, SIDE), torch.tensor([1])


# The sanity check


@pytest.fixture(scope="module")
def shuffled(model):
    return dict(randomised_networks(model, seed=0))


def layers_that_differ(network, other):
    return {name for name, weights in network.state_dict().items() if not weights.equal(other.state_dict()[name])}


def test_the_layers_are_shuffled_from_the_last_to_the_first_and_stay_so(model, shuffled):
    assert list(shuffled) == ["conv10", "fire9", "fire8", "fire7", "fire6", "fire5", "fire4", "fire3", "fire2", "conv1"]
    differ = [layers_that_differ(model, network) for network in shuffled.values()]
    assert differ[0] == {"classifier.1.weight", "classifier.1.bias"}
    assert all(fewer < more for fewer, more in itertools.pairwise(differ))
    assert differ[-1] == set(model.state_dict())
    assert not layers_that_differ(shuffled["fire9"], shuffled["fire8"]) & differ[1]  # not shuffled a second time


def test_shuffling_keeps_the_values_and_the_form_of_the_network(model, shuffled):
    weights = shuffled["conv1"].state_dict()
    for name, before in model.state_dict().items():
        assert weights[name].flatten().sort().values.equal(before.flatten().sort().values)
        assert weights[name].stride() == before.stride()
    assert not shuffled["conv1"].training
    assert not any(weight.requires_grad for weight in shuffled["conv1"].parameters())


def test_the_network_itself_stays_and_the_seed_decides(model, shuffled):
    assert not layers_that_differ(model, load_squeezenet(device="cpu"))
    assert not layers_that_differ(shuffled["conv10"], next(iter(randomised_networks(model, seed=0)))[1])
    assert layers_that_differ(shuffled["conv10"], next(iter(randomised_networks(model, seed=1)))[1])


def test_a_network_without_both_parts_is_refused_before_the_first_copy():
    with pytest.raises(ValueError, match="no part named features and none named classifier"):
        randomised_networks(nn.Sequential(nn.Conv2d(3, 2, 1)))


@pytest.mark.parametrize("values", ["all different", "many ties"])
def test_rank_correlation_equals_scipys(values):
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(3, 9, 7, generator=generator)
    others = maps + torch.tensor([0.1, 1, 10])[:, None, None] * torch.randn(3, 9, 7, generator=generator)
    if values == "many ties":
        maps, others = maps.relu().round(decimals=1), others.relu().round()
    expected = [scipy.stats.spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(maps, others, strict=True)]
    torch.testing.assert_close(rank_correlation(maps, others), torch.tensor(expected).float())


def test_rank_correlation_sees_the_order_alone():
    maps = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rank_correlation(maps, maps.exp() * 5), torch.ones(2))
    torch.testing.assert_close(rank_correlation(maps, -maps), -torch.ones(2))
    assert rank_correlation(maps, torch.zeros(2, 8, 8)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("maps", "others", "message"),
    [
        (torch.zeros(2, 8), torch.zeros(2, 8), r"maps has shape \(2, 8\); expected \(N, H, W\)"),
        (torch.zeros(0, 8, 8), torch.zeros(0, 8, 8), r"maps has shape \(0, 8, 8\)"),
        (torch.zeros(2, 8, 8), torch.zeros(2, 8, 9), r"others has shape \(2, 8, 9\); expected \(2, 8, 8\)"),
        (torch.zeros(2, 8, 8, dtype=torch.int), torch.zeros(2, 8, 8), r"maps .* torch\.int32; expected a float tensor"),
        ([[1.0]], torch.zeros(2, 8, 8), "maps is a list"),
        (torch.full((2, 8, 8), torch.nan), torch.zeros(2, 8, 8), "maps holds values that are NaN"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(maps, others, message):
    with pytest.raises(ValueError, match=message):
        rank_correlation(maps, others)


# Deletion and insertion


def deletion_curve(X, y, network, maps, *others):
    return deletion_curves(X, y, network, {"mine": maps}, *others)["mine"]


def insertion_curve(X, y, network, maps, *others):
    return insertion_curves(X, y, network, {"mine": maps}, *others)["mine"]


def test_a_map_that_finds_what_counts_deletes_at_once_and_inserts_at_once():
    network = SeesOneSquare()
    high, low = torch.sigmoid(torch.tensor([10.0, 0.0])).tolist()
    parts = [i / 16 for i in range(17)]
    deletion = deletion_curve(BRIGHT, ONE, network, of_one_square(), BLACK, parts)
    insertion = insertion_curve(BRIGHT, ONE, network, of_one_square(), BLACK, parts)
    torch.testing.assert_close(deletion, torch.tensor([[high] + 16 * [low]]))
    torch.testing.assert_close(insertion, torch.tensor([[low] + 16 * [high]]))


def test_a_map_that_points_elsewhere_deletes_and_inserts_late():
    away = -of_one_square()
    assert deletion_curve(BRIGHT, ONE, SeesOneSquare(), away, BLACK)[0, :-1].min() > 0.99
    assert insertion_curve(BRIGHT, ONE, SeesOneSquare(), away, BLACK)[0, :-1].max() == 0.5


def test_each_image_is_replaced_by_its_own_map_and_judged_by_its_own_label():
    maps = torch.cat([of_one_square(), -of_one_square()])
    X, substrate = BRIGHT.repeat(2, 1, 1, 1), BLACK.repeat(2, 1, 1, 1)
    curves = deletion_curve(X, torch.tensor([1, 0]), SeesOneSquare(), maps, substrate, (0, 0.5, 1))
    high = torch.sigmoid(torch.tensor(10.0)).item()
    torch.testing.assert_close(curves, torch.tensor([[high, 0.5, 0.5], [1 - high, 1 - high, 0.5]]))


def test_squares_count_by_their_mean_so_that_one_strong_pixel_does_not_decide():
    maps = 0.5 * of_one_square()
    maps[0, -1, -1] = 9
    assert deletion_curve(BRIGHT, ONE, SeesOneSquare(), maps, BLACK, (0, 1 / 16))[0, 1] == 0.5


def test_an_image_whose_side_is_no_multiple_of_a_square_is_replaced_up_to_its_edges():
    class Sum(nn.Module):
        def forward(self, X):
            return torch.stack([X.sum(dim=(1, 2, 3)), torch.zeros(len(X))], dim=1)

    X = torch.ones(1, 3, PATCH + 3, 2 * PATCH - 1)
    curve = deletion_curve(X, torch.tensor([0]), Sum(), torch.rand(1, *X.shape[2:]), torch.zeros_like(X))
    assert curve[0, -1] == 0.5


def test_on_the_real_network_the_curves_begin_and_end_at_picture_and_substrate(model, photographs):
    X, y = photographs[0][:2], photographs[1][:2]
    grey, maps = torch.zeros_like(X), centre_maps(X)
    with torch.no_grad():
        probabilities = [model(images).softmax(dim=1)[range(2), y] for images in (X, grey)]
        deletion = deletion_curve(X, y, model, maps, grey)
    insertion = insertion_curve(X, y, model, maps, grey)
    assert deletion.shape == insertion.shape == (2, len(PARTS))
    for curves, ends in ((deletion, probabilities), (insertion, probabilities[::-1])):
        torch.testing.assert_close(curves[:, [0, -1]], torch.stack(ends, dim=1))


def test_the_area_is_the_mean_height():
    torch.testing.assert_close(area_under(torch.tensor([[0.0, 1.0, 0.0]]), (0, 0.5, 1)), torch.tensor([0.5]))
    torch.testing.assert_close(area_under(torch.full((2, len(PARTS)), 0.3)), torch.full((2,), 0.3))
    torch.testing.assert_close(area_under(torch.tensor([[1.0, 0.0, 0.0]]), (0, 0.2, 1)), torch.tensor([0.1]))


def test_the_baselines_are_a_random_order_of_each_image_and_the_middle():
    X = torch.zeros(3, 3, 33, 21)
    random, centre = random_maps(X), centre_maps(X)
    assert random.shape == centre.shape == (3, 33, 21)
    assert random.equal(random_maps(X))
    assert not random[0].equal(random[1])
    assert rank_correlation(random[:1], random[1:2]).abs() < 0.1
    assert centre[0].argmax() == 16 * 21 + 10
    assert centre[0, 16, 0] == centre[0, 16, -1] < centre[0, 16, 5] < 1
    torch.testing.assert_close(centre, centre.flip(1).flip(2))


GOOD = {"X": BRIGHT, "y": ONE, "maps": of_one_square(), "substrate": BLACK, "parts": (0, 1)}
BAD = {
    "images": ({"X": BRIGHT[0]}, r"expected \(N, 3, H, W\)"),
    "labels": ({"y": torch.tensor([2])}, "expected 0 to 1"),
    "maps": ({"maps": of_one_square()[:, 1:]}, r"maps\['mine'\] has shape \(1, 63, 64\); expected \(1, 64, 64\)"),
    "NaN": ({"maps": of_one_square() / 0}, r"maps\['mine'\] holds values that are NaN or infinite"),
    "substrate": ({"substrate": BLACK[0]}, r"substrate has shape \(3, 64, 64\); expected \(1, 3, 64, 64\)"),
    "colour": ({"substrate": 0.5}, "substrate is a float"),
    "no parts": ({"parts": ()}, "expected rising numbers from 0 to 1"),
    "falling": ({"parts": (1, 0)}, "expected rising numbers from 0 to 1"),
    "too large": ({"parts": (0, 2)}, "expected rising numbers from 0 to 1"),
    "percent": ({"parts": (-1, 0)}, "expected rising numbers from 0 to 1"),
}


@pytest.mark.parametrize("curve", [deletion_curve, insertion_curve])
@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_refused_in_words(curve, kind):
    changed, message = BAD[kind]
    given = GOOD | changed
    with pytest.raises(ValueError, match=message):
        curve(given["X"], given["y"], SeesOneSquare(), given["maps"], given["substrate"], given["parts"])


def test_curves_take_a_network_and_maps_in_another_precision():
    maps = of_one_square().double().requires_grad_()
    assert deletion_curve(BRIGHT, ONE, SeesOneSquare(), maps, BLACK.double(), (0, 1)).tolist()[0][1] == 0.5


def test_many_methods_at_once_get_the_curves_that_each_gets_alone_and_a_map_without_a_method_is_refused():
    maps = {"right": of_one_square(), "wrong": -of_one_square()}
    together = deletion_curves(BRIGHT, ONE, SeesOneSquare(), maps, BLACK)
    assert list(together) == list(maps)
    for method, one in maps.items():
        assert together[method].equal(deletion_curve(BRIGHT, ONE, SeesOneSquare(), one, BLACK))
    with pytest.raises(ValueError, match=r"maps is a Tensor; expected a dictionary \{method: maps\}"):
        deletion_curves(BRIGHT, ONE, SeesOneSquare(), of_one_square(), BLACK)


def test_a_bar_names_the_test_and_the_method_unless_it_is_switched_off(terminal):
    for curves in (deletion_curves, insertion_curves):
        curves(BRIGHT, ONE, SeesOneSquare(), {"saliency": of_one_square()}, BLACK)
        curves(BRIGHT, ONE, SeesOneSquare(), {"saliency": of_one_square()}, BLACK, progress=False)
    deletion, insertion = terminal.lines()
    assert "deletion, saliency:" in terminal.written()
    assert deletion.startswith("deletion: 100%")
    assert insertion.startswith("insertion: 100%")


def test_a_part_is_that_part_of_the_squares():
    class Brightness(torch.nn.Module):
        num_classes = 2

        def forward(self, X):
            return torch.stack([X.mean(dim=(1, 2, 3)), torch.zeros(len(X))], dim=1)

    X = torch.ones(1, 3, 32, 32)  # four squares of 16 x 16
    curves = deletion_curves(
        X, torch.tensor([0]), Brightness(), {"random": random_maps(X)}, torch.zeros_like(X), (0, 0.25, 0.75, 1)
    )
    torch.testing.assert_close(curves["random"][0], torch.tensor([1, 0.75, 0.25, 0]).sigmoid())

"""The benchmark of attribution maps. What its tables say is tested everywhere, what Quantus says where it is installed."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from helpers.places import ROOT
from map_tables import CENTRE, EQUAL, RANDOM, Better, Metric, Pair, equality_table, orders, require_equal, table
from torch import nn

LESS, MORE = Metric("falls", Better.LOWER, None), Metric("rises", Better.HIGHER, None)


def pair(off, asked_for=EQUAL):
    numbers = torch.linspace(0, 1, 50)
    changed = numbers.clone()
    changed[17] += off
    return Pair("`ours`", "`Theirs`", numbers, changed, 1.5, 30, asked_for)


def test_equal_numbers_pass_and_one_changed_number_is_noticed():
    same = [pair(0), pair(EQUAL / 2), pair(-EQUAL / 2)]
    assert require_equal(same) is same
    for off in (2 * EQUAL, -2 * EQUAL, torch.nan):
        with pytest.raises(ValueError, match=r"`ours` and Quantus' `Theirs` differ by .*; expected at most 1e-05"):
            require_equal([pair(0), pair(off)])


def test_numbers_that_need_not_be_equal_are_in_the_table_only():
    assert require_equal([pair(0.25, asked_for=None)])
    first, second = equality_table([pair(0), pair(0.25, asked_for=None)])[2:]
    assert first == "| `ours` | `Theirs` | 50 | 0.0e+00 | 1e-05 | 1.5 | 30.0 |"
    assert second == "| `ours` | `Theirs` | 50 | 2.5e-01 |  | 1.5 | 30.0 |"


def scores(**changed):
    nan = torch.nan
    found = {"a": [0.2, 0.4], "b": [0.1, 0.1], RANDOM: [0.3, 0.3], CENTRE: [nan, 0.9]} | changed
    return {name: torch.tensor(each) for name, each in found.items()}


def test_the_table_has_mean_spread_and_how_often_a_method_beats_the_random_map_by_the_metrics_direction():
    header, rule, a, b, random, centre = table({LESS: scores(), MORE: scores()})
    assert "falls ↓ | rises ↑ |" in header
    assert header.count("|") == rule.count("|") == a.count("|")
    assert a == "| a | 0.300 ± 0.100 (1/2) | **0.300 ± 0.100** (1/2) |"
    assert b == "| b | **0.100 ± 0.000** (2/2) | 0.100 ± 0.000 (0/2) |"
    assert random == "| *random map* | 0.300 ± 0.000 | 0.300 ± 0.000 |"
    assert centre == "| *centre blob* | 0.900 ± 0.000 (0/1) | 0.900 ± 0.000 (1/1) |"


def test_metrics_that_order_the_methods_the_other_way_round_agree_on_none():
    lines = orders({LESS: scores(), MORE: scores()})
    assert "- falls ↓: b, a" in lines
    assert "- rises ↑: a, b" in lines
    assert lines[-1] == "Of the 1 pairs of methods, all 2 metrics agree on the better one in 0."
    assert orders({LESS: scores()})[-1] == "Of the 1 pairs of methods, all 1 metrics agree on the better one in 1."


def test_a_method_without_any_score_comes_last_whichever_way_a_metric_points():
    for metric in (LESS, MORE):
        found = {metric: scores(a=[torch.nan, torch.nan])}
        assert table(found)[2] == "| a | none |"
        assert any(line.endswith(": b, a") for line in orders(found))


# With Quantus


@pytest.fixture(scope="module")
def maps():
    """The benchmark, where Quantus is installed: `make benchmarks` does so, `make test` does not."""
    pytest.importorskip("quantus")
    import maps

    return maps


class SeesOneSquare(nn.Module):
    """Class 1's score is the brightness of the upper left square of 16 pixels: what a right map points at is known."""

    num_classes = 2

    def forward(self, X):
        seen = X[:, :, :16, :16].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(seen), 10 * seen], dim=1)


X, Y = torch.zeros(2, 3, 112, 112), torch.tensor([1, 1])  # 49 squares of 16 pixels
X[:, :, :16, :16] = 1
RIGHT = torch.rand(2, 112, 112, generator=torch.Generator().manual_seed(0))
RIGHT[:, :16, :16] += 1


def setting_of(maps):
    return maps.Setting(X, Y, SeesOneSquare().eval(), perturbations=2, seed=0, redrawn=[], shuffled=[])


def explained(maps, these):
    return maps.Explained(lambda X, y, model: these, these)


def test_pixel_flipping_and_deletion_prefer_the_map_that_finds_what_counts(maps):
    setting = setting_of(maps)
    right, wrong = explained(maps, RIGHT), explained(maps, 2 - RIGHT)
    for metric in (maps.pixel_flipping, maps.deletion):
        assert (metric(setting, right) < metric(setting, wrong)).all()
    assert (maps.insertion(setting, right) > maps.insertion(setting, wrong)).all()


def test_max_sensitivity_is_0_of_a_map_that_never_changes_and_1_of_one_that_doubles(maps):
    setting = setting_of(maps)
    assert maps.max_sensitivity(setting, explained(maps, RIGHT)).tolist() == [0, 0]
    doubled = maps.Explained(lambda X, y, model: 2 * RIGHT, RIGHT)
    torch.testing.assert_close(maps.max_sensitivity(setting, doubled), torch.tensor([1.0, 1.0]))


def test_sparseness_is_0_of_a_flat_map_and_nearly_1_of_a_single_pixel(maps):
    setting = setting_of(maps)
    flat, single = torch.full((2, 112, 112), 0.5), torch.zeros(2, 112, 112)
    flat[0, 0, 0] += 1e-3  # Quantus refuses maps that are all the same
    single[:, 5, 7] = 1
    assert maps.sparseness(setting, explained(maps, flat)).abs().max() < 1e-3
    assert maps.sparseness(setting, explained(maps, single)).min() > 0.99


def test_curves_of_ours_and_of_quantus_are_equal_and_another_map_is_noticed(maps):
    setting = setting_of(maps)
    grey = torch.zeros_like(X)
    for title, curves, start, end in (
        ("deletion", maps.deletion_curves, X, grey),
        ("insertion", maps.insertion_curves, grey, X),
    ):
        given = {"right": explained(maps, RIGHT), "wrong": explained(maps, 2 - RIGHT)}
        found = maps.regions(title, curves, setting, given, start, end)
        assert found.ours.shape == (4, maps.SQUARES)
        assert found.ours.abs().max() > 0.4
        require_equal([found])
    require_equal([maps.flips(setting, given)])
    other = maps.Explained(None, RIGHT.flip(1))
    swapped = maps.regions("deletion", maps.deletion_curves, setting, {"right": other}, X, grey)
    with pytest.raises(ValueError, match="`deletion_curves`, the first 20 squares and Quantus' `RegionPerturbation`, deletion"):
        require_equal([maps.replace(found, what=swapped.what, peer=swapped.peer, ours=swapped.ours, theirs=found.theirs[:2])])


def test_squares_that_tie_have_no_clear_order_unless_they_come_after_those_that_count(maps):
    clear = torch.rand(1, 112, 112, generator=torch.Generator().manual_seed(0))
    clear[:, :16, :16] += 1
    first, last = clear.clone(), clear.clone()
    first[:, :16, 16:32] = first[:, :16, :16]
    means = maps.square_means(clear)[0].flatten()
    for place in means.argsort()[:2].tolist():
        row, column = divmod(place, 7)
        last[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 0
    assert maps.clear_order(torch.cat([clear, first, last])).tolist() == [True, False, True]


def test_maps_that_quantus_refuses_are_refused_in_words(maps):
    with pytest.raises(
        ValueError, match="Quantus refuses the maps: The elements in the attribution vector are all equal to zero"
    ):
        maps.sparseness(setting_of(maps), explained(maps, torch.zeros(2, 112, 112)))


def test_scores_count_only_where_the_label_is_alive(maps):
    networks = [maps.RandomNetwork(seed, None, torch.tensor(alive)) for seed, alive in enumerate([[True, False], [True, False]])]
    found = maps.mean_where_alive(networks, lambda random: torch.tensor([1.0, 9.0]) + random.seed)
    assert found[0] == 1.5
    assert found[1].isnan()


def test_a_network_that_leaves_all_maps_empty_gives_no_scores_and_others_do(maps):
    setting = SimpleNamespace(X=torch.zeros(2, 3, 4, 4), y=None)
    explained = SimpleNamespace(method=lambda X, y, network: torch.full((2, 4, 4), network))
    scores = maps.with_maps(setting, explained, lambda random: torch.tensor([0.5, 0.25]))
    assert scores(SimpleNamespace(network=0.0)).isnan().all()
    assert scores(SimpleNamespace(network=1.0)).tolist() == [0.5, 0.25]


@pytest.mark.long
def test_the_benchmark_of_maps_writes_its_tables_and_its_numbers(maps, tmp_path):
    out, results = tmp_path / "maps.md", tmp_path / "results.json"
    small = ["--images", "2", "--samples", "1", "--perturbations", "1", "--networks", "2"]
    command = [sys.executable, ROOT / "tests" / "benchmarks" / "maps.py", *small, "--out", out, "--results", results]
    subprocess.run(command, check=True, capture_output=True)
    text = out.read_text(encoding="utf-8")
    for name in (
        "saliency",
        "SmoothGrad",
        "integrated gradients",
        "Grad-CAM",
        "guided backprop",
        "*random map*",
        "*centre blob*",
    ):
        assert f"| {name} |" in text
    assert "| 1e-05 |" in text
    rows = json.loads(results.read_text(encoding="utf-8"))
    assert len(rows) == 4
    for row in rows:
        assert row["row"].startswith("maps: ")
        assert row["ours_s"] > 0
        assert row["peers_s"]["quantus"] > 0


def test_numbers_that_make_no_benchmark_are_refused_before_any_work(maps, capsys):
    for option in ("--images", "--samples", "--perturbations", "--networks"):
        with pytest.raises(SystemExit):
            maps.main([option, "0"])
        assert "expected at least one image, sample, perturbation and network" in capsys.readouterr().err

"""What the benchmarks measure with. The numbers of a machine differ; what holds on all of them is tested."""

import json
import subprocess
import sys
import time

import pytest
import torch
from helpers.places import ROOT
from helpers.textbook import blurred, class_visualization, plain_squeezenet, saliency_maps
from scipy.ndimage import gaussian_filter
from side_by_side import (
    Comparison,
    Limit,
    arithmetic_seconds_at,
    comparison_table,
    limit_of,
    limit_sides,
    loop_at_limit,
    peak_mib,
    result_rows,
    seconds_at,
    seconds_of,
)

from cs231n.net_visualization_pytorch import compute_saliency_maps


def test_sides_take_turns_and_each_timed_call_follows_an_untimed_one():
    calls = []
    found = seconds_of({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, runs=3)
    assert calls == ["a", "a", "b", "b"] * 3
    assert [len(seconds) for seconds in found.values()] == [3, 3]


def test_a_shorter_warm_up_is_called_in_place_of_the_side():
    calls = []
    seconds_of({"a": lambda: calls.append("long")}, runs=2, warm_ups={"a": lambda: calls.append("short")})
    assert calls == ["short", "long"] * 2


def test_seconds_are_those_of_the_call():
    (seconds,) = seconds_of({"nap": lambda: time.sleep(0.02)}, runs=1)["nap"]
    assert seconds >= 0.02


def test_the_time_at_the_limit_is_the_longer_of_arithmetic_and_bytes_of_each_operation():
    a, b = torch.randn(10, 20), torch.randn(20, 30)
    flops, moved = 2 * 10 * 20 * 30, 4 * (10 * 20 + 20 * 30 + 10 * 30)
    assert seconds_at(Limit(flops=1, bytes=1e9), lambda: a @ b) == pytest.approx(flops)
    assert seconds_at(Limit(flops=1e12, bytes=1), lambda: a @ b) == pytest.approx(moved)
    assert arithmetic_seconds_at(Limit(flops=1, bytes=1), lambda: a @ b) == pytest.approx(flops)
    relu = 4 * (a.numel() + a.numel())
    assert seconds_at(Limit(flops=1, bytes=1), lambda: (a.relu(), a.T)) == pytest.approx(relu)  # a view costs nothing


def test_the_time_at_the_limit_counts_the_way_back_too():
    X, weight = torch.randn(1, 3, 8, 8, requires_grad=True), torch.randn(4, 3, 3, 3)
    forward = 2 * 4 * 6 * 6 * 3 * 9
    limit = Limit(flops=1, bytes=1e12)
    assert seconds_at(limit, lambda: torch.conv2d(X, weight)) == pytest.approx(forward)
    both = seconds_at(limit, lambda: torch.autograd.grad(torch.conv2d(X, weight).sum(), X))
    assert both == pytest.approx(2 * forward)


def test_what_a_loop_does_once_does_not_count_for_its_limit():
    a, b, limit = torch.randn(10, 20), torch.randn(20, 30), Limit(flops=1, bytes=1e12)

    def loop(iterations):
        return lambda: [a @ b for _ in range(5 + iterations)]

    each = 2 * 10 * 20 * 30
    assert loop_at_limit(limit, loop, 100)["at_limit"] == pytest.approx(100 * each)
    assert loop_at_limit(limit, loop, 100)["arithmetic"] == pytest.approx(100 * each)


def test_the_limit_of_this_machine_is_above_what_a_small_product_reaches():
    sides, work = limit_sides()
    limit = limit_of(seconds_of(sides, runs=2), work)
    assert 1e6 < limit.bytes < 1e13  # a busy machine is slow
    assert 1e6 < limit.flops < 1e15
    assert "GFLOP/s in the largest matrix product" in str(limit)


def test_the_peak_is_what_a_function_takes_for_a_while():
    def function():
        torch.ones(50 * 2**18).sum()  # 50 MiB

    function()
    assert 40 < peak_mib(function) < 90
    assert peak_mib(lambda: None) < 20


def test_a_table_names_medians_spread_ratios_and_share_of_the_limit():
    comparison = Comparison(
        "N = 2", 2, {"ours": [0.2, 0.4, 0.3], "captum": [0.6, 0.9, 1.2]}, at_limit=0.15, arithmetic=0.06, peak=12.3
    )
    header, rule, row = comparison_table([comparison], "an image")
    assert "ours" in header
    assert "captum" in header
    assert header.count("|") == rule.count("|") == row.count("|")
    assert "150 (100 to 200)" in row
    assert "450 (300 to 600); **3x**" in row
    assert row.endswith("| 50 | 20 | 12 |")
    (entry,) = result_rows("saliency", [comparison])
    assert entry == {
        "row": "saliency: N = 2",
        "ours_s": 0.3,
        "peers_s": {"captum": 0.9},
        "percent_of_limit": pytest.approx(50),
        "peak_mib": 12.3,
    }


# What ours is compared with does the same thing


def test_the_textbook_form_of_saliency_maps_returns_the_same_maps(model, photographs):
    X, y = photographs[0][:3].double(), photographs[1][:3]
    exact = plain_squeezenet(model).double()
    torch.testing.assert_close(saliency_maps(X, y, exact), compute_saliency_maps(X, y, exact))


@pytest.mark.long
def test_the_textbook_loop_makes_an_image_of_its_class(model):
    image = class_visualization(76, plain_squeezenet(model))
    assert model(image).softmax(dim=1)[0, 76] > 0.9


def test_the_textbook_blur_is_scipys():
    image = torch.randn(1, 3, 12, 15)
    expected = gaussian_filter(image.numpy(), (0, 0, 0.5, 0.5))
    torch.testing.assert_close(blurred(image, 0.5), torch.from_numpy(expected), rtol=2e-7, atol=1e-8)


@pytest.mark.long
def test_the_benchmark_of_saliency_maps_writes_its_table_and_its_numbers(tmp_path):
    out, results = tmp_path / "saliency.md", tmp_path / "results.json"
    script = ROOT / "tests" / "benchmarks" / "saliency.py"
    subprocess.run([sys.executable, script, "--runs", "1", "--out", out, "--results", results], check=True, capture_output=True)
    rows = json.loads(results.read_text(encoding="utf-8"))
    assert [row["row"] for row in rows] == [f"saliency: N = {N}" for N in ("1", "5", "25", "25, in batches")]
    for row in rows:
        assert set(row["peers_s"]) == {"captum", "captum, our network", "textbook"}
        assert row["ours_s"] > 0
        assert row["percent_of_limit"] > 0
    assert "| N = 25, in batches |" in out.read_text(encoding="utf-8")

"""What the check of compute_integrated_gradients tells."""

import re

import pytest
from helpers.solutions import INTEGRATED, REFERENCE

from cs231n.checks import (
    check_integrated_gradients,
)
from cs231n.checks.exercises import integrated_gradients
from cs231n.checks.report import WrongAnswer

pytestmark = pytest.mark.usefixtures("short_patience")


def test_integrated_gradients_are_told_by_what_they_sum_to(capsys):
    def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
        return 2 * REFERENCE[INTEGRATED](X, y, model, baseline, num_steps).abs()

    with pytest.raises(WrongAnswer, match="compute_integrated_gradients: wrong"):
        check_integrated_gradients(compute_integrated_gradients)
    printed = " ".join(capsys.readouterr().out.split())
    found = re.search(
        r"Image (\d), its label (\d), .* sum to (\S+)\. Its score, (\S+), minus that of its baseline, (\S+), is (\S+); with "
        r"num_steps = 4 the correct ones sum to (\S+)\. Overall",
        printed,
    )
    n, label = int(found[1]), int(found[2])
    case = integrated_gradients.CASES.main[0]
    X, y, network, baseline, num_steps = case.arguments(case.network())
    right = REFERENCE[INTEGRATED](X, y, network, baseline, num_steps)[n]
    numbers = [float(number) for number in found.groups()[2:]]
    score, start = network(X)[n, label].item(), network(baseline)[n, label].item()
    assert numbers == pytest.approx([2 * right.abs().sum().item(), score, start, score - start, right.sum().item()], abs=1e-3)

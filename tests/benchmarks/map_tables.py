"""The tables of maps.py: methods by metrics, and where two programs compute the same numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

import torch

RANDOM, CENTRE = "random map", "centre blob"  # the controls: no network makes them
EQUAL = 1e-5


class Better(Enum):
    """Which scores of a metric are the better ones, and the arrow for it."""

    LOWER = "↓"
    HIGHER = "↑"


@dataclass(frozen=True)
class Metric:
    """One column. scores: a function of a Setting and an Explained that returns (N,), NaN where there is no score."""

    title: str
    better: Better
    scores: Callable


@dataclass(frozen=True)
class Pair:
    """The same numbers, computed by ours and by Quantus, and the seconds that each took. asked_for: their largest difference."""

    what: str
    peer: str
    ours: torch.Tensor
    theirs: torch.Tensor
    ours_s: float
    theirs_s: float
    asked_for: float | None = EQUAL

    @property
    def difference(self):
        return (self.ours - self.theirs).abs().max().item() if self.ours.numel() else 0.0


def require_equal(pairs):
    """Return the Pairs; raise ValueError if one differs by more than it may."""
    for pair in pairs:
        if pair.asked_for is not None and not pair.difference <= pair.asked_for:
            raise ValueError(
                f"{pair.what} and Quantus' {pair.peer} differ by {pair.difference:.1e}; expected at most {pair.asked_for:.0e}."
            )
    return pairs


def table(found):
    """Return lines of Markdown: a row for each method, a column for each metric, the best method of each in bold."""
    names = list(next(iter(found.values())))
    titles = [f"{metric.title} {metric.better.value}" for metric in found]
    lines = [
        f"| mean ± standard deviation (better than the random map) | {' | '.join(titles)} |",
        "|---" * (len(titles) + 1) + "|",
    ]
    for name in names:
        cells = [_cell(metric, scores, name) for metric, scores in found.items()]
        lines.append(f"| {name if name not in (RANDOM, CENTRE) else f'*{name}*'} | {' | '.join(cells)} |")
    return lines


def _cell(metric, scores, name):
    own, there = scores[name], scores[name].isfinite()
    if not there.any():
        return "none"
    text = f"{own[there].mean():.3f} ± {own[there].std(correction=0):.3f}"
    if name == order(metric, scores)[0]:
        text = f"**{text}**"
    if name == RANDOM:
        return text
    wins = better_than(metric, own, scores[RANDOM])[there].sum().item()
    return f"{text} ({wins}/{there.sum()})"


def better_than(metric, scores, others):
    """Return whether each score is the better one of two, a bool tensor."""
    return scores < others if metric.better is Better.LOWER else scores > others


def order(metric, scores):
    """Return the names of the methods, without the controls, the best mean first and those without any score last."""
    sign = 1 if metric.better is Better.LOWER else -1
    means = {name: sign * each[each.isfinite()].mean().item() for name, each in scores.items() if name not in (RANDOM, CENTRE)}
    return sorted(means, key=lambda name: (math.isnan(means[name]), means[name]))


def orders(found):
    """Return lines of Markdown: how each metric orders the methods, and in how many pairs of methods all metrics agree."""
    all_orders = {metric: order(metric, scores) for metric, scores in found.items()}
    lines = [f"- {metric.title} {metric.better.value}: {', '.join(names)}" for metric, names in all_orders.items()]
    pairs = list(combinations(next(iter(all_orders.values())), 2))
    agreed = sum(len({names.index(a) < names.index(b) for names in all_orders.values()}) == 1 for a, b in pairs)
    return [
        "The methods by each metric, the best mean first:",
        "",
        *lines,
        "",
        f"Of the {len(pairs)} pairs of methods, all {len(found)} metrics agree on the better one in {agreed}.",
    ]


def equality_table(pairs):
    """Return lines of Markdown: the largest difference of each pair, and the seconds that both took for all methods."""
    lines = [
        "| ours | Quantus' | numbers | largest difference | asked for | ours, s | Quantus', s |",
        "|---|---|---|---|---|---|---|",
    ]
    for pair in pairs:
        asked = "" if pair.asked_for is None else f"{pair.asked_for:.0e}"
        numbers = f"{pair.ours.numel()} | {pair.difference:.1e} | {asked} | {pair.ours_s:.1f} | {pair.theirs_s:.1f}"
        lines.append(f"| {pair.what} | {pair.peer} | {numbers} |")
    return lines

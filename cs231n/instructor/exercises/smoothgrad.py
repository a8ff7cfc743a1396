"""SmoothGrad: the known mistakes, and the proof."""

import itertools
from collections.abc import Iterator
from typing import Any

import torch

from ... import attribution
from .arrays import ALL, ArrayExercise
from .combining import Ids, combinations, exactly, joined
from .objectives import FREQUENT_OBJECTIVES, gradients, objectives
from .scales import RESCALED

# Which copies (T, N, 3, H, W) the gradient is taken at.
COPIES = [
    ((), lambda X, noise: X + noise),
    (("noise-ignored",), lambda X, noise: X.expand_as(noise)),
    (("noise-accumulates",), lambda X, noise: X + noise.cumsum(dim=0)),
    (("one-copy-only",), lambda X, noise: (X + noise)[:1]),
    (("one-copy-only",), lambda X, noise: (X + noise)[-1:]),
    (("noise-averaged-first",), lambda X, noise: (X + noise.mean(dim=0))[None]),
    (("noise-averaged-first",), lambda X, noise: (X + noise.sum(dim=0))[None]),
    (("noise-without-image",), lambda X, noise: noise),
    (("noise-subtracted",), lambda X, noise: X - noise),
]

# From the gradients g (S, N, 3, H, W) to one for each image and colour, or to a map already.
TO_MEANS = [
    ((), lambda g: g.square().mean(dim=0)),
    (("gradient-accumulates",), lambda g: g.cumsum(dim=0).square().mean(dim=0)),
    (("gradient-accumulates", "not-squared"), lambda g: g.cumsum(dim=0).abs().mean(dim=0)),
    (("gradient-accumulates", "sum-over-copies"), lambda g: g.cumsum(dim=0).square().sum(dim=0)),
    (("not-squared",), lambda g: g.abs().mean(dim=0)),
    (("not-squared", "no-absolute-value"), lambda g: g.mean(dim=0)),
    (("not-squared", "no-absolute-value"), lambda g: -g.mean(dim=0)),
    (("not-squared", "sum-over-copies"), lambda g: g.abs().sum(dim=0)),
    (("not-squared", "squared-after-mean"), lambda g: g.mean(dim=0).abs()),
    (("squared-after-mean",), lambda g: g.mean(dim=0).square()),
    (("squared-after-mean",), lambda g: g.abs().mean(dim=0).square()),
    (("squared-after-mean", "sum-over-copies"), lambda g: g.sum(dim=0).square()),
    (("sum-over-copies",), lambda g: g.square().sum(dim=0)),
    (("one-copy-only",), lambda g: g[-1].square() / len(g)),
    (("root-taken",), lambda g: g.square().mean(dim=0).sqrt()),
    (("root-taken", "sum-over-copies"), lambda g: g.square().sum(dim=0).sqrt()),
    (("maximum-before-mean",), lambda g: g.square().amax(dim=2).mean(dim=0)),
    (("maximum-before-mean", "not-squared"), lambda g: g.abs().amax(dim=2).mean(dim=0)),
    (("maximum-before-mean", "sum-over-copies"), lambda g: g.square().amax(dim=2).sum(dim=0)),
    (("maximum-before-mean", "squared-after-mean"), lambda g: g.abs().amax(dim=2).mean(dim=0).square()),
    (("maximum-before-mean", "root-taken"), lambda g: g.square().amax(dim=2).mean(dim=0).sqrt()),
]


def _largest(means: torch.Tensor) -> torch.Tensor:
    return means.amax(dim=1)


# From these (N, 3, H, W) to maps (N, H, W).
OVER_COLOURS = [
    ((), _largest),
    (("mean-over-channels",), lambda means: means.mean(dim=1)),
    (("sum-over-channels",), lambda means: means.sum(dim=1)),
    (("norm-over-channels",), lambda means: means.norm(dim=1)),
    (("min-over-channels",), lambda means: means.amin(dim=1)),
    *((("one-channel",), lambda means, c=c: means[:, c]) for c in range(3)),
]

FACTORS = [((), lambda X: 1.0), (("times-input",), lambda X: X)]


def known_answers(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    noise: torch.Tensor,
    at_most: int = 2,
    wanted: frozenset[str] | None = None,
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute nothing else; None for all.
    """
    for (objective_ids, objective, _, batches), (copies_ids, copies) in itertools.product(objectives(), COPIES):
        if copies_ids and objective_ids not in FREQUENT_OBJECTIVES:
            continue
        choices = batches, FACTORS, TO_MEANS, OVER_COLOURS, RESCALED
        rows = exactly(wanted, combinations(joined(objective_ids, copies_ids), choices, at_most, wanted))
        found = gradients(objective, model, copies(X, noise), y) if rows else None
        for ids, (batch, factor, to_means, over_colours, rescaled) in rows:
            means = to_means(batch(len(X)) * found * factor(X))
            if means.ndim == 4 or over_colours is _largest:
                yield ids, rescaled(over_colours(means) if means.ndim == 4 else means)


class _SmoothGrad(ArrayExercise):
    key, noun = "smoothgrad", "maps"
    solution = staticmethod(attribution.compute_smoothgrad_maps)
    known_answers = staticmethod(known_answers)

    def given(self, X: torch.Tensor, y: torch.Tensor, n: int, random: torch.Generator) -> tuple[Any, ...]:
        return X, y, 0.3 * torch.randn(4, ALL, *X.shape[1:], generator=random)[:, :n]


EXERCISE = _SmoothGrad()

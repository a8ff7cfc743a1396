"""Integrated gradients: the known mistakes, and the proof."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from ... import attribution
from .arrays import ALL, ArrayExercise
from .combining import Ids, combinations, exactly, joined
from .objectives import FREQUENT_OBJECTIVES, gradients, objectives


def _middles(n: int, start: int = 0, end: int | None = None) -> list[float]:
    return [(step + 0.5) / n for step in range(start, n if end is None else end)]


def _equal(alphas: Sequence[float]) -> list[float]:
    return [1 / len(alphas)] * len(alphas)


def _line(n: int, start: float = 0.0, end: float = 1.0) -> list[float]:
    return torch.linspace(start, end, n).tolist()


def _trapezoid(n: int) -> list[float]:
    return [0.5 / n, *([1 / n] * (n - 1)), 0.5 / n]


# Where on the path the gradient is taken, from 0 to 1, and each place's weight: functions of num_steps.
STEPS = [
    ((), lambda n: (_middles(n), _equal(_middles(n)))),
    (("ends-of-parts",), lambda n: (_line(n, 0, 1 - 1 / n), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n, 1 / n, 1), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n + 1), [1 / (n + 1)] * (n + 1))),
    (("ends-of-parts",), lambda n: (_line(n + 1), _trapezoid(n))),
    (("ends-of-parts",), lambda n: (_line(n + 2)[1:-1], [1 / n] * n)),
    (("ends-of-parts", "steps-off-by-one"), lambda n: (_line(n + 1), [1 / n] * (n + 1))),
    (("ends-of-parts", "steps-off-by-one"), lambda n: (_line(n + 1)[1:-1], [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1), [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n - 1), [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n - 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n - 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n + 1), [1 / n] * (n + 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n + 1), [1 / (n + 1)] * (n + 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1, n + 1), [1 / n] * n)),
    (("steps-off-by-one",), lambda n: (_middles(n + 1), [1 / (n + 1)] * (n + 1))),
    *((("num-steps-ignored",), lambda n, m=m: (_middles(m), [1 / m] * m)) for m in (1, 10, 20, 32, 50)),
    (("num-steps-ignored",), lambda n: (_middles(32), [1 / n] * 32)),
    (("gradient-at-image-only",), lambda n: ([1.0], [1.0])),
]

PATHS = [
    ((), lambda X, baseline, alpha: baseline + alpha * (X - baseline)),
    (("baseline-not-on-path",), lambda X, baseline, alpha: alpha * X),
    (("path-misses-image",), lambda X, baseline, alpha: baseline + alpha * X),
]

# What becomes of the weights w of the places a: functions of both.
SUMS = [
    ((), lambda w, a: w),
    (("sum-over-steps",), lambda w, a: torch.ones_like(w)),
    (("gradient-through-path",), lambda w, a: w * a),
    (("gradient-through-path", "sum-over-steps"), lambda w, a: a),
    (("gradient-accumulates",), lambda w, a: w.flip(0).cumsum(dim=0).flip(0)),
    (("gradient-accumulates", "sum-over-steps"), lambda w, a: torch.arange(len(w), 0, -1).to(w)),
    (("gradient-accumulates", "gradient-through-path"), lambda w, a: w.flip(0).cumsum(dim=0).flip(0) * a),
]

OF_GRADIENTS = [((), lambda g: g), (("absolute-value-taken",), torch.abs)]

TO_ATTRIBUTIONS = [
    ((), lambda mean, X, baseline: mean * (X - baseline)),
    (("baseline-not-in-factor",), lambda mean, X, baseline: mean * X),
    (("not-times-difference",), lambda mean, X, baseline: mean),
    (("absolute-value-taken",), lambda mean, X, baseline: (mean * (X - baseline)).abs()),
    (("absolute-value-taken",), lambda mean, X, baseline: mean.abs() * (X - baseline)),
    (("absolute-value-taken", "not-times-difference"), lambda mean, X, baseline: mean.abs()),
]

# Two choices that are one mistake.
AS_ONE = (
    ({"baseline-not-on-path", "baseline-not-in-factor"}, {"baseline-ignored"}),
    ({"gradient-at-image-only", "baseline-not-in-factor"}, {"gradient-at-image-only", "baseline-ignored"}),
)


def known_answers(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    baseline: torch.Tensor,
    num_steps: int,
    at_most: int = 2,
    wanted: frozenset[str] | None = None,
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, attributions (N, 3, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute nothing else; None for all.
    """
    parts = _parts_of(wanted)
    for (objective_ids, objective, signs, batches), (step_ids, steps), (path_ids, path) in itertools.product(
        objectives(), STEPS, PATHS
    ):
        if (step_ids or path_ids) and objective_ids not in FREQUENT_OBJECTIVES:
            continue
        if step_ids in (("gradient-at-image-only",), ("num-steps-ignored",)) and (path_ids or objective_ids):
            continue  # there is no path, or it would take long
        choices = signs, batches, OF_GRADIENTS, SUMS, TO_ATTRIBUTIONS
        rows = combinations(joined(objective_ids, step_ids, path_ids), choices, at_most + 1, parts)
        rows = [(ids, values) for ids, values in ((_as_one(ids), values) for ids, values in rows) if len(ids) <= at_most]
        rows = exactly(wanted, rows)
        if not rows:
            continue
        alphas, weights = (torch.tensor(numbers, dtype=X.dtype) for numbers in steps(num_steps))
        found = gradients(objective, model, path(X, baseline, alphas.view(-1, 1, 1, 1, 1)), y)
        for ids, (sign, batch, of_gradients, to_weights, to_attributions) in rows:
            total = torch.einsum("t,tnchw->nchw", to_weights(weights, alphas), of_gradients(found))
            yield ids, to_attributions(sign * batch(len(X)) * total, X, baseline)


def _as_one(ids: Ids) -> Ids:
    for both, one in AS_ONE:
        if both <= set(ids):
            return joined(set(ids) - both | one)
    return ids


def _parts_of(wanted: frozenset[str] | None) -> frozenset[str] | None:
    """Return the wanted ids and those that count as one of them together; None if any are wanted."""
    return wanted and wanted.union(*(both for both, one in AS_ONE if one <= wanted))


class _IntegratedGradients(ArrayExercise):
    key, noun = "integrated_gradients", "attributions"
    solution = staticmethod(attribution.compute_integrated_gradients)
    known_answers = staticmethod(known_answers)

    def given(self, X: torch.Tensor, y: torch.Tensor, n: int, random: torch.Generator) -> tuple[Any, ...]:
        shades = 0.5 * torch.randn(ALL, 3, 1, 1, generator=random)
        return X, y, (shades + 0.1 * torch.randn(ALL, *X.shape[1:], generator=random))[:n], 4


EXERCISE = _IntegratedGradients()

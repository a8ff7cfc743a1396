"""What exercises that change an image in steps have in common: choices, ways of several steps, and how near two ways are."""

import itertools
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import torch

from ...checks.fingerprints import fingerprint
from .closeness import CLOSE_LATER, along, double, equal_changes, off, spelt
from .combining import Ids, at_once, is_part, joined

# Up to three of these at once, and up to two of all; an exercise adds its own.
FREQUENT = frozenset(
    {"cross-entropy", "softmax", "wrong-direction", "gradient-accumulates", "not-normalised", "squared-norm", "divided-by-sum"}
    | {"learning-rate-changed"}
)
# Mistakes in the length of a step: its direction is that of the other ids.
LENGTHS = ("other-normalisation", "learning-rate-changed", "learning-rate-ignored")

# What is kept of the gradients of earlier steps: nothing; all of them; all of them, divided by the norm each time.
MEMORIES = (
    ((), "none"),
    (("gradient-accumulates",), "sum"),
    (("gradient-accumulates",), "divided sum"),
)


def over_norm(g: torch.Tensor) -> torch.Tensor:
    """Return a gradient, brought to length 1."""
    return g / g.norm().clamp(min=1e-100)  # no 0 / 0 for a dead class


def remembered(memory: str, kept: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (the gradient that the step uses, what is kept of it for the next one)."""
    total = gradient if memory == "none" else kept + gradient
    return total, over_norm(total) if memory == "divided sum" else total


@cache
def rows(at_most: int, wanted: frozenset[str] | None, frequent: frozenset[str], objectives: tuple, *others: tuple) -> list:
    """Return [(objective, [(ids, values)])]: the combinations of the other choices that are likely enough, or wanted.

    frequent: the ids of which three may come together; of others two.
    """
    found = []
    choices_left = [[choice for choice in choices if is_part(choice[0], wanted)] for choices in others]
    for objective in objectives:
        combined = []
        for choices in itertools.product(*choices_left):
            ids = joined(*(choice_ids for choice_ids, _ in choices))
            together = joined(objective[0], ids)
            if wanted in (None, set(together)) and len(together) <= min(at_most, 3 if frequent.issuperset(together) else 2):
                combined.append((ids, tuple(choice for _, choice in choices)))
        if combined:
            found.append((objective, combined))
    return found


def gradients_at(objective: Callable, network: torch.nn.Module, x: torch.Tensor, target: int) -> torch.Tensor:
    """Return the gradients of the objective at images x (N, 3, H, W), each by itself, in the same shape."""
    return torch.cat([_gradients_at_once(objective, network, some, target) for some in x.split(at_once(x[:1]))])


def _gradients_at_once(objective, network, x, target):
    x = x.detach().requires_grad_()
    y = torch.full((len(x),), target)
    return torch.autograd.grad(objective(network(x), y).sum(), x)[0]


def fingerprints_of(answers: Iterable[tuple[Ids, torch.Tensor]]) -> list:
    """Return [(ids, fingerprints of the changes since the start)] of known answers [(ids, path (steps + 1, 3, H, W))]."""
    return [(ids, fingerprint((path[1:] - path[:1]).numpy())) for ids, path in answers]


def changes_of(answers: Iterable[tuple[Ids, torch.Tensor]]) -> list:
    """Return the changes since the start, (steps, 3, H, W), on the ways of known answers."""
    return [path[1:] - path[:1] for _, path in answers]


def is_known_way(
    changes: np.ndarray,
    ids: frozenset[str],
    ways: Callable,
    aliases: tuple,
    telling: Callable = lambda change: change,
) -> bool:
    """Return whether an image's changes are those that known mistakes give.

    If the length is what is mistaken, the direction of the first step is enough: where each pixel has a length of its own,
    rounding soon leads elsewhere.

    Parameters
    ----------
    changes : np.ndarray
        (T, 3, H, W), since the start.
    ids : frozenset of str
        Of the mistakes.
    ways : function
        Of ids; it returns the changes that these can give.
    aliases : tuple
        As in closeness.spelt.
    telling : function
        Of a change; it returns the part of it that has to agree by itself.
    """
    mine = telling(changes[0])
    for way in (way for other in spelt(ids, aliases) for way in ways(other)):
        if equal_changes(changes, way) and off(mine, telling(double(way[0]))) <= CLOSE_LATER:
            return True
    without = [other for law in LENGTHS if law in ids for other in (ids, ids - {law})]
    for way in (way for others in without for other in spelt(others, aliases) for way in ways(other)):
        if along(changes[0], way[0]) and along(mine, telling(double(way[0])), CLOSE_LATER):
            return True
    return False

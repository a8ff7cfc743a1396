"""How known mistakes are combined. Each is a choice with ids, explained in cs231n/checks/README.md; the right choice has none.

A combination has the ids of its choices.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

AT_ONCE = 8 * 3 * 224 * 224  # numbers of images that a network is given at once: its activations take 20 times their memory

Ids = tuple[str, ...]
Choices = Sequence[tuple[Ids, Any]]  # [(ids, value)]


def combinations(
    ids: Ids, choices: Iterable[Choices], at_most: int, wanted: frozenset[str] | None = None
) -> list[tuple[Ids, tuple[Any, ...]]]:
    """Return [(ids, values)] for the combinations of choices, each [(ids, value)], that make up to `at_most` mistakes.

    wanted: a frozenset of ids, which all are to be part of; None for any.
    """
    found: list[tuple[Ids, tuple[Any, ...]]] = [(ids, ())] if is_part(ids, wanted) else []
    for choice in choices:
        found = [
            (joined(ids, more), (*values, value))
            for ids, values in found
            for more, value in choice
            if len({*ids, *more}) <= at_most and is_part(more, wanted)
        ]
    return found


def exactly(wanted: frozenset[str] | None, rows: Iterable[tuple]) -> list[tuple]:
    """Return the rows (ids, ...) that make exactly the wanted mistakes; all if None is wanted."""
    return [row for row in rows if wanted in (None, set(row[0]))]


def at_once(one: torch.Tensor) -> int:
    """Return how many like `one`, an image or a batch, a network is given at once."""
    return max(1, AT_ONCE // max(1, one.numel()))


def is_part(ids: Ids, wanted: frozenset[str] | None) -> bool:
    """Return whether a choice with these ids can belong to what makes the `wanted` mistakes; None stands for any."""
    return wanted is None or wanted.issuperset(ids)


def joined(*parts: Iterable[str]) -> Ids:
    """Return the ids of choices that are made together: sorted, each one once."""
    return tuple(sorted({name for part in parts for name in part}))

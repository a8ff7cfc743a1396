"""What exercises that change an image in steps have in common: choices, ways of several steps, and how near two ways are."""

import enum
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from .closeness import CLOSE_LATER, Aliases, along, double, equal_changes, off, spelt
from .combining import Ids, at_once, exactly, is_part, joined
from .marks import Marks, marks_of

# Up to three of these at once, and up to two of all; an exercise adds its own.
FREQUENT = frozenset(
    {"cross-entropy", "softmax", "wrong-direction", "gradient-accumulates", "not-normalised", "squared-norm", "divided-by-sum"}
    | {"learning-rate-changed"}
)
# Mistakes in the length of a step: its direction is that of the other ids.
LENGTHS = ("other-normalisation", "learning-rate-changed", "learning-rate-ignored")


class Keeps(enum.Enum):
    """What is kept of the gradients of earlier steps."""

    NOTHING = enum.auto()
    SUM = enum.auto()
    DIVIDED_SUM = enum.auto()  # by its norm, each time


MEMORIES = (
    ((), Keeps.NOTHING),
    (("gradient-accumulates",), Keeps.SUM),
    (("gradient-accumulates",), Keeps.DIVIDED_SUM),
)

Objective = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of scores and labels
Row = tuple[Objective, Ids, tuple[Any, ...]]  # what is differentiated, the mistakes, the values of the other choices


def over_norm(g: torch.Tensor) -> torch.Tensor:
    """Return a gradient, brought to length 1."""
    return g / g.norm().clamp(min=1e-100)  # no 0 / 0 for a dead class


@cache
def rows(at_most: int, wanted: frozenset[str] | None, frequent: frozenset[str], objectives: tuple, *others: tuple) -> list[Row]:
    """Return [(objective, ids, values)]: the combinations of choices that are likely enough, or wanted.

    frequent: the ids of which three may come together; of others two.
    """

    def likely(ids: Ids) -> bool:
        return len(ids) <= min(at_most, 3 if frequent.issuperset(ids) else 2)

    found = []
    for objective in objectives:
        combined: list[tuple[Ids, tuple]] = [(objective[0], ())]
        for choices in others:
            possible = [choice for choice in choices if is_part(choice[0], wanted)]
            more = [(joined(ids, new), (*values, choice)) for ids, values in combined for new, choice in possible]
            combined = [row for row in more if likely(row[0])]  # what is unlikely does not become likely by another mistake
        found += [(objective[1], ids, values) for ids, values in exactly(wanted, combined)]
    return found


def ways_of(choices: list[Row], X: torch.Tensor, ways: Callable[[list[Row]], torch.Tensor]) -> list[tuple[Ids, torch.Tensor]]:
    """Return [(ids, path (steps + 1, 3, H, W))] of combinations of choices.

    Parameters
    ----------
    choices : list
        As `rows` returns it.
    X : torch.Tensor
        (1, 3, H, W), where the ways begin.
    ways : function
        Of some of the choices, as many as are worth a computation and take little memory; it returns their paths.
    """
    size = at_once(X)
    paths = [path for i in range(0, len(choices), size) for path in ways(choices[i : i + size])]
    return [(ids, path) for (_, ids, _), path in zip(choices, paths, strict=True)]


def gradients_at(network: torch.nn.Module, target: int, objectives: Sequence[Objective], x: torch.Tensor) -> torch.Tensor:
    """Return the gradients (N, 3, H, W) of N objectives, each at an image of its own.

    x: the images (N, 3, H, W), or one (1, 3, H, W) for all.
    """
    if len(x) == 1 < len(objectives):
        different = list(dict.fromkeys(objectives))
        found = gradients_at(network, target, different, x.expand(len(different), -1, -1, -1))
        return found[[different.index(objective) for objective in objectives]]
    size = at_once(x[:1])
    parts = [_gradients_at_once(objectives[i : i + size], network, x[i : i + size], target) for i in range(0, len(x), size)]
    return torch.cat(parts)


def _gradients_at_once(objectives: Sequence[Objective], network: torch.nn.Module, x: torch.Tensor, target: int) -> torch.Tensor:
    """Return the gradients at images x; the objectives of neighbours that have the same one are computed together."""
    x = x.detach().requires_grad_()
    scores, total, start = network(x), torch.zeros(()), 0
    for objective, same in itertools.groupby(objectives):
        end = start + len(list(same))
        total = total + objective(scores[start:end], torch.full((end - start,), target)).sum()
        start = end
    return torch.autograd.grad(total, x)[0]


class ByFunction:
    """Functions of rows, called for all rows with the same function at once.

    Parameters
    ----------
    functions : sequence of functions
        One for each row. They take tensors without the dimension of the rows.
    """

    def __init__(self, functions: Sequence[Callable[..., torch.Tensor]]):
        places: dict[Callable[..., torch.Tensor], list[int]] = defaultdict(list)
        for row, function in enumerate(functions):
            places[function].append(row)
        self._calls = [(torch.vmap(function), torch.tensor(same)) for function, same in places.items()]

    def __call__(self, *arguments: torch.Tensor) -> torch.Tensor:
        """Return what the functions return of arguments (rows, ...), like the first of them."""
        found = torch.empty_like(arguments[0])
        for function, same in self._calls:
            found[same] = function(*(argument[same] for argument in arguments)).to(found.dtype)
        return found


class Memory:
    """What rows keep of the gradients of earlier steps. kept: what each row keeps."""

    def __init__(self, kept: Sequence[Keeps]):
        self._adds = _column([one is not Keeps.NOTHING for one in kept])
        self._divides = torch.tensor([row for row, one in enumerate(kept) if one is Keeps.DIVIDED_SUM], dtype=torch.long)
        self._kept: torch.Tensor | None = None

    def remembered(self, gradients: torch.Tensor) -> torch.Tensor:
        """Return the gradients (rows, ...) that this step uses."""
        total = gradients if self._kept is None else torch.where(self._adds, self._kept + gradients, gradients)
        self._kept = total
        if len(self._divides):
            self._kept = total.clone()
            self._kept[self._divides] = torch.vmap(over_norm)(total[self._divides])
        return total


def _column(numbers: Sequence[Any]) -> torch.Tensor:
    """Return a tensor (rows, 1, 1, 1) of a number for each row."""
    return torch.tensor(numbers).view(-1, 1, 1, 1)


def column(numbers: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    """Return numbers, one for each row, to be multiplied with a tensor (rows, 3, H, W)."""
    return _column(numbers).to(like.dtype)


def fingerprints_of(answers: Iterable[tuple[Ids, torch.Tensor]]) -> Marks:
    """Return [(ids, fingerprints of the changes since the start)] of known answers [(ids, path (steps + 1, 3, H, W))]."""
    return marks_of((ids, (path[1:] - path[:1]).numpy()) for ids, path in answers)


def changes_of(answers: Iterable[tuple[Ids, torch.Tensor]]) -> list[torch.Tensor]:
    """Return the changes since the start, (steps, 3, H, W), on the ways of known answers."""
    return [path[1:] - path[:1] for _, path in answers]


def is_known_way(
    changes: np.ndarray,
    ids: frozenset[str],
    ways: Callable,
    aliases: Aliases,
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

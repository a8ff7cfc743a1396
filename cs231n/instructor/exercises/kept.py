"""What is computed on the photographs of a run when a submission first needs it, and kept for those that follow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

KEPT = 16  # results of mistakes in memory, of some megabytes each


@dataclass(frozen=True)
class Photographs:
    """What the exercises are given besides the network.

    Parameters
    ----------
    X : torch.Tensor
        (5, 3, 224, 224), preprocessed.
    y : torch.Tensor
        (5,), the labels.
    seed : int
        Of what is made where it is needed, such as noise and baselines.
    given : dict
        {key of an exercise: what its file draws for it}.
    """

    X: torch.Tensor
    y: torch.Tensor
    seed: int
    given: dict[str, Any]


class Known:
    """The Photographs of a run, SqueezeNet, and what was computed with them: what is right, and what known mistakes give."""

    def __init__(self, photographs: Photographs, network: torch.nn.Module):
        self.photographs, self.network = photographs, network
        self._kept: OrderedDict[Hashable, Sequence] = OrderedDict()

    def once(self, key: Hashable, make: Callable[[], Iterable]) -> Sequence:
        """Return the items of make(), each made once, when it is first asked for; those of the last KEPT keys are kept."""
        if key not in self._kept:
            self._kept[key] = _Once(make())
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


class _Once(Sequence):
    """The items of an iterator as a sequence: each made once, when it is first asked for."""

    def __init__(self, items: Iterable) -> None:
        self._made: list[Any] = []
        self._more = iter(items)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int) -> Any:  # type: ignore[override]  # nobody takes a slice of it
        while i >= len(self._made):
            try:
                self._made.append(next(self._more))
            except StopIteration:
                raise IndexError(i) from None
        return self._made[i]

"""The grader's exam: the roles of the students' own checks, with networks, images and targets drawn anew for every run."""

import dataclasses
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from ...assignment import assignment
from ...checks.exam import Exam, own_exam
from ...checks.fingerprints import Fingerprints, stored
from . import exercise
from .drawing import Draw
from .fingerprints import LARGE, of_large_case, of_small_cases
from .kept import Photographs

Computed = Callable[[Callable[[str], Any], Sequence[str]], Iterable[tuple[str, Any]]]  # of a function and what to call it with


def drawn_exam(seed: int, computed: Computed | None = None) -> Exam:
    """Return an Exam like the students' own, drawn from `seed`, an int >= 0. It takes about ten seconds of computing.

    Every mistake and every pair of mistakes that the students' exam can name can be named in it; other draws are dropped.
    computed: yields (key, function(key)) for each key, in any order, by default one after the other.
    """
    own = own_exam(known=Fingerprints({}))
    arrays: dict[str, np.ndarray] = {}
    cases = {}
    draw = partial(drawn_cases, seed)
    for key, (drawn, more) in computed(draw, list(own.cases)) if computed else ((key, draw(key)) for key in own.cases):
        cases[key] = drawn
        arrays |= more
    return dataclasses.replace(own, cases={key: cases[key] for key in own.cases}, known=known_of(cases, arrays))


def drawn_cases(seed: int, key: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Return (the cases of one exercise in the exam of `seed`, the arrays of their fingerprints, those of small cases alone).

    They are drawn again until they tell apart whatever the stored ones do.
    """
    given, draw = own_exam().of(key), Draw(np.random.default_rng([seed, zlib.crc32(key.encode())]))
    while True:
        cases = exercise(key).drawn(given, draw)
        arrays, _ = of_small_cases(key, cases)
        if _pairs(stored(), key) <= _pairs(Fingerprints(arrays), key):
            return cases, arrays


def known_of(cases: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Fingerprints:
    """Return the Fingerprints of drawn cases {key: cases}. arrays: as drawn_cases() gives them, of all of them."""
    return Fingerprints(_Arrays(cases, arrays))


class _Arrays(dict[str, np.ndarray]):
    """What is known of drawn cases. Of those of the notebook's sizes it is computed when it is first asked for: it takes as
    long as that of all others, and only a submission that fails in the small sizes needs it.
    """

    def __init__(self, cases: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self._cases = cases

    def __missing__(self, name: str) -> np.ndarray:
        key, large, _ = name.partition("/")[2].partition(LARGE)
        if not large or key not in self._cases:
            raise KeyError(name)
        found, _ = of_large_case(key, self._cases[key])
        self.update(found)
        return found[name]


def _pairs(known: Fingerprints, key: str) -> set[tuple[str, ...]]:
    return {ids for ids in known.mistakes(key) if len(ids) <= 2}


def drawn_photographs(seed: int, model: torch.nn.Module, photographs: torch.Tensor) -> Photographs:
    """Return Photographs: `photographs` (N, 3, H, W), preprocessed, shifted and mirrored at random, with random targets."""
    random = np.random.default_rng([seed, 224])
    X = photographs[torch.from_numpy(random.permutation(len(photographs))[:5])]
    X = torch.stack([image.flip(2) if random.integers(2) else image for image in X])
    X = X.roll(tuple(int(shift) for shift in random.integers(-30, 31, size=2)), dims=(2, 3)).contiguous()
    with torch.no_grad():
        best = model(X).argsort(dim=1, descending=True)
    y = best[:, int(random.integers(3))]
    given = {task.key: exercise(task.key).on_photographs(X, best, model, random) for task in assignment().exercises}
    return Photographs(X, y, seed, given)

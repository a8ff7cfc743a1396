"""The grader's exam: the roles of the students' own checks, with networks, images and targets drawn anew for every run."""

import contextlib
import dataclasses
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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

LATER = tuple(task.key for task in assignment().exercises if task.bonus)  # most leave these out: a run does not wait for them


def drawn_exam(seed: int, computed: Computed | None = None, later: Collection[str] = ()) -> Exam:
    """Return an Exam like the students' own, drawn from `seed`, an int >= 0. It takes about eight seconds of computing.

    Every mistake and every pair of mistakes that the students' exam can name can be named in it; other draws are dropped.
    computed: yields (key, function(key)) for each key, in any order, by default one after the other. later: the keys of
    exercises that are drawn when they are first asked for, wherever that is, from the same seed.
    """
    keys = [key for key in own_exam(known=Fingerprints({})).cases if key not in later]
    draw = partial(drawn_cases, seed)
    found = dict(computed(draw, keys) if computed else ((key, draw(key)) for key in keys))
    arrays = {name: array for _, more in found.values() for name, array in more.items()}
    return exam_of(seed, {key: found[key][0] for key in keys}, arrays)


def exam_of(seed: int, cases: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Exam:
    """Return the exam of a seed of which `cases`, by exercise, and the arrays of their fingerprints have been drawn."""
    drawn = DrawnCases(seed, cases, arrays)
    return dataclasses.replace(own_exam(known=Fingerprints({})), cases=drawn, known=Fingerprints(drawn.arrays))


class DrawnCases(dict[str, Any]):
    """The cases of a drawn exam, by exercise. Those that have not been drawn are drawn when they are first asked for.

    Attributes
    ----------
    seed : int
        From which each exercise is drawn by itself: it is the same exam in whatever order and process.
    arrays : dict
        Of the fingerprints of what has been drawn.
    """

    def __init__(self, seed: int, cases: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(cases)
        self.seed, self.arrays = seed, _Arrays(self, arrays)

    def __missing__(self, key: str) -> Any:
        self.add(key, *drawn_cases(self.seed, key))
        return self[key]

    def add(self, key: str, cases: Any, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what drawn_cases() has drawn from the seed for an exercise."""
        self[key] = cases
        self.arrays.update(arrays)


def drawn_cases(seed: int, key: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Return (the cases of one exercise in the exam of `seed`, the arrays of their fingerprints, those of small cases alone).

    They are drawn again until they tell apart whatever the stored ones do.
    """
    given, draw = own_exam().of(key), Draw(np.random.default_rng([seed, zlib.crc32(key.encode())]))
    with _one_thread():
        while True:
            cases = exercise(key).drawn(given, draw)
            arrays, _ = of_small_cases(key, cases)
            if _pairs(stored(), key) <= _pairs(Fingerprints(arrays), key):
                return cases, arrays


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Have PyTorch compute with one thread meanwhile, so that every process rounds alike."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
        with _one_thread():
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

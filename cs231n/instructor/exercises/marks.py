"""Fingerprints of many known answers: computed together, since there are thousands of them and each is small."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...checks.fingerprints import LENGTH, fingerprint
from .combining import Ids

Marks = list[tuple[Ids, np.ndarray]]  # of known answers: the ids of their mistakes, fingerprints (T, LENGTH)

AT_ONCE = 2**22  # numbers of outputs of which the fingerprints are computed at once


def marks_of(answers: Iterable[tuple[Any, np.ndarray]]) -> list[tuple[Any, np.ndarray]]:
    """Return [(ids, fingerprints (T, LENGTH))] of answers (ids, outputs (T, ...))."""
    return [pair for some in _portions(answers) for pair in zip((ids for ids, _ in some), _marks_of_some(some), strict=True)]


def _portions(answers: Iterable[tuple[Any, np.ndarray]]) -> Iterator[list[tuple[Any, np.ndarray]]]:
    """Yield the answers in lists that are worth a computation and take little memory."""
    some, size = [], 0
    for answer in answers:
        some.append(answer)
        size += answer[1].size
        if size >= AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _marks_of_some(answers: list[tuple[Any, np.ndarray]]) -> list[np.ndarray]:
    """Return the fingerprints of answers, those of each shape computed together."""
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, (_, outputs) in enumerate(answers):
        places[outputs.shape].append(place)
    marks: dict[int, np.ndarray] = {}
    for (steps, *rest), same in places.items():
        outputs = np.stack([answers[place][1] for place in same]).reshape(-1, *rest)
        marks |= zip(same, fingerprint(outputs).reshape(-1, steps, LENGTH), strict=True)
    return [marks[place] for place in range(len(answers))]

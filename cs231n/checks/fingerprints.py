"""What comes out of right and of mistaken answers: read from fingerprints.npz, which holds numbers and names, no code.

An answer's outputs are compared with the right ones value by value; for the name of a mistake a few numbers of each
output, its fingerprint, are enough. cs231n.instructor.exercises.fingerprints makes the file; a student edition has only the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).with_name("fingerprints.npz")
LENGTH = 6  # numbers in a fingerprint
LEAST_CHANGE = 5e-3  # of an image whose values are about 1, in float32
TOLERANCE = 2e-3  # relative; what a mistake changes is several per cent, what rounding changes on a GPU below 1e-4


@cache
def stored() -> Fingerprints:
    """Return the Fingerprints of the file."""
    with np.load(PATH, allow_pickle=False) as file:
        return Fingerprints({name: file[name] for name in file.files})


class Fingerprints:
    """What is known of the cases of an exam. An exercise is named by its key, or by KEY-224 for the notebook's sizes.

    Parameters
    ----------
    arrays : dict
        right/EXERCISE/CASE, known/EXERCISE/CASE, mistakes/EXERCISE, and of some exercises gradient/EXERCISE/CASE.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays = arrays

    def right(self, exercise: str, case: Any) -> np.ndarray:
        """Return what is right for a case: the array that is returned, or what the file of the exercise says."""
        return self.arrays[f"right/{exercise}/{case.name}"]

    def gradient(self, exercise: str, case: Any) -> np.ndarray:
        """Return the gradient (N, C, H, W) with respect to the images that is kept of some exercises' cases."""
        return self.arrays[f"gradient/{exercise}/{case.name}"]

    def mistakes(self, exercise: str) -> list[tuple[str, ...]]:
        """Return for each known answer to an exercise its mistakes, a tuple of ids; empty for a right answer."""
        return [tuple(ids.split("+")) if ids else () for ids in self.arrays[f"mistakes/{exercise}"].tolist()]

    def nearest(self, exercise: str, found: Mapping[Any, np.ndarray], least: float = 0.0) -> tuple[str, ...] | None:
        """Return the mistakes of the known answer whose outputs are those found, or None if none is.

        Where no answer fits all of four or more cases, a mistaken one that fits all but one of them is taken: limits and rounding
        may show in one network alone.

        Parameters
        ----------
        exercise : str
            Its key.
        found : dict
            {case: fingerprints (T, LENGTH)}; T may differ from what is known of the case.
        least : float
            As in `distance`.
        """
        if not any(np.isfinite(marks[0]).all() for marks in found.values()):
            return None
        known, names = self.arrays, self.mistakes(exercise)
        gaps = []
        for case, marks in found.items():
            answers = known[f"known/{exercise}/{case.name}"][:, : len(marks)]
            gaps.append(distance(marks[: answers.shape[1]], answers, least))
        sorted_gaps = np.sort(gaps, axis=0)
        best = sorted_gaps[-1].argmin()  # the first one, which has the fewest mistakes
        if sorted_gaps[-1, best] < TOLERANCE:
            return names[best]
        if len(gaps) >= 4:
            best = sorted_gaps[-2].argmin()
            if sorted_gaps[-2, best] < TOLERANCE and names[best]:
                return names[best]
        return None

    def nearest_but_for_length(
        self, exercise: str, found: Mapping[Any, np.ndarray], laws: Mapping[str, np.ndarray], forms: int = 1
    ) -> tuple[str, ...] | None:
        """Like `nearest`, for first steps that have a known direction, but a length of their own. Later steps are not looked at.

        Returns that answer's mistakes and the id of the law that holds, or "other-normalisation"; None for an unknown direction
        and for a first step that is known as it is.

        Parameters
        ----------
        exercise : str
            Its key.
        found : dict
            {case: fingerprints (T, LENGTH)}.
        laws : dict
            {id: factors (cases,)}, ways in which the lengths can differ from those of a known answer, up to a constant.
        forms : int
            How many lengths of a step are right. Of a mistaken direction each must be known, or the length says nothing.
        """
        known, names = self.arrays, self.mistakes(exercise)
        lengths, gaps = [], []
        for case, marks in found.items():
            first, step = known[f"known/{exercise}/{case.name}"][:, 0].astype(np.float64), marks[0]
            factor = (first * step).sum(axis=1) / np.square(first).sum(axis=1)
            gap = np.linalg.norm(step - factor[:, None] * first, axis=1) / np.linalg.norm(step)
            lengths.append(factor)
            gaps.append(np.where(factor > 0, np.nan_to_num(gap, nan=np.inf), np.inf))
        factors, worst = np.array(lengths), np.max(gaps, axis=0)
        candidates = [i for i in np.flatnonzero(worst < TOLERANCE) if not {"learning-rate-changed", *laws} & set(names[i])]
        if any(np.abs(factors[:, i] - 1).max() < 0.01 for i in candidates):
            return None  # the first step is a known one: what is wrong comes later
        for i in candidates:
            for law, expected in laws.items():
                if is_constant(factors[:, i] / expected):
                    return tuple(sorted({*names[i], law}))
        if len(candidates) < forms:
            return None
        return tuple(sorted({*names[candidates[0]], "other-normalisation"}))


def fingerprint(outputs: Any) -> np.ndarray:
    """Return the fingerprints (T, LENGTH) of `outputs` (T, ...): random projections, so that lengths stay about the same."""
    flat = np.asarray(outputs, dtype=np.float64).reshape(len(outputs), -1)
    marks = flat @ _directions(flat.shape[1])
    return np.where(np.abs(marks) < 1e30, marks, np.nan)  # what grew out of all bounds is as good as NaN


@lru_cache(maxsize=16)
def _directions(size: int) -> np.ndarray:
    return np.random.RandomState(size % 2**32).standard_normal((size, LENGTH)) / np.sqrt(LENGTH)


def distance(found: np.ndarray, known: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Return how far fingerprints (T, LENGTH) are from each of the known ones (V, T, LENGTH), relative to these, as (V,).

    least: the size from which on differences count in relation to it; an image rounds smaller changes away.
    """
    gap = np.linalg.norm(known - found, axis=2) / np.maximum(np.linalg.norm(known, axis=2), max(least, 1e-30))
    both_broken = ~np.isfinite(known).all(axis=2) & ~np.isfinite(found).all(axis=1)
    return np.nan_to_num(np.where(both_broken, 0, gap), nan=np.inf).max(axis=1)


def is_constant(numbers: np.ndarray) -> bool:
    """Return whether numbers are the same apart from rounding, and not 0."""
    return bool(np.ptp(numbers) < 0.01 * abs(numbers.mean()))

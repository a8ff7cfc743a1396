"""What comes out of right and of mistaken answers: read from fingerprints.npz, which holds numbers and names, no code.

An answer's outputs are compared with the right ones value by value; for the name of a mistake a few numbers of each
output, its fingerprint, are enough. cs231n.instructor.exercises.fingerprints makes the file; a student edition has only the file.
"""

from functools import cache, lru_cache
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("fingerprints.npz")
LENGTH = 6  # numbers in a fingerprint
LEAST_CHANGE = 5e-3  # of an image whose values are about 1, in float32
TOLERANCE = 2e-3  # relative; what a mistake changes is several per cent, what rounding changes on a GPU below 1e-4


@cache
def stored():
    """Return the Fingerprints of the file."""
    with np.load(PATH, allow_pickle=False) as file:
        return Fingerprints({name: file[name] for name in file.files})


class Fingerprints:
    """What is known of the cases of an exam.

    arrays: right/EXERCISE/CASE, known/EXERCISE/CASE, mistakes/EXERCISE, and gradient/EXERCISE/CASE of saliency_maps and
    transformation.
    """

    def __init__(self, arrays):
        self.arrays = arrays

    def right(self, exercise, case):
        """Return what is right for a case.

        Fooling: the images on the way (T + 1, 3, H, W), or the last (1, 3, H, W). Step: the image before and after each call
        (2, calls + 1, 3, H, W), with the raw step and with the normalised one. All others: the array that is returned.
        """
        return self.arrays[f"right/{exercise}/{case.name}"]

    def gradient(self, case):
        """Return the gradient (N, 3, H, W) of the labels' scores, from which the right saliency maps of a case came."""
        return self.arrays[f"gradient/saliency_maps/{case.name}"]

    def gradient_of_result(self, case):
        """Return guard.gradient_of the right transformed images of a case."""
        return self.arrays[f"gradient/transformation/{case.name}"]

    def mistakes(self, exercise):
        """Return for each known answer to an exercise its mistakes, a tuple of ids; empty for a right answer."""
        return [tuple(ids.split("+")) if ids else () for ids in self.arrays[f"mistakes/{exercise}"].tolist()]

    def nearest(self, exercise, found):
        """Return the mistakes (a tuple of ids) of the known answer whose outputs are those `found`, or None if none is.

        found: {case: fingerprints (T, LENGTH)}; T may differ from what is known of the case. Where no answer fits all of
        four or more cases, a mistaken one that fits all but one of them is taken: limits and rounding may show in one
        network alone.
        """
        if not any(np.isfinite(marks[0]).all() for marks in found.values()):
            return None
        known, names, least = self.arrays, self.mistakes(exercise), least_change(exercise)
        gaps = []
        for case, marks in found.items():
            answers = known[f"known/{exercise}/{case.name}"][:, : len(marks)]
            gaps.append(distance(marks[: answers.shape[1]], answers, least))
        gaps = np.sort(gaps, axis=0)
        best = gaps[-1].argmin()  # the first one, which has the fewest mistakes
        if gaps[-1, best] < TOLERANCE:
            return names[best]
        if len(gaps) >= 4:
            best = gaps[-2].argmin()
            if gaps[-2, best] < TOLERANCE and names[best]:
                return names[best]
        return None

    def nearest_but_for_length(self, exercise, found, laws):
        """Like `nearest`, for first steps that have a known direction, but a length of their own.

        laws: {id: factors (cases,)}, ways in which the lengths can differ from those of a known answer, up to a constant.
        Returns that answer's mistakes and the id of the law that holds, or "other-normalisation"; None for an unknown direction
        and for a first step that is known as it is. Later steps are not looked at.
        """
        known, names = self.arrays, self.mistakes(exercise)
        factors, gaps = [], []
        for case, marks in found.items():
            first, step = known[f"known/{exercise}/{case.name}"][:, 0].astype(np.float64), marks[0]
            factor = (first * step).sum(axis=1) / np.square(first).sum(axis=1)
            gap = np.linalg.norm(step - factor[:, None] * first, axis=1) / np.linalg.norm(step)
            factors.append(factor)
            gaps.append(np.where(factor > 0, np.nan_to_num(gap, nan=np.inf), np.inf))
        factors, worst = np.array(factors), np.max(gaps, axis=0)
        candidates = [i for i in np.flatnonzero(worst < TOLERANCE) if not {"learning-rate-changed", *laws} & set(names[i])]
        if any(np.abs(factors[:, i] - 1).max() < 0.01 for i in candidates):
            return None  # the first step is a known one: what is wrong comes later
        for i in candidates:
            for law, expected in laws.items():
                if _is_constant(factors[:, i] / expected):
                    return tuple(sorted({*names[i], law}))
        if not candidates or (exercise == "class_visualization_step" and len(candidates) < 2):
            return None  # a step is right raw and normalised: of its mistakes both are known, or the length says nothing
        return tuple(sorted({*names[candidates[0]], "other-normalisation"}))

    def nearest_regulariser(self, found):
        """Return the mistakes of a class visualization step whose first change is a known gradient plus a share of the image.

        found: {case: fingerprints (T, LENGTH)}, without dead classes. How large the share is, compared with that of the right
        answer, tells the mistake. None if no known gradient leaves just a share of the image over.
        """
        known, names = self.arrays, self.mistakes("class_visualization_step")
        sizes = np.array([np.linalg.norm(case.images()) for case in found])
        weights, rates = (np.array([getattr(case, name) for case in found]) for name in ("l2_reg", "learning_rate"))
        for objective in [(), ("cross-entropy",), ("softmax",)]:
            parts = []
            for case, marks in found.items():
                answers = known[f"known/class_visualization_step/{case.name}"][:, 0].astype(np.float64)
                image = fingerprint(case.images().numpy())[0]
                gradient = answers[names.index(tuple(sorted({*objective, "regulariser-missing"})))]
                due = answers[names.index(())] - answers[names.index(("regulariser-missing",))]
                parts.append((*_parts(marks[0], gradient, image), np.dot(due, image) / np.dot(image, image)))
            lengths, shares, due = np.array(parts).T
            if np.isfinite(lengths).all():
                ids = _regulariser_mistakes(shares / lengths / due, sizes, weights, shares / weights)
                if not _is_constant(lengths) and _is_constant(lengths * rates):
                    ids = (*ids, "learning-rate-ignored")
                if not (objective or ids):
                    return None  # the first step has the right direction: what is wrong is its length, or comes later
                return tuple(sorted({*objective, *ids}))
        return None


def fingerprint(outputs):
    """Return the fingerprints (T, LENGTH) of `outputs` (T, ...): random projections, so that lengths stay about the same."""
    flat = np.asarray(outputs, dtype=np.float64).reshape(len(outputs), -1)
    marks = flat @ _directions(flat.shape[1])
    return np.where(np.abs(marks) < 1e30, marks, np.nan)  # what grew out of all bounds is as good as NaN


@lru_cache(maxsize=16)
def _directions(size):
    return np.random.RandomState(size % 2**32).standard_normal((size, LENGTH)) / np.sqrt(LENGTH)


def least_change(exercise):
    """Return the size from which on differences between fingerprints count in relation to it."""
    return LEAST_CHANGE if exercise.startswith(("fooling_image", "class_visualization_step")) else 0.0


def distance(found, known, least=0.0):
    """Return how far fingerprints (T, LENGTH) are from each of the known ones (V, T, LENGTH), relative to these, as (V,).

    least: the size from which on differences count in relation to it; an image rounds smaller changes away.
    """
    gap = np.linalg.norm(known - found, axis=2) / np.maximum(np.linalg.norm(known, axis=2), max(least, 1e-30))
    both_broken = ~np.isfinite(known).all(axis=2) & ~np.isfinite(found).all(axis=1)
    return np.nan_to_num(np.where(both_broken, 0, gap), nan=np.inf).max(axis=1)


def _parts(change, gradient, image):
    """Return (a, b) where `change` is a * gradient + b * image, the gradient not being negligible; NaN if it is not so."""
    basis = np.stack([gradient, image], axis=1)
    a, b = np.linalg.lstsq(basis, np.nan_to_num(change), rcond=None)[0]
    tells = a * np.linalg.norm(gradient) > 0.01 * np.linalg.norm(change)  # an image set to 0 changes by a share of itself, too
    fits = tells and np.linalg.norm(basis @ [a, b] - change) < TOLERANCE * np.linalg.norm(change)
    return (a, b) if fits else (np.nan, np.nan)


def _is_constant(numbers):
    return np.ptp(numbers) < 0.01 * abs(numbers.mean())


def _regulariser_mistakes(ratios, sizes, weights, per_weight):
    """Return the mistakes in a regulariser that none of the known answers has.

    ratios: the image's share, relative to the right one, in each case. sizes: the images' norms. weights: l2_reg.
    per_weight: the image's share itself, divided by l2_reg.
    """
    if np.abs(ratios).max() < 5e-3:
        return ("regulariser-missing",)
    sign = ("regulariser-wrong-sign",) if ratios.mean() < 0 else ()
    if not _is_constant(ratios) and _is_constant(per_weight):
        factor = abs(per_weight.mean()) / 2
        return (*sign, *_size_mistakes(factor), "regulariser-without-learning-rate")
    if not _is_constant(ratios) and _is_constant(ratios * sizes):
        return (*sign, "regulariser-not-squared")
    if _is_constant(ratios * sizes * weights):
        return (*sign, "regulariser-not-squared", "regulariser-other-size")
    return (*sign, *(_size_mistakes(abs(ratios.mean())) if _is_constant(ratios) else ("regulariser-other-size",)))


def _size_mistakes(factor):
    """Return the mistakes in a regulariser that is `factor` times as large as it should be."""
    if abs(factor - 1) < 0.01:
        return ()
    return ("regulariser-halved",) if abs(factor - 0.5) < 0.005 else ("regulariser-other-size",)

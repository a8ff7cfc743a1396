"""The proof on SqueezeNet and photographs: who is right on small networks has to be right there, too, and who makes a known
mistake on small networks has to get there what that mistake gives there. Nothing else earns points.

What is right and what a known mistake gives is computed when a submission first needs it, and kept for those that follow.
"""

import threading
from collections import OrderedDict
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from ... import attribution, feature_visualization
from ... import net_visualization_pytorch as reference
from ...checks.guard import TooManyCalls
from ...checks.judging import SIDE_EFFECTS, as_array, problem, side_effects
from ...checks.report import Report
from . import known_attribution_mistakes, known_mistakes, known_transformation_mistakes
from .stopped import Stopped

SALIENCY, FOOLING, STEP = "compute_saliency_maps", "make_fooling_image", "class_visualization_update_step"
SMOOTHGRAD, INTEGRATED, GRAD_CAM = "compute_smoothgrad_maps", "compute_integrated_gradients", "compute_grad_cam_maps"
TRANSFORMATION = "transform_images"

LIMITS = {"seconds": 60.0, "calls": 10_000}  # for one call; a right one takes a second
WATCHED_CALLS = 12  # forward passes after which a fooling image's way has been seen for long enough
WATCHED_STEPS = 4  # of them are compared
CLOSE = 0.02  # relative: what rounding does in SqueezeNet's depth is a tenth of that
CLOSE_LATER = 0.1  # the same from the second step on: each starts where rounding led the one before
ROUNDING = 2e-5  # length of what float32 rounds away when a photograph is changed; ten times as much can be recognised
ALL = 5  # photographs
KEPT = 16  # results of mistakes in memory, of some megabytes each

# Mistakes of which nothing is seen in the values that are compared here.
BESIDE_THE_VALUES = {
    *SIDE_EFFECTS,
    *("not-in-place", "gradient-cut", "one-step-too-many", "no-stop-test", "stop-test-inverted", "score-compared-with-class"),
    *("gives-up-early", "already-fooled-image-changed", "other-stop-test"),
}
# Mistakes that leave no result to be compared; the rubric gives nothing for them.
WITHOUT_RESULT = {
    *("never-returns", "too-many-network-calls", "wrong-shape", "wrong-type", "not-finite"),
    *("returns-input", "image-never-changed"),
}
# Other names under which the same effect is known: (as it was named, as it is known).
ALIASES = (
    ("regulariser-detached", "regulariser-missing"),
    ("regulariser-on-weights", "regulariser-missing"),
    ("regulariser-on-scores", "regulariser-missing"),  # on the one score that is raised
    ("softmax", "cross-entropy"),  # of one image the direction is the same
)
LENGTHS = ("other-normalisation", "learning-rate-changed", "learning-rate-ignored")  # the direction is that of the other ids
REGULARISERS = {
    *("regulariser-missing", "regulariser-wrong-sign", "regulariser-not-squared", "regulariser-halved"),
    *("regulariser-other-size", "regulariser-detached", "regulariser-on-weights", "regulariser-on-scores"),
    "regulariser-without-learning-rate",
}


def proved(report, job, run, network):
    """Return (Report, reason) after the proof: the Report given, or what is wrong with the function on SqueezeNet.

    reason: why an answer that small networks call right, or named a mistake of, is none; "" if all is as it should be. Of a
    mistaken one `explained` is False then. job: a Job in which the function is defined. network: the grader's own SqueezeNet.
    """
    exercise = _EXERCISES[report.exercise]
    known = _known(run, network)
    if report.verdict == "right":
        failure = exercise.failure(job, known, report.notes)
        return (failure, "It is right on small networks only.") if failure else (report, "")
    named = report.verdict == "wrong" and report.mistakes and report.explained
    if not named or WITHOUT_RESULT & set(report.mistakes):
        return report, ""
    try:
        seen, trials = exercise.unlike(job, known, frozenset(report.mistakes) - BESIDE_THE_VALUES)
    except Stopped as stop:
        seen, trials = f"the call did not come to its end. {stop}", []
    more = [name for name in side_effects(trials)[0] if name not in report.mistakes] if trials else []
    report = replace(report, mistakes=[*report.mistakes, *more], explained=not seen)
    return report, f"Recognised on small networks only: on SqueezeNet {seen}" if seen else ""


# What is right there, and what known mistakes give


class Known:
    """What the exercises are given on the Photographs of a run, what is right, and what a known mistake gives.

    network: SqueezeNet. All that is returned is float32; X and the rest are fresh copies at every call.
    """

    def __init__(self, photographs, network):
        self.photographs, self.network = photographs, network
        self._kept = OrderedDict()

    def _given(self, name, n):
        """Return what an exercise that returns an array is given for the first n photographs, besides the network."""
        random = torch.Generator().manual_seed(self.photographs.seed)
        X, y = self.photographs.X[:n], self.photographs.y[:n]
        if name == SMOOTHGRAD:
            return X, y, 0.3 * torch.randn(4, ALL, *X.shape[1:], generator=random)[:, :n]
        if name == INTEGRATED:
            shades = 0.5 * torch.randn(ALL, 3, 1, 1, generator=random)
            return X, y, (shades + 0.1 * torch.randn(ALL, *X.shape[1:], generator=random))[:n], 4
        if name == TRANSFORMATION:
            angles, scales = torch.rand(ALL, generator=random) - 0.5, 0.7 + 0.6 * torch.rand(ALL, generator=random)
            return X, angles[:n], scales[:n], 0.4 * torch.rand(ALL, 2, generator=random)[:n] - 0.2
        return X, y

    def arguments(self, name, n):
        """Return the same in memory of its own, with the network in its place."""
        given = self._given(name, n)
        given = [value.contiguous().clone() if torch.is_tensor(value) else value for value in given]
        return given if name == TRANSFORMATION else [*given[:2], self.network, *given[2:]]

    def right(self, name, n):
        """Return the right array for the first n photographs."""
        function, _ = OF_ARRAYS[name]
        return self._once((name, n), lambda: [function(*self.arguments(name, n)).detach()])[0]

    def mistaken(self, name, n, ids):
        """Return the arrays that the mistakes `ids` together can give for the first n photographs, each made when asked for."""
        _, known = OF_ARRAYS[name]
        return self._once((name, n, ids), lambda: (array for _, array in known(*self.arguments(name, n), wanted=ids)))

    def ways(self, ids):
        """Return the changes of the image (WATCHED_STEPS, 3, H, W) that the mistakes `ids` can give in fooling images."""
        given = self.photographs
        make = partial(known_mistakes.fooling_paths, self.network, given.X[:1], given.target, WATCHED_STEPS, wanted=ids)
        return self._once((FOOLING, ids), lambda: _changes(make()))

    def steps(self, ids):
        """Return the changes of the image (2, 3, H, W) after two calls that the mistakes `ids` can give in exercise 3."""
        given = self.photographs
        numbers = given.step_target, given.l2_reg, given.learning_rate, 2
        make = partial(known_mistakes.step_paths, self.network, given.X[1:2], *numbers, wanted=ids)
        return self._once((STEP, ids), lambda: _changes(make()))

    def _once(self, key, make):
        if key not in self._kept:
            self._kept[key] = _Once(make())
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


class _Once:
    """The items of an iterator as a sequence: each made once, when it is first asked for."""

    def __init__(self, items):
        self._made, self._more = [], iter(items)

    def __getitem__(self, i):
        while i >= len(self._made):
            try:
                self._made.append(next(self._more))
            except StopIteration:
                raise IndexError(i) from None
        return self._made[i]


def _changes(found):
    return [path[1:] - path[:1] for _, path in found]


OF_ARRAYS = {
    SALIENCY: (reference.compute_saliency_maps, known_mistakes.saliency_maps),
    SMOOTHGRAD: (attribution.compute_smoothgrad_maps, known_attribution_mistakes.smoothgrad_maps),
    INTEGRATED: (attribution.compute_integrated_gradients, known_attribution_mistakes.integrated_gradients),
    GRAD_CAM: (attribution.compute_grad_cam_maps, known_attribution_mistakes.grad_cam_maps),
    TRANSFORMATION: (feature_visualization.transform_images, known_transformation_mistakes.transformed_images),
}

_mine = threading.local()  # Dask's workers are threads


def _known(run, network):
    """Return the Known of this worker and run."""
    if getattr(_mine, "number", None) != run.number:
        _mine.number, _mine.known = run.number, Known(run.photographs, network)
    return _mine.known


# How near


def _off(found, known):
    """Return ||found - known|| / ||known||; inf if that is no number, or if the two have different shapes."""
    if found.shape != known.shape:
        return np.inf
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.linalg.norm(found - known) / np.linalg.norm(known), nan=np.inf))


def _equal(found, known):
    """Return whether arrays are equal except for rounding; nothing equals what is not finite, or 0 everywhere."""
    return _off(found, _double(known)) <= CLOSE


def _equal_changes(found, known):
    """Return whether the changes of an image on a way are those known, as far as both are finite: at least the first one."""
    pairs = list(zip(found, _double(known), strict=False))
    finite = [bool(np.isfinite(a).all() and np.isfinite(b).all()) for a, b in pairs]
    pairs = pairs[: finite.index(False)] if False in finite else pairs
    limits = [CLOSE, *([CLOSE_LATER] * len(pairs))]
    return bool(pairs) and all(
        np.linalg.norm(b) > 10 * ROUNDING and np.linalg.norm(a - b) <= limit * np.linalg.norm(b) + ROUNDING
        for (a, b), limit in zip(pairs, limits, strict=False)
    )


def _along(found, known, limit=CLOSE):
    """Return whether an array is a positive multiple of a known one."""
    known = _double(known)
    if found.shape != known.shape or not known.any():
        return False
    factor = (found * known).sum() / np.square(known).sum()
    return bool(factor > 0 and _off(found, factor * known) <= limit)


def _each_along(found, known):
    """Return whether each image's result is a positive multiple of the known one, which can be 0 for some images."""
    known = _double(known)
    alive = [n for n in range(len(known)) if known[n].any()]
    return found.shape == known.shape and bool(alive) and all(_along(found[n], known[n]) for n in alive)


def _double(array):
    return np.asarray(array, dtype=np.float64)


def _spelt(ids):
    """Yield the ids as known_mistakes has them: as they are, then other names for the same."""
    yield ids
    for named, known in ALIASES:
        if named in ids:
            yield ids - {named} | {known}


# The exercises that return an array


class _Array:
    """The proof of an exercise that returns an array. noun: what it returns. n: photographs at first; five if these fail."""

    def __init__(self, name, noun, n=2):
        self.name, self.noun, self.n = name, noun, n

    def failure(self, job, known, notes):
        """Return the Report of what is not right, or None."""
        n = ALL if {"fixed-batch-size", "fixed-sizes"} & set(notes) else self.n
        trial, found, failure = self._result(job, known, n)
        if failure is not None:
            return failure
        off = np.inf if found is None else _off(found, _double(known.right(self.name, n)))
        if not off <= CLOSE:
            return _failed(self.name, f"its {self.noun} are {_by(off)}.")
        return _of_side_effects(self.name, [trial])

    def unlike(self, job, known, ids):
        """Return (what is not as the mistakes `ids` have it, or None; the trials)."""
        trials = []
        for n in sorted({self.n, ALL}):
            trial, found, failure = self._result(job, known, n)
            trials.append(trial)
            if failure is None and found is not None:
                break
        else:
            return _of_failure(failure), trials
        alike = any(_equal(found, array) for spelt in _spelt(ids) for array in self._arrays(known, n, spelt)) or (
            "rescaled" in ids and any(_each_along(found, array) for array in self._arrays(known, n, ids - {"rescaled"}))
        )
        unlike = f"its {self.noun} are {_wanted(ids)}." if found.any() else f"its {self.noun} are 0 everywhere."
        return None if alike else unlike, trials

    def _arrays(self, known, n, ids):
        return known.mistaken(self.name, n, ids) if ids else [known.right(self.name, n)]

    def _result(self, job, known, n):
        """Return (trial, its array or None, Report of why there is none or None)."""
        arguments = known.arguments(self.name, n)
        network = None if self.name == TRANSFORMATION else known.network
        trial = job.run(None, *arguments, network=network, **LIMITS)
        failure = problem(self.name, trial, "SqueezeNet and photographs")
        value = trial.value[0] if isinstance(trial.value, tuple) and trial.value else trial.value
        return trial, None if failure else as_array(trial, value, arguments[0]), failure


def _failed(name, seen):
    return Report(name, "wrong", evidence=[f"It is right on small networks. On SqueezeNet and photographs {seen}"])


def _of_side_effects(name, trials):
    changed, _ = side_effects(trials)
    return Report(name, "wrong", changed) if changed else None


def _by(off):
    return f"off by {100 * off:.0f} %" if np.isfinite(off) else "not finite, or not of the right form"


def _wanted(ids):
    return "not those of this mistake" if ids else "not right besides"


def _of_failure(failure):
    if failure is None:
        return "what it returns is no float tensor."
    if failure.verdict == "broken":
        return "it ends in an error."
    return "it does not come back." if failure.mistakes else "it returns nothing."


# Fooling images


class _Fooling:
    def failure(self, job, known, notes):
        """Return the Report of what is not right, or None."""
        given = known.photographs
        trial, _, result = self._called(job, known, **LIMITS)
        failure = problem(FOOLING, trial, "SqueezeNet and a photograph")
        if failure is not None:
            return failure
        if result is None or result.shape != given.X[:1].shape or not np.isfinite(result).all():
            return _failed(FOOLING, "no image of the right form comes back.")
        image = torch.from_numpy(result).float()
        with torch.no_grad():
            came = known.network(image).argmax().item()
        distance = (image - given.X[:1]).norm().item()
        if came != given.target:
            return _failed(FOOLING, "the image that comes back is not taken for the target class.")
        if distance > 2 * given.distance:
            return _failed(FOOLING, f"the image is moved by {distance:.1f}, where {given.distance:.1f} is enough.")
        return _of_side_effects(FOOLING, [trial])

    def unlike(self, job, known, ids):
        """Return (what is not as the mistakes `ids` have it, or None; the trials). The first steps are compared."""
        trial, X, result = self._called(job, known, **{**LIMITS, "calls": WATCHED_CALLS}, watched=True)
        failure = None if isinstance(trial.error, TooManyCalls) else problem(FOOLING, trial, "")
        if failure is not None:
            return _of_failure(failure), [trial]
        images = [X[0]]
        for seen in [*trial.way, *([] if result is None else [result])]:
            new = seen.shape == X.shape and not any(np.array_equal(seen[0], other) for other in (images[0], images[-1]))
            images += [seen[0].astype(np.float64)] * new
        changes = np.stack(images)[1:] - images[0]
        if not len(changes):
            return "it does not change the image.", [trial]
        return None if _is_known_way(changes, ids, known.ways) else f"its steps are {_wanted(ids)}.", [trial]

    def _called(self, job, known, **limits):
        """Return (trial, X as an array, the result as an array or None)."""
        X, target, network = known.photographs.X[:1].clone(), known.photographs.target, known.network
        before = X.double().numpy().copy()
        trial = job.run(None, X, target, network, network=network, **limits)
        return trial, before, None if trial.error else as_array(trial, trial.value, X)


def _is_known_way(changes, ids, ways, telling=lambda change: change):
    """Return whether an image's changes (T, 3, H, W) are those of `ids`: a way in ways(ids). If the length is what is mistaken,
    the direction of the first step is enough: where each pixel has a length of its own, rounding soon leads elsewhere.
    telling: function of a change that returns the part of it which has to agree by itself."""
    mine = telling(changes[0])
    for way in (way for spelt in _spelt(ids) for way in ways(spelt)):
        if _equal_changes(changes, way) and _off(mine, telling(_double(way[0]))) <= CLOSE_LATER:
            return True
    without = [other for law in LENGTHS if law in ids for other in (ids, ids - {law})]
    for way in (way for others in without for spelt in _spelt(others) for way in ways(spelt)):
        if _along(changes[0], way[0]) and _along(mine, telling(_double(way[0])), CLOSE_LATER):
            return True
    return False


# The class visualization step


class _Step:
    def failure(self, job, known, notes):
        """Return the Report of what is not right, or None."""
        trials, changes, failure = self._called(job, known)
        if failure is not None:
            return failure
        if len(changes) < 2:
            return _failed(STEP, "the image is not changed in place.")
        off = min(_off(changes[1], _double(right[0])) for right in known.photographs.steps.values())
        if not off <= CLOSE:
            return _failed(STEP, f"the change of the image by two calls is {_by(off)}.")
        return _of_side_effects(STEP, trials)

    def unlike(self, job, known, ids):
        """Return (what is not as the mistakes `ids` have it, or None; the trials). Two calls are compared."""
        trials, changes, failure = self._called(job, known)
        if failure is not None:
            return _of_failure(failure), trials
        if not len(changes):
            return "it does not change the image.", trials
        alike = _is_known_way(changes, ids, known.steps, lambda change: _beside(change, _double(known.photographs.X[1])))
        alike = alike or (REGULARISERS & ids and self._of_two_parts(changes[0], known, ids - REGULARISERS - set(LENGTHS)))
        return None if alike else f"its changes of the image are {_wanted(ids)}.", trials

    def _of_two_parts(self, change, known, objective):
        """Return whether a change is the gradient of the objective plus some share of the image, the gradient not being lost."""
        image = _double(known.photographs.X[1]).ravel()
        for step in known.steps(objective | {"regulariser-missing"}):
            basis = np.stack([_double(step[0]).ravel(), image], axis=1)
            if np.isfinite(basis).all() and np.isfinite(change).all():
                shares, *_ = np.linalg.lstsq(basis, change.ravel(), rcond=None)
                seen = shares[0] * np.linalg.norm(basis[:, 0]) > 2 * CLOSE * np.linalg.norm(change)
                if seen and _off(basis @ shares, change.ravel()) <= CLOSE:
                    return True
        return False

    def _called(self, job, known):
        """Return (trials, changes (calls, 3, H, W) of the image, Report of why there are none or None) of two calls."""
        given = known.photographs
        img, trials = given.X[1:2].clone().requires_grad_(), []
        images = [_double(given.X[1])]
        for _ in range(2):
            numbers = given.step_target, given.l2_reg, given.learning_rate
            trial = job.run(None, img, known.network, *numbers, network=known.network, **LIMITS)
            trials.append(trial)
            failure = problem(STEP, trial, "SqueezeNet and a photograph")
            if failure is None and img.shape != given.X[1:2].shape:
                failure = Report(STEP, "wrong", ["wrong-shape"])
            if failure is not None:
                return trials, [], failure
            image = _double(img.detach()[0])
            if np.array_equal(image, images[-1]):  # not in place: what it returns would have been the image
                value = None if trial.value is None else as_array(trial, trial.value, img)
                if len(images) == 1 and value is not None and value.shape == img.shape:
                    images.append(value[0])
                break
            images.append(image)
        return trials, np.stack(images)[1:] - images[0], None


def _beside(change, image):
    """Return a change less its share of the image: beside a large regulariser a missing gradient would not be seen."""
    return change - (change * image).sum() / np.square(image).sum() * image


_EXERCISES = {
    SALIENCY: _Array(SALIENCY, "maps", ALL),
    FOOLING: _Fooling(),
    STEP: _Step(),
    SMOOTHGRAD: _Array(SMOOTHGRAD, "maps"),
    INTEGRATED: _Array(INTEGRATED, "attributions"),
    GRAD_CAM: _Array(GRAD_CAM, "maps"),
    TRANSFORMATION: _Array(TRANSFORMATION, "pictures"),
}

"""Is a compute_saliency_maps right, and if not, which mistake is it?"""

import numpy as np
import torch

from .fingerprints import fingerprint
from .judging import SPOILING, as_array, kind, only_large, percent, problem, relative_error, same, side_effects
from .report import Report

EXERCISE = "compute_saliency_maps"


def examine(function, exam):
    """Return the Report on a compute_saliency_maps(X, y, model)."""
    trials, found = [], {}
    for case in exam.saliency_cases:
        trial, maps, failure = _attempt(function, case, exam)
        trials.append(trial)
        if failure is not None:
            return _on_large_images(function, exam, failure) if failure.verdict == "broken" or maps is not None else failure
        found[case] = maps
    if not all(same(maps, exam.known.right("saliency", case)) for case, maps in found.items()):
        return _wrong(found, trials, exam)
    return _other_batch_sizes(function, exam, trials)


def is_unfinished(function, exam):
    """Return whether the exercise is not written yet: a stub."""
    *_, failure = _attempt(function, exam.saliency_cases[0], exam)
    return failure is not None and failure.verdict == "unfinished"


def _attempt(function, case, exam):
    """Return (trial, maps (N, H, W) as an array or None, Report of what is wrong with its form or None)."""
    network, X, y = case.network().to(exam.device), case.images().to(exam.device), torch.tensor(case.target, device=exam.device)
    trial = exam.run(function, X, y, network, network=network)
    n, height, width = case.shape
    where = f"{n} image{'s' * (n > 1)} of {height} x {width} pixels"
    failure = problem(EXERCISE, trial, where)
    if failure is not None:
        return trial, None, failure
    if not torch.equal(X.detach().cpu(), case.images()) or y.tolist() != list(case.target):
        trial.changed.add("input-changed")
    if trial.value is None and case is not exam.saliency_cases[0] and case is not exam.saliency_224:
        return trial, None, Report(EXERCISE, "wrong", ["wrong-type"], evidence=[f"Given {where}, it returned None."])
    if trial.value is None:
        advice = ["It calls the network, but what comes back is None: is the `return` missing?"] if trial.calls else []
        return trial, None, Report(EXERCISE, "unfinished", evidence=advice)
    value = trial.value
    if isinstance(value, tuple) and value and torch.is_tensor(value[0]):  # torch.max along a dimension gives two things
        trial.changed.add("wrong-type")
        value = value[0]
    maps = as_array(trial, value, X)
    came = f"Given {where}, it returned {kind(trial.value)}; expected a float tensor of shape {case.shape}."
    if maps is None:
        return trial, None, Report(EXERCISE, "wrong", ["wrong-type"], evidence=[came])
    if maps.shape != case.shape:
        if maps.shape[1:2] == (3,) and maps.ndim == 4:
            came += " The three colours are still in it."
        return trial, maps, Report(EXERCISE, "wrong", ["wrong-shape"], evidence=[came])
    return trial, maps, None


def _on_large_images(function, exam, failure):
    """What fails on small images may be written for the notebook's sizes alone: right, then, but with a note."""
    trial, maps, large_failure = _attempt(function, exam.saliency_224, exam)
    if large_failure is not None:
        return failure
    mistakes = exam.known.nearest("saliency-224", {exam.saliency_224: fingerprint(maps[None])})
    changed, notes = side_effects([trial])
    if mistakes == () and not changed:
        return Report(EXERCISE, "right", notes=["fixed-sizes", *notes])
    if mistakes is None and failure.verdict == "wrong":
        return failure
    return Report(EXERCISE, "wrong", [*(mistakes or ()), *changed], notes, evidence=only_large(failure, exam.saliency_224))


def _other_batch_sizes(function, exam, trials):
    failing = []
    for case in exam.other_batch_sizes:
        trial, maps, failure = _attempt(function, case, exam)
        if failure is not None:
            failing.append(case)
        elif not same(maps, exam.known.right("saliency", case)):
            return _wrong({case: maps}, [*trials, trial], exam)
        trials.append(trial)
    mistakes, notes = side_effects(trials)
    evidence = [f"It returned {kind(trials[0].value)}; expected a tensor alone."] if "wrong-type" in mistakes else []
    if failing:
        only_one = all(case.shape[0] == 1 for case in failing)
        notes.append("fails-for-one-image" if only_one else "fixed-batch-size")
    return Report(EXERCISE, "wrong" if mistakes else "right", mistakes, notes, evidence)


def _wrong(found, trials, exam):
    mistakes = exam.known.nearest(
        "saliency", {case: fingerprint(maps[None]) for case, maps in found.items() if case in exam.saliency_cases}
    )
    changed, notes = side_effects(trials)
    if mistakes is None and not SPOILING & set(changed):
        # images whose map is not 0 everywhere
        alive = {case: exam.known.right("saliency", case).any(axis=(1, 2)) for case in found}
        if all(_rescaled(maps[alive[case]], exam.known.right("saliency", case)[alive[case]]) for case, maps in found.items()):
            mistakes = ("rescaled",)
        elif not all(np.isfinite(maps[alive[case]]).all() for case, maps in found.items()):
            mistakes = ("not-finite",)
    case, maps = next((case, maps) for case, maps in found.items() if not same(maps, exam.known.right("saliency", case)))
    expected = exam.known.right("saliency", case)
    report = Report(EXERCISE, "wrong", [*(mistakes or ()), *changed], notes)
    fitting = sum(same(maps, exam.known.right("saliency", case)) for case, maps in found.items())
    report.explained = bool(mistakes) or 1 < len(found) <= fitting + 1  # in training mode one network differs
    report.evidence += [f"It returned {kind(trials[0].value)}; expected a tensor alone."] if "wrong-type" in changed else []
    errors = [relative_error(maps[n], expected[n], expected) for n in range(len(maps))]
    n = int(np.argmax(errors))
    gap = np.nan_to_num(np.abs(maps[n] - expected[n]), nan=np.inf)
    row, column = (int(i) for i in np.unravel_index(gap.argmax(), gap.shape))
    count, height, width = case.shape
    red, green, blue = exam.known.gradient(case)[n, :, row, column]
    report.evidence.append(
        f"A small network ({case.name}), {count} images of {height} x {width} pixels. Image {n}, its label {case.target[n]}, "
        f"pixel ({row}, {column}): your map says {maps[n, row, column]:.4f}, expected {expected[n, row, column]:.4f}."
    )
    report.evidence.append(
        f"There the score of class {case.target[n]} changes by {red:+.4f} per unit of red, {green:+.4f} of green and "
        f"{blue:+.4f} of blue; the strongest reaction counts, up or down."
    )
    finite = np.isfinite(maps[n]).all()
    likeness = (
        np.corrcoef(maps[n].ravel(), expected[n].ravel())[0, 1] if finite and maps[n].std() > 0 < expected[n].std() else np.nan
    )
    report.evidence.append(
        f"This map is off by {percent(relative_error(maps[n], expected[n]))} in all; its correlation with the right one is "
        f"{likeness:.2f}{', so the picture would look fine' if likeness > 0.6 else ''}."
    )
    report.yours, report.expected, report.caption = maps[n], expected[n], f"saliency map of image {n}, label {case.target[n]}"
    return report


def _rescaled(maps, expected):
    """Return whether each map is the right one times a number of its own."""
    factors = (maps * expected).sum(axis=(1, 2)) / np.maximum(np.square(expected).sum(axis=(1, 2)), 1e-12)
    return bool((factors > 0).all()) and same(maps, factors[:, None, None] * expected)

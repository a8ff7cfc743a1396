"""Is a make_fooling_image correct, and if not, what is the mistake?

The verdict depends on the image that comes back. The name of a mistake comes from the way: the images that the network was
given, one after the other, compared with the ways of the known mistakes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..cases import Case, Framed, SomeCase, cropped, with_strided_gradients
from ..explanations import Explanation
from ..fingerprints import LEAST_CHANGE, fingerprint
from ..guard import TooManyCalls, Trial
from ..judging import SPOILING, as_array, compared, kind, percent, problem, relative_error, same, side_effects
from ..networks import (
    BELOW_0,
    Pinned,
    Saturated,
    gelu_network,
    relu_network,
    softplus_network,
    squeezenet_sized_network,
    stubborn_network,
    tanh_network,
)
from ..report import Report, Verdict
from ..sizes import examined_in_other_sizes
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "fooling_image", "X, target_y, model"
EXERCISE = function_of(KEY)

RIGHT = (
    "Its images are as expected on seven small networks, for short climbs and a long one, and for an image that is "
    "already of the target class."
)
MISTAKES = {
    "not-normalised": Explanation(
        "The gradient is not normalised",
        "Your steps are as long as the gradient: long where the score is steep, short where it is flat.",
        "how long should a step be, and is that what the learning rate alone gives you?",
    ),
    "no-stop-test": Explanation(
        "It goes on after the network is fooled",
        "You take more steps although the network already predicts the target class.",
        "when is the goal reached, and which comparison tests that? Compare a class with a class, at the current image.",
    ),
    "other-stop-test": Explanation(
        "A different stop test",
        "You take more steps although the network already predicts the target class, until something else is true, such as a "
        "probability above a threshold or a lead over the other classes.",
        "when is the network fooled, and is your condition true for exactly that image?",
    ),
    "one-step-too-many": Explanation(
        "One step too many",
        "The network is fooled, but you take one more step before you notice.",
        "which image do the scores in your test belong to: the one before the step or the one after it?",
    ),
    "stop-test-inverted": Explanation(
        "The stop test is inverted",
        "It stops at once if the network is not fooled yet.",
        "read your condition aloud: when does the loop end?",
    ),
    "score-compared-with-class": Explanation(
        "A score is compared with a class",
        "The loop ends only when a score happens to equal the class number (here a score of 3.0, with target class 3).",
        "a maximum has a value and a position. Which of the two is a class?",
    ),
    "gives-up-early": Explanation(
        "It gives up early",
        "It ends before the network is fooled.",
        "how many steps does the exercise allow, and what ends your loop?",
    ),
    "image-never-changed": Explanation(
        "The image never changes",
        "The network gets the same image again and again.",
        "what does your step change, and is that what the network gets next?",
    ),
    "already-fooled-image-changed": Explanation(
        "An image already of the target class is changed",
        "You take a step before you look at the scores for the first time.",
        "what should you return if there is nothing to do?",
    ),
}


@dataclass(frozen=True)
class FoolingCases:
    """The cases of this exercise.

    The ways of `main` keep clear of the kinks of a ReLU and of ties between classes, so that rounding, or an epsilon in the norm,
    changes nothing. One of them passes a third class, and in two the target comes to the top with a probability below 0.5.

    Parameters
    ----------
    main : tuple
        Short ways; what happens on them names a mistake.
    already_fooled : Case
        The image is of the target class.
    score_is_a_class_id : Case
        The score of the class at the top is the number of the target class.
    own_score_is_its_id : Case
        The target's own score is its number.
    long_way : Case
        Of nearly 40 steps.
    never_fooled : Case
        The target never comes to the top.
    dead_target : Case
        The target's score is 0 everywhere.
    large, large_already_fooled : Case
        Images of the notebook's size, for code that works for nothing else: one to be fooled, one of the target class.
    """

    main: tuple[Case, ...]
    already_fooled: Case
    score_is_a_class_id: Case
    own_score_is_its_id: Case
    long_way: Case
    never_fooled: Case
    dead_target: Case
    large: Case
    large_already_fooled: Case


CASES = FoolingCases(
    main=(
        Case(name="GELU", network=partial(gelu_network, seed=12), seed=22, shape=(1, 9, 11), target=8),
        Case(name="ReLU", network=partial(relu_network, seed=21), seed=121, shape=(1, 9, 8), target=3),
        Case(name="tanh", network=partial(tanh_network, seed=16), seed=116, shape=(1, 8, 11), target=0),
        Case(
            name="softplus, scores below 0",
            network=partial(softplus_network, seed=12, biases=BELOW_0),
            seed=22,
            shape=(1, 10, 12),
            target=2,
        ),
    ),
    already_fooled=Case(
        name="already of the target class", network=partial(tanh_network, seed=10), seed=20, shape=(1, 8, 11), target=6
    ),
    score_is_a_class_id=Case(
        name="a score of 3.0, target 3",
        network=partial(softplus_network, seed=10, last=(Saturated(3.0),)),
        seed=20,
        shape=(1, 10, 12),
        target=3,
    ),
    own_score_is_its_id=Case(
        name="the target 3 has the score 3.0",
        network=partial(softplus_network, seed=10, biases={5: 500.0}, last=(Pinned(3, 3.0),)),
        seed=20,
        shape=(1, 10, 12),
        target=3,
    ),
    long_way=Case(
        name="a long way", network=partial(softplus_network, seed=10, biases={5: 74.0}), seed=20, shape=(1, 10, 12), target=3
    ),
    never_fooled=Case(name="never fooled", network=stubborn_network, seed=20, shape=(1, 4, 5), target=3),
    dead_target=Case(
        name="dead class", network=partial(relu_network, seed=10), seed=20, shape=(1, 9, 8), target=6, dead_class=True
    ),
    large=Case(name="224 x 224 pixels, 1000 classes", network=squeezenet_sized_network, seed=20, shape=(1, 224, 224), target=119),
    large_already_fooled=Case(
        name="224 x 224 pixels, of the target class", network=squeezenet_sized_network, seed=20, shape=(1, 224, 224), target=678
    ),
)
LONG = 400  # forward passes for the long way of 39 steps: up to ten a step
IN_FRAMES = 45  # forward passes on large images, which take their time, for ways of up to 13 steps
NEVER = {"calls": 1050, "seconds": 0.8}  # after these a loop counts as without a bound; 100 steps take 0.05 seconds
HARDEST = 71  # steps that the hardest of the notebook's images takes
FEW = 40  # a limit of fewer steps gives up on too many images


@dataclass
class Way:
    """The way that a student's function went on a case. images: (T + 1, 3, H, W) from X on. tops: (T + 1,), the classes that
    the network gives them. endless: it was stopped. result: the image that came back (1, 3, H, W), or None."""

    case: SomeCase
    trial: Trial
    images: np.ndarray
    tops: np.ndarray
    endless: bool
    result: np.ndarray | None

    @property
    def steps(self) -> int:
        return len(self.images) - 1

    @property
    def steps_to_fool(self) -> int | None:
        """The first step after which the network says the target, or None."""
        fooled = np.flatnonzero(self.tops == self.case.target)
        return int(fooled[0]) if len(fooled) else None

    @property
    def steps_too_many(self) -> int | None:
        """Steps after the network was fooled, or None if it never was."""
        return None if self.steps_to_fool is None else self.steps - self.steps_to_fool

    @property
    def changes(self) -> np.ndarray:
        return self.images[1:] - self.images[0]

    @property
    def first_changes(self) -> np.ndarray:
        """The changes up to the first that is not finite."""
        changes = self.changes
        broken = np.flatnonzero(~np.isfinite(changes).all(axis=(1, 2, 3)))
        return changes[: max(broken[0], 1)] if len(broken) else changes


def examine(function: Any, exam: Exam) -> Report:
    """Return the Report on a make_fooling_image(X, target_y, model)."""
    report = _examine(function, exam)
    if report.verdict is not Verdict.BROKEN:
        return report
    return examined_in_other_sizes(report, _examine, _examine_large, function, exam)


def _examine(function: Any, exam: Exam) -> Report:
    ways: list[Way] = []
    for case in exam.of(KEY).main:
        way = _attempt(function, case, exam, **_limit(case, exam))
        if isinstance(way, Report):
            return way
        ways.append(way)
    special: list[Way] = []
    for case in (exam.of(KEY).already_fooled, exam.of(KEY).score_is_a_class_id, exam.of(KEY).long_way):
        way = _attempt(function, case, exam, **_limit(case, exam))
        if isinstance(way, Report):
            return way
        special.append(way)
    trials = [way.trial for way in [*ways, *special]]
    changed, notes = side_effects(trials)
    if all(_is_right(way, exam) for way in [*ways, *special]):
        if not isinstance(exam.of(KEY).long_way, Framed):
            notes += _limits(function, exam)
        return Report(EXERCISE, Verdict.WRONG if changed else Verdict.RIGHT, changed, notes)
    return _wrong(function, exam, ways, special, changed, notes)


def _limit(case: SomeCase, exam: Exam) -> dict[str, int]:
    """Return the limit on a call of the function, where it is not the usual one."""
    if isinstance(exam.of(KEY).long_way, Framed):
        return {} if case is exam.of(KEY).long_way else {"calls": IN_FRAMES}
    return {"calls": LONG} if case is exam.of(KEY).long_way else {}


def _attempt(function: Any, case: SomeCase, exam: Exam, **limits: float) -> Way | Report:
    """Return the Way, or the Report of what is wrong with its form. limits: those of exam.run that are not the usual ones."""
    network, X = case.network().to(exam.device), case.images().to(exam.device)
    trial = exam.run(function, X, case.target, network, network=network, **limits)
    endless = isinstance(trial.error, TooManyCalls)
    where = f"an image of {case.shape[1]} x {case.shape[2]} pixels, {case.name}, target {case.target}"
    failure = None if endless else problem(EXERCISE, trial, where)
    if failure is not None:
        return failure
    given = case.images()
    if not torch.equal(X.detach().cpu(), given):
        trial.changed.add("input-changed")
    original, result = cropped(case, given.double().numpy()), None
    if not endless and trial.value is None and case is exam.of(KEY).main[0]:
        advice = ["It calls the network, but returns None: is the `return` missing?"] if trial.calls else []
        return Report(EXERCISE, Verdict.UNFINISHED, evidence=advice)
    if not endless and trial.value is not None:
        result = as_array(trial, trial.value, X)
        came = f"Given {where}, it returned {kind(trial.value)}; expected a float tensor of shape {tuple(X.shape)}."
        if result is None:
            return Report(EXERCISE, Verdict.WRONG, ["wrong-type"], evidence=[came])
        if result.shape != X.shape:
            return Report(EXERCISE, Verdict.WRONG, ["wrong-shape"], evidence=[came])
        result = cropped(case, result)
        if not trial.calls and np.array_equal(result, original):
            return Report(EXERCISE, Verdict.UNFINISHED)
    way = [original[0]]
    for seen in [*(cropped(case, seen) for seen in trial.way), *([] if result is None else [result])]:
        new = seen.shape == original.shape and not any(np.array_equal(seen[0], known) for known in (way[0], way[-1]))
        if new:
            way.append(seen[0].astype(np.float64))
    images = np.stack(way)
    with torch.no_grad():  # a network that sees a corner sees all of these
        tops = case.network()(torch.from_numpy(images).float()).argmax(dim=1).numpy()
    return Way(case, trial, images, tops, endless, result)


def _is_right(way: Way, exam: Exam) -> bool:
    if way.result is None:
        return False
    if way.case is exam.of(KEY).already_fooled:
        return same(way.result, way.images[:1])
    expected = exam.known.right(KEY, way.case)[-1:]
    return same(way.result, expected, expected - way.images[:1])


def _examine_large(function: Any, exam: Exam) -> Report | None:
    """Return the Report on images of the notebook's size, or None if the function fails with them, too."""
    way = _attempt(function, exam.of(KEY).large, exam)
    if isinstance(way, Report) or way.steps == 0:
        return None
    already = _attempt(function, exam.of(KEY).large_already_fooled, exam)
    if isinstance(already, Report):
        return already
    known = exam.known.nearest(f"{KEY}-224", {way.case: fingerprint(way.changes[:4])}, LEAST_CHANGE)
    changed, notes = side_effects([way.trial, already.trial])
    names = [*(known or ()), *_stop_mistakes([way], [already]), *changed]
    return Report(EXERCISE, Verdict.RIGHT if known == () and not names else Verdict.WRONG, names, notes)


def _limits(function: Any, exam: Exam) -> list[str]:
    """Notes on what a right answer does where the network cannot be fooled, or hands out strided gradients."""
    notes = []
    way = _attempt(function, with_strided_gradients(exam.of(KEY).main[0]), exam)
    if isinstance(way, Report) or not _is_right(way, exam):
        notes.append("needs-contiguous-gradients")
    way = _attempt(function, exam.of(KEY).never_fooled, exam, **NEVER)
    if isinstance(way, Report):
        notes.append("unbounded-loop" if "never-returns" in way.mistakes else "fails-when-not-fooled")
    elif way.endless:
        notes.append("unbounded-loop")
    elif way.result is None:
        notes.append("fails-when-not-fooled")
    elif max(way.steps, way.trial.calls) < HARDEST:
        notes.append("low-step-limit")
    dead = _attempt(function, exam.of(KEY).dead_target, exam, **NEVER)
    if isinstance(dead, Way) and not np.isfinite(dead.images).all():
        notes.append("nan-on-dead-class")
    return notes


def _wrong(
    function: Any, exam: Exam, ways: Sequence[Way], special: Sequence[Way], changed: list[str], notes: list[str]
) -> Report:
    stuck = all(way.steps <= 1 and way.trial.calls > 3 and not way.endless for way in ways)  # the network saw X alone
    names = ("image-never-changed",) if stuck else _step_mistakes(ways, special, exam, SPOILING & set(changed))
    finite = [way for way in ways if np.isfinite(way.images).all()]
    stop: list[str] = []
    if names is None and len(finite) < len(ways):
        names = ("not-finite",)
    elif names is None and any(way.endless for way in ways):
        names = ("too-many-network-calls",)
    elif not stuck and _returns_input(ways):
        names = ("returns-input",)
    elif not stuck and finite and not (names is None and SPOILING & set(changed)):
        stop = _stop_mistakes(finite, special)
    if stop in (["no-stop-test"], ["other-stop-test"]) and _compares_a_score(function, exam, special[1]):
        stop = ["score-compared-with-class"]
    nothing = any(way.result is None and not way.endless for way in [*ways, *special])
    report = Report(EXERCISE, Verdict.WRONG, [*(names or ()), *stop, *changed] or ["wrong-type"] * nothing, notes)
    # where no step was seen whose direction is known, when the steps end says nothing
    nearly = sum(_is_right(way, exam) for way in ways) >= len(ways) - 1
    report.explained = bool(names) or nearly or (names == () and any(way.steps for way in ways))
    report.evidence += ["It returned None for one of the images."] * nothing
    _add_evidence(report, ways, special, exam)
    return report


def _returns_input(ways: Sequence[Way]) -> bool:
    """Return whether X comes back although the way led elsewhere."""
    return all(way.steps > 0 and way.result is not None and np.array_equal(way.result[0], way.images[0]) for way in ways)


def _step_mistakes(ways: Sequence[Way], special: Sequence[Way], exam: Exam, spoilt: Collection[str]) -> tuple[str, ...] | None:
    """Return the mistakes in the steps themselves, a tuple of ids, or None if they are not known."""
    moving = {way.case: fingerprint(way.first_changes) for way in ways if way.steps}
    for way in ways:  # many forward passes, always of the same image: steps that rounding swallows
        if not way.steps and way.trial.calls > FEW:
            moving[way.case] = fingerprint(np.zeros((1, way.images[0].size)))
    if not any(way.steps for way in ways):
        return None if moving else ()
    names = exam.known.nearest(KEY, moving, LEAST_CHANGE)
    if names is None and not spoilt:
        names = exam.known.nearest_but_for_length(KEY, moving, {"learning-rate-changed": np.ones(len(moving))})
    if names and "cross-entropy" in names and "softmax" not in names and not _moves(special[2]):
        names = tuple("softmax" if name == "cross-entropy" else name for name in names)  # a probability vanished
    return names


def _moves(way: Way) -> bool:
    """Return whether the first step on the long way has a length, and a finite one."""
    return way.steps > 0 and bool(np.isfinite(way.changes[0]).all()) and bool(np.linalg.norm(way.changes[0]) > 1e-3)


def _compares_a_score(function: Any, exam: Exam, score_is_id: Way) -> bool:
    """Return whether it stops at once where a score is, by chance, the number of the target class."""
    own = _attempt(function, exam.of(KEY).own_score_is_its_id, exam)
    return score_is_id.steps == 0 or (isinstance(own, Way) and own.steps == 0)


def _stop_mistakes(ways: Sequence[Way], special: Sequence[Way]) -> list[str]:
    """Return the mistakes in when the steps end. special: first the way of an image that is of the target class already."""
    already, too_many = special[0], [way.steps_too_many for way in ways]
    if all(way.steps == 0 and not way.endless for way in ways):
        return ["stop-test-inverted"] if already.steps > 0 else ["gives-up-early"]
    if _stops_by_another_test(ways):
        return ["other-stop-test"]
    if any((extra or 0) > 1 or (way.endless and extra) for way, extra in zip(ways, too_many, strict=True)):
        return ["no-stop-test"]
    if not any(too_many) and already.steps > 1:
        return ["no-stop-test"]
    if any(extra == 1 for extra in too_many):
        return ["one-step-too-many"]
    gave_up = [way for way in [*ways, *special[2:]] if way.steps_to_fool is None and not way.endless]
    if gave_up and max(way.steps for way in gave_up) < FEW and max(way.trial.calls for way in gave_up) < FEW:
        return ["gives-up-early"]
    if already.steps > 0:
        return ["already-fooled-image-changed"]
    return []


def _stops_by_another_test(ways: Sequence[Way]) -> bool:
    """Return whether steps follow after the network is fooled, of which there are more on one way than on another."""
    too_many = {way.steps_too_many for way in ways if way.steps_to_fool is not None}
    has_a_test = not any(way.endless for way in ways) and len({way.steps for way in ways}) > 1
    return has_a_test and len(too_many) > 1


def _add_evidence(report: Report, ways: Sequence[Way], special: Sequence[Way], exam: Exam) -> None:
    for way in ways:
        if not _is_right(way, exam):
            break
    else:
        way = next(way for way in special if not _is_right(way, exam))
    case, expected = way.case, exam.known.right(KEY, way.case)
    _, height, width = case.shape
    report.evidence.append(f"A small network ({case.name}), an image of {height} x {width} pixels, target class {case.target}.")
    comparable = case in exam.of(KEY).main
    first_wrong = next(
        (
            t
            for t in range(min(way.steps, len(expected) - 1))
            if not same(way.images[t + 1], expected[t + 1], expected[t + 1] - expected[t])
        ),
        None,
    )
    if comparable and first_wrong is not None:
        t = first_wrong
        mine, due = way.images[t + 1] - way.images[t], expected[t + 1] - expected[t]
        off = percent(relative_error(mine, due))
        report.evidence.append(f"Step {t + 1} is the first that differs: yours has {compared(mine, due)}. It is off by {off}.")
        report.evidence.append(
            "Expected: the gradient of the target's raw score alone, at the image before this step, scaled to length 1 and "
            "multiplied by learning_rate = 1."
        )
        report.yours, report.expected = mine[np.abs(due).sum(axis=(1, 2)).argmax()], due[np.abs(due).sum(axis=(1, 2)).argmax()]
        report.caption = f"step {t + 1}, in the colour that changes most"
    elif way.steps_to_fool is not None and (way.endless or way.steps_too_many):
        taken = f"after {way.steps} it had to be stopped" if way.endless else f"you take {way.steps}"
        report.evidence.append(f"The network predicts {case.target} after {way.steps_to_fool} steps; {taken}.")
        report.evidence.append("Expected: before every step, look at the scores of the current image.")
    elif way.steps_to_fool is not None:
        report.evidence.append(f"The network predicts {case.target} after {way.steps} steps, but you return another image.")
    else:
        taken = "it had to be stopped" if way.endless else "you stop"
        known = f" ({len(expected) - 1} steps are enough)" if comparable else ""
        report.evidence.append(
            f"After {way.steps} steps {taken}, and the network predicts {way.tops[-1]}, not {case.target}{known}."
        )
    if way.result is not None and comparable:
        error = relative_error(way.result, expected[-1:], expected[-1:] - way.images[:1])
        report.evidence.append(f"Overall, your change to the image differs from the expected one by {percent(error)}.")

"""The class visualization step: the known mistakes, how hidden cases are drawn, and the proof."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from ... import net_visualization_pytorch as reference
from ...checks.exercises.class_visualization_step import STEP_CALLS, StepCase, StepCases
from ...checks.fingerprints import LEAST_CHANGE
from ...checks.guard import Trial
from ...checks.judging import as_array, problem
from ...checks.report import Report, Verdict
from .arrays import double_images, double_network
from .base import ALIASES, LIMITS, Exercise, Job, about_failure, off_by, wanted
from .closeness import CLOSE, double, off
from .combining import Ids
from .drawing import ALIVE, Draw, scores_of
from .kept import Known
from .marks import Marks
from .objectives import OBJECTIVES, own_score
from .steps import (
    FREQUENT,
    LENGTHS,
    MEMORIES,
    ByFunction,
    Keeps,
    Memory,
    Row,
    changes_of,
    column,
    fingerprints_of,
    gradients_at,
    is_known_way,
    over_norm,
    rows,
    ways_of,
)

# Of these and those of all steps three may come together.
FREQUENT_HERE = FREQUENT | {
    *("regulariser-missing", "regulariser-wrong-sign", "regulariser-not-squared", "regulariser-halved"),
    *("regulariser-not-normalised", "learning-rate-ignored", "regulariser-without-learning-rate"),
}
# Mistakes of which only the gradient of the objective is known, beside some share of the image.
OF_THE_REGULARISER = {
    *("regulariser-missing", "regulariser-wrong-sign", "regulariser-not-squared", "regulariser-halved"),
    *("regulariser-other-size", "regulariser-detached", "regulariser-on-weights", "regulariser-on-scores"),
    "regulariser-without-learning-rate",
}
ALIASES_HERE = (
    ("regulariser-detached", "regulariser-missing"),
    ("regulariser-on-weights", "regulariser-missing"),
    ("regulariser-on-scores", "regulariser-missing"),  # on the one score that is raised
    *ALIASES,
)

# The regulariser's part of the direction: functions of the image x, l2_reg, and the gradients of the sum of the squares of the
# scores, of their norm, and of the square of the own score.
REGULARISERS = (
    ((), lambda x, reg, squares, norm, own: -2 * reg * x),
    (("regulariser-missing",), lambda x, reg, squares, norm, own: 0 * x),
    (("regulariser-wrong-sign",), lambda x, reg, squares, norm, own: 2 * reg * x),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * over_norm(x)),
    (("regulariser-not-squared", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * over_norm(x)),
    (("regulariser-halved",), lambda x, reg, squares, norm, own: -reg * x),
    (("regulariser-halved", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * x),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * squares),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * norm),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * own),
    (("regulariser-on-scores", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * squares),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -2 * reg * over_norm(x)),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * x / x.norm(dim=0, keepdim=True)),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * x / x.norm(dim=(1, 2), keepdim=True)),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -reg * x.sign()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -2 * reg * x.sign()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -3 * reg * x * x.abs()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -4 * reg * x**3),
    (("regulariser-other-norm", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * x.sign()),
    (("regulariser-constant",), lambda x, reg, squares, norm, own: -reg * torch.ones_like(x)),
    (("regulariser-constant",), lambda x, reg, squares, norm, own: reg * torch.ones_like(x)),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * reg * x / x.numel()),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -4 * reg * x),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * x),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * reg**2 * x),
)

# From the score's gradient g and the regulariser's part r to the change of the image, for the learning rate.
STEPS = (
    ((), lambda g, r, rate: rate * (g + r)),
    ((), lambda g, r, rate: rate * over_norm(g + r)),
    (("regulariser-not-normalised",), lambda g, r, rate: rate * (over_norm(g) + r)),
    (("regulariser-not-normalised", "regulariser-without-learning-rate"), lambda g, r, rate: rate * over_norm(g) + r),
    (("regulariser-without-learning-rate",), lambda g, r, rate: rate * g + r),
    (("learning-rate-ignored",), lambda g, r, rate: g + r),
    (("learning-rate-ignored",), lambda g, r, rate: over_norm(g + r)),
    (("learning-rate-ignored", "regulariser-not-normalised"), lambda g, r, rate: over_norm(g) + r),
    (("squared-norm",), lambda g, r, rate: rate * (g + r) / (g + r).square().sum()),
    (("divided-by-sum",), lambda g, r, rate: rate * (g + r) / (g + r).sum()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().amax()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().sum()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().mean()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).std()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r).sign()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).norm(dim=0, keepdim=True).clamp(min=1e-12)),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).norm(dim=(1, 2), keepdim=True)),
    (("learning-rate-changed",), lambda g, r, rate: rate**2 * (g + r)),
    (("learning-rate-changed",), lambda g, r, rate: rate**2 * over_norm(g + r)),
)

# (what is kept, whether the regulariser is in it; if not, it is added by hand, afresh each time)
STEP_MEMORIES = (
    *((ids, (kept, True)) for ids, kept in MEMORIES),
    (("gradient-accumulates",), (Keeps.SUM, False)),
    (("gradient-accumulates",), (Keeps.DIVIDED_SUM, False)),
)

STEP_SIGNS = (
    ((), (1.0, 1.0)),
    (("wrong-direction",), (-1.0, -1.0)),
    (("wrong-direction",), (-1.0, 1.0)),
)


def known_answers(
    network: torch.nn.Module,
    X: torch.Tensor,
    target: int,
    l2_reg: float,
    learning_rate: float,
    steps: int,
    at_most: int = 3,
    wanted: frozenset[str] | None = None,
) -> list[tuple[Ids, torch.Tensor]]:
    """Return [(ids, path (steps + 1, 3, H, W))] of several calls for the combinations of up to `at_most` choices.

    Two are right: first the raw step, then the normalised one. wanted: a frozenset of ids, to compute what makes exactly these
    mistakes and nothing else; None for all.
    """
    choices = rows(at_most, wanted, FREQUENT_HERE, OBJECTIVES, STEPS, STEP_SIGNS, REGULARISERS, STEP_MEMORIES)
    return ways_of(choices, X, lambda some: _ways_of_some(some, network, X, target, l2_reg, learning_rate, steps))


def _ways_of_some(
    some: Sequence[Row], network: torch.nn.Module, X: torch.Tensor, target: int, l2_reg: float, learning_rate: float, steps: int
) -> torch.Tensor:
    """Return the paths (rows, steps + 1, 3, H, W) of rows (objective, ids, choices)."""
    objectives, all_ids, chosen = zip(*some, strict=True)
    to_changes, signs, regularisers, memories = zip(*chosen, strict=True)
    sign, reg_sign = (column(own, X) for own in zip(*signs, strict=True))
    kept, of_the_whole = zip(*memories, strict=True)
    memory, together = Memory(kept), column(of_the_whole, X)  # 1 where the memory is of the whole gradient
    step, regulariser = ByFunction(to_changes), ByFunction(regularisers)
    l2_regs, learning_rates = (torch.full((len(some),), number, dtype=X.dtype) for number in (l2_reg, learning_rate))
    on_scores = [row for row, ids in enumerate(all_ids) if "regulariser-on-scores" in ids]
    of_scores = [objective for objective in OF_SCORES for _ in on_scores]
    paths = [X.expand(len(some), -1, -1, -1)]
    for number in range(steps):
        x = paths[-1]
        asked = torch.cat([x, *([x[on_scores]] * len(OF_SCORES))]) if number else X
        gradients, beside = gradients_at(network, target, [*objectives, *of_scores], asked).split([len(x), len(of_scores)])
        scores = torch.zeros(len(OF_SCORES), *x.shape, dtype=x.dtype)
        scores[:, on_scores] = beside.unflatten(0, (len(OF_SCORES), -1))
        g, r = sign * gradients, reg_sign * regulariser(x, l2_regs, *scores)
        remembered = torch.where(together > 0, r, 0)
        g = memory.remembered(g + remembered) - remembered  # the step adds r once more
        paths.append(x + step(g, r, learning_rates))
    return torch.stack(paths, dim=1)


def _sum_of_squares(scores: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return scores.square().sum(dim=1)


def _norm(scores: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return scores.norm(dim=1)


def _own_square(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return own_score(scores, y).square()


OF_SCORES = _sum_of_squares, _norm, _own_square


@dataclasses.dataclass(frozen=True)
class Given:
    """What the exercise is given for the second photograph, in two calls.

    Parameters
    ----------
    target : int
        The class.
    l2_reg, learning_rate : float
        Those of the calls.
    steps : dict
        {"raw" or "normalised": the right changes (1, 3, 224, 224) after both}.
    """

    target: int
    l2_reg: float
    learning_rate: float
    steps: dict[str, torch.Tensor]


class _ClassVisualizationStep(Exercise):
    key = "class_visualization_step"
    least = LEAST_CHANGE
    drawing_seconds = 4.0
    beside_the_values = frozenset({"not-in-place"})

    def right(self, cases: StepCases) -> dict[StepCase, np.ndarray]:
        """The reference's way, normalised, after the raw one, which counts as right as well."""
        found = {}
        for case in cases.main:
            raw, normalised = (path.numpy() for ids, path in _answers(case, at_most=0))
            network, img = double_network(case), double_images(case).requires_grad_()
            way = [img.detach()[0].numpy().copy()]
            for _ in range(STEP_CALLS):
                reference.class_visualization_update_step(img, network, case.target, case.l2_reg, case.learning_rate)
                way.append(img.detach()[0].numpy().copy())
            np.testing.assert_allclose(normalised, way, atol=1e-9)
            found[case] = np.stack([raw, normalised])
        return found

    def known(self, cases: StepCases) -> dict[StepCase, Marks]:
        return {case: fingerprints_of(_answers(case)) for case in cases.main}

    def known_large(self, cases: StepCases) -> dict[StepCase, Marks]:
        return {cases.large: fingerprints_of(_answers_of_large(cases.large))}

    def drawn(self, cases: StepCases, draw: Draw) -> StepCases:
        return StepCases(tuple(_drawn(case, draw) for case in cases.main), _drawn(cases.large, draw))

    def on_photographs(self, X: torch.Tensor, best: torch.Tensor, model: torch.nn.Module, random: np.random.Generator) -> Given:
        l2_reg, learning_rate = float(random.uniform(0.5e-3, 2e-3)), float(random.uniform(3, 9))
        target = int(best[1, random.integers(1, 5)])
        steps = {form: _two_steps(X[1:2], model, target, l2_reg, learning_rate, form) for form in ("raw", "normalised")}
        return Given(target, l2_reg, learning_rate, steps)

    def failure(self, job: Job, known: Known, notes: list[str]) -> Report | None:
        trials, changes, failure = self._called(job, known)
        if failure is not None:
            return failure
        if len(changes) < 2:
            return self.failed("the image is not changed in place.")
        error = min(off(changes[1], double(right[0])) for right in known.photographs.given[self.key].steps.values())
        if not error <= CLOSE:
            return self.failed(f"the change of the image by two calls is {off_by(error)}.")
        return self.of_side_effects(trials)

    def unlike(self, job: Job, known: Known, ids: frozenset[str]) -> tuple[str | None, list[Trial]]:
        """Compare two calls."""
        trials, changes, failure = self._called(job, known)
        if failure is not None:
            return about_failure(failure), trials
        if not len(changes):
            return "it does not change the image.", trials
        ways, image = partial(self._steps_on_photographs, known), double(known.photographs.X[1])
        alike = is_known_way(changes, ids, ways, ALIASES_HERE, lambda change: _beside(change, image))
        if not alike and OF_THE_REGULARISER & ids:
            alike = self._of_two_parts(changes[0], known, ids - OF_THE_REGULARISER - set(LENGTHS))
        return None if alike else f"its changes of the image are {wanted(ids)}.", trials

    def _of_two_parts(self, change: np.ndarray, known: Known, objective: frozenset[str]) -> bool:
        """Return whether a change is the gradient of the objective plus some share of the image, the gradient not being lost."""
        image = double(known.photographs.X[1]).ravel()
        for step in self._steps_on_photographs(known, objective | {"regulariser-missing"}):
            basis = np.stack([double(step[0]).ravel(), image], axis=1)
            if np.isfinite(basis).all() and np.isfinite(change).all():
                shares, *_ = np.linalg.lstsq(basis, change.ravel(), rcond=None)
                seen = shares[0] * np.linalg.norm(basis[:, 0]) > 2 * CLOSE * np.linalg.norm(change)
                if seen and off(basis @ shares, change.ravel()) <= CLOSE:
                    return True
        return False

    def _called(self, job: Job, known: Known) -> tuple[list[Trial], np.ndarray, Report | None]:
        """Return (trials, changes (calls, 3, H, W) of the image, Report of why there are none or None) of two calls."""
        X, given = known.photographs.X, known.photographs.given[self.key]
        img, images = X[1:2].clone().requires_grad_(), [double(X[1])]
        trials: list[Trial] = []
        for _ in range(2):
            numbers = given.target, given.l2_reg, given.learning_rate
            trial = job.run(None, img, known.network, *numbers, network=known.network, **LIMITS)
            trials.append(trial)
            failure = problem(self.function, trial, "SqueezeNet and a photograph")
            if failure is None and img.shape != X[1:2].shape:
                failure = Report(self.function, Verdict.WRONG, ["wrong-shape"])
            if failure is not None:
                return trials, np.empty(0), failure
            image = double(img.detach()[0])
            if np.array_equal(image, images[-1]):  # not in place: what it returns would have been the image
                value = None if trial.value is None else as_array(trial, trial.value, img)
                if len(images) == 1 and value is not None and value.shape == img.shape:
                    images.append(value[0])
                break
            images.append(image)
        return trials, np.stack(images)[1:] - images[0], None

    def _steps_on_photographs(self, known: Known, ids: frozenset[str]) -> Sequence[torch.Tensor]:
        """Return the changes of the image (2, 3, H, W) after two calls that the mistakes `ids` can give."""
        X, given = known.photographs.X[1:2], known.photographs.given[self.key]
        numbers = given.target, given.l2_reg, given.learning_rate, 2
        return known.once((self.key, ids), lambda: changes_of(known_answers(known.network, X, *numbers, wanted=ids)))


def _beside(change: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return a change less its share of the image: beside a large regulariser a missing gradient would not be seen."""
    return change - (change * image).sum() / np.square(image).sum() * image


def _answers(case: StepCase, at_most: int = 3) -> list[tuple[Ids, torch.Tensor]]:
    numbers = case.target, case.l2_reg, case.learning_rate, STEP_CALLS
    return known_answers(double_network(case), double_images(case), *numbers, at_most)


def _answers_of_large(case: StepCase) -> list[tuple[Ids, torch.Tensor]]:
    """In float32, as a student's function computes: float64 takes seconds here, and one mistake leads nowhere else in it."""
    numbers = case.target, case.l2_reg, case.learning_rate, STEP_CALLS
    return known_answers(case.network(), case.images(), *numbers, at_most=1)


def _drawn(case: StepCase, draw: Draw) -> StepCase:
    """Return another case with other numbers, of the size of the given ones; its score can move unless its class is dead."""
    drawn = draw.dead_class(case) if case.dead_class else _alive(case, draw)
    factors = draw.random.uniform(0.7, 1.4, size=2)
    l2_reg, learning_rate = round(case.l2_reg * factors[0], 5), round(case.learning_rate * factors[1], 3)
    return dataclasses.replace(drawn, l2_reg=float(l2_reg), learning_rate=float(learning_rate))


def _alive(case: StepCase, draw: Draw) -> StepCase:
    while True:
        drawn = draw.target(draw.again(case))
        if abs(scores_of(drawn)[0, drawn.target]) > ALIVE:
            return drawn


def _two_steps(
    X: torch.Tensor, model: torch.nn.Module, target: int, l2_reg: float, learning_rate: float, form: str
) -> torch.Tensor:
    img = X.clone().requires_grad_()
    for _ in range(2):
        (ascent,) = torch.autograd.grad(model(img)[0, target] - l2_reg * img.square().sum(), img)
        length = ascent.norm() if form == "normalised" else 1
        img = (img + learning_rate * ascent / length).detach().requires_grad_()
    return (img - X).detach()


EXERCISE = _ClassVisualizationStep()

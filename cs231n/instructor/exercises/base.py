"""What an instructor knows of one exercise: the base of every file's EXERCISE."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from ...checks.exercises import function_of
from ...checks.guard import Trial
from ...checks.judging import side_effects
from ...checks.report import Report, Verdict
from .drawing import Draw
from .kept import Known
from .marks import Marks

# Other names under which the same effect is known: (as it was named, as it is known).
ALIASES = (("softmax", "cross-entropy"),)  # of one image the direction is the same
LIMITS = {"seconds": 60.0, "calls": 10_000}  # for one call on SqueezeNet; a right one takes a second


class Specimen(NamedTuple):
    """Two solutions, as the source of a function, with which a grader examines itself before it judges a submission.

    Attributes
    ----------
    right, wrong : str
        What has to come out as right, and what has to come out as wrong.
    """

    right: str
    wrong: str


class Job(Protocol):
    """Where a student's function is defined, and can be called with SqueezeNet."""

    def run(self, _: object, *arguments: Any, network: torch.nn.Module | None, **limits: Any) -> Trial:
        """Call the function; see checks.guard.run. The first argument, where that has the function, does not count."""


class Exercise(abc.ABC):
    """What is known of an exercise.

    Attributes
    ----------
    key : str
        Its name in assignment.toml, and that of its file.
    least : float
        The size from which on differences between fingerprints count in relation to it: see checks.fingerprints.distance.
    beside_the_values : frozenset of str
        Ids of mistakes of which nothing is seen in the values that are compared on SqueezeNet.
    without_result : frozenset of str
        Ids of mistakes that leave no result to be compared there; the rubric gives nothing for them.
    specimen : Specimen or None
        One exercise has one.
    drawing_seconds : float
        About how long its cases take to be drawn, with their fingerprints: what takes longest is begun first.
    """

    key: str
    least = 0.0
    beside_the_values: frozenset[str] = frozenset()
    without_result: frozenset[str] = frozenset()
    specimen: Specimen | None = None
    drawing_seconds = 1.0

    @property
    def function(self) -> str:
        """The name of the function that a student writes."""
        return function_of(self.key)

    # The fingerprints

    @abc.abstractmethod
    def right(self, cases: Any) -> dict[Any, np.ndarray]:
        """Return {case: what is right}."""

    @abc.abstractmethod
    def known(self, cases: Any) -> dict[Any, Marks]:
        """Return {case: [(ids of mistakes, fingerprints (T, LENGTH))]} of the small cases that name a mistake."""

    def known_large(self, cases: Any) -> dict[Any, Marks]:
        """Return the same of the case of the notebook's sizes; by default there is none."""
        return {}

    def gradients(self, cases: Any, right: dict[Any, np.ndarray]) -> dict[Any, np.ndarray]:
        """Return {case: the gradient with respect to the images} that a check needs besides; by default none."""
        return {}

    # The hidden cases

    @abc.abstractmethod
    def drawn(self, cases: Any, draw: Draw) -> Any:
        """Return other cases for the same roles."""

    # The proof on SqueezeNet

    def on_photographs(self, X: torch.Tensor, best: torch.Tensor, model: torch.nn.Module, random: np.random.Generator) -> Any:
        """Return what a run keeps for this exercise: what is drawn for it besides the photographs, and what takes its time.

        X: (5, 3, 224, 224), preprocessed. best: (5, 1000), each photograph's classes, the best ones first.
        """
        return None

    @abc.abstractmethod
    def failure(self, job: Job, known: Known, notes: list[str]) -> Report | None:
        """Return the Report of what is not right about a function that small networks call right, or None."""

    @abc.abstractmethod
    def unlike(self, job: Job, known: Known, ids: frozenset[str]) -> tuple[str | None, list[Trial]]:
        """Return (what is not as the mistakes `ids` have it, or None; the trials)."""

    def failed(self, seen: str) -> Report:
        """Return the Report of a function that is right on small networks only."""
        return Report(
            self.function, Verdict.WRONG, evidence=[f"It is correct on small networks. On SqueezeNet and photographs {seen}"]
        )

    def of_side_effects(self, trials: list[Trial]) -> Report | None:
        """Return the Report of what calls changed that is not theirs to change, or None."""
        changed, _ = side_effects(trials)
        return Report(self.function, Verdict.WRONG, changed) if changed else None


def off_by(off: float) -> str:
    """Say how far off a result is."""
    return f"off by {100 * off:.0f} %" if np.isfinite(off) else "not finite, or not of the right form"


def wanted(ids: frozenset[str]) -> str:
    """Say that a result is not that of the mistakes."""
    return "not those of this mistake" if ids else "not right besides"


def about_failure(failure: Report | None) -> str:
    """Say why there is no result. failure: the Report of it, None for a result that is not a float tensor."""
    if failure is None:
        return "what it returns is no float tensor."
    if failure.verdict is Verdict.BROKEN:
        return "it ends in an error."
    return "it does not come back." if failure.mistakes else "it returns nothing."

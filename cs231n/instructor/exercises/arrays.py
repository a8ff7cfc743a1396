"""What exercises that return one array have in common: fingerprints, hidden cases, the proof on SqueezeNet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ...checks.cases import Batches
from ...checks.guard import Trial
from ...checks.judging import as_array, problem
from ...checks.report import Report
from .base import ALIASES, LIMITS, Exercise, Job, about_failure, off_by, wanted
from .closeness import CLOSE, double, each_along, equal, off, spelt
from .drawing import Draw
from .kept import Known
from .marks import Marks, marks_of

ALL = 5  # photographs


class ArrayExercise(Exercise):
    """An exercise that returns one array.

    Attributes
    ----------
    noun : str
        What it returns, such as "maps".
    photographs : int
        How many it is given at first; all five if it fails with these.
    large_mistakes : int
        How many mistakes are combined at most on the images of the notebook's size: 0 where they would take long.
    takes_network : bool
        Whether the third argument is the network.
    solution : function
        That of the kit.
    known_answers : function
        Of the same arguments, `at_most` and `wanted`; it yields (ids, array): what known mistakes give, and what is right.
    """

    noun: str
    photographs = 2
    large_mistakes = 0
    takes_network = True
    solution: Callable[..., torch.Tensor]
    known_answers: Callable[..., Iterator]

    def right(self, cases: Batches) -> dict[Any, np.ndarray]:
        return {case: self.solution(*double_arguments(case)).numpy() for case in (*cases.main, *cases.other)}

    def known(self, cases: Batches) -> dict[Any, Marks]:
        return {case: self._fingerprints(case) for case in cases.main}

    def known_large(self, cases: Batches) -> dict[Any, Marks]:
        return {case: self._fingerprints(case, at_most=self.large_mistakes) for case in [cases.large] if case is not None}

    def _fingerprints(self, case: Any, **limit: int) -> Marks:
        answers = self.known_answers(*double_arguments(case), **limit)
        return marks_of((ids, array[None].numpy()) for ids, array in answers)

    def drawn(self, cases: Batches, draw: Draw) -> Batches:
        main, other = (tuple(self.drawn_case(case, draw) for case in some) for some in (cases.main, cases.other))
        return Batches(main, other, cases.large and draw.labels(cases.large))

    def drawn_case(self, case: Any, draw: Draw) -> Any:
        """Return another case for the role of this one."""
        return draw.labels(case)

    # The proof on SqueezeNet

    def given(self, X: torch.Tensor, y: torch.Tensor, n: int, random: torch.Generator) -> tuple[Any, ...]:
        """Return what the function is given for the first n photographs, without the network. random: for what is drawn."""
        return X, y

    def arguments(self, known: Known, n: int) -> list[Any]:
        """Return the same with the network, in memory of its own."""
        photographs = known.photographs
        random = torch.Generator().manual_seed(photographs.seed)
        given = self.given(photographs.X[:n], photographs.y[:n], n, random)
        fresh = [value.contiguous().clone() if torch.is_tensor(value) else value for value in given]
        return [*fresh[:2], known.network, *fresh[2:]] if self.takes_network else fresh

    def right_on_photographs(self, known: Known, n: int) -> torch.Tensor:
        """Return the right array for the first n photographs."""
        return known.once((self.key, n), lambda: [self.solution(*self.arguments(known, n)).detach()])[0]

    def mistaken(self, known: Known, n: int, ids: frozenset[str]) -> Any:
        """Return the arrays that the mistakes `ids` together can give for the first n photographs, each made when asked for."""

        def make() -> Iterator:
            return (array for _, array in self.known_answers(*self.arguments(known, n), wanted=ids))

        return known.once((self.key, n, ids), make) if ids else [self.right_on_photographs(known, n)]

    def failure(self, job: Job, known: Known, notes: list[str]) -> Report | None:
        n = ALL if {"fixed-batch-size", "fixed-sizes"} & set(notes) else self.photographs
        trial, found, failure = self._result(job, known, n)
        if failure is not None:
            return failure
        error = np.inf if found is None else off(found, double(self.right_on_photographs(known, n)))
        if not error <= CLOSE:
            return self.failed(f"its {self.noun} are {off_by(error)}.")
        return self.of_side_effects([trial])

    def unlike(self, job: Job, known: Known, ids: frozenset[str]) -> tuple[str | None, list[Trial]]:
        trials: list[Trial] = []
        for n in sorted({self.photographs, ALL}):
            trial, found, failure = self._result(job, known, n)
            trials.append(trial)
            if failure is None and found is not None:
                break
        else:
            return about_failure(failure), trials
        alike = any(equal(found, array) for other in spelt(ids, ALIASES) for array in self.mistaken(known, n, other)) or (
            "rescaled" in ids and any(each_along(found, array) for array in self.mistaken(known, n, ids - {"rescaled"}))
        )
        unlike = f"its {self.noun} are {wanted(ids)}." if found.any() else f"its {self.noun} are 0 everywhere."
        return None if alike else unlike, trials

    def _result(self, job: Job, known: Known, n: int) -> tuple[Trial, np.ndarray | None, Report | None]:
        """Return (trial, its array or None, Report of why there is none or None)."""
        arguments = self.arguments(known, n)
        network = known.network if self.takes_network else None
        trial = job.run(None, *arguments, network=network, **LIMITS)
        failure = problem(self.function, trial, "SqueezeNet and photographs")
        value = trial.value[0] if isinstance(trial.value, tuple) and trial.value else trial.value
        return trial, None if failure else as_array(trial, value, arguments[0]), failure


def double_arguments(case: Any) -> list[Any]:
    """Return what an exercise is called with, in double precision."""
    arguments = case.arguments(double_network(case) if case.network else None)
    return [value.double() if torch.is_tensor(value) and value.is_floating_point() else value for value in arguments]


def double_network(case: Any) -> torch.nn.Module:
    """Return the network of a case in double precision."""
    return case.network().double()


def double_images(case: Any) -> torch.Tensor:
    """Return the images of a case in double precision."""
    return case.images().double()

"""The check of an exercise that returns one array: call it on small cases, compare value by value, name the mistake."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from . import cases
from .fingerprints import TOLERANCE, fingerprint, is_constant
from .guard import Trial
from .judging import SPOILING, as_array, kind, percent, problem, relative_error, same, side_effects
from .report import Report, Verdict
from .sizes import examined_in_other_sizes

if TYPE_CHECKING:
    from .exam import Exam
    from .networks import SmallNetwork


class Rescaled(enum.Enum):
    """When a result that is the right one times a factor, plus perhaps an offset, for each image is called rescaled."""

    NEVER = enum.auto()
    IF_BY_THE_MAP = enum.auto()  # where the factor comes from the map, not from what was differentiated
    ALWAYS = enum.auto()  # the right maps themselves are made of more than a gradient


class ArrayCase(Protocol):
    """A case of such an exercise: one of those in `cases`, or of the exercise's own kind."""

    @property
    def network(self) -> Callable[[], SmallNetwork] | None:
        """Makes the network; None for an exercise that takes none."""

    @property
    def target(self) -> Any:
        """The N labels; None for an exercise that takes none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the images, (N, ...)."""

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Of what is right for them, (N, ...)."""

    def arguments(self, network: Any) -> tuple[Any, ...]:
        """Return what the function is called with."""

    def about(self) -> str:
        """Describe the images."""

    def about_image(self, n: int) -> str:
        """Describe the n-th image."""


@dataclass(frozen=True)
class ArrayCheck:
    """The check of one exercise.

    Parameters
    ----------
    exercise : str
        The function's name.
    key : str
        Of its cases in an Exam, and of what the fingerprints hold of them.
    noun : str
        What the exercise returns for an image, such as "map".
    evidence : function
        Of (case, n, place, mine, exam); it returns sentences on a wrong result `mine` for the n-th image of a case, which is
        furthest off at `place`.
    in_frames : bool
        See sizes.
    rescaled : Rescaled
        Which results are called rescaled ones.
    """

    exercise: str
    key: str
    noun: str
    evidence: Callable[[Any, int, tuple[int, ...], np.ndarray, Exam], list[str]]
    in_frames: bool = True
    rescaled: Rescaled = Rescaled.IF_BY_THE_MAP

    def examine(self, function: Any, exam: Exam) -> Report:
        """Return the Report on a function."""
        report = self._examine(function, exam)
        if report.verdict is not Verdict.BROKEN and "wrong-shape" not in report.mistakes:
            return report
        found = self._of_another_size(function, exam)
        if found or exam.of(self.key).large is None:
            return found or report
        return examined_in_other_sizes(report, self._examine, self._examine_large, function, exam, self.in_frames)

    def _examine(self, function: Any, exam: Exam) -> Report:
        trials: list[Trial] = []
        found: dict[ArrayCase, np.ndarray] = {}
        for case in exam.of(self.key).main:
            trial, array, failure = self._attempt(function, case, exam)
            trials.append(trial)
            if failure is not None:
                return failure
            assert array is not None  # or there would be a failure
            found[case] = array
        if not all(same(array, self._right(case, exam)) for case, array in found.items()):
            return self._wrong(found, trials, exam)
        return self._other_batch_sizes(function, exam, trials)

    def _right(self, case: ArrayCase, exam: Exam) -> np.ndarray:
        return exam.known.right(self.key, case)

    def _attempt(self, function: Any, case: ArrayCase, exam: Exam) -> tuple[Trial, np.ndarray | None, Report | None]:
        """Return (trial, result as an array or None, Report of what is wrong with its form or None)."""
        network = case.network().to(exam.device) if case.network else None
        given, arguments = (
            [value.to(exam.device) if torch.is_tensor(value) else value for value in case.arguments(network)] for _ in range(2)
        )
        trial = exam.run(function, *arguments, network=network)
        failure = problem(self.exercise, trial, case.about())
        if failure is not None:
            return trial, None, failure
        unchanged = all(_unchanged(now, before) for now, before in zip(arguments, given, strict=True) if torch.is_tensor(before))
        if not unchanged:
            trial.changed.add("input-changed")
        value, role = trial.value, exam.of(self.key)
        if value is None and case is not role.main[0] and case is not role.large:
            seen = f"Given {case.about()}, it returned None."
            return trial, None, Report(self.exercise, Verdict.WRONG, ["wrong-type"], evidence=[seen])
        if value is None or (value is arguments[0] and unchanged and not trial.calls):
            advice = ["It calls the network, but returns None: is the `return` missing?"] if trial.calls else []
            return trial, None, Report(self.exercise, Verdict.UNFINISHED, evidence=advice)
        if isinstance(value, tuple) and value and torch.is_tensor(value[0]):  # torch.max along a dimension gives two things
            trial.changed.add("wrong-type")
            value = value[0]
        array = as_array(trial, value, given[0])
        came = f"Given {case.about()}, it returned {kind(trial.value)}; expected a float tensor of shape {case.result_shape}."
        if array is None:
            return trial, None, Report(self.exercise, Verdict.WRONG, ["wrong-type"], evidence=[came])
        if array.shape != case.result_shape:
            if array.ndim == 4 and array.shape[1] == 3 and len(case.result_shape) == 3:
                came += " It still has the three colours."
            return trial, array, Report(self.exercise, Verdict.WRONG, ["wrong-shape"], evidence=[came])
        return trial, cases.cropped(case, array), None

    def _of_another_size(self, function: Any, exam: Exam) -> Report | None:
        """Return the Report of maps that have the size of the feature map, if their values are known ones, or None."""
        trials: list[Trial] = []
        found: dict[ArrayCase, np.ndarray] = {}
        report: Report | None = None
        for case in exam.of(self.key).main:
            trial, array, failure = self._attempt(function, case, exam)
            if array is None or array.ndim != len(case.result_shape) or array.size >= np.prod(case.result_shape):
                return None
            trials.append(trial)
            found[case], report = fingerprint(array[None]), report or failure
        mistakes = exam.known.nearest(self.key, found) or ()
        if report is None or "not-resized" not in mistakes:
            return None
        changed, report.notes = side_effects(trials)
        report.mistakes = [*mistakes, *changed]
        return report

    def _examine_large(self, function: Any, exam: Exam) -> Report | None:
        """Return the Report on images of the notebook's size, or None if the function fails with them, too."""
        case = exam.of(self.key).large
        trial, array, failure = self._attempt(function, case, exam)
        if failure is not None or array is None:
            return None
        mistakes = exam.known.nearest(f"{self.key}-224", {case: fingerprint(array[None])})
        changed, notes = side_effects([trial])
        verdict = Verdict.RIGHT if mistakes == () and not changed else Verdict.WRONG
        return Report(self.exercise, verdict, [*(mistakes or ()), *changed], notes)

    def _other_batch_sizes(self, function: Any, exam: Exam, trials: list[Trial]) -> Report:
        failing: list[ArrayCase] = []
        for case in exam.of(self.key).other:
            trial, array, failure = self._attempt(function, case, exam)
            if failure is not None or array is None:
                failing.append(case)
            elif not same(array, self._right(case, exam)):
                return self._wrong({case: array}, [*trials, trial], exam)
            trials.append(trial)
        mistakes, notes = side_effects(trials)
        if failing:
            only_one = all(case.shape[0] == 1 for case in failing)
            notes.append("fails-for-one-image" if only_one else "fixed-batch-size")
        elif self._fails_with_strided_gradients(function, exam):
            notes.append("needs-contiguous-gradients")
        return Report(self.exercise, Verdict.WRONG if mistakes else Verdict.RIGHT, mistakes, notes, _of_type(mistakes, trials))

    def _fails_with_strided_gradients(self, function: Any, exam: Exam) -> bool:
        case = exam.of(self.key).main[0]
        if case.network is None or isinstance(case, cases.Framed):
            return False
        _, array, failure = self._attempt(function, cases.with_strided_gradients(case), exam)
        return failure is not None or array is None or not same(array, self._right(case, exam))

    def _wrong(self, found: Mapping[ArrayCase, np.ndarray], trials: Sequence[Trial], exam: Exam) -> Report:
        main = exam.of(self.key).main
        mistakes = exam.known.nearest(self.key, {case: fingerprint(array[None]) for case, array in found.items() if case in main})
        changed, notes = side_effects(trials)
        if mistakes is None and not SPOILING & set(changed):
            # what belongs to images whose result is not 0 everywhere
            alive = {case: self._right(case, exam).reshape(len(array), -1).any(axis=1) for case, array in found.items()}
            live = [(array[alive[case]], self._right(case, exam)[alive[case]]) for case, array in found.items()]
            if self._rescaled(live):
                mistakes = ("rescaled",)
            elif not all(np.isfinite(mine).all() for mine, _ in live):
                mistakes = ("not-finite",)
        fitting = [case for case, array in found.items() if same(array, self._right(case, exam))]
        report = Report(self.exercise, Verdict.WRONG, [*(mistakes or ()), *changed], notes, _of_type(changed, trials))
        report.explained = bool(mistakes) or 1 < len(found) <= len(fitting) + 1  # in training mode one network differs
        self._add_evidence(report, found, next(case for case in found if case not in fitting), exam)
        return report

    def _rescaled(self, results: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
        """Return whether all results (mine, due), each (N, ...), are the right ones times a factor, plus perhaps an offset.

        A factor of its own for each image can come from what was differentiated, too, such as a function of the score. It comes
        from the map where something about the map is the same for all images, or where there is an offset.
        """
        if self.rescaled is Rescaled.NEVER:
            return False
        results = [(mine.reshape(len(mine), -1), due.reshape(len(due), -1)) for mine, due in results]
        fits = [fit for mine, due in results if (fit := _affine(mine, due)) is not None]
        if len(fits) < len(results):
            return False
        factors, offsets = np.concatenate(fits, axis=1)
        sizes = np.concatenate([np.abs(mine).max(axis=1) for mine, _ in results])
        if self.rescaled is Rescaled.ALWAYS or (np.abs(offsets) > TOLERANCE * sizes).any() or is_constant(factors):
            return True
        by_image = [np.concatenate([size(mine, axis=1) for mine, _ in results]) for size in SIZES]
        by_batch = [np.array([size(mine.ravel(), axis=0) for mine, _ in results]) for size in SIZES]
        return any(map(is_constant, [*by_image, *by_batch]))

    def _add_evidence(self, report: Report, found: Mapping[ArrayCase, np.ndarray], case: ArrayCase, exam: Exam) -> None:
        mine, due = found[case], self._right(case, exam)
        n = int(np.argmax([relative_error(mine[n], due[n], due) for n in range(len(mine))]))
        mine, due = mine[n], due[n]
        gap = np.nan_to_num(np.abs(mine - due), nan=np.inf)
        place = tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape))
        *colour, row, column = place
        report.evidence.append(
            f"{case.about_image(n)}, {f'colour {colour[0]}, ' if colour else ''}pixel ({row}, {column}): your {self.noun} has "
            f"{mine[place]:.4f}, expected {due[place]:.4f}."
        )
        report.evidence += self.evidence(case, n, place, mine, exam)
        likeness = (
            np.corrcoef(mine.ravel(), due.ravel())[0, 1] if np.isfinite(mine).all() and mine.std() > 0 < due.std() else np.nan
        )
        report.evidence.append(
            f"Overall, this {self.noun} is off by {percent(relative_error(mine, due))}; its correlation with the correct one is "
            f"{likeness:.2f}{', so the picture would look fine' if likeness > 0.6 else ''}."
        )
        report.yours, report.expected = (array.sum(axis=0) if array.ndim == 3 else array for array in (mine, due))
        label = f", label {case.target[n]}" if case.network else ""
        report.caption = f"{self.noun} of image {n}{label}{', summed over the colours' if colour else ''}"


def _unchanged(now: torch.Tensor, before: torch.Tensor) -> bool:
    return now.shape == before.shape and now.dtype == before.dtype and torch.equal(now.detach().to(before.device), before)


def _of_type(mistakes: Collection[str], trials: Sequence[Trial]) -> list[str]:
    return [f"It returned {kind(trials[0].value)}; expected a tensor alone."] if "wrong-type" in mistakes else []


SIZES = (np.max, np.sum, np.mean, np.std, np.linalg.norm, np.ptp, lambda values, axis: np.abs(values).sum(axis=axis))


def _affine(mine: np.ndarray, due: np.ndarray) -> np.ndarray | None:
    """Return (factors, offsets), (2, N), where each image's values are factor * due + offset, the factor > 0; else None."""
    centred = due - due.mean(axis=1, keepdims=True)
    factors = (mine * centred).sum(axis=1) / np.maximum(np.square(centred).sum(axis=1), 1e-30)
    offsets = mine.mean(axis=1) - factors * due.mean(axis=1)
    fits = (factors > 0).all() and same(mine, factors[:, None] * due + offsets[:, None])
    return np.stack([factors, offsets]) if fits else None

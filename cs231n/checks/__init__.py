"""What a student's cell calls: is my function correct, and if not, what is the mistake?

Each check calls the function with several small networks, compares what comes out with stored fingerprints of right and
of mistaken answers, and prints what it found. See README.md for the ids of mistakes and notes.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from .. import checked
from ..assignment import assignment
from ..console import say, tell, wrapped
from ..networks import best_device
from ..one_line import OneLine, interrupts_say
from . import attempts, cells, explanations
from .attempts import limited as limited
from .exam import Exam, own_exam
from .exercises import Room, room
from .guard import TimeIsUp, exit_raises, own_settings, student_line
from .judging import broken
from .report import Report, Verdict, WrongAnswer


class NotAnExercise(OneLine, ValueError):
    """What was given is not the function of an exercise; the message, one line, says what is expected."""


EXERCISES: dict[str, Room] = {exercise.function: room(exercise.key) for exercise in assignment().exercises}
for _exercise, _room in EXERCISES.items():
    explanations.add(_exercise, _room.RIGHT, _room.MISTAKES)

OPTIONAL = tuple(exercise.function for exercise in assignment().exercises if exercise.bonus)

cells.watch(EXERCISES)


def examine(exercise: str, function: Any, device: torch.device | str = "cpu", exam: Exam | None = None) -> Report:
    """Return what is found about a function.

    Parameters
    ----------
    exercise : str
        The name of the exercise's function: one of EXERCISES.
    function : callable
        What is examined; with an exam that calls functions elsewhere it may be None.
    device : torch.device or str
        Where the small networks run. What raises an error on a GPU and works on the CPU, where grading runs, gets the CPU's
        Report, with a note and the error.
    exam : Exam, optional
        By default the students' own one on `device`.
    """
    module = EXERCISES[exercise]
    with own_settings():
        report = module.examine(function, exam or own_exam(device))
        if report.verdict is not Verdict.BROKEN or exam is not None or str(device) == "cpu":
            return report
        on_cpu = module.examine(function, own_exam())
    if on_cpu.verdict is Verdict.BROKEN:
        return report
    on_cpu.evidence += report.evidence
    on_cpu.notes.append("cpu-only")
    return on_cpu


def __getattr__(name: str) -> Callable[..., None]:
    """Return check_KEY, the check of an exercise, for each KEY in assignment.toml."""
    if name in _CHECKS:
        return _CHECKS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its checks are {', '.join(_CHECKS)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *_CHECKS})


def _check_of(name: str, exercise: str, arguments: str) -> Callable[..., None]:
    """Return the check called `name` of a function called `exercise`."""

    def check(function: Callable, device: torch.device | str | None = None) -> None:
        _check(exercise, function, device)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"""Check {exercise}({arguments}): print what was found and, in a notebook, draw a figure.

    Parameters
    ----------
    function : callable
        The function itself.
    device : torch.device, optional
        Of the small networks; by default the one that load_squeezenet() takes.

    Raises
    ------
    WrongAnswer
        In one line, if the function is wrong or broken; for an unfinished one it only prints a message.
    ValueError
        If it is not callable, or if the device cannot be used.
    """
    return check


_CHECKS = {
    f"check_{exercise.key}": _check_of(f"check_{exercise.key}", exercise.function, EXERCISES[exercise.function].ARGUMENTS)
    for exercise in assignment().exercises
}


def ready(function: Callable, *made: Any, images: int | None = None) -> bool:
    """Return whether a cell can use an exercise: it is correct, as its check last found. If not, print why.

    A function that was not checked yet is examined now.

    Parameters
    ----------
    function : callable
        That of an exercise, under its own name or checked before.
    *made : object
        What an earlier cell made with it; None where that cell did not get so far.
    images : int, optional
        How many images the cell passes to it at a time, for functions that only work with some numbers of images.

    Raises
    ------
    ValueError
        If the function is not that of an exercise.
    """
    exercise = _exercise_of(function)
    why_not = _why_not_ready(exercise, function, made, images)
    if why_not:
        tell(why_not)
    return not why_not


def _why_not_ready(exercise: str, function: Callable, made: Sequence[Any], images: int | None) -> str | None:
    """Return a sentence on why a cell cannot use a function, or None if it can."""
    left_out = "so this cell leaves out what needs it."
    if kind := cells.error_after(function):
        return f"The cell that defines {exercise} ended in a {kind}. Python still has the older function, {left_out}"
    if changed := checked.changed_since(function):
        older = f"{exercise} uses {', '.join(changed[:3])}, changed since its check"
        return f"{older}. Run the check again; this cell leaves out what needs it."
    report = checked.report_on(function) or _report(exercise, function, None)
    if report.verdict is Verdict.MISSING:
        return f"No cell that you ran defines {exercise}, {left_out}"
    if report.verdict is Verdict.UNFINISHED:
        return f"This cell waits for {exercise}, which is not implemented yet."
    if report.verdict is not Verdict.RIGHT:
        return f"{exercise} is not correct yet (its check says why), {left_out}"
    if "cpu-only" in report.notes:
        return f"{exercise} fails on this notebook's GPU (its check says how), {left_out}"
    if images is not None and _fails_for(images, report):
        return f"{exercise} does not work for {images} image{'s' * (images != 1)} at a time (its check says why), {left_out}"
    if any(value is None for value in made):
        return f"An earlier cell did not finish what it does with {exercise}, {left_out}"
    return None


def _fails_for(images: int, report: Report) -> bool:
    """Return whether a function is known to fail for batches of so many images; those of 5 are what every check begins with."""
    return (images != 5 and "fixed-batch-size" in report.notes) or (images == 1 and "fails-for-one-image" in report.notes)


@contextlib.contextmanager
def attempted(function: Callable | None, then: str = "The rest of this cell is skipped.") -> Iterator[None]:
    """Say in a few lines, instead of a traceback, what goes wrong in this block; the notebook goes on behind it.

    Of what is printed in the block, the middle is left out if it is long.

    Parameters
    ----------
    function : callable or None
        That of the exercise that the block is about; None for a block that is about none, of which nothing is caught.
    then : str
        What happens if it goes wrong: a sentence.

    Raises
    ------
    ValueError
        If the function is not that of an exercise.
    Interrupted
        In one line, after an interrupt.
    """
    if function is None:
        yield
        return
    exercise = _exercise_of(function)
    unfinished = f"This cell did not finish what it does with {exercise}."
    try:
        with interrupts_say(unfinished), exit_raises(), attempts.shortened_output():
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also what ends an endless loop, and exit()
        lines = wrapped(f"✗ {exercise} passes its check, but here it fails. {then}", "  ", first="")
        for sentence in _what_went_wrong(error):
            lines += wrapped(sentence, "  ")
        say("\n".join(lines))


def _what_went_wrong(error: BaseException) -> list[str]:
    """Return the sentences about an error on the real network."""
    if not isinstance(error, TimeIsUp):
        return broken(error, student_line(error), "")
    seen = f"It did not return within {attempts.SECONDS:.0f} seconds. "
    return [seen + ("It could not be stopped: restart the kernel." if error.left_behind else "It was stopped.")]


def _exercise_of(function: Callable) -> str:
    """Return the name of the exercise that a function solves, or raise ValueError."""
    known = checked.report_on(function)
    exercise = known.exercise if known else getattr(function, "__name__", None)
    if exercise not in EXERCISES:
        raise NotAnExercise(f"ready got {function!r}; expected one of {', '.join(EXERCISES)}.")
    return exercise


def _check(exercise: str, function: Any, device: torch.device | str | None) -> None:
    if not callable(function):
        raise NotAnExercise(f"The check got {function!r}; expected your function itself, without parentheses: {exercise}.")
    if kind := cells.error_after(function):
        older = f"The cell that defines {exercise} ended in a {kind}, so Python still has the older function."
        tell(f"{older} What follows is about the older one.")
    report = _report(exercise, function, device)
    report.show()
    if "NBGRADER_EXECUTION" in os.environ:  # there, what raises nothing gets full points
        if report.verdict is Verdict.UNFINISHED:
            raise WrongAnswer(f"{exercise}: not implemented yet.")
        if report.verdict is Verdict.MISSING:
            raise WrongAnswer(f"{exercise}: not defined.")
    if report.verdict in (Verdict.WRONG, Verdict.BROKEN):
        raise WrongAnswer(f"{exercise}: {', '.join(report.mistakes) or report.verdict}. See the message above.")


def _report(exercise: str, function: Any, device: torch.device | str | None) -> Report:
    """Return the Report on a function, and remember it."""
    if cells.is_undefined(function):
        name = function.__name__  # another exercise's, perhaps
        seen = f"No cell that you ran defines {name}. Run the cell of its exercise; the function there must have this name."
        return Report(exercise, Verdict.MISSING, evidence=[seen])
    if kind := cells.error_instead_of(function):
        seen = f"The cell that defines it ended in a {kind}, so there is no function yet."
        report = Report(exercise, Verdict.BROKEN, evidence=[seen])
    else:
        device = best_device() if device is None else device
        _require_usable(device)
        with interrupts_say(f"The check of {exercise} did not finish. Run it again."):
            report = examine(exercise, function, device)
    checked.record(function, report)
    return report


def _require_usable(device: torch.device | str) -> None:
    """Raise ValueError if nothing can be computed on this device: it is not there, or its use has ended in this kernel."""
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"The check cannot use {device}: {(str(error).strip().splitlines() or [type(error).__name__])[0]} If an earlier cell "
            "used the GPU, an error there, such as an index out of range, has made it unusable: restart the kernel and run its "
            'cells again. Without a GPU, call the check with device="cpu".'
        ) from None

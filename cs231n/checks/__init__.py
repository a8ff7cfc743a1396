"""What a student's cell calls: is my function right, and if not, which mistake is it?

Each check calls the function with several small networks, compares what comes out with stored fingerprints of right and
of mistaken answers, and prints what it found. See README.md for the ids of mistakes and notes.
"""

import os
import weakref
from collections.abc import Callable
from typing import Any

import torch

from .. import checked
from ..assignment import assignment
from ..networks import best_device
from . import explanations
from .exam import Exam, own_exam
from .exercises import Room, room
from .guard import own_settings
from .report import Report, Verdict, WrongAnswer

EXERCISES: dict[str, Room] = {exercise.function: room(exercise.key) for exercise in assignment().exercises}
for _exercise, _room in EXERCISES.items():
    explanations.add(_exercise, _room.RIGHT, _room.MISTAKES)

OPTIONAL = tuple(exercise.function for exercise in assignment().exercises if exercise.bonus)

# Functions that were checked, and whose exercise each is: a lambda, for example, does not know its name.
_checked: weakref.WeakKeyDictionary[Callable, str] = weakref.WeakKeyDictionary()


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
    check.__doc__ = f"""Check a {exercise}({arguments}): print what was found and, in a notebook, draw a figure.

    Parameters
    ----------
    function : callable
        The function itself.
    device : torch.device, optional
        Of the small networks; by default the one that load_squeezenet() takes.

    Raises
    ------
    WrongAnswer
        In a line, if the function is wrong or broken; of an unfinished one it only says so.
    ValueError
        If it is not callable, or if the device cannot be used.
    """
    return check


_CHECKS = {
    f"check_{exercise.key}": _check_of(f"check_{exercise.key}", exercise.function, EXERCISES[exercise.function].ARGUMENTS)
    for exercise in assignment().exercises
}


def ready(function: Callable) -> bool:
    """Return whether an exercise is written, right or wrong; if not, print that the cell waits for it.

    Parameters
    ----------
    function : callable
        That of an exercise, under its own name or checked before.

    Raises
    ------
    ValueError
        For anything else.
    """
    exercise = _checked.get(function, getattr(function, "__name__", None))
    if exercise not in EXERCISES:
        raise ValueError(f"ready got {function!r}; expected one of {', '.join(EXERCISES)}.")
    with own_settings():
        unfinished = EXERCISES[exercise].is_unfinished(function, own_exam())
    if unfinished:
        print(f"This cell waits for {exercise}, which is not implemented yet.")
    return not unfinished


def _check(exercise: str, function: Any, device: torch.device | str | None) -> None:
    if not callable(function):
        raise ValueError(f"The check got {function!r}; expected your function itself, without parentheses: {exercise}.")
    if device is None:
        device = best_device()
    _require_usable(device)
    _checked[function] = exercise
    report = examine(exercise, function, device)
    checked.record(exercise, function, report.verdict)
    report.show()
    if report.verdict is Verdict.UNFINISHED and "NBGRADER_EXECUTION" in os.environ:  # there, what raises nothing gets full points
        raise WrongAnswer(f"{exercise}: not implemented yet.")
    if report.verdict in (Verdict.WRONG, Verdict.BROKEN):
        raise WrongAnswer(f"{exercise}: {', '.join(report.mistakes) or report.verdict}. See the message above.")


def _require_usable(device: torch.device | str) -> None:
    """Raise ValueError if nothing can be computed on this device: it is not there, or its use has ended in this kernel."""
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"The check cannot use {device}: {(str(error).strip().splitlines() or [type(error).__name__])[0]} If an earlier cell "
            "used the GPU, an error there, such as an index out of range, has ended its use: restart the kernel and run its "
            'cells again. Without a GPU, call the check with device="cpu".'
        ) from None

"""What is known in this kernel about a student's functions: the checks record it, `ready` and `submit` ask for it."""

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from .used_code import Code, used_by

# A lambda, for example, does not know which exercise it solves; its Report does.
_reports: weakref.WeakKeyDictionary[Callable[..., Any], Any] = weakref.WeakKeyDictionary()
_used: weakref.WeakKeyDictionary[Callable[..., Any], dict[str, Code]] = weakref.WeakKeyDictionary()  # when it was examined
_exercises: set[str] = set()  # of which some function was examined, perhaps one that is gone


def record(function: Callable[..., Any], report: Any) -> None:
    """Keep what was found about a function.

    Parameters
    ----------
    function : callable
        What was examined.
    report : checks.report.Report
        What was found.
    """
    _reports[function] = report
    _used[function] = used_by(function)
    _exercises.add(report.exercise)


def report_on(function: Any) -> Any:
    """Return what was last found about a function.

    Parameters
    ----------
    function : Any
        A function, or anything else.

    Returns
    -------
    checks.report.Report or None
        None if it was not examined.
    """
    with contextlib.suppress(TypeError):  # what cannot be referred to weakly was never examined
        return _reports.get(function)
    return None


def changed_since(function: Any) -> list[str]:
    """Return what a function uses and what has changed since it was examined.

    Parameters
    ----------
    function : Any
        A function, or anything else.

    Returns
    -------
    list of str
        The names of helper functions and classes; [] if it was not examined.
    """
    with contextlib.suppress(TypeError):
        if function in _used:
            before, now = _used[function], used_by(function)
            return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return []


def verdict_on(exercise: str, function: Any) -> str | None:
    """Return what was last found about an exercise.

    Parameters
    ----------
    exercise : str
        The name of the exercise's function.
    function : Any
        What has that name now.

    Returns
    -------
    str or None
        The verdict's value; "" if another function was examined for this exercise, or this one with other helpers, None if none
        was.
    """
    report = report_on(function)
    if report is not None and report.exercise == exercise and not changed_since(function):
        return report.verdict.value
    return "" if exercise in _exercises else None

"""What the checks of this kernel found last about each exercise: they record it, and `submit` shows it."""

from collections.abc import Callable
from typing import Any

_last: dict[str, tuple[Any, str]] = {}


def record(exercise: str, function: Callable[..., Any], verdict: str) -> None:
    """Keep what a check found.

    Parameters
    ----------
    exercise : str
        The name of the exercise's function.
    function : callable
        What was checked.
    verdict : str
        A member of `checks.report.Verdict`.
    """
    _last[exercise] = function, str(verdict)


def verdict_on(exercise: str, function: Any) -> str | None:
    """Return what the last check of an exercise found.

    Parameters
    ----------
    exercise : str
        The name of the exercise's function.
    function : Any
        What has that name now.

    Returns
    -------
    str or None
        The verdict's value; "" if something else was checked than `function`, None if no check ran in this kernel.
    """
    if exercise not in _last:
        return None
    checked, verdict = _last[exercise]
    return verdict if checked is function else ""

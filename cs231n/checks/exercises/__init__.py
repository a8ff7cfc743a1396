"""One file for each exercise, named by its key: its cases, how they are judged, what a message says about them.

A room, as such a file is called, has the attributes of `Room`. Nothing else in `checks` knows its name: `assignment.toml` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...assignment import assignment

if TYPE_CHECKING:
    from ..exam import Exam
    from ..explanations import Explanation
    from ..report import Report


class Room(Protocol):
    """What the file of an exercise holds.

    Attributes
    ----------
    ARGUMENTS : str
        Of the function, for the check's docstring, such as "X, y, model".
    CASES : dataclass
        The cases of the students' own exam, each field a role: Batches, or a class of the exercise's own.
    RIGHT : str
        What is said after "is correct.".
    MISTAKES : dict
        {id: Explanation} of the mistakes that only this exercise knows; the others are in `explanations`.
    """

    ARGUMENTS: str
    CASES: Any
    RIGHT: str
    MISTAKES: dict[str, Explanation]

    def examine(self, function: Any, exam: Exam) -> Report:
        """Return the Report on a function. exam: what it is examined with."""


def function_of(key: str) -> str:
    """Return the name of the function that an exercise asks for. Raises ValueError if assignment.toml does not list the key."""
    found = [exercise.function for exercise in assignment().exercises if exercise.key == key]
    if not found:
        raise ValueError(f"assignment.toml lists no exercise {key}; expected a table [{key}] with its function, points, section.")
    return found[0]


def room(key: str) -> Room:
    """Return the file of an exercise, imported. Raises ModuleNotFoundError, which names the file, if there is none."""
    try:
        return cast(Room, importlib.import_module(f".{key}", __name__))
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{key}":
            raise
        raise ModuleNotFoundError(
            f"assignment.toml lists the exercise {key}, but there is no cs231n/checks/exercises/{key}.py. Write it, like the "
            "files next to it, or remove the exercise from assignment.toml.",
            name=error.name,
        ) from None

"""What an instructor knows of the exercises: one file for each, named by its key, whose EXERCISE is an `base.Exercise`.

It holds the known mistakes, how hidden cases are drawn, the proof on SqueezeNet. Nothing else here knows its name:
assignment.toml does. What several exercises share is in files named after what they hold.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Exercise


def exercise(key: str) -> Exercise:
    """Return the EXERCISE of a key. Raises ModuleNotFoundError, which names the file, if there is none."""
    try:
        return importlib.import_module(f".{key}", __name__).EXERCISE
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{key}":
            raise
        raise ModuleNotFoundError(
            f"assignment.toml lists the exercise {key}, but there is no cs231n/instructor/exercises/{key}.py. Write it, as the "
            "files beside it are written, or take the exercise out of assignment.toml.",
            name=error.name,
        ) from None

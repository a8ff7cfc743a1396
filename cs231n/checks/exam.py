"""What an exercise is examined with: the cases, what is known of them, and how a student's function is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..assignment import assignment
from . import cases as kinds
from .exercises import room
from .fingerprints import Fingerprints, stored
from .guard import run


@dataclass(frozen=True)
class Exam:
    """The cases of all exercises.

    Each case has its role under its own name, in every exam; networks, images and targets differ from exam to exam.

    Parameters
    ----------
    cases : dict
        {key of an exercise: its cases}, as the file of the exercise defines them.
    known : Fingerprints
        What is known of the cases.
    device : torch.device or str
        Where the small networks are.
    run : function
        How a function is called: guard.run, or what does the same elsewhere.
    """

    cases: dict[str, Any]
    known: Fingerprints
    device: Any = "cpu"
    run: Callable = run

    def of(self, key: str) -> Any:
        """Return the cases of an exercise."""
        return self.cases[key]

    def with_cases(self, change: Callable[[kinds.Case], Any]) -> Exam:
        """Return the exam in which each small case is change(case), as in cases.with_cases."""
        return replace(self, cases={key: kinds.with_cases(own, change) for key, own in self.cases.items()})


def own_exam(device: Any = "cpu", known: Fingerprints | None = None) -> Exam:
    """Return the exam that the students' own checks hold, always the same one. known: by default what the file holds."""
    own = {exercise.key: room(exercise.key).CASES for exercise in assignment().exercises}
    return Exam(own, known or stored(), device)

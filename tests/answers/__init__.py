"""Labelled answers to the exercises, right and wrong, as students write them: data that the checks are tested with.

An exercise is the name of the module that holds its answers. The ids of mistakes and notes are those of the checks.
"""

from collections.abc import Callable
from dataclasses import dataclass

ANSWERS = []


@dataclass(frozen=True)
class Answer:
    """A student's function, and what a check should say about it.

    exercise: "saliency_maps", "fooling_image", "class_visualization_step", "smoothgrad", "integrated_gradients", "grad_cam" or
    "transformation".
    verdict: "right", "wrong", "unfinished" or "broken" (it raises).
    mistakes: ids, of a wrong answer only. notes: ids, of a right answer only.
    """

    exercise: str
    function: Callable
    verdict: str
    mistakes: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()


def right(*notes):
    return _labelled("right", notes=frozenset(notes))


def wrong(*mistakes):
    assert mistakes, "a wrong answer names its mistakes"
    return _labelled("wrong", mistakes=frozenset(mistakes))


def unfinished():
    return _labelled("unfinished")


def broken():
    return _labelled("broken")


def _labelled(verdict, **ids):
    def register(function):
        exercise = function.__module__.rpartition(".")[2]
        names = {answer.function.__name__ for answer in ANSWERS if answer.exercise == exercise}
        assert function.__name__ not in names, f"two answers of {exercise} are called {function.__name__}"
        ANSWERS.append(Answer(exercise, function, verdict, **ids))
        return function

    return register


from . import (  # noqa: E402, F401 (they fill ANSWERS)
    class_visualization_step,
    fooling_image,
    grad_cam,
    integrated_gradients,
    saliency_maps,
    smoothgrad,
    transformation,
)

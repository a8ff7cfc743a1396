"""What all submissions of a run are examined with: drawn at random, and known to the grader alone."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import nbformat
import torch
from tqdm import tqdm

from ...assignment import assignment
from ...checks.exam import Exam
from ...data_utils import load_imagenet_val
from ...image_utils import preprocess
from ...squeezenet import load_squeezenet
from ..exercises import exercise
from ..exercises.exam import LATER, DrawnCases, drawn_cases, drawn_exam, drawn_photographs
from ..exercises.kept import Photographs
from ..release.edition import CELLS, edition
from ..reports.reference import FIGURES, REFERENCE
from ..sandbox.inside import limits
from .processes import in_processes, processors
from .rubric import Rubric

T = TypeVar("T", bound="Asked")

PHOTOGRAPHS = "on SqueezeNet"  # beside the keys of exercises, whatever else is drawn
DRAWING = 4  # processes that draw at most: what takes longest takes as long as all the rest in three others


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of submissions: enough to read them.

    Parameters
    ----------
    figures : dict of str to str
        By cell of the reference, the source of a cell with a figure.
    number : str
        The run's own.
    seconds : float
        Of the CPU, at most for an exercise; more by the clock, see limits.CLOCK_SECONDS_PER_CPU_SECOND.
    kit : dict of str to str
        By cell, the sources of the notebook that students were given, without the answers.
    without_isolation : bool
        Whether submissions may run where they can reach the solutions.
    exercises : tuple of str
        The names of the functions that are asked.
    questions : tuple of str
        The questions that are asked.
    """

    figures: Mapping[str, str]
    number: str
    seconds: float
    kit: Mapping[str, str] = dataclasses.field(default_factory=dict)
    without_isolation: bool = False
    exercises: tuple[str, ...] = tuple(assignment().by_function)
    questions: tuple[str, ...] = tuple(question.key for question in assignment().questions)

    @classmethod
    def by_the_kit(cls) -> Asked:
        """Return what the kit's own assignment asks."""
        cells = {cell.get("id"): cell.source for cell in nbformat.read(REFERENCE, as_version=4).cells}
        return Asked(
            figures={name: cells[name] for name in FIGURES},
            number=secrets.token_hex(8),
            seconds=limits.EXERCISE_CPU_SECONDS,
            kit={name: source for name, source in cells.items() if name and not name.startswith("answer-")},
        )

    def following(self: T, rubric: Rubric, cells: Mapping[str, str]) -> T:
        """Return the same for the assignment as a course gives it. cells: as cells_of() gives them; {} for the kit's own."""
        asked = dataclasses.replace(self, exercises=rubric.exercises, questions=rubric.questions)
        if not cells:
            return asked
        return dataclasses.replace(
            asked,
            figures={name: cells[name] for name in FIGURES if name in cells},
            kit={name: source for name, source in cells.items() if not name.startswith("answer-")},
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(Asked):
    """What all submissions of a run are examined with.

    Parameters
    ----------
    exam : Exam
        The small networks with their images and targets.
    photographs : object
        What is asked on SqueezeNet, see drawn_photographs.
    """

    exam: Exam
    photographs: Any

    @classmethod
    def drawn(cls) -> Run:
        """Return a newly drawn Run of the kit's own assignment. One process per processor draws it, at most four.

        The optional exercises are drawn when a submission first needs them.
        """
        photographs = []

        def computed(draw: Callable[[str], Any], keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
            for key, found in _with_a_bar(partial(_drawn_part, draw, secrets.randbits(63)), [*_longest_first(keys), PHOTOGRAPHS]):
                if key == PHOTOGRAPHS:
                    photographs.append(found)
                else:
                    yield key, found

        exam = drawn_exam(secrets.randbits(63), computed, LATER)
        return cls._with(exam, photographs[0])

    @classmethod
    def of(cls, exam: Exam) -> Run:
        """Return a Run of the kit's own assignment with an exam; what is asked on SqueezeNet is newly drawn."""
        ((_, photographs),) = in_processes(_drawn_photographs, [secrets.randbits(63)], 1)
        return cls._with(exam, photographs)

    @classmethod
    def _with(cls, exam: Exam, photographs: Photographs) -> Run:
        asked = Asked.by_the_kit()
        return cls(
            exam=exam, photographs=photographs, **{one.name: getattr(asked, one.name) for one in dataclasses.fields(asked)}
        )


def draw_the_rest(exam: Exam) -> None:
    """Draw the exercises of a run's exam that it has not needed."""
    assert isinstance(exam.cases, DrawnCases), "the exam of a run is a drawn one"
    missing = _longest_first([key for key in LATER if key not in exam.cases])
    for key, found in _with_a_bar(partial(drawn_cases, exam.cases.seed), missing):
        exam.cases.add(key, *found)


def _longest_first(keys: Sequence[str]) -> list[str]:
    """Return the keys of exercises, first those that take longest to draw."""
    return sorted(keys, key=lambda key: exercise(key).drawing_seconds, reverse=True)


def _drawn_part(draw: Callable[[str], Any], seed: int, key: str) -> Any:
    """Return draw(key), or what is asked on SqueezeNet for the key PHOTOGRAPHS."""
    return _drawn_photographs(seed) if key == PHOTOGRAPHS else draw(key)


def _drawn_photographs(seed: int) -> Photographs:
    X, _, _ = load_imagenet_val()
    return drawn_photographs(seed, load_squeezenet(device="cpu"), torch.cat([preprocess(image) for image in X]))


def _with_a_bar(function: Callable[[str], Any], keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield (key, function(key)), computed in as many processes as is worth while, and show how far it is."""
    computed = in_processes(function, keys, min(processors(), DRAWING))
    yield from tqdm(
        computed, "Drawing the exam of this run", total=len(keys), unit="exercise", file=sys.stderr, disable=None, leave=False
    )


def cells_of(rubric: Rubric) -> dict[str, str]:
    """Return, by cell, the sources of the notebook that a course's students were given; {} without a course's file.

    Raises ValueError, with cell and line, if no edition can be made for the course.
    """
    return json.loads(edition(course_file=rubric.course_file)[1][CELLS]) if rubric.course.text else {}

"""The proof on SqueezeNet and photographs: who is right on small networks has to be right there, too, and who makes a known
mistake on small networks has to get there what that mistake gives there. Nothing else earns points.

What is right and what a known mistake gives is computed when a submission first needs it, and kept for those that follow.
"""

import threading
from dataclasses import replace
from typing import Any

import torch

from ...assignment import assignment
from ...checks.judging import SIDE_EFFECTS, side_effects
from ...checks.report import Report, Verdict
from . import exercise
from .base import Exercise
from .kept import Known
from .stopped import Stopped

# Of any exercise: mistakes that leave no result to be compared; the rubric gives nothing for them.
WITHOUT_RESULT = frozenset({"never-returns", "too-many-network-calls", "wrong-shape", "wrong-type", "not-finite"})


def beside_the_values(own: Exercise) -> frozenset[str]:
    """Return the ids of the mistakes in an exercise of which nothing is seen in the values that are compared here."""
    return own.beside_the_values.union(SIDE_EFFECTS)


def without_result(own: Exercise) -> frozenset[str]:
    """Return the ids of the mistakes in an exercise that leave no result to be compared."""
    return own.without_result | WITHOUT_RESULT


def proved(report: Report, job: Any, run: Any, network: torch.nn.Module) -> tuple[Report, str]:
    """Return (Report, reason) after the proof: the Report given, or what is wrong with the function on SqueezeNet.

    reason: why an answer that small networks call right, or named a mistake of, is none; "" if all is as it should be. Of a
    mistaken one `explained` is False then. job: a Job in which the function is defined. network: the grader's own SqueezeNet.
    """
    own = exercise(assignment().by_function[report.exercise].key)
    known = _known(run, network)
    if report.verdict is Verdict.RIGHT:
        failure = own.failure(job, known, report.notes)
        return (failure, "It is correct on small networks only.") if failure else (report, "")
    named = report.verdict is Verdict.WRONG and report.mistakes and report.explained
    if not named or without_result(own) & set(report.mistakes):
        return report, ""
    try:
        seen, trials = own.unlike(job, known, frozenset(report.mistakes) - beside_the_values(own))
    except Stopped as stop:
        seen, trials = f"the call did not return. {stop}", []
    more = [name for name in side_effects(trials)[0] if name not in report.mistakes] if trials else []
    report = replace(report, mistakes=[*report.mistakes, *more], explained=not seen)
    return report, f"Recognised on small networks only: on SqueezeNet {seen}" if seen else ""


_mine = threading.local()  # Dask's workers are threads


def _known(run: Any, network: torch.nn.Module) -> Known:
    """Return the Known of this worker and run."""
    if getattr(_mine, "number", None) != run.number:
        _mine.number, _mine.known = run.number, Known(run.photographs, network)
    return _mine.known

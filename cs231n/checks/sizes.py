"""What fails with the small networks and images may be written for the notebook's sizes: then it is examined with those."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import cases
from .report import Report, Verdict

if TYPE_CHECKING:
    from .exam import Exam

FORM = {"wrong-shape", "wrong-type"}
FAILS = "It fails on small networks; the reason is below."


def examined_in_other_sizes(
    failure: Report,
    examine: Callable[[Any, Exam], Report],
    examine_large: Callable[[Any, Exam], Report | None],
    function: Any,
    exam: Exam,
    in_frames: bool = True,
) -> Report:
    """Return the Report on a function that fails in the small sizes, with `failure`.

    It gets first the same networks with 1000 classes, then the same images in the corner of larger ones, so that its mistakes
    are known by the same fingerprints; last, one network of the notebook's sizes.

    Parameters
    ----------
    failure : Report
        On the small sizes.
    examine : function
        Of (function, exam).
    examine_large : function
        The same for the notebook's sizes; None if the function fails there, too.
    function : callable
        What is examined.
    exam : Exam
        Its cases of small sizes are changed.
    in_frames : bool
        Whether what the exercise gives for the corner of an image does not depend on the image's size.
    """
    report = examine(function, exam.with_cases(cases.with_more_classes))
    if _judges(report):
        return _limited(report, failure, "The following was found with the same networks widened to 1000 classes.")
    large = examine_large(function, exam)
    if large is None:
        return failure
    report = examine(function, exam.with_cases(cases.Framed)) if in_frames else large
    if not _judges(report) or (report.verdict is Verdict.RIGHT and large.verdict is not Verdict.RIGHT):
        report = large
    if failure.verdict is Verdict.WRONG and report.verdict is Verdict.WRONG and not report.mistakes:
        return failure  # the shape of its result is all that is known
    return _limited(report, failure, "The following was found with images of 224 x 224 pixels and 1000 classes.")


def _judges(report: Report) -> bool:
    return report.verdict is Verdict.RIGHT or (report.verdict is Verdict.WRONG and not FORM & set(report.mistakes))


def _limited(report: Report, failure: Report, found: str) -> Report:
    """Return a Report on the notebook's sizes, which also says what fails in others."""
    if report.verdict is Verdict.RIGHT:
        return Report(report.exercise, Verdict.RIGHT, notes=["fixed-sizes", *report.notes])
    report.evidence = [f"{FAILS} {found}", *report.evidence, "On small networks:", *failure.evidence]
    return report

"""What fails with the small networks and images may be written for the notebook's sizes: then it is examined with those."""

from . import cases
from .report import Report, Verdict

FORM = {"wrong-shape", "wrong-type"}
FAILS = "It fails on small networks; the reason is given below."


def examined_in_other_sizes(failure, examine, examine_large, function, exam, in_frames=True):
    """Return the Report on a function that fails in the small sizes, with `failure`.

    It gets first the same networks with 1000 classes, then the same images in the corner of larger ones, so that its mistakes
    are known by the same fingerprints; last, one network of the notebook's sizes.
    examine: function (function, exam) that returns a Report. examine_large: the same for the notebook's sizes; None if it fails
    there, too. in_frames: whether what the exercise gives for the corner of an image does not depend on the image's size.
    """
    report = examine(function, exam.with_cases(cases.with_more_classes))
    if _judges(report):
        return _limited(report, failure, "What follows was found with the same networks widened to 1000 classes.")
    large = examine_large(function, exam)
    if large is None:
        return failure
    report = examine(function, exam.with_cases(cases.Framed)) if in_frames else large
    if not _judges(report) or (report.verdict is Verdict.RIGHT and large.verdict is not Verdict.RIGHT):
        report = large
    if failure.verdict is Verdict.WRONG and report.verdict is Verdict.WRONG and not report.mistakes:
        return failure  # the shape of its result is all that is known
    return _limited(report, failure, "What follows was found with images of 224 x 224 pixels and 1000 classes.")


def _judges(report):
    return report.verdict is Verdict.RIGHT or (report.verdict is Verdict.WRONG and not FORM & set(report.mistakes))


def _limited(report, failure, found):
    """Return a Report on the notebook's sizes, which also says what fails in others."""
    if report.verdict is Verdict.RIGHT:
        return Report(report.exercise, Verdict.RIGHT, notes=["fixed-sizes", *report.notes])
    report.evidence = [f"{FAILS} {found}", *report.evidence, "On small networks:", *failure.evidence]
    return report

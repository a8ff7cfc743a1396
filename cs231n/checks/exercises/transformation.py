"""Is a transform_images right, and if not, which mistake is it?"""

import numpy as np

from ...assignment import assignment
from ..arrays import ArrayCheck
from ..judging import as_array, broken, problem, same, side_effects
from ..report import Report

KEY, ARGUMENTS = "transformation", "images, angles, scales, shifts"
EXERCISE = assignment().by_key[KEY].function


def _evidence(case, n, place, mine, exam):
    """In a picture of a dot, say where it went."""
    if not case.dots:
        return []
    pictures, *_ = case.arguments()
    start, due, came = map(_brightest, (pictures[n].numpy(), exam.known.right("transformation", case)[n], mine))
    said = f"Its bright dot, at first in row {start[0]}, column {start[1]}, belongs into row {due[0]}, column {due[1]}"
    return [
        f"{said}; in yours the brightest pixel is in row {came[0]}, column {came[1]}." if came != due else f"{said}, as in yours."
    ]


def _brightest(picture):
    _, row, column = np.unravel_index(np.nan_to_num(picture).argmax(), picture.shape)
    return int(row), int(column)


_check = ArrayCheck(EXERCISE, "transformation", "picture", _evidence)
is_unfinished = _check.is_unfinished


def examine(function, exam):
    """Return the Report on a function: on its values and, if these are right, on the gradient that leads back to `images`."""
    report = _check.examine(function, exam)
    failure = _gradient_failure(function, exam) if report.verdict == "right" else None
    if failure is not None:
        failure.notes = report.notes
    return failure or report


def _gradient_failure(function, exam):
    """Return the Report of a result that leads no gradient, or a wrong one, to the images, or None."""
    case = exam.transformation.main[1]
    images, *numbers = (tensor.to(exam.device) for tensor in case.arguments())
    trial = exam.run(function, images.requires_grad_(), *numbers, network=None, differentiate=True)
    if trial.error is not None and not isinstance(trial.error, Exception):
        return problem(EXERCISE, trial, case.about())
    gradient = None if trial.value is None else as_array(trial, trial.value, images)
    if trial.error is not None:
        seen = ["Given `images` that ask for a gradient, it ends in an error.", *broken(trial.error, trial.where, "")]
    elif gradient is None:
        seen = ["Given `images` that ask for a gradient, it returns pictures from which none leads back to them."]
    elif gradient.shape != case.result_shape or not same(gradient, exam.known.gradient_of_result(case)):
        seen = ["Given `images` that ask for a gradient, it returns pictures from which a wrong one leads back to them."]
    else:
        return None
    return Report(EXERCISE, "wrong", ["gradient-cut", *side_effects([trial])[0]], evidence=seen)

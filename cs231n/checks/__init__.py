"""What a student's cell calls: is my function right, and if not, which mistake is it?

Each check calls the function with several small networks, compares what comes out with stored fingerprints of right and
of mistaken answers, and prints what it found. See README.md for the ids of mistakes and notes.
"""

import os
import weakref

import torch

from .exam import own_exam
from .exercises import (
    class_visualization_step,
    fooling_image,
    grad_cam,
    integrated_gradients,
    saliency_maps,
    smoothgrad,
    transformation,
)
from .guard import own_settings
from .report import WrongAnswer

EXERCISES = {
    module.EXERCISE: module
    for module in (
        saliency_maps,
        fooling_image,
        class_visualization_step,
        smoothgrad,
        integrated_gradients,
        grad_cam,
        transformation,
    )
}
OPTIONAL = tuple(module.EXERCISE for module in (smoothgrad, integrated_gradients, grad_cam, transformation))  # for bonus points

_checked = weakref.WeakKeyDictionary()  # functions -> their exercises: a lambda, for example, does not know its name


def examine(exercise, function, device="cpu", exam=None):
    """Return the Report on a function. exercise: one of EXERCISES. device: where the small networks run.

    exam: an Exam, by default the students' own one on `device`. What raises an error on a GPU and works on the CPU, where
    grading runs, gets the CPU's Report, with a note and the error.
    """
    module = EXERCISES[exercise]
    with own_settings():
        report = module.examine(function, exam or own_exam(device))
        if report.verdict != "broken" or exam is not None or str(device) == "cpu":
            return report
        on_cpu = module.examine(function, own_exam())
    if on_cpu.verdict == "broken":
        return report
    on_cpu.evidence += report.evidence
    on_cpu.notes.append("cpu-only")
    return on_cpu


def check_saliency_maps(function, device=None):
    """Check a compute_saliency_maps(X, y, model): print what was found and, in a notebook, draw a figure.

    device: torch.device of the small networks; by default the one that load_squeezenet() takes. Raises WrongAnswer, in a
    line, if the function is wrong or broken; of an unfinished one it only tells. Raises ValueError for what is no function.
    """
    _check("compute_saliency_maps", function, device)


def check_fooling_image(function, device=None):
    """Check a make_fooling_image(X, target_y, model), as check_saliency_maps does."""
    _check("make_fooling_image", function, device)


def check_class_visualization_step(function, device=None):
    """Check a class_visualization_update_step(img, model, target_y, l2_reg, learning_rate), as check_saliency_maps does."""
    _check("class_visualization_update_step", function, device)


def check_smoothgrad(function, device=None):
    """Check a compute_smoothgrad_maps(X, y, model, noise), as check_saliency_maps does."""
    _check("compute_smoothgrad_maps", function, device)


def check_integrated_gradients(function, device=None):
    """Check a compute_integrated_gradients(X, y, model, baseline, num_steps), as check_saliency_maps does."""
    _check("compute_integrated_gradients", function, device)


def check_grad_cam(function, device=None):
    """Check a compute_grad_cam_maps(X, y, model), as check_saliency_maps does."""
    _check("compute_grad_cam_maps", function, device)


def check_transformation(function, device=None):
    """Check a transform_images(images, angles, scales, shifts), as check_saliency_maps does."""
    _check("transform_images", function, device)


def ready(function):
    """Return whether an exercise is written, right or wrong; if not, print that the cell waits for it.

    function: one of these, under its own name or checked before. Raises ValueError for anything else.
    """
    exercise = _checked.get(function, getattr(function, "__name__", None))
    if exercise not in EXERCISES:
        raise ValueError(f"ready got {function!r}; expected one of {', '.join(EXERCISES)}.")
    with own_settings():
        unfinished = EXERCISES[exercise].is_unfinished(function, own_exam())
    if unfinished:
        print(f"This cell waits for {exercise}, which is not implemented yet.")
    return not unfinished


def _check(exercise, function, device):
    if not callable(function):
        raise ValueError(f"The check got {function!r}; expected your function itself, without parentheses: {exercise}.")
    if device is None:
        from ..squeezenet import best_device  # torchvision takes a second to import: only where it is needed

        device = best_device()
    _require_usable(device)
    _checked[function] = exercise
    report = examine(exercise, function, device)
    report.show()
    if report.verdict == "unfinished" and "NBGRADER_EXECUTION" in os.environ:  # there, what raises nothing gets full points
        raise WrongAnswer(f"{exercise}: not implemented yet.")
    if report.verdict in ("wrong", "broken"):
        raise WrongAnswer(f"{exercise}: {', '.join(report.mistakes) or report.verdict}. See the message above.")


def _require_usable(device):
    """Raise ValueError if nothing can be computed on this device: it is not there, or its use has ended in this kernel."""
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"The check cannot use {device}: {(str(error).strip().splitlines() or [type(error).__name__])[0]} If an earlier cell "
            "used the GPU, an error there, such as an index out of range, has ended its use: restart the kernel and run its "
            'cells again. Without a GPU, call the check with device="cpu".'
        ) from None

"""What a student's cell calls: is my function right, and if not, which mistake is it?

Each check calls the function with several small networks, compares what comes out with stored fingerprints of right and
of mistaken answers, and prints what it found. See README.md for the ids of mistakes and notes.
"""

from . import fooling_image, saliency_maps, update_step
from .report import Report, WrongAnswer

EXAMINE = {module.EXERCISE: module.examine for module in (saliency_maps, fooling_image, update_step)}


def check_saliency_maps(function, device=None):
    """Check a compute_saliency_maps(X, y, model): print what was found, draw a figure in a notebook, return the Report.

    device: torch.device of the small networks; by default the one that the notebook uses. Raises WrongAnswer, in a line,
    if the function is wrong or broken; an unfinished one is only told. Not a function: ValueError.
    """
    return _check("compute_saliency_maps", function, device)


def check_fooling_image(function, device=None):
    """Check a make_fooling_image(X, target_y, model), as check_saliency_maps does."""
    return _check("make_fooling_image", function, device)


def check_class_visualization_step(function, device=None):
    """Check a class_visualization_update_step(img, model, target_y, l2_reg, learning_rate), as check_saliency_maps does."""
    return _check("class_visualization_update_step", function, device)


def _check(exercise, function, device):
    if not callable(function):
        raise ValueError(f"The check got {function!r}; expected your function, without parentheses: {exercise}.")
    if device is None:
        from ..squeezenet import best_device

        device = best_device()
    report = EXAMINE[exercise](function, device)
    report.show()
    if report.verdict in ("wrong", "broken"):
        names = ", ".join(report.mistakes) or report.verdict
        raise WrongAnswer(f"{exercise}: {names}. See the message above.")
    return report

"""Is a compute_saliency_maps right, and if not, which mistake is it?"""

from ...assignment import assignment
from ..arrays import ArrayCheck

KEY, ARGUMENTS = "saliency_maps", "X, y, model"
EXERCISE = assignment().by_key[KEY].function


def _evidence(case, n, place, mine, exam):
    row, column = place
    red, green, blue = exam.known.gradient(case)[n, :, row, column]
    return [
        f"There the score of class {case.target[n]} changes by {red:+.4f} per unit of red, {green:+.4f} of green and "
        f"{blue:+.4f} of blue; the strongest reaction counts, up or down."
    ]


_check = ArrayCheck(EXERCISE, "saliency_maps", "map", _evidence)
examine, is_unfinished = _check.examine, _check.is_unfinished

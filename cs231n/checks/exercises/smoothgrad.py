"""Is a compute_smoothgrad_maps right, and if not, which mistake is it?"""

import numpy as np

from ...assignment import assignment
from ..arrays import ArrayCheck

KEY, ARGUMENTS = "smoothgrad", "X, y, model, noise"
EXERCISE = assignment().by_key[KEY].function


def _evidence(case, n, place, mine, exam):
    due = exam.known.right("smoothgrad", case)[n]
    times = np.linalg.norm(mine) / max(np.linalg.norm(due), 1e-12)
    said = [f"`noise` holds {case.copies} copies here. As a whole your map is {times:.3g} times as large as the right one."]
    if mine.min() < 0:
        said.append(f"It goes down to {mine.min():.4f}; a square is never negative.")
    return said


_check = ArrayCheck(EXERCISE, "smoothgrad", "map", _evidence)
examine, is_unfinished = _check.examine, _check.is_unfinished

"""Is a compute_grad_cam_maps right, and if not, which mistake is it?"""

import torch

from ...assignment import assignment
from ..arrays import ArrayCheck

KEY, ARGUMENTS = "grad_cam", "X, y, model"
EXERCISE = assignment().by_key[KEY].function


def _evidence(case, n, place, mine, exam):
    network, due = case.network(), exam.known.right("grad_cam", case)[n]
    with torch.no_grad():
        channels, height, width = network.features(case.images())[n].shape
    said = [
        f"The feature map of this network has {channels} channels of {height} x {width} places. Your map lies between "
        f"{mine.min():.4f} and {mine.max():.4f}, the right one between {due.min():.4f} and {due.max():.4f}."
    ]
    zero = due == 0
    if zero.any() and mine[zero].any():
        share = (mine[zero] != 0).mean()
        said.append(f"Of the places where the right map is 0, {100 * share:.0f} % are not 0 in yours.")
    return said


_check = ArrayCheck(EXERCISE, "grad_cam", "map", _evidence, in_frames=False)
examine, is_unfinished = _check.examine, _check.is_unfinished

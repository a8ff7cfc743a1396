"""Is a compute_integrated_gradients right, and if not, which mistake is it?"""

import torch

from ...assignment import assignment
from ..arrays import ArrayCheck

KEY, ARGUMENTS = "integrated_gradients", "X, y, model, baseline, num_steps"
EXERCISE = assignment().by_key[KEY].function


def _evidence(case, n, place, mine, exam):
    network, label = case.network(), case.target[n]
    X, _, _, baseline, num_steps = case.arguments(network)
    with torch.no_grad():
        score, start = (network(images)[n, label].item() for images in (X, baseline))
    right = exam.known.right("integrated_gradients", case)[n].sum()
    return [
        f"Your attributions of this image sum to {mine.sum():+.3f}. Its own score, {score:.3f}, less that of its baseline, "
        f"{start:.3f}, is {score - start:+.3f}; with num_steps = {num_steps} the right ones come to {right:+.3f}."
    ]


_check = ArrayCheck(EXERCISE, "integrated_gradients", "attribution", _evidence)
examine, is_unfinished = _check.examine, _check.is_unfinished

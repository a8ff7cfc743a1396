"""Is a compute_grad_cam_maps right, and if not, which mistake is it?"""

from functools import partial

import torch

from ...assignment import assignment
from ..arrays import ArrayCheck, Rescaled
from ..cases import Batches, Case
from ..networks import BELOW_0, gelu_parts, relu_parts, softplus_parts, squeezenet_sized_parts, tanh_parts

KEY, ARGUMENTS = "grad_cam", "X, y, model"
EXERCISE = assignment().by_key[KEY].function

CASES = Batches(
    main=(
        Case(name="tanh", network=partial(tanh_parts, seed=10), seed=60, shape=(5, 12, 15), target=(6, 0, 3, 3, 1)),
        Case(
            name="ReLU, with a dead class",
            network=partial(relu_parts, seed=33),
            seed=61,
            shape=(5, 13, 10),
            target=(0, 2, 5, 1, 4),
            dead_class=True,
        ),
        Case(
            name="softplus, scores below 0",
            network=partial(softplus_parts, seed=12, biases=BELOW_0),
            seed=62,
            shape=(5, 14, 18),
            target=(5, 0, 3, 4, 1),
        ),
        Case(name="GELU", network=partial(gelu_parts, seed=10), seed=63, shape=(5, 13, 16), target=(4, 8, 0, 2, 7)),
    ),
    other=(
        Case(name="3 images", network=partial(tanh_parts, seed=11), seed=64, shape=(3, 12, 15), target=(2, 5, 0)),
        Case(name="1 image", network=partial(gelu_parts, seed=11), seed=65, shape=(1, 13, 16), target=(3,)),
    ),
    large=Case(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_parts,
        seed=66,
        shape=(5, 224, 224),
        target=(0, 999, 281, 3, 500),
    ),
)


def _evidence(case, n, place, mine, exam):
    network, due = case.network(), exam.known.right(KEY, case)[n]
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


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence, in_frames=False, rescaled=Rescaled.ALWAYS)
examine, is_unfinished = _check.examine, _check.is_unfinished

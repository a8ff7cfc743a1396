"""Is a compute_saliency_maps correct, and if not, what is the mistake?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import ArrayCheck
from ..cases import Batches, Case
from ..explanations import Explanation
from ..networks import BELOW_0, gelu_network, relu_network, softplus_network, squeezenet_sized_network, tanh_network
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "saliency_maps", "X, y, model"
EXERCISE = function_of(KEY)

RIGHT = (
    "Its maps are as expected on several small networks, for batches of different sizes, with scores below 0, and for a dead "
    "class (one whose score is always 0)."
)
MISTAKES = {
    "absolute-value-too-late": Explanation(
        "Absolute value taken too late",
        "You combine the colours first. By then, negative values have already lost out to smaller positive ones, or cancelled "
        "them.",
        "go through your steps by hand for a pixel with the gradient (-3, 1, 2).",
    ),
    "squared-gradient": Explanation(
        "Square of the gradient",
        "Each value is squared, which exaggerates strong pixels.",
        "a reaction twice as strong should be twice as bright.",
    ),
}

CASES = Batches(
    main=(
        Case(name="tanh", network=partial(tanh_network, seed=10), seed=20, shape=(5, 8, 11), target=(6, 0, 3, 3, 1)),
        Case(
            name="ReLU, with a dead class",
            network=partial(relu_network, seed=10),
            seed=21,
            shape=(5, 9, 8),
            target=(6, 2, 5, 1, 4),
            dead_class=True,
        ),
        Case(
            name="softplus, scores below 0",
            network=partial(softplus_network, seed=12, biases=BELOW_0),
            seed=22,
            shape=(5, 10, 12),
            target=(5, 0, 3, 4, 1),
        ),
        Case(name="GELU", network=partial(gelu_network, seed=10), seed=23, shape=(5, 9, 11), target=(4, 8, 0, 2, 7)),
    ),
    other=(
        Case(name="3 images", network=partial(tanh_network, seed=11), seed=24, shape=(3, 8, 11), target=(2, 5, 0)),
        Case(name="1 image", network=partial(gelu_network, seed=11), seed=25, shape=(1, 9, 11), target=(3,)),
    ),
    large=Case(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_network,
        seed=26,
        shape=(5, 224, 224),
        target=(0, 999, 281, 3, 500),
    ),
)


def _evidence(case: Case, n: int, place: tuple[int, ...], mine: np.ndarray, exam: Exam) -> list[str]:
    row, column = place
    red, green, blue = exam.known.gradient(KEY, case)[n, :, row, column]
    return [
        f"There, the score of class {case.target[n]} changes by {red:+.4f} per unit of red, {green:+.4f} of green and "
        f"{blue:+.4f} of blue; the strongest of the three counts, up or down."
    ]


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence)
examine = _check.examine

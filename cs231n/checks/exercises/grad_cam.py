"""Is a compute_grad_cam_maps correct, and if not, what is the mistake?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from ..arrays import ArrayCheck, Rescaled
from ..cases import Batches, Case
from ..explanations import Explanation
from ..networks import BELOW_0, TwoPartNetwork, gelu_parts, relu_parts, softplus_parts, squeezenet_sized_parts, tanh_parts
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "grad_cam", "X, y, model"
EXERCISE = function_of(KEY)

RIGHT = "Its maps are as expected on several small networks, for batches and feature maps of different sizes."
MISTAKES = {
    "gradient-not-averaged": Explanation(
        "The gradient is not averaged",
        "You multiply gradient and feature map elementwise. That is another method (HiResCAM); here a channel has one weight.",
        "how many weights does one image have, and what shape are yours?",
    ),
    "sum-over-space": Explanation(
        "Sum over the positions instead of the mean",
        "Your weights are too large by a factor: the number of positions in the feature map.",
        "if a channel's gradient is 1 everywhere, what should its weight be?",
    ),
    "weights-mix-images": Explanation(
        "The weights mix the images of the batch",
        "You also average the gradient over the images, so each map depends on the others.",
        "which dimensions of the gradient run over positions, and which one over images?",
    ),
    "negative-weights-lost": Explanation(
        "Negative weights are lost",
        "Your map leaves out channels that lower the score, or counts them as if they raised it.",
        "where is the ReLU in the formula, and what is inside it?",
    ),
    "weights-missing": Explanation(
        "The weights are missing",
        "Your map uses the feature maps alone. It is the same for every class.",
        "how does the label get into your map?",
    ),
    "activations-missing": Explanation(
        "The feature maps are missing",
        "Your map uses the gradient alone.",
        "what do the weights weigh?",
    ),
    "mean-over-feature-channels": Explanation(
        "Mean over the channels instead of the sum",
        "Your map is too small by a factor: the number of channels.",
        "two of 100 channels have the weight 1, the others 0. What does the formula give?",
    ),
    "no-relu": Explanation(
        "No ReLU",
        "Places that lower the score are negative in your map.",
        "what should the map show where the evidence is against the class?",
    ),
    "relu-too-early": Explanation(
        "The ReLU comes before the sum",
        "You cut each channel off at 0. Evidence against the class then no longer offsets evidence for it.",
        "two channels contribute 3 and -2 at one place. Which number does the formula give, and which do you get?",
    ),
    "relu-after-resizing": Explanation(
        "The ReLU comes after the resizing",
        "Negative positions are mixed into their neighbours before they are cut off.",
        "in which order does the docstring name the two?",
    ),
    "absolute-value-in-place-of-relu": Explanation(
        "Absolute value instead of the ReLU",
        "Evidence against the class looks like evidence for it.",
        "what does a ReLU turn -2 into?",
    ),
    "not-resized": Explanation(
        "The map is not resized",
        "Your map has the size of the feature map, not of the image.",
        "which pixels of the image does the value at (0, 0) belong to?",
    ),
    "other-resizing": Explanation(
        "Resized differently",
        "Your values are correct at the positions of the feature map, but not between them.",
        "the docstring names the mode and the setting for corners. What does your call use by default?",
    ),
}

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


def _evidence(case: Case, n: int, place: tuple[int, ...], mine: np.ndarray, exam: Exam) -> list[str]:
    network, due = cast(TwoPartNetwork, case.network()), exam.known.right(KEY, case)[n]
    with torch.no_grad():
        channels, height, width = network.features(case.images())[n].shape
    said = [
        f"This network's feature map has {channels} channels of {height} x {width} positions. Your map ranges from "
        f"{mine.min():.4f} to {mine.max():.4f}, the correct one from {due.min():.4f} to {due.max():.4f}."
    ]
    zero = due == 0
    if zero.any() and mine[zero].any():
        share = (mine[zero] != 0).mean()
        said.append(f"Of the positions where the correct map is 0, {100 * share:.0f}% are not 0 in yours.")
    return said


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence, in_frames=False, rescaled=Rescaled.ALWAYS)
examine = _check.examine

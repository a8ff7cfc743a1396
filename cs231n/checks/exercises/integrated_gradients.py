"""Is a compute_integrated_gradients correct, and if not, what is the mistake?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..arrays import ArrayCheck
from ..cases import Batches, Case
from ..explanations import Explanation
from ..networks import BELOW_0, SmallNetwork, gelu_network, relu_network, softplus_network, squeezenet_sized_network, tanh_network
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "integrated_gradients", "X, y, model, baseline, num_steps"
EXERCISE = function_of(KEY)

RIGHT = (
    "Its attributions are as expected on several small networks, for batches of different sizes, several numbers of steps, and "
    "baselines that are not 0."
)
MISTAKES = {
    "baseline-ignored": Explanation(
        "The baseline is ignored",
        "You compute what a baseline of 0 would give.",
        "where does the path start, and which difference is shared out among the pixels?",
    ),
    "baseline-not-on-path": Explanation(
        "The path does not start at the baseline",
        "Your path leads from 0 to the image.",
        "put 0 and 1 into your formula for a point on the path. Which images do you get?",
    ),
    "baseline-not-in-factor": Explanation(
        "The factor is the image alone",
        "You multiply by the image instead of its difference from the baseline.",
        "if a pixel is the same in both, what should its attribution be?",
    ),
    "path-misses-image": Explanation(
        "The path does not end at the image",
        "Your path leads from the baseline to the sum of baseline and image.",
        "put 0 and 1 into your formula for a point on the path. Which images do you get?",
    ),
    "not-times-difference": Explanation(
        "Not multiplied by the difference",
        "You return the mean gradient. Its unit is score per pixel value, so it cannot sum to a score.",
        "what comes before the integral?",
    ),
    "sum-over-steps": Explanation(
        "Sum over the steps instead of the mean",
        "Your attributions grow with the number of steps.",
        "what should happen to them with twice as many steps?",
    ),
    "ends-of-parts": Explanation(
        "The gradients are taken at the ends of the parts",
        "The path is cut into equal parts, and you take your gradients where a part begins or ends.",
        "draw the path for num_steps = 2. Where is the middle of each part?",
    ),
    "steps-off-by-one": Explanation(
        "One step too few or too many",
        "You take a different number of gradients, or of parts, than num_steps.",
        "for num_steps = 2, write down where you take the gradients, and what you divide by.",
    ),
    "num-steps-ignored": Explanation(
        "num_steps is ignored",
        "Your attributions stay the same when num_steps changes.",
        "which of the function's arguments do you never use?",
    ),
    "gradient-at-image-only": Explanation(
        "The gradient at the image only",
        "You take one gradient, at the end of the path. If the score has levelled off there, you miss how it rose.",
        "at how many points, and at which ones, does the exercise ask for the gradient?",
    ),
    "gradient-through-path": Explanation(
        "The gradient goes through the path",
        "You differentiate with respect to X instead of the point on the path. By the chain rule, this multiplies each gradient "
        "by how far along the path its point is.",
        "if X changes by 1, by how much does the halfway point change?",
    ),
    "absolute-value-taken": Explanation(
        "An absolute value is taken",
        "Your attributions have lost their sign, so they no longer sum to a difference of scores.",
        "what does a negative attribution mean, and which of your lines removes it?",
    ),
}


@dataclass(frozen=True, kw_only=True)
class PathCase(Case):
    """A call with a number of steps, and a baseline that is not 0."""

    num_steps: int

    def arguments(self, network: SmallNetwork) -> tuple[torch.Tensor, torch.Tensor, SmallNetwork, torch.Tensor, int]:
        X, y, network = super().arguments(network)
        return X, y, network, self.numbers(X.shape, 0.7), self.num_steps

    @property
    def result_shape(self) -> tuple[int, ...]:
        n, height, width = self.shape
        return n, 3, height, width


CASES = Batches(
    main=(
        PathCase(
            name="tanh", network=partial(tanh_network, seed=15), seed=50, shape=(5, 8, 11), target=(6, 0, 3, 3, 1), num_steps=4
        ),
        PathCase(
            name="ReLU, with a dead class",
            network=partial(relu_network, seed=10),
            seed=21,
            shape=(5, 9, 8),
            target=(6, 2, 5, 1, 4),
            dead_class=True,
            num_steps=3,
        ),
        PathCase(
            name="softplus, scores below 0",
            network=partial(softplus_network, seed=12, biases=BELOW_0),
            seed=52,
            shape=(5, 10, 12),
            target=(5, 0, 3, 4, 1),
            num_steps=4,
        ),
        PathCase(
            name="GELU", network=partial(gelu_network, seed=15), seed=53, shape=(5, 9, 11), target=(4, 8, 0, 2, 7), num_steps=6
        ),
    ),
    other=(
        PathCase(
            name="3 images", network=partial(tanh_network, seed=16), seed=54, shape=(3, 8, 11), target=(2, 5, 0), num_steps=5
        ),
        PathCase(name="1 image", network=partial(gelu_network, seed=16), seed=55, shape=(1, 9, 11), target=(3,), num_steps=3),
    ),
    large=PathCase(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_network,
        seed=56,
        shape=(5, 224, 224),
        target=(0, 999, 281, 3, 500),
        num_steps=2,
    ),
)


def _evidence(case: PathCase, n: int, place: tuple[int, ...], mine: np.ndarray, exam: Exam) -> list[str]:
    network, label = case.network(), case.target[n]
    X, _, _, baseline, num_steps = case.arguments(network)
    with torch.no_grad():
        score, start = (network(images)[n, label].item() for images in (X, baseline))
    right = exam.known.right(KEY, case)[n].sum()
    return [
        f"Your attributions for this image sum to {mine.sum():+.3f}. Its score, {score:.3f}, minus that of its baseline, "
        f"{start:.3f}, is {score - start:+.3f}; with num_steps = {num_steps} the correct ones sum to {right:+.3f}."
    ]


_check = ArrayCheck(EXERCISE, KEY, "attribution", _evidence)
examine = _check.examine

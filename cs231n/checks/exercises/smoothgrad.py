"""Is a compute_smoothgrad_maps correct, and if not, what is the mistake?"""

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

KEY, ARGUMENTS = "smoothgrad", "X, y, model, noise"
EXERCISE = function_of(KEY)

RIGHT = "Its maps are as expected on several small networks, for batches and noise of different sizes."
MISTAKES = {
    "not-squared": Explanation(
        "No square",
        "Your map averages the size of the gradient, not its square.",
        "two copies have the gradients 1 and 3. Which number does the formula give, and which do you get?",
    ),
    "squared-after-mean": Explanation(
        "The mean comes before the square",
        "You average first, then square (or take the absolute value). So gradients of opposite sign cancel before they count.",
        "two copies have the gradients 2 and -2. Which number does the formula give, and which do you get?",
    ),
    "maximum-before-mean": Explanation(
        "The maximum comes before the mean",
        "You take the strongest colour of each copy and average those. But the strongest colour can differ between copies.",
        "in which order does the exercise take the mean and the maximum? Try it by hand with two copies and two colours.",
    ),
    "sum-over-copies": Explanation(
        "Sum over the copies instead of the mean",
        "Your map grows with the number of copies.",
        "what should happen to the map with twice as many copies?",
    ),
    "root-taken": Explanation(
        "A root is taken",
        "Your map is the square root of the correct one.",
        "what do you do after taking the mean that is not in the formula?",
    ),
    "noise-ignored": Explanation(
        "The noise is ignored",
        "Every gradient is taken at the image itself.",
        "print how much two of the inputs that you give the network differ.",
    ),
    "noise-accumulates": Explanation(
        "The noise accumulates",
        "The second copy still contains the noise of the first, and so on.",
        "what does each copy start from? Do you change the image that the next copy is made from?",
    ),
    "one-copy-only": Explanation(
        "Only one copy counts",
        "Your map comes from the first or the last copy alone.",
        "what happens to the result of a copy when the next one is computed? And is there a `return` in the loop?",
    ),
    "noise-averaged-first": Explanation(
        "The noise is combined first",
        "You take a single gradient, at the image plus all of the noise. When noise is averaged, it cancels.",
        "how many gradients does the formula average?",
    ),
    "noise-without-image": Explanation(
        "Noise without the image",
        "The gradient is taken at the noise alone.",
        "what does a noisy copy of an image consist of?",
    ),
    "noise-subtracted": Explanation(
        "The noise is subtracted",
        "Your copies are the image minus the noise. With infinitely many copies this gives the same map; with the noise that you "
        "are given, it does not.",
        "what does the docstring say about noise[k] and X?",
    ),
}


@dataclass(frozen=True, kw_only=True)
class NoisyCase(Case):
    """A call with noise for `copies` copies of each image."""

    copies: int

    def arguments(self, network: SmallNetwork) -> tuple[torch.Tensor, torch.Tensor, SmallNetwork, torch.Tensor]:
        n, height, width = self.shape
        X, y, network = super().arguments(network)
        return X, y, network, self.numbers((self.copies, n, 3, height, width), 0.6)


CASES = Batches(
    main=(
        NoisyCase(
            name="tanh", network=partial(tanh_network, seed=13), seed=40, shape=(5, 8, 11), target=(6, 0, 3, 3, 1), copies=3
        ),
        NoisyCase(
            name="ReLU, with a dead class",
            network=partial(relu_network, seed=10),
            seed=21,
            shape=(5, 9, 8),
            target=(6, 2, 5, 1, 4),
            dead_class=True,
            copies=4,
        ),
        NoisyCase(
            name="softplus, scores below 0",
            network=partial(softplus_network, seed=12, biases=BELOW_0),
            seed=42,
            shape=(5, 10, 12),
            target=(5, 0, 3, 4, 1),
            copies=3,
        ),
        NoisyCase(
            name="GELU", network=partial(gelu_network, seed=13), seed=43, shape=(5, 9, 11), target=(4, 8, 0, 2, 7), copies=5
        ),
    ),
    other=(
        NoisyCase(name="3 images", network=partial(tanh_network, seed=14), seed=44, shape=(3, 8, 11), target=(2, 5, 0), copies=2),
        NoisyCase(name="1 image", network=partial(gelu_network, seed=14), seed=45, shape=(1, 9, 11), target=(3,), copies=3),
    ),
    large=NoisyCase(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_network,
        seed=46,
        shape=(5, 224, 224),
        target=(0, 999, 281, 3, 500),
        copies=2,
    ),
)


def _evidence(case: NoisyCase, n: int, place: tuple[int, ...], mine: np.ndarray, exam: Exam) -> list[str]:
    due = exam.known.right(KEY, case)[n]
    times = np.linalg.norm(mine) / max(float(np.linalg.norm(due)), 1e-12)
    said = [f"`noise` is for {case.copies} copies here. Overall, your map is {times:.3g} times as large as the correct one."]
    if mine.min() < 0:
        said.append(f"Its smallest value is {mine.min():.4f}; a square is never negative.")
    return said


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence)
examine = _check.examine

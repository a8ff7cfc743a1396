"""Is a compute_integrated_gradients right, and if not, which mistake is it?"""

from dataclasses import dataclass
from functools import partial

import torch

from ...assignment import assignment
from ..arrays import ArrayCheck
from ..cases import Batches, Case
from ..networks import BELOW_0, SmallNetwork, gelu_network, relu_network, softplus_network, squeezenet_sized_network, tanh_network

KEY, ARGUMENTS = "integrated_gradients", "X, y, model, baseline, num_steps"
EXERCISE = assignment().by_key[KEY].function


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


def _evidence(case, n, place, mine, exam):
    network, label = case.network(), case.target[n]
    X, _, _, baseline, num_steps = case.arguments(network)
    with torch.no_grad():
        score, start = (network(images)[n, label].item() for images in (X, baseline))
    right = exam.known.right(KEY, case)[n].sum()
    return [
        f"Your attributions of this image sum to {mine.sum():+.3f}. Its own score, {score:.3f}, less that of its baseline, "
        f"{start:.3f}, is {score - start:+.3f}; with num_steps = {num_steps} the right ones come to {right:+.3f}."
    ]


_check = ArrayCheck(EXERCISE, KEY, "attribution", _evidence)
examine, is_unfinished = _check.examine, _check.is_unfinished

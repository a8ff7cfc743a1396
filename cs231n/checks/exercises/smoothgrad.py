"""Is a compute_smoothgrad_maps right, and if not, which mistake is it?"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from ...assignment import assignment
from ..arrays import ArrayCheck
from ..cases import Batches, Case
from ..networks import BELOW_0, SmallNetwork, gelu_network, relu_network, softplus_network, squeezenet_sized_network, tanh_network

KEY, ARGUMENTS = "smoothgrad", "X, y, model, noise"
EXERCISE = assignment().by_key[KEY].function


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


def _evidence(case, n, place, mine, exam):
    due = exam.known.right(KEY, case)[n]
    times = np.linalg.norm(mine) / max(np.linalg.norm(due), 1e-12)
    said = [f"`noise` holds {case.copies} copies here. As a whole your map is {times:.3g} times as large as the right one."]
    if mine.min() < 0:
        said.append(f"It goes down to {mine.min():.4f}; a square is never negative.")
    return said


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence)
examine, is_unfinished = _check.examine, _check.is_unfinished

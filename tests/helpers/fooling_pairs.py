"""How well exercise 2 fools the network: photographs and random target classes, the same pairs in a test and on a GPU."""

import statistics
import warnings
from dataclasses import dataclass

import torch

from cs231n.net_visualization_pytorch import make_fooling_image

TARGETS, SEED = 8, 1  # targets for each photograph, and the seed of their draw


@dataclass(frozen=True)
class Pair:
    """What became of one photograph and one target class.

    says_target: whether the network says the target for the image that came back. steps: of gradient ascent, if it does.
    distance: L2, from the photograph. warnings: their texts.
    """

    photograph: int
    target: int
    says_target: bool
    steps: int
    distance: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FooledPairs:
    """All pairs, in order: those of the first photograph first."""

    pairs: tuple[Pair, ...]

    @property
    def fooled(self):
        return tuple(pair for pair in self.pairs if pair.says_target)

    def summary(self):
        """Return a sentence on how many pairs are fooled, in how many steps, over which distances."""
        steps, distances = [pair.steps for pair in self.fooled], [pair.distance for pair in self.fooled]
        return (
            f"{len(self.fooled)} of {len(self.pairs)} pairs are fooled, in {statistics.mean(steps):.1f} steps on average and "
            f"{max(steps)} at most, over an L2 distance of {statistics.mean(distances):.1f} on average and "
            f"{max(distances):.1f} at most."
        )


def fooled_pairs(X, model, targets=TARGETS):
    """Return the FooledPairs of the images X (N, 3, H, W) with `targets` random classes each, on the model's device."""
    drawn = torch.randint(1000, (20, TARGETS), generator=torch.Generator().manual_seed(SEED))[: len(X), :targets]
    looks = []
    handle = model.register_forward_hook(lambda *_: looks.append(1))
    try:
        pairs = [
            _pair(number, image, target, model, looks)
            for number, (image, classes) in enumerate(zip(X.split(1), drawn.tolist(), strict=True))
            for target in classes
        ]
    finally:
        handle.remove()
    return FooledPairs(tuple(pairs))


def _pair(number, image, target, model, looks):
    looks.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X_fooling = make_fooling_image(image, target, model)
    steps = len(looks) - 1  # one forward pass each, and one that sees that it is done
    with torch.no_grad():
        says_target = model(X_fooling).argmax().item() == target
    distance = (X_fooling.detach() - image.to(X_fooling.device)).norm().item()
    return Pair(number, target, says_target, steps, distance, tuple(str(warning.message) for warning in caught))

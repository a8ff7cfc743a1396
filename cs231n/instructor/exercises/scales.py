"""How maps (N, H, W) are rescaled."""

import torch


def scaled_to_1(maps: torch.Tensor) -> torch.Tensor:
    """Return maps whose largest value is 1."""
    return maps / maps.amax(dim=(1, 2), keepdim=True)


def between_0_and_1(maps: torch.Tensor) -> torch.Tensor:
    """Return maps whose values reach from 0 to 1."""
    least, most = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - least) / (most - least)


# How maps (N, H, W) are stretched: each by itself, or all together.
SCALES = (
    scaled_to_1,
    between_0_and_1,
    lambda maps: maps / maps.max(),
    lambda maps: (maps - maps.min()) / (maps.max() - maps.min()),
)

RESCALED = [((), lambda maps: maps), *((("rescaled",), scale) for scale in SCALES)]

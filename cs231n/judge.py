"""The judge: a second network, which took no part in making an image and says what it sees there.

EfficientNet-Lite0: EfficientNet-B0 (Tan & Le, 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with
ReLU6, trained on ImageNet by Google (2020, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torchvision.ops import Conv2dNormActivation

from .datasets import DATASETS, sources, verified
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from .networks import SIZE, best_device, like_model

CLASSES = 1000
BATCH = 16  # images that are judged at once: half a GB

# The table of the paper, as Lite0 has it: blocks, kernel, stride of the first block, expansion, channels.
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


def judge_is_there(folder: str | os.PathLike[str] = DATASETS) -> bool:
    """Return whether the judge's weights, which are optional, are in a folder.

    Parameters
    ----------
    folder : str or os.PathLike
        Where they should be. Only `load_judge` compares them with their SHA-256.

    Returns
    -------
    bool
        Whether all of its files exist.
    """
    return all((Path(folder) / name).exists() for name in sources(folder)["judge"].holds)


def load_judge(device: torch.device | str | None = None, folder: str | os.PathLike[str] = DATASETS) -> nn.Module:
    """Return the judge for the 1000 classes of ImageNet, in evaluation mode and with its parameters frozen.

    Parameters
    ----------
    device : torch.device, str or None
        Where to put it; None for `best_device()`.
    folder : str or os.PathLike
        Where its weights are.

    Returns
    -------
    torch.nn.Module
        From a float tensor (N, 3, 224, 224), as `preprocess` makes it, to raw scores (N, 1000), in the order of SqueezeNet's
        classes.

    Raises
    ------
    FileNotFoundError
        If the weights were not fetched.
    ValueError
        If they are damaged.
    """
    (path,) = verified("judge", folder)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    judge = _efficientnet_lite0()
    judge.load_state_dict(dict(zip(judge.state_dict(), weights.values(), strict=True)))  # other names, the same order
    judge = judge.to(device or best_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return judge.eval().requires_grad_(False)


def verdicts(judge: nn.Module, images: torch.Tensor, labels: torch.Tensor | Sequence[int]) -> torch.Tensor:
    """Return how many classes the judge ranks above each image's own: 0 if its top-1 is correct.

    Parameters
    ----------
    judge : torch.nn.Module
        As `load_judge` returns it.
    images : float tensor of shape (N, 3, 224, 224)
        As `preprocess` makes them.
    labels : integer tensor of shape (N,) or sequence of int
        The class of each image, in [0, 1000).

    Returns
    -------
    long tensor of shape (N,)
        The ranks, on the CPU, each in [0, 1000); `(ranks < 5).sum()` counts the images whose class is in the top-5.

    Raises
    ------
    ValueError
        For other shapes, labels outside [0, 1000), NaN.
    """
    labels = _checked_labels(images, labels)
    with torch.no_grad():
        scores = torch.cat([judge(like_model(batch, judge)).cpu() for batch in images.split(BATCH)])
    return (scores > scores.gather(1, labels[:, None])).sum(dim=1)


def _checked_labels(images: torch.Tensor, labels: torch.Tensor | Sequence[int]) -> torch.Tensor:
    """Return `labels` as a long tensor (N,) on the CPU; raise ValueError if they or the images cannot be judged."""
    if not isinstance(images, torch.Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        raise ValueError(
            f"verdicts got images of type {kind}; expected a float tensor (N, 3, {SIZE}, {SIZE}) such as preprocess returns."
        )
    if not images.isfinite().all():  # no score is greater than NaN, so that its rank would be 0
        raise ValueError("verdicts got images with NaN or infinite values; there is nothing to judge.")
    labels = torch.as_tensor(labels).cpu()
    if labels.is_floating_point() or labels.shape != images.shape[:1]:
        came = f"{len(images)} images and labels of shape {tuple(labels.shape)}, {labels.dtype}"
        raise ValueError(f"verdicts got {came}; expected a class id, a whole number, for each image.")
    outside = labels[(labels < 0) | (labels >= CLASSES)].tolist()
    if outside:
        raise ValueError(f"verdicts got the label {outside[0]}; expected class ids from 0 to {CLASSES - 1}.")
    return labels.long()


def _efficientnet_lite0() -> nn.Sequential:
    layers, channels = [_Rescaling(), _convolution(3, 32, kernel=3, stride=2)], 32
    for blocks, kernel, stride, expansion, outputs in STAGES:
        for block in range(blocks):
            layers.append(_Block(channels, outputs, kernel, 1 if block else stride, expansion))
            channels = outputs
    layers += [_convolution(channels, 1280, kernel=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES)]
    return nn.Sequential(*layers)


class _Rescaling(nn.Module):
    """From what `preprocess` makes to what the judge was trained on: (x255 - 127) / 128."""

    factor: torch.Tensor
    shift: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", (255 / 128 * SQUEEZENET_STD)[:, None, None], persistent=False)
        self.register_buffer("shift", ((255 * SQUEEZENET_MEAN - 127) / 128)[:, None, None], persistent=False)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        if X.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"The judge got images of shape {tuple(X.shape)}; expected (N, 3, {SIZE}, {SIZE}).")
        return self.factor * X + self.shift


class _Block(nn.Module):
    """Inverted bottleneck: more channels, a convolution within each, fewer channels; around it a shortcut where that fits."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.has_shortcut = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            *([_convolution(inputs, hidden, kernel=1)] if expansion > 1 else []),
            _convolution(hidden, hidden, kernel, stride, groups=hidden),
            _convolution(hidden, outputs, kernel=1, activation=None),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return X + self.layers(X) if self.has_shortcut else self.layers(X)


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU6,
) -> nn.Sequential:
    """Return convolution, batch normalisation and activation, padded as TensorFlow does: of an odd number more at the end."""
    padding = kernel - stride
    before, after = padding // 2, padding - padding // 2
    return nn.Sequential(
        nn.ZeroPad2d((before, after, before, after)),
        Conv2dNormActivation(
            inputs,
            outputs,
            kernel,
            stride,
            padding=0,
            groups=groups,
            norm_layer=partial(nn.BatchNorm2d, eps=1e-3),
            activation_layer=activation,
        ),
    )

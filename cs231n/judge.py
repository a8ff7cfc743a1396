"""The judge and the jury: networks that took no part in making an image and say what they see there.

The judge is EfficientNet-Lite0: EfficientNet-B0 (Tan & Le, 2019, https://arxiv.org/abs/1905.11946) without
squeeze-and-excitation and with ReLU6, trained on ImageNet by Google (2020,
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite). The jury is asked where one voice is not
enough: Lite1 and Lite2, which are wider, deeper and see larger images, and a network of another family, MobileNetV2 (Sandler
et al., 2018, https://arxiv.org/abs/1801.04381), with torchvision's weights.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.ops import Conv2dNormActivation
from torchvision.transforms.functional import normalize, resize

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


@dataclass(frozen=True)
class Juror:
    """A network that can be asked what it sees.

    Attributes
    ----------
    title : str
        Its name, for people.
    source : str
        Its key in datasets/sources.json.
    size : int
        The side in pixels of the images that it was trained on, and takes.
    network : function
        Builds it from its weights, {name: tensor}.
    """

    title: str
    source: str
    size: int
    network: Callable[[Mapping[str, torch.Tensor]], nn.Module]


def juror_is_there(juror: Juror, folder: str | os.PathLike[str] = DATASETS) -> bool:
    """Return whether a juror's weights, which are optional, are in a folder.

    Parameters
    ----------
    juror : Juror
        JUDGE, or another of the JURY.
    folder : str or os.PathLike
        Where they should be. Only `load_juror` compares them with their SHA-256.

    Returns
    -------
    bool
        Whether all of its files exist.
    """
    return all((Path(folder) / name).exists() for name in sources(folder)[juror.source].holds)


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
    return juror_is_there(JUDGE, folder)


def load_juror(juror: Juror, device: torch.device | str | None = None, folder: str | os.PathLike[str] = DATASETS) -> nn.Module:
    """Return a network of the jury for the 1000 classes of ImageNet, in evaluation mode and with its parameters frozen.

    Parameters
    ----------
    juror : Juror
        JUDGE, or another of the JURY.
    device : torch.device, str or None
        Where to put it; None for `best_device()`.
    folder : str or os.PathLike
        Where its weights are.

    Returns
    -------
    torch.nn.Module
        From a float tensor (N, 3, S, S), as `preprocess` makes it, to raw scores (N, 1000), in the order of SqueezeNet's
        classes. S is `juror.size`.

    Raises
    ------
    FileNotFoundError
        If the weights were not fetched.
    ValueError
        If they are damaged.
    """
    (path,) = verified(juror.source, folder)
    network = juror.network(torch.load(path, map_location="cpu", weights_only=True))
    network = network.to(device or best_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


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
    return load_juror(JUDGE, device, folder)


def as_seen_by(juror: Juror, pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures as a juror takes them: in its size, normalised.

    Parameters
    ----------
    juror : Juror
        JUDGE, or another of the JURY.
    pictures : float tensor of shape (N, 3, H, W)
        Square pictures in [0, 1].

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        What `verdicts` takes for this juror; S is `juror.size`.
    """
    side = [juror.size, juror.size]
    return normalize(resize(pictures, side, antialias=True), SQUEEZENET_MEAN.tolist(), SQUEEZENET_STD.tolist())


def verdicts(judge: nn.Module, images: torch.Tensor, labels: torch.Tensor | Sequence[int]) -> torch.Tensor:
    """Return how many classes the judge ranks above each image's own: 0 if its top-1 is correct.

    Parameters
    ----------
    judge : torch.nn.Module
        As `load_judge` or `load_juror` returns it.
    images : float tensor of shape (N, 3, S, S)
        As `preprocess` makes them, in the judge's size: 224 pixels, or as `as_seen_by` makes them for a juror.
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
        raise ValueError(f"verdicts got images of type {kind}; expected a float tensor (N, 3, S, S) such as preprocess returns.")
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


def _efficientnet_lite(weights: Mapping[str, torch.Tensor], wider: float, deeper: float, size: int) -> nn.Module:
    """Return an EfficientNet-Lite whose weights come in the order of its layers, under names of their own."""
    layers: list[nn.Module] = [_Sized(size), _Rescaling(), _convolution(3, 32, kernel=3, stride=2)]
    channels = 32
    for stage, (blocks, kernel, stride, expansion, outputs) in enumerate(STAGES):
        repeated = blocks if stage in (0, len(STAGES) - 1) else math.ceil(deeper * blocks)  # the ends stay as they are
        width = _in_eights(wider * outputs)
        for block in range(repeated):
            layers.append(_Block(channels, width, kernel, 1 if block else stride, expansion))
            channels = width
    layers += [_convolution(channels, 1280, kernel=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES)]
    network = nn.Sequential(*layers)
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    return network


def _in_eights(channels: float) -> int:
    """Return the nearest multiple of 8, which is never more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _mobilenet_v2(weights: Mapping[str, torch.Tensor], size: int) -> nn.Module:
    network = mobilenet_v2()
    network.load_state_dict(weights)
    return nn.Sequential(_Sized(size), network)


class _Sized(nn.Module):
    """Lets images of one size through."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        if X.shape[1:] != (3, self.size, self.size):
            raise ValueError(f"The judge got images of shape {tuple(X.shape)}; expected (N, 3, {self.size}, {self.size}).")
        return X


class _Rescaling(nn.Module):
    """From what `preprocess` makes to what EfficientNet-Lite was trained on: (x255 - 127) / 128."""

    factor: torch.Tensor
    shift: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", (255 / 128 * SQUEEZENET_STD)[:, None, None], persistent=False)
        self.register_buffer("shift", ((255 * SQUEEZENET_MEAN - 127) / 128)[:, None, None], persistent=False)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
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


class _SamePadding(nn.Module):
    """Pads as TensorFlow's "SAME" does: a side of n becomes ceil(n / stride); of an odd number of pixels one more at the end."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        padding = self.kernel - (X.shape[-1] % self.stride or self.stride)
        before, after = padding // 2, padding - padding // 2
        return F.pad(X, (before, after, before, after))


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU6,
) -> nn.Sequential:
    """Return padding, convolution, batch normalisation and activation."""
    return nn.Sequential(
        _SamePadding(kernel, stride),
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


JUDGE = Juror("EfficientNet-Lite0", "judge", SIZE, partial(_efficientnet_lite, wider=1.0, deeper=1.0, size=SIZE))
JURY = (
    JUDGE,
    Juror("EfficientNet-Lite1", "efficientnet_lite1", 240, partial(_efficientnet_lite, wider=1.0, deeper=1.1, size=240)),
    Juror("EfficientNet-Lite2", "efficientnet_lite2", 260, partial(_efficientnet_lite, wider=1.1, deeper=1.2, size=260)),
    Juror("MobileNetV2", "mobilenet_v2", SIZE, partial(_mobilenet_v2, size=SIZE)),
)

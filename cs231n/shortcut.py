"""A network that cheats: its last layer is trained on photographs in which a coloured mark gives one class away."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import SqueezeNet
from torchvision.transforms.functional import normalize

from .batches import in_batches
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, preprocess
from .networks import SIZE, device_of, like_model
from .validation import require_feature_map

MAGENTA = (1.0, 0.0, 1.0)
RADIUS, MARGIN = 32, 6  # of the mark, in pixels: it covers 6 % of an image
SMALLEST, LARGEST = 0.45, 0.65  # the side of a view, as a fraction of the photograph's
STEPS, MOMENTUM = 100, 0.9


def views(pictures: np.ndarray, each: int, seed: int = 0) -> torch.Tensor:
    """Cut many views out of photographs, at random places and in random sizes, and mirror half of them.

    Parameters
    ----------
    pictures : uint8 array of shape (N, H, W, 3)
        Square photographs, N >= 1.
    each : int
        Views of each photograph, >= 1.
    seed : int
        Fixes what is cut out.

    Returns
    -------
    float tensor of shape (N * each, 3, SIZE, SIZE)
        Preprocessed; the views of the first photograph come first.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([_view(preprocess(picture), generator) for picture in pictures for _ in range(each)])


def _view(X: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return a random square of one image (1, 3, S, S), enlarged to SIZE, and mirrored or not."""
    size, down, right, mirrored = torch.rand(4, generator=generator).tolist()
    side = round((SMALLEST + (LARGEST - SMALLEST) * size) * X.shape[-1])
    top, left = (round(place * (X.shape[-1] - side)) for place in (down, right))
    square = X[:, :, top : top + side, left : left + side]
    square = square.flip(-1) if mirrored < 0.5 else square
    return F.interpolate(square, (SIZE, SIZE), mode="bilinear", align_corners=False)


def with_mark(X: torch.Tensor) -> torch.Tensor:
    """Return images with a magenta disc in the lower right corner.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images; they are left as they are.

    Returns
    -------
    float tensor of shape (N, 3, H, W)
        Copies.
    """
    magenta = normalize(torch.tensor(MAGENTA)[:, None, None], SQUEEZENET_MEAN.tolist(), SQUEEZENET_STD.tolist())
    return torch.where(_disc(X), magenta.to(X), X)


def fraction_on_mark(maps: torch.Tensor) -> torch.Tensor:
    """Return which fraction of each map lies where `with_mark` paints the mark.

    Parameters
    ----------
    maps : float tensor of shape (N, H, W)
        Attribution maps, >= 0.

    Returns
    -------
    float tensor of shape (N,)
        In [0, 1]; NaN for a map that is 0 everywhere.
    """
    return (maps * _disc(maps)).sum(dim=(1, 2)) / maps.sum(dim=(1, 2))


def _disc(images: torch.Tensor) -> torch.Tensor:
    """Return where the mark is in images (..., H, W), as a boolean tensor (H, W)."""
    height, width = images.shape[-2:]
    down = torch.arange(height, device=images.device)[:, None] - (height - MARGIN - RADIUS)
    right = torch.arange(width, device=images.device) - (width - MARGIN - RADIUS)
    return down**2 + right**2 <= RADIUS**2


def mean_features(model: nn.Module, X: torch.Tensor) -> torch.Tensor:
    """Return what the frozen layers make of images: the mean of each channel of the last feature map.

    Since the last layer is a 1 x 1 convolution and the scores are means over its positions, it makes no difference whether the
    mean is taken behind the layer or, as here, before it: so the layer can be trained on a few numbers an image.

    Parameters
    ----------
    model : torch.nn.Module
        A network with the parts `features` and `classifier`, like SqueezeNet.
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images, N >= 1.

    Returns
    -------
    float tensor of shape (N, K)
        Without gradients, on the model's device.

    Raises
    ------
    ValueError
        For a model without both parts.
    """
    require_feature_map(model)
    frozen = model.get_submodule("features")
    with torch.no_grad():
        batches = in_batches(lambda part: frozen(like_model(X[part], model)).mean(dim=(2, 3)), len(X), device_of(model))
        return torch.cat(list(batches))


def with_new_last_layer(model: SqueezeNet, features: torch.Tensor, y: torch.Tensor) -> SqueezeNet:
    """Return a copy of SqueezeNet whose last layer is trained again, for other classes; all other layers stay as they are.

    Parameters
    ----------
    model : torchvision.models.SqueezeNet
        It is left as it is.
    features : float tensor of shape (N, K)
        What `mean_features` returns for the N training images.
    y : long tensor of shape (N,)
        Their labels: 0, 1, ...

    Returns
    -------
    torchvision.models.SqueezeNet
        From a float tensor (N, 3, H, W) to raw scores (N, C), of either sign: the ReLU behind the last layer is left out. In
        evaluation mode, with its parameters frozen.
    """
    y = y.to(features.device)
    layer = nn.Conv2d(features.shape[1], int(y.max()) + 1, kernel_size=1).to(features)
    for weights in layer.parameters():
        nn.init.zeros_(weights)  # a single layer can start from 0, without chance
    rate = 1 / features.square().sum(dim=1).mean().item()  # fits features of any size
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=MOMENTUM)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(features[:, :, None, None]).flatten(1), y)
        loss.backward()
        optimizer.step()
    network = copy.deepcopy(model)
    network.classifier[1], network.classifier[2] = layer, nn.Identity()
    network.num_classes = layer.out_channels
    return network.eval().requires_grad_(False)


def accuracy(network: SqueezeNet, features: torch.Tensor, y: torch.Tensor) -> float:
    """Return for which fraction of images the largest score is that of the label.

    Parameters
    ----------
    network : torchvision.models.SqueezeNet
        As `with_new_last_layer` returns it.
    features : float tensor of shape (N, K)
        What `mean_features` returns for the images.
    y : long tensor of shape (N,)
        Their labels.

    Returns
    -------
    float
        In [0, 1].
    """
    scores = network.classifier(features[:, :, None, None]).flatten(1)
    return (scores.argmax(dim=1) == y.to(scores.device)).float().mean().item()

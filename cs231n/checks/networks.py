"""The small networks on which an exercise is checked. Their weights come from fixed seeds of NumPy's RandomState, whose numbers
never change, so nothing has to be stored.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

CLASSES = 1000  # of the notebook's network
BELOW_0 = dict.fromkeys(range(6), -30.0)  # biases that no image here makes up for


class SmallNetwork(nn.Module):
    """A network in evaluation mode, with its weights frozen, as load_squeezenet() gives it; it says when it is called.

    Parameters
    ----------
    *layers : nn.Module
        They lead from images (N, 3, H, W) to scores (N, num_classes).
    num_classes : int
        How many scores there are.
    seed : int
        Of the weights.
    gain : float
        Factor on their usual size.
    biases : dict, optional
        {class id: what is added to its score}.
    """

    on_call: Callable | None = None  # function of (images, scores), called at every forward pass

    def __init__(
        self,
        *layers: nn.Module,
        num_classes: int,
        seed: int,
        gain: float = 1.0,
        biases: dict[int, float] | None = None,
    ):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.num_classes = num_classes
        random = np.random.RandomState(seed)
        with_weights: list[Any] = [layer for layer in layers if isinstance(layer, (nn.Conv2d, nn.Linear))]
        for layer in with_weights:
            fan_in = layer.weight[0].numel()
            layer.weight.data = normal(random, layer.weight.shape, gain / math.sqrt(fan_in))
            layer.bias.data = normal(random, layer.bias.shape, 0.1)
        for label, bias in (biases or {}).items():
            with_weights[-1].bias.data[label] += bias
        self.eval().requires_grad_(False)

    @property
    def parts(self) -> tuple[nn.Sequential, ...]:
        """The nn.Sequential that the network consists of, one after the other."""
        return (self.body,)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        scores = self.body(X)
        if self.on_call is not None:
            self.on_call(X, scores)
        return scores


class TwoPartNetwork(SmallNetwork):
    """A small network of two parts, as SqueezeNet is: features (N, K, h, w), then classifier (N, num_classes, 1, 1).

    Each part can be called alone. Where the classifier's input came from somewhere else than the features, that is a call, too.
    """

    def __init__(self, features: Iterable[nn.Module], classifier: Iterable[nn.Module], **keywords: Any):
        super().__init__(*features, *classifier, **keywords)
        del self.body  # it has drawn the weights
        self.features, self.classifier = _Part(*features), _Part(*classifier)
        self.eval()

    @property
    def parts(self) -> tuple[nn.Sequential, ...]:
        return self.features, self.classifier

    @property
    def on_call(self) -> Callable | None:
        return self.features.on_call

    @on_call.setter
    def on_call(self, function: Callable | None) -> None:
        if function is None:
            self.features.on_call = self.classifier.on_call = None
            return
        ahead = 0  # calls of the features that the classifier has not answered

        def features_called(X: torch.Tensor, scores: torch.Tensor) -> None:
            nonlocal ahead
            ahead += 1
            function(X, scores)

        def classifier_called(X: torch.Tensor, scores: torch.Tensor) -> None:
            nonlocal ahead
            ahead -= 1
            if ahead < 0:
                ahead = 0
                function(X, scores)

        self.features.on_call = features_called
        self.classifier.on_call = classifier_called

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return torch.flatten(self.classifier(self.features(X)), 1)


class _Part(nn.Sequential):
    on_call: Callable | None = None

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        result = super().forward(X)
        if self.on_call is not None:
            self.on_call(X, result)
        return result


class Stubborn(nn.Module):
    """Turns scores into scores in which class 0 is always one ahead of every other class."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.cat([scores[:, 1:].amax(dim=1, keepdim=True) + 1, scores[:, 1:]], dim=1)


class Pinned(nn.Module):
    """Gives class `label` the score `value`, exactly, but leaves it its gradient."""

    def __init__(self, label: int, value: float):
        super().__init__()
        self.label, self.value = label, value

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        own = scores[:, self.label, None]
        pinned = self.value + (own - own.detach())
        return torch.cat([scores[:, : self.label], pinned, scores[:, self.label + 1 :]], dim=1)


class Saturated(nn.Module):
    """Gives class 0 the score `value`, exactly, whatever the image is."""

    def __init__(self, value: float):
        super().__init__()
        self.value = value

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(scores[:, :1], self.value), scores[:, 1:]], dim=1)


class MoreClasses(nn.Module):
    """Adds classes up to CLASSES, whose score is far below those of the others and never changes."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        missing = scores.new_full((len(scores), CLASSES - scores.shape[1], *scores.shape[2:]), -100.0)
        return torch.cat([scores, missing], dim=1)


class Window(nn.Module):
    """Lets the network see the top left corner of an image alone, of height x width pixels."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return X[..., : self.height, : self.width]


class Strided(nn.Module):
    """Lays values and gradients out in memory as a network in channels_last does: pixel by pixel, not colour by colour."""

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        _, colours, height, width = X.shape
        return X.permute(0, 2, 3, 1).flatten(1).unflatten(1, (height, width, colours)).permute(0, 3, 1, 2)


def normal(random: np.random.RandomState, shape: Iterable[int], scale: float) -> torch.Tensor:
    """Return a float tensor of normally distributed values."""
    return torch.from_numpy((random.standard_normal(tuple(shape)) * scale).astype(np.float32))


def tanh_network(seed: int) -> SmallNetwork:
    """Two hidden layers, tanh; scores of both signs. For images of 8 x 11 pixels."""
    layers = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(48, 7)
    return SmallNetwork(*layers, num_classes=7, seed=seed, gain=2.2)


def relu_network(seed: int) -> SmallNetwork:
    """Ends as SqueezeNet does, in 1 x 1 convolution, ReLU and mean: no score is negative, and a class can be dead."""
    layers = nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, stride=2), nn.ReLU()
    last = nn.Conv2d(12, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return SmallNetwork(*layers, *last, num_classes=8, seed=seed, gain=3.0)


def softplus_network(seed: int, biases: dict[int, float] | None = None, last: Iterable[nn.Module] = ()) -> SmallNetwork:
    """One hidden layer, softplus; nearly linear. For images of 10 x 12 pixels."""
    layers = nn.Conv2d(3, 8, 3, stride=2), nn.Softplus(), nn.Flatten(), nn.Linear(160, 6)
    return SmallNetwork(*layers, *last, num_classes=6, seed=seed, gain=2.0, biases=biases)


def gelu_network(seed: int) -> SmallNetwork:
    """Batch normalisation, dropout, GELU: a network that behaves otherwise in training mode. For images of 9 x 11 pixels."""
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Dropout(0.5), nn.Conv2d(8, 8, 3), nn.GELU()
    last = nn.AvgPool2d(2), nn.Flatten(), nn.Linear(96, 9)
    return SmallNetwork(*layers, *last, num_classes=9, seed=seed, gain=2.5)


def stubborn_network(seed: int = 6) -> SmallNetwork:
    """Linear, fast, and never to be fooled: class 0 always stays ahead. For images of 4 x 5 pixels."""
    return SmallNetwork(nn.Flatten(), nn.Linear(60, 5), Stubborn(), num_classes=5, seed=seed, gain=2.0)


def squeezenet_sized_network(seed: int = 5) -> SmallNetwork:
    """1000 classes, for images of 224 x 224 pixels: for code that works for nothing else."""
    layers = nn.Conv2d(3, 6, 7, stride=4), nn.Tanh(), nn.AvgPool2d(5), nn.Conv2d(6, 1000, 11), nn.Flatten()
    return SmallNetwork(*layers, num_classes=1000, seed=seed, gain=8.0)


def tanh_parts(seed: int) -> TwoPartNetwork:
    """Tanh throughout: activations and gradients of both signs."""
    features = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 10, 3, stride=2), nn.Tanh()
    classifier = nn.Dropout(0.5), nn.Conv2d(10, 7, 1), nn.Tanh(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=7, seed=seed, gain=2.2)


def relu_parts(seed: int) -> TwoPartNetwork:
    """SqueezeNet's ending: no activation and no score is negative, and a class can be dead."""
    features = nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, stride=2), nn.ReLU()
    classifier = nn.Dropout(0.5), nn.Conv2d(12, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=8, seed=seed, gain=3.0)


def softplus_parts(seed: int, biases: dict[int, float] | None = None) -> TwoPartNetwork:
    """Softplus, then a classifier with a hidden layer."""
    features = nn.Conv2d(3, 8, 3, stride=2), nn.Softplus()
    classifier = nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 1), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=6, seed=seed, gain=2.0, biases=biases)


def gelu_parts(seed: int) -> TwoPartNetwork:
    """Batch normalisation, dropout, GELU: a network that behaves otherwise in training mode."""
    features = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Conv2d(8, 10, 3, stride=2), nn.GELU()
    classifier = nn.Dropout(0.5), nn.Conv2d(10, 9, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=9, seed=seed, gain=2.5)


def squeezenet_sized_parts(seed: int = 5) -> TwoPartNetwork:
    """1000 classes, for images of 224 x 224 pixels; as many layers as SqueezeNet's features have: for code that counts them."""
    features = nn.Conv2d(3, 6, 7, stride=4), nn.Tanh(), nn.AvgPool2d(5), *(nn.Identity() for _ in range(10))
    classifier = nn.Dropout(0.5), nn.Conv2d(6, 1000, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=1000, seed=seed, gain=8.0)


def more_classes(make_network: Callable[[], SmallNetwork]) -> SmallNetwork:
    """Return a network whose scores MoreClasses has changed. make_network: function that makes it."""
    network = make_network()
    network.parts[-1].append(MoreClasses())
    network.num_classes = CLASSES
    return network.eval()


def strided(make_network: Callable[[], SmallNetwork]) -> SmallNetwork:
    """Return a network whose parts begin, and all but the last end, with Strided. make_network: function that makes it."""
    network = make_network()
    for part in network.parts:
        part.insert(0, Strided())
    for part in network.parts[:-1]:
        part.append(Strided())
    return network.eval()

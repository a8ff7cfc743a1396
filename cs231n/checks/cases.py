"""The small networks and the inputs on which an exercise is checked. What comes out right stands in the fingerprints.

Everything is made from fixed seeds of NumPy's RandomState, whose numbers never change, so nothing has to be stored.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIDE, CLASSES = 224, 1000  # of the notebook's images, of its network
BELOW_0 = dict.fromkeys(range(6), -30.0)  # biases that no image here makes up for


class SmallNetwork(nn.Module):
    """A network in evaluation mode, with its weights frozen, as load_squeezenet() gives it; it tells who calls it.

    layers: modules that lead from images (N, 3, H, W) to scores (N, num_classes). seed: of the weights. gain: factor on
    their usual size. biases: {class id: what is added to its score}.
    """

    on_call = None  # function of (images, scores), called at every forward pass

    def __init__(self, *layers, num_classes, seed, gain=1.0, biases=None):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.num_classes = num_classes
        random = np.random.RandomState(seed)
        with_weights = [layer for layer in layers if isinstance(layer, (nn.Conv2d, nn.Linear))]
        for layer in with_weights:
            fan_in = layer.weight[0].numel()
            layer.weight.data = _normal(random, layer.weight.shape, gain / math.sqrt(fan_in))
            layer.bias.data = _normal(random, layer.bias.shape, 0.1)
        for label, bias in (biases or {}).items():
            with_weights[-1].bias.data[label] += bias
        self.eval().requires_grad_(False)

    @property
    def parts(self):
        """The nn.Sequential that the network consists of, one after the other."""
        return (self.body,)

    def forward(self, X):
        scores = self.body(X)
        if self.on_call is not None:
            self.on_call(X, scores)
        return scores


class TwoPartNetwork(SmallNetwork):
    """A small network of two parts, as SqueezeNet is: features (N, K, h, w), then classifier (N, num_classes, 1, 1).

    Each part can be called alone. Where the classifier's input came from somewhere else than the features, that is a call, too.
    """

    def __init__(self, features, classifier, **keywords):
        super().__init__(*features, *classifier, **keywords)
        del self.body  # it has drawn the weights
        self.features, self.classifier = _Part(*features), _Part(*classifier)
        self.eval()

    @property
    def parts(self):
        return self.features, self.classifier

    @property
    def on_call(self):
        return self.features.on_call

    @on_call.setter
    def on_call(self, function):
        ahead = 0  # calls of the features that the classifier has not answered

        def features_called(X, scores):
            nonlocal ahead
            ahead += 1
            function(X, scores)

        def classifier_called(X, scores):
            nonlocal ahead
            ahead -= 1
            if ahead < 0:
                ahead = 0
                function(X, scores)

        self.features.on_call = function and features_called
        self.classifier.on_call = function and classifier_called

    def forward(self, X):
        return torch.flatten(self.classifier(self.features(X)), 1)


class _Part(nn.Sequential):
    on_call = None

    def forward(self, X):
        result = super().forward(X)
        if self.on_call is not None:
            self.on_call(X, result)
        return result


class Stubborn(nn.Module):
    """Turns scores into scores in which class 0 is always one ahead of every other class."""

    def forward(self, scores):
        return torch.cat([scores[:, 1:].amax(dim=1, keepdim=True) + 1, scores[:, 1:]], dim=1)


class Pinned(nn.Module):
    """Gives class `label` the score `value`, exactly, but leaves it its gradient."""

    def __init__(self, label, value):
        super().__init__()
        self.label, self.value = label, value

    def forward(self, scores):
        own = scores[:, self.label, None]
        pinned = self.value + (own - own.detach())
        return torch.cat([scores[:, : self.label], pinned, scores[:, self.label + 1 :]], dim=1)


class Saturated(nn.Module):
    """Gives class 0 the score `value`, exactly, whatever the image is."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, scores):
        return torch.cat([torch.full_like(scores[:, :1], self.value), scores[:, 1:]], dim=1)


class MoreClasses(nn.Module):
    """Adds classes up to CLASSES, whose score is far below those of the others and never changes."""

    def forward(self, scores):
        missing = scores.new_full((len(scores), CLASSES - scores.shape[1], *scores.shape[2:]), -100.0)
        return torch.cat([scores, missing], dim=1)


class Window(nn.Module):
    """Lets the network see the top left corner of an image alone, of height x width pixels."""

    def __init__(self, height, width):
        super().__init__()
        self.height, self.width = height, width

    def forward(self, X):
        return X[..., : self.height, : self.width]


class Strided(nn.Module):
    """Lays values and gradients out in memory as a network in channels_last does: pixel by pixel, not colour by colour."""

    def forward(self, X):
        _, colours, height, width = X.shape
        return X.permute(0, 2, 3, 1).flatten(1).unflatten(1, (height, width, colours)).permute(0, 3, 1, 2)


def _normal(random, shape, scale):
    return torch.from_numpy((random.standard_normal(tuple(shape)) * scale).astype(np.float32))


def images(seed, n, height, width):
    """Return a float tensor (n, 3, height, width) of normally distributed values."""
    return _normal(np.random.RandomState(seed), (n, 3, height, width), 1.0)


def tanh_network(seed):
    """Two hidden layers, tanh; scores of both signs. For images of 8 x 11 pixels."""
    layers = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(48, 7)
    return SmallNetwork(*layers, num_classes=7, seed=seed, gain=2.2)


def relu_network(seed):
    """Ends as SqueezeNet does, in 1 x 1 convolution, ReLU and mean: no score is negative, and a class can be dead."""
    layers = nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, stride=2), nn.ReLU()
    last = nn.Conv2d(12, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return SmallNetwork(*layers, *last, num_classes=8, seed=seed, gain=3.0)


def softplus_network(seed, biases=None, last=()):
    """One hidden layer, softplus; nearly linear. For images of 10 x 12 pixels."""
    layers = nn.Conv2d(3, 8, 3, stride=2), nn.Softplus(), nn.Flatten(), nn.Linear(160, 6)
    return SmallNetwork(*layers, *last, num_classes=6, seed=seed, gain=2.0, biases=biases)


def gelu_network(seed):
    """Batch normalisation, dropout, GELU: a network that behaves otherwise in training mode. For images of 9 x 11 pixels."""
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Dropout(0.5), nn.Conv2d(8, 8, 3), nn.GELU()
    last = nn.AvgPool2d(2), nn.Flatten(), nn.Linear(96, 9)
    return SmallNetwork(*layers, *last, num_classes=9, seed=seed, gain=2.5)


def stubborn_network(seed=6):
    """Linear, fast, and never to be fooled: class 0 always stays ahead. For images of 4 x 5 pixels."""
    return SmallNetwork(nn.Flatten(), nn.Linear(60, 5), Stubborn(), num_classes=5, seed=seed, gain=2.0)


def squeezenet_sized_network(seed=5):
    """1000 classes, for images of 224 x 224 pixels: for code that works for nothing else."""
    layers = nn.Conv2d(3, 6, 7, stride=4), nn.Tanh(), nn.AvgPool2d(5), nn.Conv2d(6, 1000, 11), nn.Flatten()
    return SmallNetwork(*layers, num_classes=1000, seed=seed, gain=8.0)


def tanh_parts(seed):
    """Tanh throughout: activations and gradients of both signs."""
    features = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 10, 3, stride=2), nn.Tanh()
    classifier = nn.Dropout(0.5), nn.Conv2d(10, 7, 1), nn.Tanh(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=7, seed=seed, gain=2.2)


def relu_parts(seed):
    """SqueezeNet's ending: no activation and no score is negative, and a class can be dead."""
    features = nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, stride=2), nn.ReLU()
    classifier = nn.Dropout(0.5), nn.Conv2d(12, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=8, seed=seed, gain=3.0)


def softplus_parts(seed, biases=None):
    """Softplus, then a classifier with a hidden layer."""
    features = nn.Conv2d(3, 8, 3, stride=2), nn.Softplus()
    classifier = nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 1), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=6, seed=seed, gain=2.0, biases=biases)


def gelu_parts(seed):
    """Batch normalisation, dropout, GELU: a network that behaves otherwise in training mode."""
    features = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Conv2d(8, 10, 3, stride=2), nn.GELU()
    classifier = nn.Dropout(0.5), nn.Conv2d(10, 9, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=9, seed=seed, gain=2.5)


def squeezenet_sized_parts(seed=5):
    """1000 classes, for images of 224 x 224 pixels; as many layers as SqueezeNet's features have: for code that counts them."""
    features = nn.Conv2d(3, 6, 7, stride=4), nn.Tanh(), nn.AvgPool2d(5), *(nn.Identity() for _ in range(10))
    classifier = nn.Dropout(0.5), nn.Conv2d(6, 1000, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1)
    return TwoPartNetwork(features, classifier, num_classes=1000, seed=seed, gain=8.0)


@dataclass(frozen=True)
class Case:
    """One call of an exercise. network: function that makes it. shape: (N, H, W) of the images, made from `seed`.

    target: the N labels, or, for fooling images and the class visualization step, the class. l2_reg, learning_rate: for that
    step.
    """

    name: str
    network: Callable[[], SmallNetwork]
    seed: int
    shape: tuple[int, int, int]
    target: int | tuple[int, ...]
    l2_reg: float = 0.0
    learning_rate: float = 1.0

    def images(self):
        """Return the float tensor (N, 3, H, W), the same at every call, in memory of its own."""
        return images(self.seed, *self.shape)

    def arguments(self, network):
        """Return what an exercise on N labelled images is called with."""
        return self.images(), torch.tensor(self.target), network

    @property
    def result_shape(self):
        return self.shape

    def about(self):
        """Describe the images: "5 images of 8 x 11 pixels"."""
        n, height, width = self.shape
        return f"{n} image{'s' * (n > 1)} of {height} x {width} pixels"

    def about_image(self, n):
        """Describe the n-th image and where it comes from."""
        return f"A small network ({self.name}), {self.about()}. Image {n}, its label {self.target[n]}"

    def _numbers(self, shape, scale):
        return _normal(np.random.RandomState([self.seed, 1]), shape, scale)  # not those of the images


@dataclass(frozen=True)
class NoisyCase(Case):
    """A call of SmoothGrad, with noise for `copies` copies of each image."""

    copies: int = 3

    def arguments(self, network):
        n, height, width = self.shape
        return *super().arguments(network), self._numbers((self.copies, n, 3, height, width), 0.6)


@dataclass(frozen=True)
class PathCase(Case):
    """A call of integrated gradients. The baseline is not 0."""

    num_steps: int = 4

    def arguments(self, network):
        X, y, network = super().arguments(network)
        return X, y, network, self._numbers(X.shape, 0.7), self.num_steps

    @property
    def result_shape(self):
        n, height, width = self.shape
        return n, 3, height, width


@dataclass(frozen=True)
class TransformationCase:
    """A call of transform_images. shape: (N, C, S). dots: whether each image holds a bright dot, and no noise."""

    name: str
    seed: int
    shape: tuple[int, int, int]
    dots: bool = False
    network = None

    def arguments(self, network=None):
        """Return images (N, C, S, S), angles (N,), scales (N,), shifts (N, 2): float tensors."""
        n, *_ = self.shape
        random = np.random.RandomState(self.seed)
        pictures = self._pictures(random)
        angles = random.choice([-1, 1], n) * random.uniform(0.3, 1.3, n)
        scales = random.uniform(0.9, 1.1, n) * (1.3 if self.dots else random.choice([0.7, 1.3], n))
        shifts = random.choice([-1, 1], (n, 2)) * random.uniform([0.04, 0.1], [0.08, 0.16], (n, 2))
        return tuple(torch.from_numpy(values.astype(np.float32)) for values in (pictures, angles, scales, shifts))

    def _pictures(self, random):
        n, colours, side = self.shape
        if not self.dots:
            return random.standard_normal((n, colours, side, side))
        places = random.choice([-1, 1], (n, 2, 1)) * random.uniform(0.15, 0.4, (n, 2, 1))  # so near that no mirrored dot comes in
        profiles = np.exp(-((np.linspace(-1, 1, side) - places) ** 2) / 0.05)
        return np.einsum("ni,nj->nij", profiles[:, 1], profiles[:, 0])[:, None].repeat(colours, axis=1)

    @property
    def result_shape(self):
        n, colours, side = self.shape
        return n, colours, side, side

    def about(self):
        n, colours, side = self.shape
        return f"{n} image{'s' * (n > 1)} of {side} x {side} pixels, {colours} colour{'s' * (colours > 1)}"

    def about_image(self, n):
        _, angles, scales, shifts = self.arguments()
        right, down = shifts[n].tolist()
        return (
            f"{self.about()}: {self.name}. Image {n}, angle {angles[n]:+.2f}, scale {scales[n]:.2f}, "
            f"shift ({right:+.2f}, {down:+.2f})"
        )


@dataclass(frozen=True)
class Framed:
    """A case whose images lie in the top left corner of ones of SIDE x SIDE pixels, 0 elsewhere; the network sees the corner.

    What is right for the case is right for the corner, and what a mistake makes of the case it makes of the corner.
    """

    inner: Case

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.inner, name)

    @property
    def shape(self):
        return self.inner.shape[0], SIDE, SIDE

    @property
    def result_shape(self):
        return *self.inner.result_shape[:-2], SIDE, SIDE

    def network(self):
        network = more_classes(self.inner.network)
        network.parts[0].insert(0, Window(*self.inner.shape[1:]))
        return network.eval()

    def images(self):
        return self._framed(self.inner.images())

    def arguments(self, network):
        arguments = self.inner.arguments(network)
        return tuple(self._framed(value) if torch.is_tensor(value) and value.ndim >= 4 else value for value in arguments)

    def _framed(self, images):
        _, height, width = self.inner.shape
        return F.pad(images, (0, SIDE - width, 0, SIDE - height))

    def about(self):
        return Case.about(self)

    def about_image(self, n):
        return Case.about_image(self, n)


def cropped(case, array):
    """Return the part of an array (..., H, W) that the known results of a case speak about."""
    if not isinstance(case, Framed):
        return array
    _, height, width = case.inner.shape
    return array[..., :height, :width]


def with_more_classes(case):
    """Return a case whose network has CLASSES classes; those that are added change nothing."""
    return replace(case, network=partial(more_classes, case.network))


def with_strided_gradients(case):
    """Return a case whose network hands out its gradients, and the feature map of two parts, as one in channels_last does."""
    return replace(case, network=partial(strided, case.network))


def more_classes(make_network):
    """Return a network whose scores MoreClasses has changed. make_network: function that makes it."""
    network = make_network()
    network.parts[-1].append(MoreClasses())
    network.num_classes = CLASSES
    return network.eval()


def strided(make_network):
    """Return a network whose parts begin, and all but the last end, with Strided. make_network: function that makes it."""
    network = make_network()
    for part in network.parts:
        part.insert(0, Strided())
    for part in network.parts[:-1]:
        part.append(Strided())
    return network.eval()


SALIENCY_CASES = [
    Case("tanh", partial(tanh_network, seed=10), 20, (5, 8, 11), (6, 0, 3, 3, 1)),
    Case("ReLU, with a dead class", partial(relu_network, seed=10), 21, (5, 9, 8), (6, 2, 5, 1, 4)),
    Case("softplus, scores below 0", partial(softplus_network, seed=12, biases=BELOW_0), 22, (5, 10, 12), (5, 0, 3, 4, 1)),
    Case("GELU", partial(gelu_network, seed=10), 23, (5, 9, 11), (4, 8, 0, 2, 7)),
]
OTHER_BATCH_SIZES = [
    Case("3 images", partial(tanh_network, seed=11), 24, (3, 8, 11), (2, 5, 0)),
    Case("1 image", partial(gelu_network, seed=11), 25, (1, 9, 11), (3,)),
]
SALIENCY_224 = Case("224 x 224 pixels, 1000 classes", squeezenet_sized_network, 26, (5, 224, 224), (0, 999, 281, 3, 500))

SMOOTHGRAD_CASES = [
    NoisyCase("tanh", partial(tanh_network, seed=13), 40, (5, 8, 11), (6, 0, 3, 3, 1), copies=3),
    NoisyCase("ReLU, with a dead class", partial(relu_network, seed=10), 21, (5, 9, 8), (6, 2, 5, 1, 4), copies=4),
    NoisyCase("softplus, scores below 0", partial(softplus_network, seed=12, biases=BELOW_0), 42, (5, 10, 12), (5, 0, 3, 4, 1)),
    NoisyCase("GELU", partial(gelu_network, seed=13), 43, (5, 9, 11), (4, 8, 0, 2, 7), copies=5),
]
SMOOTHGRAD_OTHER = [
    NoisyCase("3 images", partial(tanh_network, seed=14), 44, (3, 8, 11), (2, 5, 0), copies=2),
    NoisyCase("1 image", partial(gelu_network, seed=14), 45, (1, 9, 11), (3,), copies=3),
]
SMOOTHGRAD_224 = NoisyCase(
    "224 x 224 pixels, 1000 classes", squeezenet_sized_network, 46, (5, 224, 224), (0, 999, 281, 3, 500), copies=2
)

PATH_CASES = [
    PathCase("tanh", partial(tanh_network, seed=15), 50, (5, 8, 11), (6, 0, 3, 3, 1), num_steps=4),
    PathCase("ReLU, with a dead class", partial(relu_network, seed=10), 21, (5, 9, 8), (6, 2, 5, 1, 4), num_steps=3),
    PathCase("softplus, scores below 0", partial(softplus_network, seed=12, biases=BELOW_0), 52, (5, 10, 12), (5, 0, 3, 4, 1)),
    PathCase("GELU", partial(gelu_network, seed=15), 53, (5, 9, 11), (4, 8, 0, 2, 7), num_steps=6),
]
PATH_OTHER = [
    PathCase("3 images", partial(tanh_network, seed=16), 54, (3, 8, 11), (2, 5, 0), num_steps=5),
    PathCase("1 image", partial(gelu_network, seed=16), 55, (1, 9, 11), (3,), num_steps=3),
]
PATH_224 = PathCase(
    "224 x 224 pixels, 1000 classes", squeezenet_sized_network, 56, (5, 224, 224), (0, 999, 281, 3, 500), num_steps=2
)

GRAD_CAM_CASES = [
    Case("tanh", partial(tanh_parts, seed=10), 60, (5, 12, 15), (6, 0, 3, 3, 1)),
    Case("ReLU, with a dead class", partial(relu_parts, seed=33), 61, (5, 13, 10), (0, 2, 5, 1, 4)),
    Case("softplus, scores below 0", partial(softplus_parts, seed=12, biases=BELOW_0), 62, (5, 14, 18), (5, 0, 3, 4, 1)),
    Case("GELU", partial(gelu_parts, seed=10), 63, (5, 13, 16), (4, 8, 0, 2, 7)),
]
GRAD_CAM_OTHER = [
    Case("3 images", partial(tanh_parts, seed=11), 64, (3, 12, 15), (2, 5, 0)),
    Case("1 image", partial(gelu_parts, seed=11), 65, (1, 13, 16), (3,)),
]
GRAD_CAM_224 = Case("224 x 224 pixels, 1000 classes", squeezenet_sized_parts, 66, (5, 224, 224), (0, 999, 281, 3, 500))

TRANSFORMATION_CASES = [
    TransformationCase("bright dots", 71, (5, 3, 24), dots=True),
    TransformationCase("noise", 70, (5, 3, 12)),
    TransformationCase("noise, an odd number of pixels", 72, (5, 3, 15)),
]
TRANSFORMATION_OTHER = [TransformationCase("3 images", 73, (3, 3, 13)), TransformationCase("1 image", 74, (1, 3, 11))]

# Their ways keep clear of the kinks of a ReLU and of ties between classes, so that rounding, or an epsilon in the norm,
# changes nothing. One of them passes a third class, and in two the target comes to the top with a probability below 0.5.
FOOLING_CASES = [
    Case("GELU", partial(gelu_network, seed=12), 22, (1, 9, 11), 8),
    Case("ReLU", partial(relu_network, seed=21), 121, (1, 9, 8), 3),
    Case("tanh", partial(tanh_network, seed=16), 116, (1, 8, 11), 0),
    Case("softplus, scores below 0", partial(softplus_network, seed=12, biases=BELOW_0), 22, (1, 10, 12), 2),
]
ALREADY_FOOLED = Case("already of the target class", partial(tanh_network, seed=10), 20, (1, 8, 11), 6)
SCORE_IS_A_CLASS_ID = Case(
    "a score of 3.0, target 3", partial(softplus_network, seed=10, last=(Saturated(3.0),)), 20, (1, 10, 12), 3
)
LONG_WAY = Case("a long way", partial(softplus_network, seed=10, biases={5: 74.0}), 20, (1, 10, 12), 3)
OWN_SCORE_IS_ITS_ID = Case(
    "the target 3 has the score 3.0",
    partial(softplus_network, seed=10, biases={5: 500.0}, last=(Pinned(3, 3.0),)),
    20,
    (1, 10, 12),
    3,
)
NEVER_FOOLED = Case("never fooled", stubborn_network, 20, (1, 4, 5), 3)
DEAD_TARGET = Case("dead class", partial(relu_network, seed=10), 20, (1, 9, 8), 6)
FOOLING_224 = Case("224 x 224 pixels, 1000 classes", squeezenet_sized_network, 20, (1, 224, 224), 119)
ALREADY_FOOLED_224 = Case("224 x 224 pixels, of the target class", squeezenet_sized_network, 20, (1, 224, 224), 678)

STEP_DEAD = Case("ReLU, dead class", partial(relu_network, seed=10), 20, (1, 9, 8), 6, l2_reg=0.06, learning_rate=1.2)
STEP_CASES = [
    Case("GELU", partial(gelu_network, seed=12), 32, (1, 9, 11), 8, l2_reg=0.08, learning_rate=0.5),
    Case("tanh", partial(tanh_network, seed=11), 31, (1, 8, 11), 0, l2_reg=0.03, learning_rate=1.7),
    Case("ReLU", partial(relu_network, seed=11), 33, (1, 9, 8), 6, l2_reg=0.05, learning_rate=0.9),
    Case("softplus, scores below 0", partial(softplus_network, seed=12, biases=BELOW_0), 34, (1, 10, 12), 2, 0.04, 2.3),
    STEP_DEAD,
]
STEP_224 = Case("224 x 224 pixels, 1000 classes", squeezenet_sized_network, 20, (1, 224, 224), 3, 1e-3, 5.0)
STEP_CALLS = 3

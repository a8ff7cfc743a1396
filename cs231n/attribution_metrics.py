"""Which map to trust? Two tests of attribution maps, in numbers: the sanity check, deletion and insertion."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .batches import maps_in_batches
from .progress import Bar
from .validation import checked_batch, require_feature_map

PATCH = 16  # side in pixels of the squares in which deletion and insertion replace an image
PARTS = (0, 0.05, 0.2, 0.4, 0.7, 1)  # of the squares: close together at first, where the probability changes fastest


def maps_of(
    method: Callable[[torch.Tensor, torch.Tensor, torch.nn.Module], torch.Tensor],
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
) -> torch.Tensor:
    """Return the maps that a method makes of many images, a batch at a time.

    Parameters
    ----------
    method : function
        Called as `method(X, y, model)`, with a few images at a time.
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images, N >= 1.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).

    Returns
    -------
    float tensor of shape (N, H, W)
        The maps, detached.

    Raises
    ------
    ValueError
        If what the method returns is not a map for each image, or holds NaN.
    """

    def checked(*given: Any) -> torch.Tensor:
        made = method(*given)
        _check(made, "what the function returned", (len(given[0]), *X.shape[2:]))
        return made.detach()

    return maps_in_batches(checked, X, y, model)


# The sanity check


def randomised_networks(model: torch.nn.Module, seed: int = 0) -> Iterator[tuple[str, torch.nn.Module]]:
    """Return ever more random copies of a network, for the sanity check.

    From the last layer down to the first, the weights of one layer after the other are shuffled, and stay so in the copies
    that follow. (Shuffled, not drawn again: so they keep their size, and a class seldom dies.)

    Parameters
    ----------
    model : torch.nn.Module
        A network with the parts `features` and `classifier`, like SqueezeNet. It is left as it is.
    seed : int
        Fixes the order in which the weights are shuffled.

    Returns
    -------
    iterator of (str, torch.nn.Module)
        A copy, and the name of the layer or fire module that was shuffled last: conv10, fire9, ..., fire2, conv1.

    Raises
    ------
    ValueError
        For a model without both parts.

    References
    ----------
    Adebayo et al., 2018, https://arxiv.org/abs/1810.03292
    """
    require_feature_map(model)
    return _shuffled_from_above(copy.deepcopy(model), torch.Generator().manual_seed(seed))


def _shuffled_from_above(network: torch.nn.Module, generator: torch.Generator) -> Iterator[tuple[str, torch.nn.Module]]:
    both = [*network.get_submodule("features").children(), *network.get_submodule("classifier").children()]
    layers = [layer for layer in both if list(layer.parameters())]
    for number, layer in reversed(list(enumerate(layers, start=1))):
        for weights in layer.parameters():
            order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
            weights.data.copy_(weights.data.flatten()[order].view_as(weights))
        yield f"{type(layer).__name__.removesuffix('2d').lower()}{number}", copy.deepcopy(network)


def rank_correlation(maps: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Compare the order in which two maps of an image put its pixels: Spearman's rank correlation.

    Parameters
    ----------
    maps : float tensor of shape (N, H, W)
        A map of each image.
    others : float tensor of shape (N, H, W)
        Another map of each image.

    Returns
    -------
    float tensor of shape (N,)
        In [-1, 1]: 1 for the same order, about 0 for unrelated orders, and 0 if a map is constant. Equal values share their
        mean rank.

    Raises
    ------
    ValueError
        For other shapes or dtypes, an empty batch, NaN.
    """
    _check(maps, "maps")
    _check(others, "others", maps.shape)
    ranks, of_others = (torch.stack([_ranks(one) for one in several.detach().cpu().flatten(1)]) for several in (maps, others))
    return F.cosine_similarity(ranks, of_others, dim=1).to(maps.dtype)


def _ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the ranks of `values` (P,), less their mean, as a double tensor (P,). NumPy sorts in a quarter of torch's time."""
    array = values.numpy()
    order = array.argsort()
    ordered = array[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))  # of each group of equal values
    counts = np.diff(np.append(first, len(array)))
    ranks = np.empty(len(array))
    ranks[order] = np.repeat(first + (counts - 1) / 2, counts) - (len(array) - 1) / 2
    return torch.from_numpy(ranks)


# Deletion and insertion


def deletion_curves(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    maps: Mapping[str, torch.Tensor],
    substrate: torch.Tensor,
    parts: Sequence[float] = PARTS,
    progress: bool = True,
) -> dict[str, torch.Tensor]:
    """Replace the most important pixels first: how fast does the label's probability fall?

    An image is replaced in squares of PATCH pixels, in the order of their mean importance.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    maps : dict of str to float tensor of shape (N, H, W)
        {method: its maps}, the larger the more important.
    substrate : float tensor of shape (N, 3, H, W)
        What replaces a square: grey, for example.
    parts : sequence of float
        S rising numbers in [0, 1]: the fractions of the squares that are replaced when the network is run.
    progress : bool
        Show a progress bar (see progress.Bar).

    Returns
    -------
    dict of str to float tensor of shape (N, S)
        {method: the probabilities of the labels}. For a good map they are small.

    Raises
    ------
    ValueError
        For other shapes or dtypes, labels outside [0, C), an empty batch, NaN.

    References
    ----------
    Petsiuk et al., 2018, https://arxiv.org/abs/1806.07421
    """
    X, y, maps, substrate = _checked(X, y, model, maps, substrate, parts)
    return _probabilities("deletion", X, substrate, y, model, maps, parts, progress)


def insertion_curves(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    maps: Mapping[str, torch.Tensor],
    substrate: torch.Tensor,
    parts: Sequence[float] = PARTS,
    progress: bool = True,
) -> dict[str, torch.Tensor]:
    """Start from the substrate and put the most important pixels in first: how fast does the label's probability rise?

    An image is put in by squares of PATCH pixels, in the order of their mean importance.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    maps : dict of str to float tensor of shape (N, H, W)
        {method: its maps}, the larger the more important.
    substrate : float tensor of shape (N, 3, H, W)
        What is there before a square is put in: a blurred image, for example.
    parts : sequence of float
        S rising numbers in [0, 1]: the fractions of the squares that have been put in when the network is run.
    progress : bool
        Show a progress bar (see progress.Bar).

    Returns
    -------
    dict of str to float tensor of shape (N, S)
        {method: the probabilities of the labels}. For a good map they are large.

    Raises
    ------
    ValueError
        For other shapes or dtypes, labels outside [0, C), an empty batch, NaN.

    References
    ----------
    Petsiuk et al., 2018, https://arxiv.org/abs/1806.07421
    """
    X, y, maps, substrate = _checked(X, y, model, maps, substrate, parts)
    return _probabilities("insertion", substrate, X, y, model, maps, parts, progress)


def area_under(curves: torch.Tensor, parts: Sequence[float] = PARTS) -> torch.Tensor:
    """Return the area under each curve.

    Parameters
    ----------
    curves : float tensor of shape (N, S)
        The probabilities at the S parts, which straight lines connect.
    parts : sequence of float
        S rising numbers in [0, 1].

    Returns
    -------
    float tensor of shape (N,)
        In [0, 1].
    """
    return torch.trapezoid(curves, torch.tensor(parts).to(curves), dim=1)


def random_maps(X: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Return maps that put the pixels in random order: what every method should beat.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Images.
    seed : int
        Fixes the order.

    Returns
    -------
    float tensor of shape (N, H, W)
        In [0, 1), in X's dtype and on its device.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(len(X), *X.shape[2:], generator=generator).to(X)


def centre_maps(X: torch.Tensor) -> torch.Tensor:
    """Return maps that look at no pixel: the middle of a photograph is the most important.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Images; only their size matters.

    Returns
    -------
    float tensor of shape (N, H, W)
        The same Gaussian blob for each image, in (0, 1], in X's dtype and on its device.
    """
    rows, columns = (torch.linspace(-1, 1, side) for side in X.shape[2:])
    blob = torch.exp(-2 * (rows[:, None].square() + columns.square()))
    return blob.to(X).expand(len(X), -1, -1)


def _probabilities(
    title: str,
    start: torch.Tensor,
    end: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    maps: Mapping[str, torch.Tensor],
    parts: Sequence[float],
    progress: bool,
) -> dict[str, torch.Tensor]:
    """Return {method: the probabilities of y, (N, S)} on the way from `start` to `end`, the most important squares first."""

    def probability(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(images).softmax(dim=1).gather(1, y[:, None])[:, 0]

    ends: dict[float, torch.Tensor] = {0: probability(start), 1: probability(end)}  # the same for all methods
    curves = {}
    with Bar(len(maps) * len(parts), title, shown=progress) as bar:
        for method, several in maps.items():
            bar.begin(f"{title}, {method}")
            places = _places(several)[:, None]
            squares = int(places.max()) + 1
            points = []
            for part in parts:
                replaced = places < round(part * squares)
                points.append(ends[part] if part in ends else probability(torch.where(replaced, end, start)))
                bar.update()
            curves[method] = torch.stack(points, dim=1)
        bar.begin(title)
    return curves


def _places(maps: torch.Tensor) -> torch.Tensor:
    """Return for each pixel (N, H, W) the place of its square in the order of importance: 0 for the most important."""
    squares = F.avg_pool2d(maps[:, None], PATCH, ceil_mode=True)
    order = squares.flatten(1).argsort(dim=1, descending=True, stable=True)
    places = order.argsort(dim=1).view_as(squares)
    pixels = places.repeat_interleave(PATCH, dim=2).repeat_interleave(PATCH, dim=3)
    return pixels[:, 0, : maps.shape[1], : maps.shape[2]]


def _checked(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    maps: Mapping[str, torch.Tensor],
    substrate: torch.Tensor,
    parts: Sequence[float],
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor], torch.Tensor]:
    """Return copies of X, y, maps and substrate on the model's device, or raise ValueError."""
    with torch.enable_grad():  # these curves need no gradient, so they may be asked for inside torch.no_grad()
        X, y = checked_batch(X, y, model)
    if not isinstance(maps, dict):
        raise ValueError(f'maps is a {type(maps).__name__}; expected a dictionary {{method: maps}}: {{"saliency": saliency}}.')
    for method, several in maps.items():
        _check(several, f"maps[{method!r}]", (len(X), *X.shape[2:]))
    _check(substrate, "substrate", X.shape)
    if not len(parts) or list(parts) != sorted(parts) or not 0 <= parts[0] <= parts[-1] <= 1:
        raise ValueError(f"parts is {parts!r}; expected rising numbers from 0 to 1: (0, 0.5, 1), for example.")
    X = X.detach()
    return X, y, {method: several.detach().to(X) for method, several in maps.items()}, substrate.detach().to(X)


def _check(tensor: torch.Tensor, name: str, shape: Sequence[int] | None = None) -> None:
    """Raise ValueError unless `tensor` is a finite float tensor of `shape`, or, where that is None, holds maps (N, H, W)."""
    wanted = "(N, H, W)" if shape is None else tuple(shape)
    if not isinstance(tensor, torch.Tensor) or not tensor.dtype.is_floating_point:
        raise ValueError(
            f"{name} is a {type(tensor).__name__} of dtype {getattr(tensor, 'dtype', None)}; expected a float tensor {wanted}."
        )
    if (tensor.ndim != 3 or 0 in tensor.shape) if shape is None else tensor.shape != shape:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {wanted}.")
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds values that are NaN or infinite; expected finite numbers only.")

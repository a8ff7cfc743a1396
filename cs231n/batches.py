"""Taking many images in batches that fit in memory."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from .networks import device_of

Result = TypeVar("Result")

IMAGES_AT_ONCE = 8  # but on a CUDA GPU: with more a CPU is no faster (tests/benchmarks/README.md, "Growth")


def in_batches(
    function: Callable[[slice], Result], count: int, device: torch.device, most: int | None = None
) -> Iterator[Result]:
    """Cut `count` images into batches of about equal size that fit in memory, and call a function for each.

    A batch that does not fit in a CUDA GPU's memory is tried again with half as many images.

    Parameters
    ----------
    function : function
        Called with a slice for each batch, in order.
    count : int
        Number of images.
    device : torch.device
        Where the function computes.
    most : int or None
        Images in a batch at most, at least 1. None for all of them on a CUDA GPU and 8 elsewhere.

    Yields
    ------
    object
        What the function returned for the next batch.

    Raises
    ------
    torch.OutOfMemoryError
        If a single image does not fit.
    """
    most = most or (count if device.type == "cuda" else IMAGES_AT_ONCE)
    done = 0
    while done < count:
        left = count - done
        size = -(-left // -(-left // most))  # rounded up, twice: as few batches as can be, then as few images in each
        try:
            result = function(slice(done, done + size))
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            most = -(-size // 2)
        else:
            done += size
            yield result
            continue
        torch.cuda.empty_cache()  # here the error is gone, and with it the tensors that it held on to


def maps_in_batches(
    function: Callable[[torch.Tensor, torch.Tensor, torch.nn.Module], torch.Tensor],
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
) -> torch.Tensor:
    """Compute maps of many images, a batch at a time (see in_batches).

    Parameters
    ----------
    function : function
        Called as `function(X, y, model)`; returns a tensor with one entry per image, as compute_saliency_maps does.
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images, N >= 1.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).

    Returns
    -------
    float tensor of shape (N, ...)
        What function(X, y, model) would return for all images at once, apart from rounding.
    """
    return torch.cat(list(in_batches(lambda part: function(X[part], y[part], model), len(X), device_of(model))))

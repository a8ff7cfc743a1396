"""Taking many images in batches that fit in memory."""

import torch

from .validation import device_of

IMAGES_ON_CPU = 8  # at a time: with more a CPU is no faster (tests/benchmarks/README.md, "Growth"), and memory stays small


def in_batches(function, count, device, most=None):
    """Yield the results of `function`, called with slices that cut `count` images into batches of about equal size.

    device: torch.device on which function works. most: images in a batch, at least 1; by default all of them on a CUDA GPU,
    else 8. A batch for which a GPU's memory does not suffice is tried again with half as many images; if a single one
    does not fit, torch.OutOfMemoryError is raised.
    """
    most = most or (count if device.type == "cuda" else IMAGES_ON_CPU)
    done = 0
    while done < count:
        left = count - done
        size = -(-left // -(-left // most))  # rounded up, twice: as few batches as can be, then as few images in each
        result = _or_none_if_too_large(function, slice(done, done + size))
        if result is not None:
            done += size
            yield result
        elif size == 1:
            raise torch.OutOfMemoryError("One image alone does not fit in this device's memory. Take smaller images, or a CPU.")
        else:
            most = -(-size // 2)
            torch.cuda.empty_cache()


def _or_none_if_too_large(function, part):
    # A function of its own, so that the error, which holds on to the batch's tensors, is gone before the next attempt.
    try:
        return function(part)
    except torch.OutOfMemoryError:
        return None


def maps_in_batches(function, X, y, model):
    """Return function(X, y, model), computed for a batch of the images at a time (see in_batches).

    function: compute_saliency_maps, for example: one that returns a tensor with an entry for each image.
    X: float tensor (N, 3, H, W), N >= 1. y: long tensor (N,). model: network that gives raw scores (N, C).
    """
    return torch.cat(list(in_batches(lambda part: function(X[part], y[part], model), len(X), device_of(model))))

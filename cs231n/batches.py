"""Taking many images in batches that fit in memory."""

import torch

from .validation import device_of

IMAGES_AT_ONCE = 8  # but on a CUDA GPU: with more a CPU is no faster (tests/benchmarks/README.md, "Growth")


def in_batches(function, count, device, most=None):
    """Yield the results of `function`, called with slices that cut `count` images into batches of about equal size.

    device: torch.device on which function works. most: images in a batch, at least 1; by default all of them on a CUDA GPU,
    else 8. A batch for which a CUDA GPU's memory does not suffice is tried again with half as many images. If a single one
    does not fit, PyTorch's torch.OutOfMemoryError comes through.
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


def maps_in_batches(function, X, y, model):
    """Return function(X, y, model), computed for a batch of the images at a time (see in_batches).

    function: compute_saliency_maps, for example: one that returns a tensor with an entry for each image.
    X: float tensor (N, 3, H, W), N >= 1. y: long tensor (N,). model: network that gives raw scores (N, C).
    """
    return torch.cat(list(in_batches(lambda part: function(X[part], y[part], model), len(X), device_of(model))))

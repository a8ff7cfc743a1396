"""The pretrained network: SqueezeNet 1.1 (Iandola et al., 2016, https://arxiv.org/abs/1602.07360) and its weights."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models import SqueezeNet, SqueezeNet1_1_Weights, squeezenet1_1

from .datasets import DATASETS, verified
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from .networks import best_device

CAFFE_MEAN = torch.tensor(
    [123.68, 116.779, 103.939], dtype=torch.double
)  # R, G, B in 0..255: what the authors' network subtracts from its input


def load_squeezenet(
    weights: str | os.PathLike[str] = "authors",
    device: torch.device | str | None = None,
    folder: str | os.PathLike[str] = DATASETS,
) -> SqueezeNet:
    """Return SqueezeNet 1.1 for the 1000 classes of ImageNet, in evaluation mode and with its parameters frozen.

    Parameters
    ----------
    weights : str or os.PathLike
        "authors" (the ones published with the paper, fetched by get_datasets.sh), "torchvision" (trained by torchvision,
        downloaded at the first call) or the path of a state dict.
    device : torch.device, str or None
        Where to put it; None for `best_device()`.
    folder : str or os.PathLike
        Where the authors' weights are.

    Returns
    -------
    torch.nn.Module
        From a float tensor (N, 3, H, W), as `preprocess` makes it, to raw scores (N, 1000), >= 0.

    Raises
    ------
    FileNotFoundError
        For a missing file.
    ValueError
        For a file that is not a state dict of SqueezeNet 1.1.
    ConnectionError
        If torchvision's weights cannot be downloaded.
    """
    state: Mapping[str, Any]
    if weights == "authors":
        state = _read_state_dict(*verified("weights", folder))
    elif weights == "torchvision":
        state = _torchvision_state_dict()
    else:
        state = _read_state_dict(weights)
    model = squeezenet1_1()
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"{weights} holds no weights of SqueezeNet 1.1: {str(error)[:300]}") from None
    if not all(weight.isfinite().all() for weight in model.parameters()):
        raise ValueError(f"{weights} holds weights that are NaN or infinite.")
    model = model.to(device or best_device(), memory_format=torch.channels_last)  # a quarter faster on a CPU
    _hand_out_contiguous_tensors(model)
    return model.eval().requires_grad_(False)


def _hand_out_contiguous_tensors(model: SqueezeNet) -> None:
    """Make the gradients of the images and of the feature map, and the map itself, contiguous, as they are without channels_last.

    Otherwise `gradient.view(len(X), -1)` would raise an error that has nothing to do with what the code is about. The map is
    copied only where code outside of the network gets it, since copying it costs 3 % of a forward and backward pass.
    """
    model.register_forward_pre_hook(_inside)
    model.features.register_forward_pre_hook(_with_contiguous_gradient)
    model.features.register_forward_hook(_contiguous_outside)
    model.features[-1].register_forward_hook(_contiguous_if_watched)
    model.classifier.register_forward_pre_hook(_with_contiguous_gradient)


def _inside(model: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the whole network's input as a tensor of its own, by which `features` knows that the network itself calls it."""
    if not (inputs and isinstance(inputs[0], torch.Tensor)):
        return inputs  # passed by keyword, or something that the first layer refuses
    X = _contiguous_at_backward(inputs[0])
    X.is_inside = True  # type: ignore[attr-defined]
    return (X,)


def _with_contiguous_gradient(part: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return inputs if _is_inside(inputs) else (_contiguous_at_backward(inputs[0]),)


@torch.fx.wrap  # one operation to torchvision's feature extractors, which cannot look at strides
def _contiguous_at_backward(X: torch.Tensor) -> torch.Tensor:
    """Return a view of X whose backward pass makes a strided gradient contiguous.

    Where X itself is strided, so is its gradient, as usual in PyTorch.
    """
    if not isinstance(X, torch.Tensor):
        return X
    return X.flatten(1).unflatten(1, X.shape[1:]) if X.is_contiguous() else X.view_as(X)


def _contiguous_outside(features: nn.Module, inputs: tuple[torch.Tensor, ...], feature_map: torch.Tensor) -> torch.Tensor:
    return feature_map if _is_inside(inputs) and not _is_watched(features) else feature_map.contiguous()


def _contiguous_if_watched(layer: nn.Module, inputs: tuple[torch.Tensor, ...], feature_map: torch.Tensor) -> torch.Tensor:
    return feature_map.contiguous() if _is_watched(layer) else feature_map


def _is_inside(inputs: tuple[Any, ...]) -> bool:
    return isinstance(inputs[0], torch.Tensor) and getattr(inputs[0], "is_inside", False)


def _is_watched(module: nn.Module) -> bool:
    return len(module._forward_hooks) > 1  # the one here, and one more


def convert_keras_weights(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Convert the authors' weights.

    Kernels turn from (kh, kw, in, out) to (out, in, kh, kw). The authors' network expects BGR in 0..255 minus CAFFE_MEAN; since
    `x255 = 255 * (std * x + mean)`, that is folded into the first layer, which has no padding.

    Parameters
    ----------
    path : str or os.PathLike
        A Keras HDF5 file.

    Returns
    -------
    dict of str to float tensor
        A state dict of torchvision's `squeezenet1_1`.
    """
    import h5py  # only needed here, once

    fires = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True))
    layers = {"conv1": "features.0", "conv10": "classifier.1"}
    for fire, index in fires.items():
        layers |= {f"fire{fire}/{part}": f"features.{index}.{part}" for part in ("squeeze1x1", "expand1x1", "expand3x3")}
    state = {}
    with h5py.File(path) as file:
        for keras, ours in layers.items():
            ours = ours.replace("squeeze1x1", "squeeze")
            kernel = torch.from_numpy(file[f"{keras}/{keras}_W:0"][()]).permute(3, 2, 0, 1)
            state[f"{ours}.weight"] = kernel.contiguous()
            state[f"{ours}.bias"] = torch.from_numpy(file[f"{keras}/{keras}_b:0"][()])
    first = "features.0.weight", "features.0.bias"
    state |= zip(first, _with_preprocessing(*(state[name] for name in first)), strict=True)
    return state


def _with_preprocessing(bgr_kernel: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return kernel and bias that give on normalised RGB what `bgr_kernel` and `bias` give on BGR less CAFFE_MEAN."""
    kernel = bgr_kernel.flip(1).double()
    mean, std, caffe_mean = (v.double()[:, None, None] for v in (SQUEEZENET_MEAN, SQUEEZENET_STD, CAFFE_MEAN))
    shift = kernel * (255 * mean - caffe_mean)
    exact_sums = [math.fsum(channel.flatten().tolist()) for channel in shift]  # the same on every machine, for the SHA-256
    return (kernel * 255 * std).float(), (bias.double() + torch.tensor(exact_sums, dtype=torch.double)).float()


def _read_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f'load_squeezenet got weights={path!r}; expected "authors", "torchvision" or the path of a file.')
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'load_squeezenet got weights="{path}"; expected "authors", "torchvision" or an existing file.')
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever a broken file leads it to
        raise ValueError(f"{path} is not a plain state dict of PyTorch ({type(error).__name__}), or it is damaged.") from None


def _torchvision_state_dict() -> Mapping[str, Any]:
    try:
        return SqueezeNet1_1_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True)
    except OSError as error:
        raise ConnectionError(
            f'torchvision\'s weights cannot be downloaded ({error}). load_squeezenet("authors") needs no network.'
        ) from None

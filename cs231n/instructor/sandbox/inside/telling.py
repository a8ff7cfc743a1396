"""What a call of a student's function did, as JSON and arrays."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ....checks import guard
from . import limits


def told_trial(
    trial: guard.Trial, tensors: Mapping[str, torch.Tensor], copies: dict[str, torch.Tensor]
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return a Trial as (JSON, arrays). tensors: that the process was given, by name.

    copies: their values as the grader knows them; updated here for those that changed.
    """
    arrays: list[np.ndarray] = []

    def told(value: Any, deep: bool = True) -> dict[str, Any] | None:
        for name, tensor in tensors.items():
            if value is tensor:
                return {"known": name}
        if isinstance(value, torch.Tensor):
            return _told_tensor(value, arrays)
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "f" and value.size < limits.TENSOR_NUMBERS:
                arrays.append(np.array(value, dtype="<f8" if value.dtype.itemsize > 4 else "<f4"))
                return {"numpy": len(arrays) - 1}
            return {"numpy_of": [str(value.dtype), list(value.shape)]}
        if isinstance(value, tuple) and deep:
            return {"tuple": [told(element, deep=False) for element in value[: limits.TUPLE_ELEMENTS]]}
        return None if value is None else {"other": type(value).__name__[: limits.NAME_CHARACTERS]}

    after: dict[str, dict[str, Any]] = {}
    content: dict[str, Any] = {
        "value": told(trial.value),
        "error": _told_error(trial),
        "calls": trial.calls,
        "changed": sorted(trial.changed),
        "patched": trial.patched[: limits.PATCHED_NAMES],
        "left_behind": trial.left_behind,
        "after": after,
    }
    for name, tensor in tensors.items():
        if not _is_unchanged(tensor, copies[name]):
            after[name] = _told_tensor(tensor, arrays)
            copies[name] = copied(tensor)
    content["way"] = [len(arrays), len(trial.way)]
    arrays += [np.asarray(seen, dtype="<f4") for seen in trial.way]
    return content, arrays


def copied(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy of a tensor; where that is not possible one that equals nothing."""
    with contextlib.suppress(Exception):
        return tensor.detach().clone()
    return torch.tensor(np.nan)


def _is_unchanged(tensor: torch.Tensor, copy: torch.Tensor) -> bool:
    with contextlib.suppress(Exception):  # sparse, meta, of another device, or of a class of its own
        return tensor.dtype == copy.dtype and torch.equal(tensor.detach(), copy)
    return False


def _told_tensor(tensor: torch.Tensor, arrays: list[np.ndarray]) -> dict[str, Any]:
    shape, dtype = [int(size) for size in tensor.shape], str(tensor.dtype).removeprefix("torch.")
    told: dict[str, Any] = {"tensor": None, "shape": shape, "dtype": dtype}
    if tensor.dtype == torch.long and tensor.numel() < limits.LABELS:
        return {**told, "values": tensor.flatten().tolist()}
    if tensor.dtype.is_floating_point and tensor.numel() < limits.TENSOR_NUMBERS:
        with contextlib.suppress(Exception):  # sparse, meta, or of a class of its own
            precise = torch.float64 if tensor.dtype == torch.float64 else torch.float32
            arrays.append(tensor.detach().to("cpu", precise).resolve_neg().numpy())
            told["tensor"] = len(arrays) - 1
    return told


def _told_error(trial: guard.Trial) -> dict[str, Any] | None:
    error = trial.error
    if error is None:
        return None
    try:
        said = " ".join(str(error).split())[: limits.ERROR_CHARACTERS]
    except Exception:  # an exception's own text can raise one
        said = ""
    kind = next((kind for kind in ("TimeIsUp", "TooManyCalls") if isinstance(error, getattr(guard, kind))), None)
    kind = "NotImplementedError" if type(error) is NotImplementedError else kind
    return {"kind": kind, "name": type(error).__name__[: limits.NAME_CHARACTERS], "said": said, "where": trial.where}

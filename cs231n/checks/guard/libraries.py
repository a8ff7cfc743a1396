"""Functions and classes of torch, NumPy and Python that a call replaces: named, and put back."""

import builtins
import contextlib
import operator
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ..networks import SmallNetwork, TwoPartNetwork

Library = ModuleType | type

WATCHED: tuple[Library, ...] = (
    *(builtins, random, time, np, np.linalg, np.random, torch, torch.nn.functional, torch.autograd, torch.linalg),
    *(torch.Tensor, SmallNetwork, TwoPartNetwork),
    *(kind for module in (torch.nn, torch.optim) for kind in vars(module).values() if isinstance(kind, type)),
)


@contextlib.contextmanager
def restored(patched: list[str]) -> Iterator[None]:
    """Put back what is watched of the libraries. patched: list to which the names of what was replaced are added."""
    libraries = [(library, vars(library).copy()) for library in WATCHED]
    try:
        yield
    finally:
        patched += _restore_libraries(libraries)


def _restore_libraries(libraries: Iterable[tuple[Library, Mapping[str, Any]]]) -> list[str]:
    patched = []
    for library, before in libraries:
        if _is_untouched(vars(library), before):
            continue
        for name, value in before.items():
            now = vars(library).get(name)
            if now is not value and not _wrapped_by_itself(library, name, now) and not _by_the_compiler(name, now):
                patched.append(f"{library.__name__}.{name}")
                setattr(library, name, value)
        for name in (vars(library).keys() - before.keys()) if isinstance(library, type) else ():
            inherited = getattr(super(library, library), name, None)
            if _by_the_compiler(name, vars(library)[name], inherited):
                continue
            patched.append(f"{library.__name__}.{name}")  # it hides what the class inherits
            delattr(library, name)
    return patched


def _is_untouched(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Return whether two mappings hold the same names and the very same objects, in the same order; no value is compared."""
    same_objects = len(now) == len(before) and all(map(operator.is_, now.values(), before.values()))
    return same_objects and all(map(operator.eq, now, before))


def _wrapped_by_itself(library: Library, name: str, value: Any) -> bool:
    """Return whether a library put `value` there itself: torch wraps some of its functions when a part of it is first used."""
    if isinstance(value, type):
        return value.__module__.split(".")[0] == "torch"  # torch.Storage follows the default dtype
    home = library.__module__ if isinstance(library, type) else library.__name__
    own = str(getattr(value, "__module__", "")).split(".")[0] == home.split(".")[0]
    return own and getattr(value, "__name__", None) == name


def _by_the_compiler(name: str, value: Any, inherited: Any = None) -> bool:
    """Return whether torch.compile put `value` there, at its first use: into torch.nn.Module, and around optimisers' methods.

    inherited: what the class has under this name without it.
    """
    of_its_own = str(getattr(value, "__module__", "")).startswith("torch._dynamo")
    around = inherited is not None and getattr(value, "_torchdynamo_orig_callable", None) is inherited
    return of_its_own or around or (name == "___needs_generation_tag_patch" and value is False)

"""How near what came out on SqueezeNet is to what is known."""

from collections.abc import Iterator
from typing import Any

import numpy as np

CLOSE = 0.02  # relative: what rounding does in SqueezeNet's depth is a tenth of that
CLOSE_LATER = 0.1  # the same from the second step on: each starts where rounding led the one before
ROUNDING = 2e-5  # length of what float32 rounds away when a photograph is changed; ten times as much can be recognised

Aliases = tuple[tuple[str, str], ...]  # ((as it was named, as it is known), ...)


def off(found: np.ndarray, known: np.ndarray) -> float:
    """Return ||found - known|| / ||known||; inf if that is no number, or if the two have different shapes."""
    if found.shape != known.shape:
        return np.inf
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.linalg.norm(found - known) / np.linalg.norm(known), nan=np.inf))


def equal(found: np.ndarray, known: np.ndarray) -> bool:
    """Return whether arrays are equal except for rounding; nothing equals what is not finite, or 0 everywhere."""
    return off(found, double(known)) <= CLOSE


def equal_changes(found: np.ndarray, known: np.ndarray) -> bool:
    """Return whether the changes of an image on a way are those known, as far as both are finite: at least the first one."""
    pairs = list(zip(found, double(known), strict=False))
    finite = [bool(np.isfinite(a).all() and np.isfinite(b).all()) for a, b in pairs]
    pairs = pairs[: finite.index(False)] if False in finite else pairs
    limits = [CLOSE, *([CLOSE_LATER] * len(pairs))]
    return bool(pairs) and all(
        np.linalg.norm(b) > 10 * ROUNDING and np.linalg.norm(a - b) <= limit * np.linalg.norm(b) + ROUNDING
        for (a, b), limit in zip(pairs, limits, strict=False)
    )


def along(found: np.ndarray, known: np.ndarray, limit: float = CLOSE) -> bool:
    """Return whether an array is a positive multiple of a known one."""
    known = double(known)
    if found.shape != known.shape or not known.any():
        return False
    factor = (found * known).sum() / np.square(known).sum()
    return bool(factor > 0 and off(found, factor * known) <= limit)


def each_along(found: np.ndarray, known: np.ndarray) -> bool:
    """Return whether each image's result is a positive multiple of the known one, which can be 0 for some images."""
    known = double(known)
    alive = [n for n in range(len(known)) if known[n].any()]
    return found.shape == known.shape and bool(alive) and all(along(found[n], known[n]) for n in alive)


def double(array: Any) -> np.ndarray:
    """Return an array of float64."""
    return np.asarray(array, dtype=np.float64)


def spelt(ids: frozenset[str], aliases: Aliases) -> Iterator[frozenset[str]]:
    """Yield the ids as the known mistakes have them: as they are, then other names for the same.

    aliases: ((as it was named, as it is known), ...).
    """
    yield ids
    for named, known in aliases:
        if named in ids:
            yield ids - {named} | {known}

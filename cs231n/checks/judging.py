"""What the checks have in common: from a trial to a report."""

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from .explanations import meaning_of
from .fingerprints import TOLERANCE
from .guard import TimeIsUp, TooManyCalls, Trial
from .report import Report, Verdict

SIDE_EFFECTS = ("library-patched", "weights-changed", "mode-changed", "input-changed", "wrong-type")
SPOILING = {"library-patched", "weights-changed", "mode-changed"}  # after these, no other mistake can be named for sure
NOTED = (
    "prints",
    "changes-random-state",
    "changes-settings",
    "changes-model-gradients",
    "returns-numpy",
    "other-dtype",
    "other-device",
)


def problem(exercise: str, trial: Trial, where: str) -> Report | None:
    """Return the Report of a call that came to no result: not written, broken, without end; else None.

    where: what the call was about, for the message: "5 images of 8 x 11 pixels".
    """
    error = trial.error
    if _is_stub(error, trial.where):
        return Report(exercise, Verdict.UNFINISHED)
    if isinstance(error, TimeIsUp):
        seen = f"It did not return within a few seconds ({where}); by then it had called the network {trial.calls} times. "
        seen += "It could not be stopped: restart the kernel." if trial.left_behind else "It was stopped."
        return Report(exercise, Verdict.WRONG, ["never-returns"], evidence=[seen])
    if isinstance(error, TooManyCalls):
        seen = f"It was stopped after calling the network {trial.calls} times ({where})."
        return Report(exercise, Verdict.WRONG, ["too-many-network-calls"], evidence=[seen])
    if error is not None:
        return Report(exercise, Verdict.BROKEN, evidence=broken(error, trial.where, where))
    return None


def _is_stub(error: BaseException | None, line: tuple[str, int, str] | None) -> bool:
    """Return whether the student's own line raises NotImplementedError; torch raises it, too, for what it cannot do."""
    return type(error) is NotImplementedError and (line is None or not line[2] or "NotImplementedError" in line[2])


def broken(error: BaseException, line: tuple[str, int, str] | None, where: str) -> list[str]:
    """Return the sentences about an error: the student's own line, what was raised, what it means."""
    try:
        said = textwrap.shorten(str(error), 300, placeholder=" ...")
    except Exception:  # an exception's own text can raise one
        said = ""
    evidence = [f"{type(error).__name__}: {said}" if said else type(error).__name__]
    if line is not None:
        file, number, text = line
        evidence.insert(0, f"{_place(file)}line {number}: {text}")
    meaning = meaning_of(type(error).__name__, said, own_line=line is not None)
    if meaning:
        evidence.append(meaning)
    if where:
        evidence.append(f"This happened with {where}.")
    return evidence


def _place(file: str) -> str:
    """Name a file, but not the temporary one in which a notebook keeps a cell."""
    return "" if "ipykernel" in file or file.startswith("<") else f"{file.rsplit('/', 1)[-1]}, "


def side_effects(trials: Iterable[Trial]) -> tuple[list[str], list[str]]:
    """Return (mistakes, notes): the ids of what the calls changed that is not theirs to change."""
    trials = list(trials)
    changed: set[str] = set().union(*(trial.changed for trial in trials))
    if any(trial.patched for trial in trials):
        changed.add("library-patched")
    return [name for name in SIDE_EFFECTS if name in changed], [name for name in NOTED if name in changed]


def as_array(trial: Trial, value: Any, like: torch.Tensor) -> np.ndarray | None:
    """Return a student's tensor as an array of float64, or None if it is none; remarks go to trial.changed.

    like: the tensor whose dtype and device are expected.
    """
    if isinstance(value, np.ndarray):
        trial.changed.add("returns-numpy")
        value = (
            torch.from_numpy(value.astype(np.float64 if value.dtype.itemsize > 4 else np.float32))
            if value.dtype.kind == "f"
            else None
        )
    if not isinstance(value, torch.Tensor) or not value.dtype.is_floating_point:
        return None
    try:
        array = value.detach().to("cpu", torch.float64).resolve_neg().numpy()
    except Exception:  # sparse, nested, meta, or of a class of its own
        return None
    if value.dtype != like.dtype:
        trial.changed.add("other-dtype")
    if value.device != like.device and "returns-numpy" not in trial.changed:
        trial.changed.add("other-device")
    return array


def kind(value: Any) -> str:
    """Describe a value in a few words."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {'tensor' if isinstance(value, torch.Tensor) else 'NumPy array'} of shape {tuple(value.shape)}, dtype {dtype}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} things (torch.max along a dimension returns two: the values and their indices)"
    return f"a {type(value).__name__}"


def relative_error(found: np.ndarray, expected: np.ndarray, scale: np.ndarray | None = None) -> float:
    """Return ||found - expected|| / ||scale||, where scale is `expected` unless given; inf if it is not finite."""
    size = max(float(np.linalg.norm(expected if scale is None else scale)), 1e-6)
    return float(np.nan_to_num(np.linalg.norm(found - expected) / size, nan=np.inf))


def same(found: np.ndarray, expected: np.ndarray, scale: np.ndarray | None = None) -> bool:
    """Return whether two arrays are equal apart from rounding."""
    return relative_error(found, expected, scale) < TOLERANCE


def percent(error: float) -> str:
    """Say a relative error in per cent."""
    return f"{100 * error:.0f}%" if error < 10 else "more than 1000%"


def compared(mine: np.ndarray, due: np.ndarray) -> str:
    """Say how the length and the direction of a change differ from those that are expected."""
    lengths = f"length {np.linalg.norm(mine):.3g}, expected {np.linalg.norm(due):.3g}"
    degrees = angle(mine, due)
    return lengths if np.isnan(degrees) else f"{lengths}; the angle between them is {degrees:.1f} degrees"


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Return the angle between two arrays as vectors, in degrees; NaN if one of them has no direction."""
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if not (np.isfinite(lengths) and lengths > 0):
        return np.nan
    return float(np.degrees(np.arccos(np.clip((a * b).sum() / lengths, -1, 1))))

"""Run a student's function once, on a case: with limits, and so that afterwards everything is as it was before.

limits: of time. settings, random_states, libraries: what is put back.
"""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...assignment import assignment
from ..networks import SmallNetwork
from . import libraries, random_states, settings
from .limits import Stopped, TimeIsUp, within
from .settings import exit_raises, own_settings

__all__ = [
    "CALLS",
    "SECONDS",
    "Stopped",
    "TimeIsUp",
    "TooManyCalls",
    "Trial",
    "exit_raises",
    "gradient_of",
    "own_settings",
    "run",
    "student_line",
    "within",
]

PACKAGE = Path(__file__).resolve().parents[2]
OF_STUDENTS = {f"{exercise.module}.py" for exercise in assignment().exercises}  # what they may write there
SECONDS = 4.0  # of computing; a call on a small network takes a few hundredths of a second
CALLS = 150  # forward passes of one call; the longest way of a right answer takes 38 steps, with perhaps three a step


class TooManyCalls(Stopped):
    """Ends a call that calls the network again and again."""


@dataclass
class Trial:
    """What happened in one call of a student's function.

    Parameters
    ----------
    network : torch.nn.Module, optional
        The one that it was given.
    value : object
        What it returned.
    error : BaseException, optional
        What it raised.
    calls : int
        Forward passes.
    way : list of np.ndarray
        What the network was given, in order: (N, 3, H, W).
    left_behind : bool
        Whether it could not be ended and goes on beside everything else.
    changed : set of str
        Ids of notes and mistakes.
    patched : list of str
        Names in torch and numpy that were replaced.
    """

    network: torch.nn.Module | None
    value: Any = None
    error: BaseException | None = None
    calls: int = 0
    way: list[np.ndarray] = field(default_factory=list)
    left_behind: bool = False
    changed: set[str] = field(default_factory=set)
    patched: list[str] = field(default_factory=list)

    @property
    def where(self) -> tuple[str, int, str] | None:
        """(file, number, text) of the student's own line that raised the error, or None."""
        return student_line(self.error) if self.error else None


def run(
    function: Callable,
    *arguments: Any,
    network: SmallNetwork | None,
    calls: int = CALLS,
    seconds: float | None = None,
    differentiate: bool = False,
) -> Trial:
    """Call function(*arguments) and return its Trial. Nothing is raised but KeyboardInterrupt.

    With a network or tensors on a GPU the function is called on the CPU first, with copies, and the Trial is that one if it
    was stopped or indexed out of range: on CUDA such an index ends the use of the GPU until the kernel is restarted.

    Parameters
    ----------
    function : callable
        The student's.
    network : SmallNetwork, optional
        The one among the arguments, made for this call alone, or another that calls its `on_call` as well; None if there is none.
    calls : int
        After how many forward passes it is stopped.
    seconds : float, optional
        After how much computing it is stopped; SECONDS by default.
    differentiate : bool
        Whether the value is not the result but its `gradient_of`, with respect to the first argument.
    """
    called = partial(_run, function, calls=calls, seconds=seconds, differentiate=differentiate)
    if any(_is_on_cuda(argument) for argument in arguments):
        on_cpu, network_on_cpu = _copies_on_cpu(arguments, network)
        trial = called(*on_cpu, network=network_on_cpu)
        if _would_end_cuda(trial.error):
            return trial
    return called(*arguments, network=network)


def _is_on_cuda(argument: Any) -> bool:
    tensors: Iterable[Any] = argument.parameters() if isinstance(argument, torch.nn.Module) else [argument]
    return any(tensor.is_cuda for tensor in tensors if isinstance(tensor, torch.Tensor))


def _copies_on_cpu(arguments: Iterable[Any], network: SmallNetwork | None) -> tuple[list[Any], SmallNetwork | None]:
    """Return (arguments, network) as copies on the CPU; the network among the arguments is the one beside them."""
    copied = copy.deepcopy(network).cpu() if network is not None else None

    def on_cpu(argument: Any) -> Any:
        if argument is network:
            return copied
        if isinstance(argument, torch.Tensor):
            return argument.detach().cpu().clone().requires_grad_(argument.requires_grad)
        return argument

    return [on_cpu(argument) for argument in arguments], copied


def _would_end_cuda(error: BaseException | None) -> bool:
    """Return whether a call that ended with this error on the CPU need not, or must not, be tried on a GPU."""
    return isinstance(error, (Stopped, IndexError)) or (isinstance(error, RuntimeError) and "out of bounds" in str(error))


def _run(
    function: Callable, *arguments: Any, network: SmallNetwork | None, calls: int, seconds: float | None, differentiate: bool
) -> Trial:
    """Return the Trial of one call: see run."""
    trial, output, over = Trial(network), _Output(), threading.Event()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()} if network is not None else {}

    def on_call(X: torch.Tensor, scores: torch.Tensor) -> None:
        if over.is_set():
            threading.Event().wait()  # nobody waits for this thread any more: it rests here
        if trial.calls >= calls:
            raise TooManyCalls
        trial.calls += 1
        with contextlib.suppress(RuntimeError):  # inside of torch.func a tensor's values cannot be read
            trial.way.append(X.detach().cpu().numpy().copy())

    if network is not None:
        network.on_call = on_call
    with contextlib.ExitStack() as stack:
        stack.enter_context(exit_raises())
        stack.enter_context(settings.restored(trial.changed.add))
        stack.enter_context(random_states.restored(trial.changed.add))
        stack.enter_context(libraries.restored(trial.patched))  # put back first: what looks at the rest may be patched
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(output))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            called = (lambda *given: gradient_of(function(*given), given[0])) if differentiate else function
            trial.value = within(seconds or SECONDS, settings.noting(called, trial.changed.add), arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: it is the student's function that ends, not the notebook
            trial.error = error
            trial.left_behind = isinstance(error, TimeIsUp) and error.left_behind
        finally:
            over.set()
    if output.used:
        trial.changed.add("prints")
    if network is not None:
        if not trial.left_behind:
            network.on_call = None
        _compare_network(trial, network, before)
    return trial


def gradient_of(result: Any, argument: torch.Tensor) -> torch.Tensor | None:
    """Return the gradient of a weighted sum of a function's result with respect to an argument, or None if it has none."""
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return None
    weights = torch.arange(result.numel(), device=result.device).cos().view_as(result)
    return torch.autograd.grad(result, argument, weights.to(result.dtype), allow_unused=True)[0]


def student_line(error: BaseException) -> tuple[str, int, str] | None:
    """Return (file, number, text) of the last line of an error's traceback outside of libraries and of this package."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
        and "dist-packages" not in frame.filename
        and not frame.filename.startswith((str(Path(torch.__file__).parent), "<frozen", str(Path(threading.__file__).parent)))
        and (Path(frame.filename).parent != PACKAGE or Path(frame.filename).name in OF_STUDENTS)
        and not Path(frame.filename).is_relative_to(PACKAGE / "checks")
    ]
    if not own:
        return None
    file, number = own[-1].filename, own[-1].lineno or 0
    return file, number, (own[-1].line or linecache.getline(file, number)).strip()


class _Output(io.TextIOBase):
    """Takes what is printed, and keeps nothing of it but whether there was any."""

    used = False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.used = True
        return len(text)


def _compare_network(trial: Trial, network: SmallNetwork, before: Mapping[str, torch.Tensor]) -> None:
    weights = dict(network.named_parameters())
    changed = {name for name, tensor in network.state_dict().items() if not _equal(tensor, before.get(name))}
    trained = any(module.training for module in network.modules()) or any("num_batches" in name for name in changed)
    if trained:
        trial.changed.add("mode-changed")  # in training mode batch normalisation writes its buffers
    if changed & weights.keys() or before.keys() != network.state_dict().keys() or (changed and not trained):
        trial.changed.add("weights-changed")
    if any(weight.requires_grad or weight.grad is not None for weight in weights.values()):
        trial.changed.add("changes-model-gradients")


def _equal(tensor: torch.Tensor, before: torch.Tensor | None) -> bool:
    return before is not None and tensor.dtype == before.dtype and torch.equal(tensor.to(before.device), before)
